"""More than the agent can take: it counts exactly all the same, and stays as small as it is."""

import contextlib
import os
import re
import signal
import time

from programs import wait_until
from support import EndToEnd, requires
from unit import cgroup2_root, cgroup_mounts

WORKERS = 2
FROZEN = 5  # seconds
STORM = 60_000  # each worker's: goes on for longer than that
NAMES = 50_000  # each worker's
CGROUPS = 50_000
MAX_SERIES = 3_000
MAY_GROW_KIB = 8 << 10


class Quota:
    """A cgroup whose processes get a small part of one CPU: v1's cpu controller, or v2's."""

    PERIOD_US = 100_000

    def __init__(self, percent: int):
        quota, name = self.PERIOD_US * percent // 100, f"knell-e2e-{os.getpid()}-quota"
        v1 = [mount.point for mount in cgroup_mounts() if mount.kind == "cgroup" and "cpu" in mount.options]
        self._turned_on = None
        if v1:
            self.path, file, value = v1[0] / name, "cpu.cfs_quota_us", str(quota)
        else:
            self.path, file, value = cgroup2_root() / name, "cpu.max", f"{quota} {self.PERIOD_US}"
            controllers = cgroup2_root() / "cgroup.subtree_control"
            if "cpu" not in controllers.read_text().split():
                controllers.write_text("+cpu")
                self._turned_on = controllers
        self.path.mkdir()
        (self.path / file).write_text(value)

    def add(self, pid: int) -> None:
        (self.path / "cgroup.procs").write_text(str(pid))

    def times_throttled(self) -> int:
        return int(re.search(r"^nr_throttled (\d+)$", (self.path / "cpu.stat").read_text(), re.MULTILINE)[1])

    def remove(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            parent = self.path.parent / "cgroup.procs"
            for pid in (self.path / "cgroup.procs").read_text().split():
                parent.write_text(pid)
            self.path.rmdir()
        if self._turned_on:
            self._turned_on.write_text("-cpu")


@requires()
class Overload(EndToEnd):

    def setUp(self):
        super().setUp()
        self.unit = self.make_unit()

    def start_storms(self, *way) -> list:
        return [self.start_victim(*way, unit=self.unit) for _ in range(WORKERS)]

    def finish(self, storms) -> None:
        for storm in storms:
            self.assertEqual(storm.wait(100), 0, storm.stderr)

    def check_books(self, agent, ended: int):
        """`ended`: of our unit. Each was counted once."""
        metrics = agent.await_sum(ended, "knell_process_exits_total", unit=self.unit.name)
        self.assertEqual(metrics.by("knell_process_exits_total", "reason", unit=self.unit.name), {"success": ended})
        self.assertEqual(metrics.value("knell_exits_seen_total"),
                         metrics.value("knell_exits_delivered_total") + metrics.value("knell_exits_spilled_total"))
        self.assertEqual(metrics.value("knell_exits_unaccounted_total"), 0)
        self.check_tables(metrics)
        return metrics

    def series_of_unit(self, metrics) -> int:
        """Those of other workloads come when somebody else dies."""
        return sum(has.get("unit") == self.unit.name for _, has, _ in metrics.samples)

    @staticmethod
    def all_counted(metrics) -> bool:
        return metrics.value("knell_exits_seen_total") == metrics.sum("knell_process_exits_total")

    def check_tables(self, metrics) -> None:
        entries, capacity = [metrics.by(f"knell_table_{what}", "table") for what in ("entries", "capacity")]
        for table, limit in capacity.items():
            self.assertLessEqual(entries.get(table, 0), limit, table)

    def test_stopped_for_seconds(self):
        """With the ring as large as it is by default."""
        agent = self.start_agent()
        storms = self.start_storms("storm", str(STORM))
        agent.signal(signal.SIGSTOP)
        try:
            time.sleep(FROZEN)
        finally:
            agent.signal(signal.SIGCONT)
        self.finish(storms)
        metrics = self.check_books(agent, WORKERS * (STORM + 1))
        self.assertGreater(metrics.value("knell_exits_spilled_total"), 0)

    def test_dead_for_seconds(self):
        agent = self.start_agent()
        before = agent.scrape()
        agent.signal(signal.SIGKILL)
        agent.wait()
        storms = self.start_storms("storm", str(STORM))
        time.sleep(FROZEN)
        successor = self.start_agent()
        self.finish(storms)
        metrics = self.check_books(successor, WORKERS * (STORM + 1))
        self.assertGreater(metrics.value("knell_exits_spilled_total"), 0)
        self.assertGreater(metrics.value("knell_exits_seen_total"), before.value("knell_exits_seen_total"))

    def test_throttled(self):
        agent, quota = self.start_agent("listen: 127.0.0.1:0\nring: {size: 256KiB}\n"), Quota(percent=5)
        self.addCleanup(quota.remove)
        # Together with one that takes all it can get: an agent alone may need less than the quota.
        for program in [agent, self.start(["sh", "-c", "while :; do :; done"])]:
            quota.add(program.pid)
        self.finish(self.start_storms("storm", str(STORM)))
        self.check_books(agent, WORKERS * (STORM + 1))
        self.assertGreater(quota.times_throttled(), 0)

    def test_a_hundred_thousand_names(self):
        agent = self.start_agent("listen: 127.0.0.1:0\nexporters: {jsonl: {path: /dev/null, reasons: []}}\n")
        self.finish(self.start_storms("storm", str(NAMES // 10)))
        told = WORKERS * (NAMES // 10 + 1)
        before, size = self.check_books(agent, told), agent.resident_kib()
        self.finish(self.start_storms("storm-of-names", str(NAMES)))
        metrics = self.check_books(agent, told + WORKERS * (NAMES + 1))
        self.assertGreater(self.series_of_unit(before), 0)
        self.assertEqual(self.series_of_unit(metrics), self.series_of_unit(before))
        self.assertLess(agent.resident_kib(), size + MAY_GROW_KIB)

    def test_fifty_thousand_cgroups(self):
        agent = self.start_agent(f"listen: 127.0.0.1:0\nmetrics: {{max_series: {MAX_SERIES}}}\n")
        before = agent.scrape()

        def storm(cgroups: int):
            victim = self.start_victim("storm-of-cgroups", self.unit.path, str(cgroups), unit=self.unit)
            self.assertEqual(victim.wait(300), 0, victim.stderr)
            wait_until(lambda: agent.scrape().value("knell_ring_bytes") == 0, "the ring to be empty")
            return agent.settled_scrape()

        # Until all that is remembered of cgroups has its full size.
        storm(CGROUPS // 2)
        size = agent.resident_kib()
        metrics = storm(CGROUPS)
        self.check_tables(metrics)
        self.assertEqual(metrics.value("knell_table_entries", table="cgroups"),
                         metrics.value("knell_table_capacity", table="cgroups"))
        self.assertLess(agent.resident_kib(), size + MAY_GROW_KIB)
        self.assertLessEqual(metrics.value("knell_series"), MAX_SERIES)
        self.assertGreater(metrics.value("knell_series_overflow_total"), 0)
        counted = metrics.sum("knell_process_exits_total") - before.sum("knell_process_exits_total")
        self.assertGreaterEqual(counted, CGROUPS // 2 + CGROUPS)
        # Others die while we read: the sums agree in an instant when none is on its way.
        wait_until(lambda: self.all_counted(agent.scrape()), "seen = counted")
        self.assertEqual(metrics.value("knell_exits_unaccounted_total"), 0)
