"""SIGHUP: a new configuration is used if it is right, else the old one stays."""

import json
import pathlib
import re
import signal

from programs import await_watched, pids_watched, read_lines, wait_until
from support import EndToEnd, requires

SUCCESSFUL = "knell_config_last_reload_successful"
CONFIGURATION = pathlib.Path(__file__).parents[2] / "docs/configuration.md"
TIMESTAMP = "knell_config_last_reload_success_timestamp_seconds"


@requires()
class Reload(EndToEnd):

    def start_configured(self, more: str = ""):
        return self.start_agent("listen: 127.0.0.1:0\n" + more)

    def reload(self, agent, text: str, answer: str) -> None:
        """`answer`: a regular expression for the line that the agent logs."""
        agent.config_path.write_text(agent.with_pin(text))
        agent.signal(signal.SIGHUP)
        agent.await_line(answer, "stderr")

    def lines(self, path) -> list[dict]:
        return [json.loads(line) for line in read_lines(path)]

    def test_wrong_file_keeps_what_runs(self):
        events = self.directory / "events"
        right = f"listen: 127.0.0.1:0\nexporters: {{jsonl: {{path: {events}, reasons: [signal]}}}}\n"
        agent, unit = self.start_agent(right), self.make_unit()
        started = agent.scrape()
        self.assertEqual(started.value(SUCCESSFUL), 1)

        self.reload(agent, "listen: 127.0.0.1:0\nlisten_on: x\n",
                    r"error reload: the configuration in use stays: \S+knell\.yaml:2: .*listen_on")
        metrics = agent.scrape()
        self.assertEqual(metrics.value(SUCCESSFUL), 0)
        self.assertEqual(metrics.value(TIMESTAMP), started.value(TIMESTAMP))
        self.assertIn("the last reload of the configuration failed", agent.get("/").text)
        # The old exporter still writes.
        victim = self.kill_victim("sleep", unit=unit)
        wait_until(lambda: victim.pid in [event["pid"] for event in self.lines(events)], "its line")

        self.reload(agent, right, "info  reload: the new configuration is in use")
        metrics = agent.scrape()
        self.assertEqual(metrics.value(SUCCESSFUL), 1)
        self.assertGreaterEqual(metrics.value(TIMESTAMP), started.value(TIMESTAMP))
        agent.stop()

    def test_missing_file_keeps_what_runs(self):
        agent = self.start_configured()
        agent.config_path.unlink()
        agent.signal(signal.SIGHUP)
        agent.await_line("error reload: the configuration in use stays: .*No such file", "stderr")
        self.assertEqual(agent.scrape().value(SUCCESSFUL), 0)

    def test_exporter_that_cannot_be_opened_keeps_what_runs(self):
        agent = self.start_configured()
        self.reload(agent, "exporters: {jsonl: {path: /nonexistent/events}}\n",
                    "error reload: the configuration in use stays: exporters.jsonl: .*/nonexistent/events")
        self.assertEqual(agent.scrape().value(SUCCESSFUL), 0)

    def test_warns_of_what_needs_a_restart(self):
        agent = self.start_configured()
        self.reload(agent, "listen: 127.0.0.1:1\nring: {size: 1MiB}\nloop: {backend: epoll}\n"
                           "watch: {capacity: 100, min_age: 1s, select: {comm: [a]}}\n"
                           "attribution: {mode: none}\nmetrics: {retain: 1m}\nstop_signals: [QUIT]\n"
                           "pidfd_creation: off\nlog: {level: debug}\n"
                           f"state: {{pin: {agent.pin}/other, keep_on_exit: false}}\n",
                    "info  reload: the new configuration is in use")
        warned = set(re.findall(r"warn  reload: (\S+) changed and takes effect at the next start", agent.stderr))
        documented = dict(re.findall(r"(?m)^\| ([a-z_.]+)[^|]*\|.*\| (yes|no) \|$",
                                     CONFIGURATION.read_text()))
        self.assertEqual(len(documented), 20)
        for key, reload in documented.items():
            with self.subTest(key):
                self.assertEqual(any(f"{key}.".startswith(f"{one}.") for one in warned), reload == "no")
        self.assertEqual(agent.scrape().value(SUCCESSFUL), 1)  # still at the old address
        # It is said again as long as it is so.
        agent.signal(signal.SIGHUP)
        agent.await_line(r"listen changed(.|\n)*listen changed", "stderr")

    def test_switches_json_lines_on_and_off(self):
        events = self.directory / "events"
        # On at the start: where that was not, the agent has given up writing files (test_privilege.py).
        agent = self.start_configured(f"exporters: {{jsonl: {{path: {self.directory / 'before'}}}}}\n")
        unit = self.make_unit()
        self.reload(agent, f"exporters: {{jsonl: {{path: {events}, reasons: [error, signal]}}}}\n",
                    "info  reload: the new configuration is in use")
        self.die("exit", "0", unit=unit)
        failed = self.die("exit", "9", unit=unit)
        killed = self.kill_victim("sleep", unit=unit)

        def ours():
            return [event for event in self.lines(events) if event.get("unit") == unit.name]

        wait_until(lambda: len(ours()) == 2, "two lines")
        self.assertEqual([(event["event"], event["pid"], event["reason"]) for event in ours()],
                         [("exit", failed.pid, "error"), ("exit", killed.pid, "signal")])

        agent.config_path.write_text("listen: 127.0.0.1:0\n")
        agent.signal(signal.SIGHUP)
        agent.await_line(r"in use\n(.|\n)*in use", "stderr")
        self.kill_victim("sleep", unit=unit)
        agent.await_sum(4, "knell_process_exits_total", unit=unit.name)
        self.assertEqual(len(ours()), 2)

    def test_changes_what_is_watched(self):
        agent = self.start_configured()
        self.reload(agent, "listen: 127.0.0.1:0\nwatch: {select: {comm: ['!e2e-unwatched']}}\n",
                    "info  reload: the new configuration is in use")
        unwatched = self.start_ready("sleep", name="e2e-unwatched")
        watched = self.start_victim("sleep", name="e2e-watched")
        # Both wait for watch.min_age; the other one's turn was before.
        await_watched(agent, watched.pid)
        self.assertNotIn(unwatched.pid, pids_watched(agent))
        self.assertGreaterEqual(agent.scrape().value("knell_watch_refused_total", why="filtered"), 1)

    def test_stops_on_signals(self):
        for number in [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]:
            with self.subTest(number):
                agent = self.start_configured()
                agent.signal(number)
                self.assertEqual(agent.wait(), 0)
                self.assertRegex(agent.stderr, r"info  leaving\n\Z")
