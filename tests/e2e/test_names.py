"""Containers by the names that their runtimes and the kubelet leave on the node."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess

from container import MEMORY, Container
from named_container import LABELS, NAMESPACE, POD, NamedContainerTest
from programs import KNELL, await_observing, wait_until
from support import requires


def no_process_is_in_a_pod() -> bool:
    for path in pathlib.Path("/proc").glob("[0-9]*/cgroup"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # reaped meanwhile
            if "/kubepods/" in path.read_text():
                return False
    return True


@requires("runc")
class Names(NamedContainerTest):

    def link_log(self, container: Container) -> None:
        """What the kubelet does soon after the start of a container."""
        (self.logs / "containers" / f"{POD}_{NAMESPACE}_worker-{container.id}.log").symlink_to("/dev/null")

    def where_containerd_is(self, *arguments) -> list:
        """A `knell` command that finds our directory where containerd has its own: in a mount namespace with a /run to which
        it is added, so that the machine gets none."""
        script = ('mount -t tmpfs tmpfs /run && mkdir /run/containerd && mount --bind "$1" /run/containerd && shift && '
                  'exec "$@"')
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", self.containerd, KNELL,
                *arguments]

    def test_deaths_have_namespace_pod_and_container(self):
        events = self.directory / "events"
        agent = self.start_agent(self.config("metrics: {pod_label: true}\n"
                                             f"exporters: {{jsonl: {{path: {events}, reasons: []}}}}\n"))
        container = self.make_container("sleep")
        self.describe(container)
        run, pid = self.start_container(container, agent)
        zero = agent.await_series(**LABELS, pod=POD)
        self.assertEqual(zero.sum("knell_process_exits_total", **LABELS, reason="signal"), 0)
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(run.wait(), 128 + signal.SIGKILL)
        metrics = agent.await_sum(1, "knell_process_exits_total", **LABELS, pod=POD, reason="signal")
        self.assertEqual(metrics.values("knell_process_exits_total", container=container.label), [])
        death = self.await_death(events, pid)
        self.assertEqual((death["namespace"], death["pod"], death["container"]), (NAMESPACE, POD, "worker"))
        self.assertIn(container.id, death["cgroup"])

    def test_a_child_is_killed_in_a_container_that_lives_on(self):
        agent, container = self.start_agent(self.config()), self.make_container("sleep")
        self.describe(container)
        run, _ = self.start_container(container, agent)
        zero = agent.await_series(**LABELS)
        self.assertEqual(zero.value("knell_oom_kills_total", **LABELS, scope="memcg"), 0)
        greedy = self.start(container.exec_command("eat-memory", str(2 * MEMORY >> 20)))
        self.assertEqual(greedy.wait(), 128 + signal.SIGKILL)
        metrics = agent.await_sum(1, "knell_process_exits_total", **LABELS, reason="oom_kill")
        self.assertEqual(metrics.value("knell_oom_kills_total", **LABELS, scope="memcg"), 1)
        crash = self.start(container.exec_command("segv"))
        self.assertEqual(crash.wait(), 128 + signal.SIGSEGV)
        agent.await_sum(1, "knell_process_exits_total", **LABELS, reason="crash")
        self.assertTrue(run.running)

    def test_sandboxes_are_told_apart(self):
        agent, container = self.start_agent(self.config()), self.make_container("sleep")
        self.describe(container, "sandbox")
        self.start_container(container, agent)
        metrics = agent.await_series(namespace=NAMESPACE, container="POD")
        self.assertEqual(metrics.values("knell_process_exits_total", **LABELS), [])

    def test_a_name_may_come_late(self):
        agent, container = self.start_agent(self.config()), self.make_container("sleep")
        _, pid = self.start_container(container, agent)
        agent.await_series(container=container.label)
        self.link_log(container)

        def named():
            self.die("exit", "0")  # an idle agent looks for nothing
            return agent.scrape().values("knell_process_exits_total", **LABELS)

        wait_until(named, "the name")
        os.kill(pid, signal.SIGKILL)
        metrics = agent.await_sum(1, "knell_process_exits_total", **LABELS, reason="signal")
        self.assertEqual(metrics.sum("knell_process_exits_total", container=container.label, reason="signal"), 0)

    def test_what_has_no_name_is_counted(self):
        # Init takes its time to reap what other tests' containers left; an agent that starts meanwhile finds that.
        wait_until(no_process_is_in_a_pod, "all containers to be gone")
        agent, container = self.start_agent(self.config()), self.make_container("sleep")
        run, pid = self.start_container(container, agent)
        os.kill(pid, signal.SIGKILL)
        run.wait()

        def given_up():
            self.die("exit", "0")
            return agent.scrape().value("knell_unnamed_containers_total", why="no_metadata")

        self.assertEqual(wait_until(given_up, "the search to end"), 1)
        self.assertTrue(agent.scrape().values("knell_process_exits_total", container=container.label))

    def test_trace_shows_and_selects_them(self):
        container = self.make_container("sleep")
        self.describe(container)
        trace = self.start(self.where_containerd_is("trace", "--container", "worker"))
        await_observing(trace)
        _, pid = self.start_container(container, trace)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: f"{NAMESPACE}/{POD}/worker" in trace.stdout, "the death")

    def test_doctor_says_where_names_come_from(self):
        told = subprocess.run(self.where_containerd_is("doctor", "--json"), capture_output=True, text=True, check=True)
        self.assertIn("/run/containerd", json.loads(told.stdout)["node"]["container_names"])
