"""A storm of deaths is counted to the last one."""

from programs import wait_until
from support import EndToEnd, requires

WORKERS = 2
FORKS = 50_000


@requires()
class Storm(EndToEnd):

    def test_counts_every_exit(self):
        agent, unit = self.start_agent(), self.make_unit()
        before = agent.scrape()
        workers = [self.start_victim("storm", str(FORKS), unit=unit) for _ in range(WORKERS)]
        for worker in workers:
            self.assertEqual(worker.wait(100), 0)
            self.assertIn(f"count {FORKS}\n", worker.stdout)
        ended = WORKERS * FORKS + WORKERS  # the workers are dead, too

        metrics = agent.await_sum(ended, "knell_process_exits_total", unit=unit.name)
        self.assertEqual(metrics.by("knell_process_exits_total", "reason", unit=unit.name), {"success": ended})
        self.assertEqual(metrics.by("knell_process_exit_codes_total", "code", unit=unit.name), {"0": ended})
        self.assertGreaterEqual(self.grown("knell_exits_seen_total", before, metrics), ended)
        for family in ["knell_exits_spilled_total", "knell_exits_unaccounted_total", "knell_decode_errors_total", "knell_bpf_program_misses_total"]:
            with self.subTest(family):
                self.assertEqual(metrics.sum(family), 0)
        # Each death was also given its place.
        self.assertEqual(metrics.sum("knell_unattributed_exits_total"), 0)
        # Others die while we read: the sums agree in an instant when none is on its way.
        wait_until(lambda: self.reconciles(agent.scrape()), "seen = delivered = counted")

    @staticmethod
    def grown(family: str, before, after) -> float:
        return after.sum(family) - before.sum(family)

    @staticmethod
    def reconciles(metrics) -> bool:
        seen = metrics.value("knell_exits_seen_total")
        delivered = metrics.value("knell_exits_delivered_total")
        counted = metrics.sum("knell_process_exits_total")
        return seen == delivered == counted
