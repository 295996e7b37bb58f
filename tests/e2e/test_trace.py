"""`knell trace`: which events it shows, and how it ends."""

import datetime
import json
import os
import re
import subprocess
import time

from programs import (DIE, KNELL, Program, await_observing, await_watched, pidfds_tell_reaps, read_lines,
                      wait_until)
from support import EndToEnd, requires

HEADER = "TIME         PID COMM            WHERE                          REASON                KILLER"
RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"


@requires()
class Trace(EndToEnd):

    def setUp(self):
        super().setUp()
        # Victims of this test alone: all traces of it show what is named so.
        self.name = f"e2e{os.getpid()}"

    def start_trace(self, *arguments, **options) -> Program:
        trace = self.start([KNELL, "trace", "--comm", f"{self.name}*", *arguments], **options)
        await_observing(trace)
        return trace

    def rows(self, trace: Program) -> list[str]:
        header, *rows = trace.stdout.splitlines()
        self.assertTrue(header.startswith(HEADER), header)
        return rows

    def test_for_ends_by_itself(self):
        started = time.monotonic()
        ended = self.knell("trace", "--for", "1s", "--comm", self.name)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertGreaterEqual(time.monotonic() - started, 1.0)

    def test_shows_a_row_for_each_death(self):
        trace = self.start_trace("--count", "2")
        failed = self.die("exit", "3", name=self.name)
        killed = self.kill_victim("sleep", name=self.name)
        self.assertEqual((trace.wait(), trace.stderr), (0, ""))
        first, second = self.rows(trace)
        self.assertRegex(first, rf"^\d\d:\d\d:\d\d +{failed.pid} {self.name} .* error exit 3 +- ")
        self.assertRegex(second, rf"^\d\d:\d\d:\d\d +{killed.pid} {self.name} .* signal SIGKILL +parent {os.getpid()} ")

    def test_file_is_plain(self):
        trace = self.start_trace("--count", "1", env=os.environ | {"TERM": "xterm-256color"})
        self.die("segv", name=self.name)
        self.assertEqual(trace.wait(), 0)
        self.assertNotIn("\x1b", trace.stdout)

    def test_reason_filters(self):
        trace = self.start_trace("--reason", "error,crash", "--count", "2")
        self.die("exit", "0", name=self.name)
        self.kill_victim("sleep", name=self.name)
        error = self.die("exit", "1", name=self.name)
        crash = self.die("abort", name=self.name)
        self.assertEqual(trace.wait(), 0)
        self.assertEqual([int(row.split()[1]) for row in self.rows(trace)], [error.pid, crash.pid])

    def test_comm_filters(self):
        trace = self.start_trace("--count", "1")
        self.die("exit", "1", name=f"x{self.name}")
        wanted = self.die("exit", "1", name=f"{self.name}y")
        self.assertEqual(trace.wait(), 0)
        self.assertEqual([int(row.split()[1]) for row in self.rows(trace)], [wanted.pid])

    def test_shows_execs_alone_when_asked(self):
        trace = self.start_trace("--events", "exec", "--count", "2")
        pids = [self.die("exit", "0", name=self.name).pid for _ in range(2)]
        self.assertEqual(trace.wait(), 0)
        rows = self.rows(trace)
        self.assertEqual([int(row.split()[1]) for row in rows], pids)
        for row in rows:
            self.assertRegex(row, " exec ")

    def test_shows_execs_and_exits(self):
        trace = self.start_trace("--events", "exec,exit", "--count", "2")
        self.die("exit", "9", name=self.name)
        self.assertEqual(trace.wait(), 0)
        executed, ended = self.rows(trace)
        self.assertRegex(executed, " exec ")
        self.assertRegex(ended, " error exit 9 ")

    def test_json_has_the_fields_of_a_death(self):
        trace, unit = self.start_trace("--json"), self.make_unit()
        sleeper = self.start_victim("sleep", unit=unit, name=self.name)
        await_watched(trace, sleeper.pid)
        before = datetime.datetime.now(datetime.timezone.utc)
        sleeper.signal(9)
        sleeper.wait()
        trace.await_line('"event":"reap"' if pidfds_tell_reaps() else '"event":"exit"')
        trace.signal(15)
        self.assertEqual((trace.wait(), trace.stderr), (0, ""))
        death, *reaps = map(json.loads, trace.stdout.splitlines())

        self.assertRegex(death["time"], f"^{RFC3339}$")
        self.assertRegex(death["start_time"], f"^{RFC3339}$")
        self.assertLess(death["start_time"], before.isoformat())
        self.assertGreater(death["lifetime_seconds"], 0)
        self.assertGreater(death["teardown_seconds"], 0)
        # 0 where the wake-up is quicker than the kernel's stamp, which follows it.
        self.assertGreaterEqual(death["reaction_seconds"], 0)
        for field in ["teardown_seconds", "reaction_seconds"]:
            self.assertLess(death[field], 10, field)
        for field in ["minor_faults", "peak_rss_bytes"]:
            self.assertGreater(death[field], 0, field)
        for field in ["user_seconds", "system_seconds", "major_faults"]:
            self.assertGreaterEqual(death[field], 0, field)
        measured = {"time", "start_time", "lifetime_seconds", "teardown_seconds", "reaction_seconds", "pidfd_inode",
                    "user_seconds", "system_seconds", "peak_rss_bytes", "minor_faults", "major_faults"}
        death.setdefault("exe", os.path.basename(DIE))  # before Linux 6.16 it is not known any more
        self.assertEqual({field: value for field, value in death.items() if field not in measured}, {
            "event": "exit", "pid": sleeper.pid, "ppid": os.getpid(), "uid": 0, "comm": self.name,
            "exe": os.path.basename(DIE), "reason": "signal", "signal": "SIGKILL", "core_dumped": False,
            "killer": {"pid": os.getpid(), "comm": self.own_comm(), "exe": self.own_exe(), "uid": 0,
                       "class": "parent"},
            "cgroup": f"/{unit.name}", "unit": unit.name, "detail": "full"})

        if not pidfds_tell_reaps():
            self.assertEqual((reaps, death.get("pidfd_inode")), ([], None))
            return
        self.assertGreater(death["pidfd_inode"], 0)
        self.assertEqual([(reap["event"], reap["pid"], reap["start_time"]) for reap in reaps],
                         [("reap", sleeper.pid, death["start_time"])])
        self.assertGreater(reaps[0]["reap_seconds"], 0)

    def test_json_leaves_out_what_is_not_known(self):
        trace = self.start_trace("--json", "--count", "1")
        self.die("exit", "7", name=self.name)
        self.assertEqual(trace.wait(), 0)
        death = json.loads(trace.stdout)
        self.assertEqual((death["reason"], death["exit_code"]), ("error", 7))
        # Dead within watch.min_age: nobody watched it. And nobody killed it.
        for field in ["signal", "core_dumped", "killer", "oom_scope", "preceded_by", "reaction_seconds", "container"]:
            self.assertNotIn(field, death)

    def test_shows_who_opens_a_pidfd_to_whom(self):
        trace = self.start([KNELL, "trace", "--json", "--events", "pidfd", "--comm", self.own_comm()])
        await_observing(trace)
        if "no pidfd is seen" in trace.stderr:
            self.skipTest(trace.stderr)
        victim = self.start_ready("sleep", name=self.name)
        pidfd = os.pidfd_open(victim.pid)
        inode = os.fstat(pidfd).st_ino
        os.close(pidfd)

        def ours():
            events = map(json.loads, read_lines(trace.stdout_path))
            return [event for event in events if event["target"]["pid"] == victim.pid]

        (event,) = wait_until(ours, "the pidfd_open event")
        self.assertEqual((event["event"], event["via"]), ("pidfd_open", "pidfd_open"))
        self.assertEqual((event["opener"]["pid"], event["opener"]["uid"]), (os.getpid(), 0))
        self.assertRegex(event["time"], f"^{RFC3339}$")
        if "pidfd_inode" in event["target"]:  # since Linux 6.9
            self.assertEqual(event["target"]["pidfd_inode"], inode)

    def test_json_of_everything_parses(self):
        # Of whoever it is: beside a storm it has seen enough before we know that it observes.
        trace = self.start([KNELL, "trace", "--json", "--events", "exec,exit", "--count", "40"])
        while trace.running:
            self.die("exit", "0")
        self.assertEqual((trace.wait(), trace.stderr), (0, ""))
        lines = trace.stdout.splitlines()
        self.assertEqual(len(lines), 40)
        for line in lines:
            event = json.loads(line)
            self.assertIn(event["event"], ["exec", "exit", "reap"])
            self.assertRegex(event["time"], f"^{RFC3339}$")
            self.assertNotIn(None, event.values())

    def test_hostile_names_stay_in_their_row(self):
        name = b"\n\x1b[31m\xff\xc3\t\"x"
        trace = self.start([KNELL, "trace", "--comm", b"\n*", "--count", "1"])
        await_observing(trace)
        victim = self.kill_victim("rename", name)
        self.assertEqual(trace.wait(), 0)
        (row,) = self.rows(trace)
        shown = r"\x0a\x1b[31m" + "\ufffd\ufffd" + r'\x09"x'
        self.assertRegex(row, rf"^\d\d:\d\d:\d\d +{victim.pid} " + re.escape(shown))
        self.assertNotRegex(row, r"[\x00-\x1f\x7f]")

        trace = self.start([KNELL, "trace", "--json", "--comm", b"\n*", "--count", "1"])
        await_observing(trace)
        self.kill_victim("rename", name)
        self.assertEqual(trace.wait(), 0)
        self.assertEqual(json.loads(trace.stdout)["comm"], "\n\x1b[31m\ufffd\ufffd\t\"x")

    def test_ends_quietly_when_its_reader_leaves(self):
        trace = self.start([KNELL, "trace"], stdout=subprocess.PIPE)
        with trace.stdout_pipe as pipe:
            self.assertTrue(pipe.readline().decode().startswith(HEADER))
        await_observing(trace)
        # It notices when it has something to write.
        wait_until(lambda: self.die("exit", "0") and not trace.running, "the trace to end")
        self.assertEqual((trace.wait(), trace.stderr), (0, ""))

    def test_says_when_its_output_is_full(self):
        with open("/dev/full", "wb") as full:
            trace = self.start_trace("--count", "1", stdout=full)
            self.die("exit", "0", name=self.name)
            self.assertEqual(trace.wait(), 1)
        self.assertRegex(trace.stderr, r"\Aknell: writing to standard output, \d+ lines .*: No space left on device\n")

    def test_works_beside_an_agent(self):
        agent, unit = self.start_agent(), self.make_unit()
        traces = [self.start_trace("--count", "1") for _ in range(2)]
        victim = self.die("exit", "5", unit=unit, name=self.name)
        for trace in traces:
            self.assertEqual((trace.wait(), trace.stderr), (0, ""))
            self.assertEqual([int(row.split()[1]) for row in self.rows(trace)], [victim.pid])
        metrics = agent.await_sum(1, "knell_process_exits_total", unit=unit.name)
        self.assertEqual(metrics.by("knell_process_exits_total", "reason", unit=unit.name), {"error": 1})

    @staticmethod
    def own_exe() -> str:
        return os.path.basename(os.readlink("/proc/self/exe"))[:23]

    @staticmethod
    def own_comm() -> str:
        with open("/proc/self/comm", encoding="utf-8") as comm:
            return comm.read().rstrip("\n")
