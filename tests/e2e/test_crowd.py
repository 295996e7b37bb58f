"""Thousands of watched processes, which die at once."""

import json
import os

from programs import pids_watched, read_lines, wait_until
from support import EndToEnd, requires

CROWD = 15_000


@requires(descriptors=CROWD + 1000)
class Crowd(EndToEnd):

    def test_each_of_15000_gets_a_reaction_and_a_reap(self):
        events = self.directory / "events"
        # Without a choice of reasons reaps are told, too: the lines say of each death what the histograms sum up.
        # Nobody else: what thousands of another test leave to the machine's init would take their descriptors.
        unit = self.make_unit()
        agent = self.start_agent(f"listen: 127.0.0.1:0\nwatch: {{select: {{cgroup: ['*/{unit.name}']}}}}\n"
                                 f"exporters: {{jsonl: {{path: {events}, reasons: []}}}}\n")
        crowd = self.start_sleepers(CROWD, unit)

        try:
            wait_until(lambda: unit.pids() <= pids_watched(agent), "all of them to be watched")
        except AssertionError as late:
            counts = [(name, labels, value) for name, labels, value in agent.scrape().samples
                      if name.startswith(("knell_watch", "knell_forks", "knell_ring"))]
            raise AssertionError(f"{late}: {counts}") from None
        metrics = agent.scrape()
        self.assertGreaterEqual(metrics.value("knell_watches", state="alive"), CROWD)
        for why in ["full", "descriptors", "memory", "other"]:
            self.assertEqual(metrics.value("knell_watch_refused_total", why=why), 0, why)
        crowd.stdin.close()  # it kills them all, and collects them
        self.assertEqual(crowd.wait(), 0)
        self.assertIn(f"reaped {CROWD}\n", crowd.stdout)

        ended = CROWD + 1  # their parent, too
        metrics = agent.await_sum(ended, "knell_exit_reap_seconds_count", unit=unit.name)
        self.assertEqual(metrics.by("knell_process_exits_total", "reason", unit=unit.name),
                         {"signal": CROWD, "success": 1})
        self.assertEqual(metrics.by("knell_process_kills_total", "signal", "killer", unit=unit.name),
                         {("SIGKILL", "parent"): CROWD})
        self.assertEqual(metrics.value("knell_exit_reap_seconds_count", unit=unit.name), ended)
        self.assertEqual(metrics.value("knell_zombies", unit=unit.name), 0)
        self.assertEqual(metrics.sum("knell_exits_spilled_total"), 0)

        def lines_of_ours():
            lines = map(json.loads, read_lines(events))
            ours = [line for line in lines if line.get("unit") == unit.name and line["event"] != "exec"]
            return ours if len(ours) >= 2 * ended else None

        deaths, reaps = {}, {}
        for event in wait_until(lines_of_ours, "a line for each death and each reap"):
            of_its_kind = {"exit": deaths, "reap": reaps}[event["event"]]
            self.assertNotIn(event["pid"], of_its_kind, "told twice")
            of_its_kind[event["pid"]] = event
        self.assertEqual((len(deaths), deaths.keys()), (ended, reaps.keys()))
        self.assertEqual([death for death in deaths.values() if "reaction_seconds" not in death], [])
        self.assertEqual([reap for reap in reaps.values() if "reap_seconds" not in reap], [])

        self.assertEqual(agent.get("/healthz").status, 200)
        wait_until(lambda: self.forgets(agent), "their descriptors to be closed")
        agent.stop()

    @staticmethod
    def forgets(agent) -> bool:
        return len(os.listdir(f"/proc/{agent.pid}/fd")) < CROWD / 2
