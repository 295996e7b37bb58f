"""An agent in a pid namespace below the initial one, as in a nested cluster or in a pod without hostPID."""

import json
import os
import pathlib
import signal
import subprocess

from agent import Agent
from programs import DIE, KNELL, Program, wait_until
from support import EndToEnd, requires

CONFIG = 'listen: 127.0.0.1:0\nexporters: {{jsonl: {{path: "{}", reasons: []}}}}\n'


def children_of(pid: int) -> list[int]:
    return list(map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def numbers_of(pid: int) -> list[int]:
    """In the test's own pid namespace first, then in each one below it."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("NSpid:")]
    return [int(number) for number in line.split()[1:]]


@requires("unshare", "nsenter")
class PidNamespace(EndToEnd):

    def setUp(self):
        super().setUp()
        outside = self.start(["unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc", DIE, "sleep"])
        outside.await_line("^ready$")
        (init,) = children_of(outside.pid)
        # nsenter makes a child, because a process cannot change its own namespace, and waits for it.
        self.inside = ["nsenter", f"--target={init}", "--pid", "--mount"]
        self.events = self.directory / "events"

    def start_agent_inside(self) -> Agent:
        return self.start_agent(CONFIG.format(self.events), wrapper=self.inside)

    def test_pins_of_another_namespace_are_not_taken_over(self):
        """Their programs go by the numbers of that one: they would tell nothing here."""
        outer = self.start_agent(CONFIG.format(self.events))
        outer.stop()
        inner = self.start_agent_inside()
        inner.await_line("restart: pinned in", "stderr")
        victim, number = self.start_inside("sleep")
        victim_outside = children_of(victim.pid)[0]
        os.kill(victim_outside, signal.SIGTERM)
        victim.wait()
        self.assertEqual(self.await_death(self.events, number)["signal"], "SIGTERM")

    def start_inside(self, *way) -> tuple[Program, int]:
        """A process that dies in this way, and its number in the namespace."""
        program = self.start([*self.inside, DIE, *way])
        program.await_line("^ready$")
        (pid,) = children_of(program.pid)
        number = numbers_of(pid)[1]
        self.assertNotEqual(number, pid)
        return program, number

    def test_tells_the_numbers_of_its_namespace(self):
        agent = self.start_agent_inside()
        watched = agent.settled_scrape().value("knell_watches", state="alive")
        victim, number = self.start_inside("sleep")
        wait_until(lambda: agent.scrape().value("knell_watches", state="alive") == watched + 1, "the victim to be watched")
        killer = self.start([*self.inside, "sh", "-c", f"echo $$; kill -TERM {number}"])
        killer_number = int(killer.await_line(r"^(\d+)$")[1])
        victim.wait()
        death = self.await_death(self.events, number)
        self.assertEqual((death["reason"], death["signal"]), ("signal", "SIGTERM"))
        self.assertEqual(death["killer"]["pid"], killer_number)
        # Its parent is nsenter, which the namespace does not show, like every number outside.
        self.assertNotIn("ppid", death)
        self.assertIn("reaction_seconds", death)

    def test_what_is_outside_is_counted_alone(self):
        agent, unit = self.start_agent_inside(), self.make_unit()
        before = agent.settled_scrape()
        for _ in range(5):
            self.die("exit", "3", unit=unit)
        agent.await_sum(before.value("knell_exits_outside_pid_namespace_total") + 5, "knell_exits_outside_pid_namespace_total")
        victim, number = self.start_inside("sleep")
        subprocess.run([*self.inside, "true"], check=True)  # it comes from outside, and dies inside
        (pid,) = children_of(victim.pid)
        subprocess.run(["kill", "-KILL", str(pid)], check=True)
        victim.wait()
        death = self.await_death(self.events, number)
        self.assertEqual(death["signal"], "SIGKILL")
        self.assertNotIn("pid", death["killer"])
        self.assertEqual(death["killer"]["comm"], "kill")
        after = agent.settled_scrape()
        self.assertEqual(after.values("knell_process_exits_total", unit=unit.name), [])
        # What died inside since: the victim, and the program in it that came from outside.
        self.assertEqual(after.value("knell_exits_seen_total") - before.value("knell_exits_seen_total"), 2)

    def test_trace_inside(self):
        trace = self.start([*self.inside, KNELL, "trace", "--json"])
        deaths: list[int] = []

        def told():
            """Once the trace observes, whenever that is."""
            victim, number = self.start_inside("sleep")
            (pid,) = children_of(victim.pid)
            os.kill(pid, signal.SIGKILL)
            victim.wait()
            deaths.append(number)
            return [line for line in map(json.loads, trace.stdout.splitlines()) if line["pid"] in deaths]

        (death, *_) = wait_until(told, "a death")
        self.assertEqual(death["comm"], "die")

    def doctor(self, *wrapper) -> dict[str, dict]:
        done = subprocess.run([*wrapper, KNELL, "doctor", "--json"], capture_output=True, text=True, timeout=60, check=True)
        return {row["feature"]: row for row in json.loads(done.stdout)["features"]}

    def test_doctor_says_what_is_missing(self):
        self.assertTrue(self.doctor()["host_processes"]["on"])
        inside = self.doctor(*self.inside)
        self.assertFalse(inside["host_processes"]["on"])
        self.assertIn("hostPID: true", inside["host_processes"]["remedy"])
        self.assertNotIn("/proc", inside["watch"].get("why_not", ""))

    def test_doctor_knows_a_procfs_of_another_namespace(self):
        foreign = self.doctor("unshare", "--pid", "--fork")
        self.assertIn("/proc is the procfs of a pid namespace above ours", foreign["watch"]["why_not"])
