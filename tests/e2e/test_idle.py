"""Watching costs nothing while nobody dies."""

import os
import re
import signal
import time

from agent import Agent
from support import EndToEnd, requires

SLEEPERS = 10_000
SPAN = 10.0  # seconds
SPANS = 4    # how often a span is tried in which nobody else dies or forks either
# What one exit, fork or exec may cost in system calls, all together: waking up, draining, opening a pidfd and reading
# what it is, arming, and later its end and its reap.
CALLS_PER_EVENT = 12
_SYSTEM_CALL = re.compile(r"^(\d+) +(\d+\.\d+) (?!\+\+\+|---)(.*)$", re.MULTILINE)


class Span:
    """A stretch of time: the system calls of all threads of an agent in it, and what happened on the machine."""

    def __init__(self, calls: list[str], events: float, turns: float, settled: bool):
        self.calls = calls
        self.events = events
        self.turns = turns
        # Nothing happened shortly before either, whose consequences would fall into the span.
        self.quiet = events == 0 and settled

    def __str__(self) -> str:
        return f"{len(self.calls)} system calls, {self.turns:g} turns, {self.events:g} events"


def count_events(metrics) -> float:
    """All that wakes an agent up."""
    return sum(metrics.value(family) for family in
               ["knell_exits_seen_total", "knell_processes_forked_total", "knell_processes_execed_total"])


@requires("strace")
class Idle(EndToEnd):

    def observe(self, agent: Agent) -> Span:
        strace = self.start(["strace", "-f", "-ttt", "-p", str(agent.pid), "-o", self.directory / "calls"])
        strace.await_line("attached", "stderr")
        earlier = count_events(agent.scrape())
        time.sleep(1)
        before = agent.scrape()
        time.sleep(0.2)  # the HTTP thread closes the scrape's connection
        began = time.time()
        time.sleep(SPAN)
        ended = time.time()
        after = agent.scrape()
        strace.signal(signal.SIGINT)  # it lets the agent go
        strace.wait()
        calls = [text for _, when, text in _SYSTEM_CALL.findall((self.directory / "calls").read_text())
                 if began < float(when) < ended]
        events = count_events(after) - count_events(before)
        turns = after.value("knell_event_loop_turns_total") - before.value("knell_event_loop_turns_total")
        return Span(calls, events, turns, settled=count_events(before) == earlier)

    def test_no_system_call_while_nobody_dies(self):
        unit = self.make_unit()
        self.start_sleepers(SLEEPERS, unit)
        agent = self.start_agent()
        self.assertGreaterEqual(agent.scrape().value("knell_watches", state="alive"), SLEEPERS)
        for _ in range(SPANS):
            span = self.observe(agent)
            print(span, flush=True)
            self.assertLessEqual(len(span.calls), CALLS_PER_EVENT * span.events, span.calls[:50])
            self.assertEqual(agent.scrape().sum("knell_process_exits_total", unit=unit.name), 0)
            if span.quiet:
                self.assertEqual((span.calls, span.turns), ([], 0))
                return
        self.skipTest(f"in {SPANS} spans of {SPAN:g} s the rest of the machine was never quiet; cost was in bounds")

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
