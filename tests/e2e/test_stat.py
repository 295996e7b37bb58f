"""`knell stat`: how a command's processes lived and died."""

import json
import os
import pty
import resource
import signal
import subprocess

from programs import DIE, KNELL, pidfds_tell_reaps, wait_until
from support import EndToEnd, requires


@requires()
class Stat(EndToEnd):

    def stat(self, *command, options=(), **popen) -> tuple[dict, subprocess.CompletedProcess]:
        path = self.directory / "report.json"
        done = self.knell("stat", "--json", "--output", path, *options, "--", *command, **popen)
        self.assertEqual(done.stderr, "")
        return json.loads(path.read_text()), done

    def test_counts_a_storm_to_the_last_process(self):
        report, done = self.stat(DIE, "storm", "5000")
        self.assertIn("count 5000\n", done.stdout)
        self.assertEqual(done.returncode, 0)
        self.assertTrue(report["exact"])
        self.assertEqual([report[key] for key in ["processes", "forks", "execs", "exits", "still_running"]],
                         [5001, 5000, 1, 5001, 0])
        self.assertEqual(report["reasons"]["success"], 5001)
        self.assertEqual(report["lifetime_seconds"]["count"], 5001)

    def test_counts_a_tree(self):
        report, _ = self.stat(DIE, "fork-tree", "5")
        self.assertEqual(report["processes"], 1 + 62)
        self.assertEqual(report["exits"], report["processes"])

    def test_membership_goes_by_who_made_it(self):
        """With CLONE_PARENT the child's parent is knell itself."""
        report, done = self.stat(DIE, "clone-parent", "7")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(report["processes"], 2)
        self.assertEqual(report["reasons"]["error"], 1)
        self.assertEqual(report["reasons"]["success"], 1)

    def test_waiting_for_all_ends_when_a_child_is_nobodys(self):
        """Nobody but knell can collect a CLONE_PARENT child, and knell did not make it."""
        report, _ = self.stat("sh", "-c", f"exec {DIE} clone-parent 7", options=["--wait"])
        self.assertEqual((report["exits"], report["still_running"]), (2, 0))

    def test_the_command_keeps_its_limit_of_descriptors(self):
        """knell raises its own: it holds one for each process."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
        _, done = self.stat("sh", "-c", "ulimit -Sn; ulimit -Hn")
        self.assertEqual(done.stdout.split(), ["300", str(hard)])

    def test_execs_are_no_births(self):
        report, _ = self.stat("sh", "-c", "exec sh -c 'exec true'")
        self.assertEqual((report["processes"], report["execs"]), (1, 3))

    def test_orphans_stay_members(self):
        """The middle one ends, its child is somebody else's then, and makes one more."""
        script = "(sh -c 'sleep 0.1; true; exit 3' & ) ; sleep 1"
        report, _ = self.stat("sh", "-c", script)
        self.assertEqual(report["reasons"]["error"], 1)
        self.assertEqual(report["still_running"], 0)
        self.assertEqual(report["exits"], report["processes"])

    def test_does_not_wait_for_what_outlives_the_command(self):
        with self.reaped_later() as pids:
            report, done = self.stat("sh", "-c", "setsid sleep 600 >/dev/null 2>&1 & echo $!; exit 4")
            pids.append(int(done.stdout))
            self.assertEqual(done.returncode, 4)
            self.assertEqual((report["exits"], report["still_running"]), (1, 1))

    def test_waits_for_all_when_told_so(self):
        report, done = self.stat("sh", "-c", "setsid sleep 0.3 >/dev/null 2>&1 & exit 4", options=["--wait"])
        self.assertEqual(done.returncode, 4)
        self.assertEqual((report["exits"], report["still_running"]), (2, 0))

    def test_tells_who_killed(self):
        report, done = self.stat("sh", "-c", "kill -KILL $$")
        self.assertEqual(done.returncode, 128 + signal.SIGKILL)
        self.assertEqual(report["status"], 128 + signal.SIGKILL)
        self.assertEqual(report["kills"], [{"signal": "SIGKILL", "killer": "self", "count": 1}])

    def test_measures_those_that_live_long_enough(self):
        report, _ = self.stat("sleep", "0.3")
        for what in ["teardown_seconds", "reaction_seconds", "reap_seconds"]:
            with self.subTest(what):
                if what == "reap_seconds" and not pidfds_tell_reaps():
                    self.assertEqual(report[what]["count"], 0)
                    continue
                self.assertEqual(report[what]["count"], 1)
                if what != "reaction_seconds":  # 0 where the wake-up is quicker than the kernel's stamp after it
                    self.assertGreater(report[what]["max"], 0)
        self.assertGreaterEqual(report["lifetime_seconds"]["max"], 0.3)
        self.assertGreater(report["cost_cpu_seconds"], 0)

    def test_the_report_leaves_the_commands_output_alone(self):
        done = self.knell("stat", "--bpf-time", "--", "echo", "hello")
        self.assertEqual(done.stdout, "hello\n")
        self.assertIn("Processes of 'echo hello'", done.stderr)
        self.assertIn("in the kernel", done.stderr)

    def test_says_when_there_is_no_such_program(self):
        done = self.knell("stat", "--", "/nonexistent")
        self.assertEqual(done.returncode, 127)
        self.assertIn("/nonexistent", done.stderr)
        done = self.knell("stat", "--", "/nonexistent\x1b[31m")
        self.assertNotIn("\x1b", done.stderr)
        done = self.knell("stat", "--", "/etc/passwd")
        self.assertEqual(done.returncode, 126)
        self.assertEqual(self.knell("stat").returncode, 2)

    def test_an_interrupt_at_the_terminal_is_the_commands(self):
        """Both get SIGINT; the command ends of it, and the report comes."""
        report = self.directory / "report.json"
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(KNELL, [KNELL, "stat", "--json", "--output", str(report), "--", DIE, "sleep"])
        try:
            said = b""
            while b"ready" not in said:
                said += os.read(terminal, 1024)
            os.write(terminal, b"\x03")
            _, status = os.waitpid(pid, 0)
        finally:
            os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(status), 128 + signal.SIGINT)
        self.assertEqual(json.loads(report.read_text())["kills"][0]["signal"], "SIGINT")

    def test_passes_a_request_to_stop_on(self):
        report = self.directory / "report.json"
        stat = self.start([KNELL, "stat", "--json", "--output", str(report), "--", DIE, "sleep"])
        stat.await_line("^ready$")
        stat.signal(signal.SIGTERM)
        self.assertEqual(stat.wait(), 128 + signal.SIGTERM)
        self.assertEqual(json.loads(report.read_text())["kills"],
                         [{"signal": "SIGTERM", "killer": "parent", "count": 1}])

    def reaped_later(self):
        return Leftovers()


class Leftovers:
    """Processes that outlive what started them: ended with the test."""

    def __enter__(self) -> list[int]:
        self.pids = []
        return self.pids

    def __exit__(self, *_):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda gone=pid: not os.path.exists(f"/proc/{gone}/exe") or self._is_zombie(gone),
                       f"{pid} to end")

    @staticmethod
    def _is_zombie(pid: int) -> bool:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
                return stat.read().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True
