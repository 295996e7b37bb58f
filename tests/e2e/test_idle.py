"""Watching costs nothing while nobody dies."""

import os
import re
import signal
import time

from agent import Agent
from support import EndToEnd, requires

SLEEPERS = 10_000
STEP = 0.5        # seconds between two looks at the machine
QUIET_STEPS = 20  # so many without a fork, exec, death or reap on the whole machine are wanted: 10 s
FEWEST = 4        # and with fewer nothing is proven
MOST_STEPS = 80   # for as long it is tried
# What one exit, fork or exec may cost in system calls: waking up, draining, opening a pidfd and reading what it is,
# arming, and in the end reading its end and its reap.
CALLS_PER_EVENT = 8
# And when it is awake anyway, once a second at most, it asks whether 64 of the cgroups that it knows still exist.
CALLS_PER_CHECK = 4 * 64
_SYSTEM_CALL = re.compile(r"^\d+ +(\d+\.\d+) (?!\+\+\+|---)(.*)$", re.MULTILINE)


class Step:
    """From one look to the next: what happened on the machine, and how often the agent's loop turned."""

    def __init__(self, begin: float, end: float, before, after):
        # A scrape has its own system calls, in the HTTP thread; the last ones close the connection that we closed.
        self.begin, self.end = begin + 0.1, end
        # What wakes an agent up. Reaps come any time after the death; the pool's size tells of them.
        self.events = sum(abs(after.sum(family) - before.sum(family)) for family in
                          ["knell_exits_seen_total", "knell_processes_forked_total", "knell_processes_execed_total",
                           "knell_watches"])
        self.turns = after.value("knell_event_loop_turns_total") - before.value("knell_event_loop_turns_total")


def quiet_ones(steps: list[Step]) -> list[Step]:
    """Those in which nothing happened, and nothing in the step before: its consequences could fall into this one."""
    return [step for before, step in zip(steps, steps[1:]) if before.events == step.events == 0]


@requires("strace", descriptors=SLEEPERS + 1000)
class Idle(EndToEnd):

    def take_steps(self, agent: Agent) -> list[Step]:
        steps: list[Step] = []
        before, begin = agent.scrape(), time.time()
        while len(quiet_ones(steps)) < QUIET_STEPS and len(steps) < MOST_STEPS:
            time.sleep(STEP)
            end = time.time()
            after = agent.scrape()
            steps.append(Step(begin, end, before, after))
            before, begin = after, time.time()
        return steps

    def test_no_system_call_while_nobody_dies(self):
        unit = self.make_unit()
        self.start_sleepers(SLEEPERS, unit)
        agent = self.start_agent()
        self.assertGreaterEqual(agent.scrape().value("knell_watches", state="alive"), SLEEPERS)
        strace = self.start(["strace", "-f", "-ttt", "-p", str(agent.pid), "-o", self.directory / "calls"])
        strace.await_line("attached", "stderr")
        steps = self.take_steps(agent)
        strace.signal(signal.SIGINT)  # it lets the agent go
        strace.wait()
        calls = [(float(when), text) for when, text in _SYSTEM_CALL.findall((self.directory / "calls").read_text())]

        def calls_in(step: Step) -> list[str]:
            return [text for when, text in calls if step.begin < when < step.end]

        quiet = quiet_ones(steps)
        events = sum(step.events for step in steps)
        spent = sum(len(calls_in(step)) for step in steps)
        print(f"{len(quiet)} of {len(steps)} steps were quiet; {spent} system calls for {events:g} events", flush=True)
        self.assertEqual([(calls_in(step), step.turns) for step in quiet], [([], 0)] * len(quiet))
        checks = len(steps) - len(quiet)
        self.assertLessEqual(spent, CALLS_PER_EVENT * events + CALLS_PER_CHECK * checks)
        self.assertEqual(agent.scrape().sum("knell_process_exits_total", unit=unit.name), 0)
        if len(quiet) < FEWEST:
            self.skipTest(f"the machine was never quiet: {events:g} events, at a cost in bounds")

    def test_wakes_up_for_one_of_ten_thousand(self):
        unit = self.make_unit()
        sleepers = self.start_sleepers(SLEEPERS, unit)
        child = int(sleepers.await_line(r"^child (\d+)$")[1])
        agent = self.start_agent()
        before = agent.scrape()
        self.assertGreaterEqual(before.value("knell_watches", state="alive"), SLEEPERS)
        os.kill(child, signal.SIGKILL)
        metrics = agent.await_sum(1, "knell_zombies", unit=unit.name)
        self.assertGreater(metrics.value("knell_exit_reaction_seconds_count"),
                           before.value("knell_exit_reaction_seconds_count"))
        sleepers.stdin.write(b"\n")
        sleepers.stdin.flush()
        metrics = agent.await_sum(1, "knell_exit_reap_seconds_count", unit=unit.name)
        self.assertEqual(metrics.by("knell_process_exits_total", "reason", unit=unit.name), {"signal": 1})
        self.assertEqual(metrics.value("knell_exit_reap_seconds_count", unit=unit.name), 1)
        self.assertEqual(metrics.value("knell_zombies", unit=unit.name), 0)
