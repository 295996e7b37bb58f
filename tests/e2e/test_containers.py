"""Deaths in containers: told with the container, and with who or what killed them."""

import os
import signal

from container import MEMORY, Container, ContainerTest
from support import requires


@requires("runc")
class Containers(ContainerTest):

    def check_place(self, death: dict, container: Container) -> None:
        self.assertEqual(death["container"], container.label)
        self.assertEqual(death["cgroup"], f"/kubepods/burstable/pod{container.pod}/{container.id}")
        self.assertNotIn("unit", death)

    def test_killed_from_outside(self):
        agent, container = self.start_agent(), self.make_container("sleep")
        trace = self.start_trace(container, "--json")
        run, pid = self.start_container(container, agent, trace)
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(run.wait(), 128 + signal.SIGKILL)

        metrics = agent.await_sum(1, "knell_process_exits_total", container=container.label, reason="signal")
        self.assertEqual(metrics.by("knell_process_kills_total", "signal", "killer", container=container.label),
                         {("SIGKILL", "host"): 1})
        self.assertEqual(metrics.sum("knell_oom_kills_total", container=container.label), 0)
        death = self.told(trace, pid=pid)
        self.check_place(death, container)
        self.assertEqual((death["reason"], death["signal"], death["killer"]["pid"], death["killer"]["class"]),
                         ("signal", "SIGKILL", os.getpid(), "host"))

    def test_stopped_by_its_runtime(self):
        agent, container = self.start_agent(), self.make_container("term-graceful", "0")
        trace = self.start_trace(container, "--json")
        run, pid = self.start_container(container, agent, trace)
        container.kill("TERM")
        self.assertEqual(run.wait(), 0)
        metrics = agent.await_sum(1, "knell_termination_seconds_count", container=container.label)
        self.assertEqual(metrics.sum("knell_process_kills_total", container=container.label), 0)
        death = self.told(trace, pid=pid)
        self.check_place(death, container)
        self.assertEqual((death["reason"], death["exit_code"], death["preceded_by"]), ("success", 0, "SIGTERM"))

    def test_killed_by_its_runtime(self):
        agent, container = self.start_agent(), self.make_container("sleep")
        run, _ = self.start_container(container, agent)
        container.kill("KILL")
        self.assertEqual(run.wait(), 128 + signal.SIGKILL)
        metrics = agent.await_sum(1, "knell_process_exits_total", container=container.label, reason="signal")
        self.assertEqual(metrics.by("knell_process_kills_total", "signal", "killer", container=container.label),
                         {("SIGKILL", "container_runtime"): 1})

    def test_out_of_memory_in_a_container_that_survives(self):
        agent, container = self.start_agent(), self.make_container("sleep")
        trace = self.start_trace(container, "--json")
        run, _ = self.start_container(container, agent, trace)
        greedy = self.start(container.exec_command("eat-memory", str(2 * MEMORY >> 20)))
        self.assertEqual(greedy.wait(), 128 + signal.SIGKILL)

        metrics = agent.await_sum(1, "knell_process_exits_total", container=container.label, reason="oom_kill")
        self.assertEqual(metrics.by("knell_oom_kills_total", "scope", container=container.label), {"memcg": 1})
        self.assertEqual(metrics.by("knell_process_kills_total", "signal", "killer", container=container.label),
                         {("SIGKILL", "kernel"): 1})
        death = self.told(trace, reason="oom_kill")
        self.check_place(death, container)
        self.assertEqual((death["comm"], death["signal"], death["oom_scope"], death["killer"]),
                         ("die", "SIGKILL", "memcg", {"class": "kernel"}))
        self.assertTrue(run.running)
