"""Where io_uring is refused, epoll does the same work."""

import json

from refuse import IO_URING_SETUP, refuse
from support import EndToEnd, requires


def refuse_io_uring() -> None:
    """What the default profiles of containerd 2.0 and Docker 25 do, for the calling process. Not the sysctl
    kernel.io_uring_disabled: that would hit every other test on the machine, and outlive a test that is killed."""
    refuse(IO_URING_SETUP)


@requires()
class WithoutIoUring(EndToEnd):

    def check_that_it_works(self, agent) -> None:
        metrics = agent.scrape()
        self.assertEqual(metrics.by("knell_event_loop_info", "backend"), {"epoll": 1})
        unit, metrics = self.watched_kill(agent)
        self.assertEqual(metrics.by("knell_process_exits_total", "reason", unit=unit.name), {"signal": 1})
        self.assertGreaterEqual(metrics.value("knell_exit_reaction_seconds_count"), 1)
        agent.stop()

    def test_epoll_by_configuration(self):
        self.check_that_it_works(self.start_agent("listen: 127.0.0.1:0\nloop: {backend: epoll}\n"))

    def test_epoll_when_io_uring_is_refused(self):
        agent = self.start_agent(preexec_fn=refuse_io_uring)
        agent.await_line(r"info  event_loop: epoll \(.*Operation not permitted.*seccomp profile", "stderr")
        self.check_that_it_works(agent)

    def test_io_uring_or_nothing(self):
        path = self.directory / "knell.yaml"
        path.write_text("listen: 127.0.0.1:0\nloop: {backend: io_uring}\n")
        ended = self.knell("run", "--config", path, preexec_fn=refuse_io_uring)
        self.assertEqual((ended.returncode, ended.stdout), (1, ""))
        self.assertRegex(ended.stderr, r"\Aknell: .*io_uring.*Operation not permitted.*\n\Z")

    def test_doctor_explains(self):
        told = self.knell("doctor", "--json", preexec_fn=refuse_io_uring)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        (row,) = [row for row in json.loads(told.stdout)["features"] if row["feature"] == "event_loop"]
        self.assertEqual((row["on"], row["hook"]), (True, "epoll"))
        self.assertIn("seccomp profile", row["why_not"])
        self.assertTrue(row["remedy"])

        (row,) = [row for row in json.loads(self.knell("doctor", "--json").stdout)["features"]
                  if row["feature"] == "event_loop"]
        self.assertEqual(row["hook"], "io_uring")
