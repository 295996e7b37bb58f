"""What belongs to a whole machine, changed under the agent: only in a machine of the tests' own (tests/vm/plan.py)."""

import datetime
import pathlib
import signal
import time

from programs import wait_until
from support import EndToEnd, requires

DAY = 86_400
FILE_MAX = pathlib.Path("/proc/sys/fs/file-max")


@requires()
class WholeMachine(EndToEnd):

    def setUp(self):
        super().setUp()
        self.unit = self.make_unit()

    def step_clock(self, seconds: float) -> None:
        time.clock_settime(time.CLOCK_REALTIME, time.time() + seconds)

    def test_clock_is_set(self):
        """Durations do not notice, stamps follow; nothing is late, or told twice."""
        events = self.directory / "events"
        agent = self.start_agent(f"listen: 127.0.0.1:0\nexporters: {{jsonl: {{path: {events}, reasons: []}}}}\n")
        for step in [DAY, -DAY]:
            victim = self.start_ready("term-graceful", "3", unit=self.unit)
            self.step_clock(step)
            victim.signal(signal.SIGTERM)
            victim.wait()
            now = time.time()
            death = self.await_death(events, victim.pid)
            stamp = datetime.datetime.fromisoformat(f"{death['time'][:19]}+00:00").timestamp()
            self.assertLess(abs(stamp - now), 60)
            self.assertLess(death["lifetime_seconds"], 600)
        metrics = agent.await_sum(2, "knell_process_exits_total", unit=self.unit.name)
        self.assertLess(metrics.sum("knell_termination_seconds_sum", unit=self.unit.name), 600)
        self.assertEqual(agent.get("/healthz").status, 200)

    def test_no_files_left(self):
        """ENFILE. Root is not held to the limit, so the agent runs without CAP_SYS_ADMIN."""
        agent = self.start_agent(wrapper=["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"])
        limit = FILE_MAX.read_text()
        # Fewer than are open; what a CPU has in reserve lets some more pass.
        FILE_MAX.write_text("1")
        try:
            crowd = self.start_sleepers(300, self.unit)
            time.sleep(1)  # until they are old enough to be watched
        finally:
            FILE_MAX.write_text(limit)
        refused = wait_until(lambda: agent.scrape().by("knell_watch_refused_total", "why"), "a refusal")
        self.assertEqual(set(refused), {"descriptors"})
        crowd.stdin.close()
        self.assertEqual(crowd.wait(), 0)
        agent.await_sum(301, "knell_process_exits_total", unit=self.unit.name)
