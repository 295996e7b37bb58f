"""The Grafana dashboard against a real Prometheus, after deaths of every kind that it shows: no panel is empty."""

import json
import math
import os
import re
import signal
import time

from container import MEMORY
from named_container import LABELS, NAMESPACE, NamedContainerTest
from programs import await_watched, wait_until
from prometheus import DEPLOY, RULES, PrometheusTest
from support import requires

DASHBOARD = json.loads((DEPLOY / "grafana" / "knell.json").read_text())
VARIABLES = [variable for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"]


def expanded(expression: str) -> str:
    """As Grafana sends it, where all values of each variable are selected."""
    values = {variable["name"]: variable["allValue"] for variable in VARIABLES}
    values |= {"__rate_interval": "30s", "__range": "2m"}
    return re.sub(r"\$(\w+)", lambda match: values[match[1]], expression)


@requires("prometheus", "runc")
class Dashboard(NamedContainerTest, PrometheusTest):

    def setUp(self):
        super().setUp()
        self.begin = time.time()
        self.agent = self.start_agent(self.config())
        self.container = self.make_container("term-ignore")
        self.describe(self.container)
        self.runtime, self.init = self.start_container(self.container, self.agent)
        self.prometheus = self.start_prometheus(self.agent, rules=True, cluster="test")
        self.prometheus.await_value('sum(knell_process_exits_total{container="worker",reason="oom_kill"})', 0)

    def stage_deaths(self) -> None:
        """A container whose processes fault, fail and eat memory, until it is asked to stop, does not, and is killed. And a
        zombie, which stays."""
        for way in [("segv",), ("exit", "127"), ("eat-memory", str(2 * MEMORY >> 20))]:
            self.start(self.container.exec_command(*way)).wait()
        self.container.kill("TERM")
        os.kill(self.init, signal.SIGKILL)
        self.runtime.wait()
        sleepers = self.start_sleepers(1, self.make_unit())
        child = int(sleepers.await_line(r"^child (\d+)$")[1])
        await_watched(self.agent, child)
        os.kill(child, signal.SIGKILL)
        for count in ["knell_exit_reap_seconds_count", "knell_termination_seconds_count"]:
            wait_until(lambda: self.prometheus.query(f'sum({count}{{container="worker"}})'), count)
        wait_until(lambda: self.prometheus.query("sum(knell_zombie_oldest_seconds)"), "the zombie")

    def ask(self, target: dict) -> list[dict]:
        """The series that a panel gets."""
        expression = expanded(target["expr"])
        if target["instant"]:
            found = self.prometheus.ask("query", query=expression)["result"]
            return [{"metric": series["metric"], "values": [series["value"]]} for series in found]
        return self.prometheus.ask("query_range", query=expression, start=self.begin, end=time.time(), step=1)["result"]

    def await_values(self, target: dict, quiet: bool) -> list[dict]:
        """The same, once there are values in it. `quiet`: zeros are, too."""

        def answered():
            found = self.ask(target)
            values = [float(value) for series in found for _, value in series["values"]]
            return found if any(math.isfinite(value) and (quiet or value > 0) for value in values) else None

        return wait_until(answered, "values")

    def check_panels(self) -> None:
        quiet = False
        for panel in DASHBOARD["panels"]:
            if panel["type"] == "row":
                quiet = panel["title"] == "Agent"  # losses are to be zero
                continue
            for target in panel["targets"]:
                with self.subTest(panel=panel["title"], query=target["expr"]):
                    found = self.await_values(target, quiet)
                    if panel["type"] == "table":
                        columns = set(panel["transformations"][0]["options"]["indexByName"]) - {"Value"}
                        self.assertEqual(columns, {label for series in found for label in series["metric"]})

    def check_variables(self) -> None:
        wanted = {"job": "knell", "cluster": "test", "namespace": NAMESPACE}
        for variable in VARIABLES:
            with self.subTest(variable["name"]):
                metric, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
                values = self.prometheus.ask(f"label/{label}/values", **{"match[]": expanded(metric)})
                self.assertTrue(values)
                self.assertIn(wanted.get(label, values[0]), values)

    def check_annotation(self) -> None:
        (annotation,) = DASHBOARD["annotations"]["list"]
        marked = self.await_values(annotation | {"instant": False}, quiet=False)
        self.assertEqual({series["metric"]["alertname"] for series in marked
                          if LABELS.items() <= series["metric"].items()}, {"KnellOOMKilled"})

    def check_rules(self) -> None:
        """Of all metrics that rules and alerts look at there are series."""
        names = set(re.findall(r"(?<![:\w])knell_\w+", "".join(path.read_text() for path in RULES)))
        for name in names:
            with self.subTest(name):
                self.assertIsNotNone(self.prometheus.query(f"count({name})"))

    def test_nothing_is_empty(self):
        self.stage_deaths()
        self.check_rules()
        self.check_panels()
        self.check_variables()
        self.check_annotation()
