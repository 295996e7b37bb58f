"""Deaths in containers: told with the container, and with who or what killed them."""

import json
import os
import signal

from container import Container
from programs import KNELL, await_observing
from support import EndToEnd, requires

MEMORY = 32 << 20  # bytes: runc needs some of it to start


@requires("runc")
class Containers(EndToEnd):

    def make_container(self, *way) -> Container:
        container = Container(self.directory, list(way), MEMORY)
        self.addCleanup(container.remove)
        return container

    def trace(self, container: Container):
        # One line each for what the container's processes are: runc's own init has its comm until it executes /die.
        trace = self.start([KNELL, "trace", "--json", "--container", f"{container.label}*", "--comm", "die"])
        await_observing(trace)
        return trace

    def deaths(self, trace) -> list[dict]:
        trace.signal(signal.SIGTERM)
        self.assertEqual(trace.wait(), 0)
        events = map(json.loads, trace.stdout.splitlines())
        return [event for event in events if event["event"] == "exit"]

    def check_place(self, death: dict, container: Container) -> None:
        self.assertEqual(death["container"], container.label)
        self.assertTrue(death["cgroup"].endswith(f"/kubepods/burstable/pod{container.pod}/{container.id}"))
        self.assertNotIn("unit", death)

    def test_killed_from_outside(self):
        agent, container = self.start_agent(), self.make_container("sleep")
        trace = self.trace(container)
        run = self.start(container.run_command())
        pid = container.pid()
        run.await_line("^ready$")
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(run.wait(), 128 + signal.SIGKILL)

        metrics = agent.await_sum(1, "knell_process_exits_total", container=container.label, reason="signal")
        self.assertEqual(metrics.by("knell_process_kills_total", "signal", "killer", container=container.label),
                         {("SIGKILL", "host"): 1})
        self.assertEqual(metrics.sum("knell_oom_kills_total", container=container.label), 0)
        trace.await_line('"reason":"signal"')
        (death,) = self.deaths(trace)
        self.check_place(death, container)
        self.assertEqual((death["pid"], death["signal"], death["killer"]["pid"], death["killer"]["class"]),
                         (pid, "SIGKILL", os.getpid(), "host"))

    def test_stopped_by_its_runtime(self):
        agent, container = self.start_agent(), self.make_container("term-graceful", "0")
        trace = self.trace(container)
        run = self.start(container.run_command())
        pid = container.pid()
        run.await_line("^ready$")
        container.kill("TERM")
        self.assertEqual(run.wait(), 0)
        metrics = agent.await_sum(1, "knell_termination_seconds_count", container=container.label)
        # /die's own, and nothing of runc's is counted as the container's but its init stages.
        self.assertEqual(metrics.sum("knell_process_kills_total", container=container.label), 0)
        trace.await_line('"preceded_by":"SIGTERM"')
        (death,) = self.deaths(trace)
        self.check_place(death, container)
        self.assertEqual((death["pid"], death["reason"], death["exit_code"]), (pid, "success", 0))

    def test_killed_by_its_runtime(self):
        agent, container = self.start_agent(), self.make_container("sleep")
        run = self.start(container.run_command())
        container.pid()
        run.await_line("^ready$")
        container.kill("KILL")
        run.wait()
        metrics = agent.await_sum(1, "knell_process_exits_total", container=container.label, reason="signal")
        self.assertEqual(metrics.by("knell_process_kills_total", "signal", "killer", container=container.label),
                         {("SIGKILL", "container_runtime"): 1})

    def test_out_of_memory(self):
        agent, container = self.start_agent(), self.make_container("eat-memory", str(MEMORY >> 19))
        trace = self.trace(container)
        run = self.start(container.run_command())
        self.assertEqual(run.wait(), 128 + signal.SIGKILL)

        metrics = agent.await_sum(1, "knell_process_exits_total", container=container.label, reason="oom_kill")
        self.assertEqual(metrics.by("knell_oom_kills_total", "scope", container=container.label), {"memcg": 1})
        self.assertEqual(metrics.by("knell_process_kills_total", "signal", "killer", container=container.label),
                         {("SIGKILL", "kernel"): 1})
        trace.await_line('"reason":"oom_kill"')
        (death,) = self.deaths(trace)
        self.check_place(death, container)
        self.assertEqual((death["signal"], death["oom_scope"], death["killer"]),
                         ("SIGKILL", "memcg", {"class": "kernel"}))
