"""deploy/prometheus as it is, in a real Prometheus: deaths in a container become alerts about that container."""

import signal

from container import MEMORY
from named_container import LABELS, POD, NamedContainerTest
from programs import wait_until
from prometheus import PrometheusTest
from support import requires


@requires("prometheus", "runc")
class Alerts(NamedContainerTest, PrometheusTest):

    def setUp(self):
        super().setUp()
        self.agent = self.start_agent(self.config("metrics: {pod_label: true}\n"))
        self.container = self.make_container("sleep")
        self.describe(self.container)
        self.runtime, _ = self.start_container(self.container, self.agent)
        # A target of the operator's has such labels, too: they are the agent's.
        self.prometheus = self.start_prometheus(self.agent, rules=True, namespace="monitoring", pod="knell-8x4fz", container="knell")

    def firing(self, name: str) -> list[dict]:
        return [alert for alert in self.prometheus.ask("alerts")["alerts"]
                if alert["labels"]["alertname"] == name and alert["state"] == "firing"
                and LABELS.items() <= alert["labels"].items()]

    def test_out_of_memory_in_a_container_that_lives_on(self):
        count = f'knell_oom_kills_total{{namespace="shop",container="worker",pod="{POD}",scope="memcg"}}'
        self.prometheus.await_value(count, 0)
        self.assertEqual(self.firing("KnellOOMKilled"), [])
        greedy = self.start(self.container.exec_command("eat-memory", str(2 * MEMORY >> 20)))
        self.assertEqual(greedy.wait(), 128 + signal.SIGKILL)
        (alert,) = wait_until(lambda: self.firing("KnellOOMKilled"), "the alert")
        self.assertEqual(alert["labels"]["pod"], POD)
        self.assertEqual(alert["labels"]["severity"], "warning")
        self.assertEqual(alert["annotations"]["summary"], "shop/worker: OOM kill (memcg)")
        self.assertEqual(alert["annotations"]["runbook_url"], "docs/runbook.md#knelloomkilled")
        self.assertTrue(self.runtime.running)

    def test_a_crash_loop_of_workers(self):
        self.start(self.container.exec_command("segv")).wait()
        # A signal has no series before its first death: of the agents that Prometheus knew by then, that would count.
        self.prometheus.await_value('sum(knell_process_kills_total{container="worker",signal="SIGSEGV"})', 1)
        self.assertEqual(self.firing("KnellCrashLooping"), [])
        self.assertEqual(self.start(self.container.exec_command("storm", "5", "segv")).wait(), 0)
        (alert,) = wait_until(lambda: self.firing("KnellCrashLooping"), "the alert")
        self.assertEqual(alert["annotations"]["summary"], "shop/worker: crashes again and again (SIGSEGV)")
        self.assertTrue(self.runtime.running)

    def test_every_rule_works(self):
        def evaluated():
            rules = [rule for group in self.prometheus.ask("rules")["groups"] for rule in group["rules"]]
            return all(rule["health"] != "unknown" for rule in rules) and rules

        rules = wait_until(evaluated, "all rules to be evaluated")
        self.assertEqual([rule for rule in rules if rule["health"] != "ok"], [])
        # Processes of the host have an empty namespace of their own, which the target's does not fill.
        deaths = 'count(knell_process_exits_total{{namespace="{}",reason="success"}})'
        wait_until(lambda: self.prometheus.query(deaths.format("")), "series of the host")
        self.assertIsNone(self.prometheus.query(deaths.format("monitoring")))
