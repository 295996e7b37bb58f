"""What goes wrong around the agent: it says and counts it, and goes on."""

import json
import os
import resource
import signal
import socket
import subprocess
import urllib.parse

from programs import read_lines, wait_until
from support import EndToEnd, requires

LOST = "knell_event_lines_lost_total"
STORM = 3_000


@requires()
class Faults(EndToEnd):

    def setUp(self):
        super().setUp()
        self.unit = self.make_unit()

    def start_writing(self, path, **options):
        return self.start_agent(f"listen: 127.0.0.1:0\nexporters: {{jsonl: {{path: {path}, reasons: []}}}}\n", **options)

    def start_writing_to_pipe(self):
        """The agent, and the descriptor of the pipe's only reader, to be closed."""
        pipe = self.directory / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return self.start_writing(pipe), reader
        except BaseException:
            os.close(reader)
            raise

    def storm(self, agent) -> None:
        """Thousands of deaths; each is counted."""
        before = agent.scrape().sum("knell_process_exits_total", unit=self.unit.name)
        self.assertEqual(self.start_victim("storm", str(STORM), unit=self.unit).wait(), 0)
        agent.await_sum(before + STORM + 1, "knell_process_exits_total", unit=self.unit.name)

    def check_lost(self, agent, why: str) -> None:
        self.assertEqual(set(agent.settled_scrape().by(LOST, "why")), {why})

    def test_disk_is_full(self):
        disk = self.directory / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", disk], check=True)
        agent = self.start_writing(disk / "events")
        self.storm(agent)
        self.check_lost(agent, "no_space")
        # Room again: lines come again, and none is torn.
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        last = self.die("exit", "9", unit=self.unit)

        def told_again():
            return any(json.loads(line)["pid"] == last.pid for line in read_lines(disk / "events"))

        wait_until(told_again, "a line again")

    def test_nobody_reads_the_pipe(self):
        agent, reader = self.start_writing_to_pipe()
        try:
            self.storm(agent)
            self.check_lost(agent, "slow_reader")
        finally:
            os.close(reader)

    def test_reader_of_the_pipe_is_gone(self):
        agent, reader = self.start_writing_to_pipe()
        os.close(reader)
        self.storm(agent)
        self.check_lost(agent, "reader_gone")
        self.assertEqual(agent.get("/healthz").status, 200)

    def test_more_processes_than_descriptors(self):
        limit, sleepers = 160, 300
        # Ours alone are watched: one of another test that ends would leave room that nobody takes.
        ours = f"{{cgroup: ['*/{self.unit.name}'], comm: [sleepers]}}"
        agent = self.start_agent(f"listen: 127.0.0.1:0\nwatch: {{select: {ours}}}\n",
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
        crowd = self.start_sleepers(sleepers, self.unit)
        wait_until(lambda: agent.scrape().value("knell_watch_refused_total", why="full") > 0, "some to be refused")
        metrics = agent.scrape()
        self.assertLess(metrics.value("knell_watches", state="alive"), limit)
        self.assertEqual(metrics.value("knell_watch_capacity"), metrics.value("knell_watches", state="alive"))
        crowd.stdin.close()
        self.assertEqual(crowd.wait(), 0)
        agent.await_sum(sleepers + 1, "knell_process_exits_total", unit=self.unit.name)
        self.storm(agent)

    def test_stuck_clients_do_not_stop_scrapes(self):
        agent = self.start_agent()
        address = urllib.parse.urlsplit(agent.url)
        clients = []
        try:
            for _ in range(6):  # of the 8 that one address may have
                client = socket.create_connection((address.hostname, address.port), timeout=10)
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: ")
                clients.append(client)
            # These ask, and do not read the answer.
            for client in clients[:3]:
                client.sendall(b"here\r\n\r\n")
            self.storm(agent)
            self.assertEqual(agent.get("/healthz").status, 200)
        finally:
            for client in clients:
                client.close()

    def test_the_cgroup_goes_with_its_last_process(self):
        """It may be gone when it is looked up: then the other hierarchy's place is told, or none. The death is."""
        events = self.directory / "events"
        self.start_writing(events)
        pids = []
        for _ in range(50):
            unit = self.make_unit()
            pids.append(self.die("exit", "3", unit=unit).pid)
            unit.path.rmdir()
            unit.path.mkdir()  # for the end of the test; another one, by its id

        def told():
            deaths = [event for event in map(json.loads, read_lines(events)) if event["event"] == "exit"]
            ours = [event["pid"] for event in deaths if event["pid"] in pids and event.get("exit_code") == 3]
            return ours if len(ours) >= len(pids) else None

        self.assertEqual(sorted(wait_until(told, "a line for each death")), sorted(pids))

    def test_one_cgroups_storm_hides_no_deaths_in_another(self):
        agent, quiet = self.start_agent("listen: 127.0.0.1:0\nring: {size: 64KiB}\n"), self.make_unit()
        agent.signal(signal.SIGSTOP)
        try:
            storm = self.start_victim("storm", str(STORM), unit=self.unit)
            for code in range(1, 11):
                self.die("exit", str(code), unit=quiet)
            self.kill_victim("sleep", unit=quiet)
            self.assertEqual(storm.wait(), 0)
        finally:
            agent.signal(signal.SIGCONT)
        metrics = agent.await_sum(STORM + 1, "knell_process_exits_total", unit=self.unit.name)
        self.assertGreater(metrics.value("knell_exits_spilled_total"), 0)
        self.assertEqual(metrics.value("knell_exits_unaccounted_total"), 0)
        self.assertEqual(metrics.by("knell_process_exits_total", "reason", unit=quiet.name), {"error": 10, "signal": 1})
        self.assertEqual(metrics.by("knell_process_exit_codes_total", "code", unit=quiet.name)["1"], 1)
