"""`knell wait`: waits for what are not its children, and tells why each ended."""

import collections
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

from container import Container
from programs import KNELL, Program, await_observing, wait_until
from support import EndToEnd, requires
from wrappers import NOBODY, WITHOUT_BPF

PIDCTL = os.environ["KNELL_PIDCTL"]
FAILED, USAGE, TIMED_OUT = 1, 2, 124
NO_SUCH_PID = 1 << 22  # the kernel's numbers end below (PID_MAX_LIMIT)
REACTION = r"(?:\d[\d.]+[mu]s|0ns)"  # 0: it was awake before the kernel had told the parent


def pidfds_held(program: Program) -> collections.Counter:
    """How many it has of which process."""
    held = collections.Counter()
    for entry in os.scandir(f"/proc/{program.pid}/fdinfo"):
        try:
            held.update(re.findall(r"^Pid:\t(\d+)$", pathlib.Path(entry).read_text(), re.MULTILINE))
        except FileNotFoundError:  # closed meanwhile
            pass
    return held


class WaitTest(EndToEnd):

    def start_wait(self, *arguments, wrapper=()) -> Program:
        waiter = self.start([*wrapper, KNELL, "wait", *map(str, arguments)])
        # It holds its own pidfds before it looks on, and watches these processes, too, when it does.
        wait_until(lambda: max(pidfds_held(waiter).values(), default=0) > 1, f"{waiter} to look on")
        return waiter

    def reference(self, pid: int) -> str:
        told = subprocess.run([PIDCTL, "--json", "info", str(pid)], capture_output=True, timeout=60, check=True)
        return json.loads(told.stdout)["process"]

    def rows(self, waiter: Program) -> list[str]:
        header, *rows = waiter.stdout.splitlines()
        self.assertTrue(header.startswith("TIME "), header)
        return rows


@requires()
class Wait(WaitTest):

    def test_tells_why_it_ended(self):
        for way, number, status, told in [
            (["sleep"], signal.SIGKILL, 128 + signal.SIGKILL, rf"signal SIGKILL +parent {os.getpid()} "),
            (["term-graceful", "7"], signal.SIGTERM, 7, "error exit 7 after SIGTERM +- "),
            (["term-graceful", "0"], signal.SIGTERM, 0, "success after SIGTERM +- "),
            (["sleep"], signal.SIGSEGV, 128 + signal.SIGSEGV, rf"signal SIGSEGV +parent {os.getpid()} "),
        ]:
            with self.subTest(told):
                victim = self.start_ready(*way)
                waiter = self.start_wait(victim.pid)
                victim.signal(number)
                self.assertEqual((waiter.wait(), waiter.stderr), (status, ""))
                (row,) = self.rows(waiter)
                self.assertRegex(row, rf"^\d\d:\d\d:\d\d +{victim.pid} die .* {told}")
                self.assertRegex(row, rf" \d[\dhms.]+ +{REACTION}$")  # how long it lived, how fast we knew

    def test_json_is_the_exit_event(self):
        victim = self.start_ready("sleep")
        waiter = self.start_wait("--json", victim.pid)
        victim.signal(signal.SIGKILL)
        self.assertEqual(waiter.wait(), 128 + signal.SIGKILL)
        (event,) = map(json.loads, waiter.stdout.splitlines())
        told = {"event": "exit", "pid": victim.pid, "ppid": os.getpid(), "uid": 0, "comm": "die", "reason": "signal",
                "signal": "SIGKILL", "core_dumped": False, "detail": "full"}
        self.assertEqual(event | told, event)
        self.assertEqual((event["killer"]["pid"], event["killer"]["class"]), (os.getpid(), "parent"))
        self.assertGreater(event["reaction_seconds"], 0)

    def test_status_is_that_of_the_one_named_last(self):
        first, last = self.start_ready("term-graceful", "3"), self.start_ready("term-graceful", "4")
        waiter = self.start_wait(first.pid, last.pid, last.pid)
        last.signal(signal.SIGTERM)
        waiter.await_line(f" {last.pid} die ")
        self.assertTrue(waiter.running)
        first.signal(signal.SIGTERM)
        self.assertEqual(waiter.wait(), 4)
        self.assertEqual([int(row.split()[1]) for row in self.rows(waiter)], [last.pid, first.pid])

    def test_ends_before_it_looks_on(self):
        victim = self.start_ready("term-graceful", "7")
        waiter = self.start([KNELL, "wait", str(victim.pid)])
        await_observing(waiter)  # it has its pidfd, and seldom more
        victim.signal(signal.SIGTERM)
        self.assertEqual((waiter.wait(), waiter.stderr), (7, ""))
        (row,) = self.rows(waiter)
        self.assertRegex(row, rf" {victim.pid} die .* error exit 7 ")

    def test_says_that_it_came_too_late_for_the_killer(self):
        for _ in range(5):  # it takes a quarter of a second to attach; on a busy host we may see its pidfd later still
            victim = self.start_ready("sleep")
            waiter = self.start([KNELL, "wait", str(victim.pid)])
            wait_until(lambda waiter=waiter: pidfds_held(waiter), "its pidfd")
            victim.signal(signal.SIGKILL)
            self.assertEqual(waiter.wait(), 128 + signal.SIGKILL)
            row = waiter.stdout.splitlines()[-1]
            if re.search(" signal SIGKILL +unknown ", row):
                self.assertRegex(waiter.stderr, rf"\A\S+ warn  process {victim.pid} died of a signal before .*\n\Z")
                return
            self.assertEqual(waiter.stderr, "")
        self.fail("it was never too late")

    def test_others_that_end_are_not_told(self):
        victim = self.start_ready("sleep")
        waiter = self.start_wait("--json", victim.pid)
        self.die("exit", "1")
        victim.signal(signal.SIGKILL)
        waiter.wait()
        self.assertEqual([json.loads(line)["pid"] for line in waiter.stdout.splitlines()], [victim.pid])

    def test_zombies_have_ended(self):
        failed, killed = self.make_zombie("exit", "3"), self.make_zombie("abort")
        ended = self.knell("wait", killed.pid, failed.pid)
        self.assertEqual((ended.returncode, ended.stderr), (3, ""))
        _, first, second = ended.stdout.splitlines()
        self.assertRegex(first, rf"^- +{killed.pid} die .* signal SIGABRT +unknown ")
        self.assertRegex(second, rf"^- +{failed.pid} die .* error exit 3 ")
        self.assertEqual(self.knell("wait", failed.pid, killed.pid).returncode, 128 + signal.SIGABRT)

    def test_zombies_and_others(self):
        zombie, victim = self.make_zombie("exit", "3"), self.start_ready("sleep")
        waiter = self.start_wait(victim.pid, zombie.pid)
        waiter.await_line(f" {zombie.pid} die .* error exit 3 ")
        victim.signal(signal.SIGKILL)
        self.assertEqual(waiter.wait(), 3)

    def test_reference(self):
        victim = self.start_ready("sleep")
        waiter = self.start_wait(self.reference(victim.pid))
        victim.signal(signal.SIGKILL)
        self.assertEqual(waiter.wait(), 128 + signal.SIGKILL)

    def test_refuses_what_is_not_there(self):
        victim = self.start_ready("sleep")
        another = self.reference(victim.pid) + "0"
        for name, process, says in [("gone", NO_SUCH_PID, ".*the process is gone.*"),
                                    ("recycled", another, ".*its number belongs to another one now")]:
            with self.subTest(name):
                ended = self.knell("wait", victim.pid, process)  # and does not wait for the other
                self.assertEqual((ended.returncode, ended.stdout), (FAILED, ""))
                self.assertRegex(ended.stderr, rf"\Aknell: {says}\n\Z")

    def test_bad_arguments(self):
        for arguments, says in [
            ((), "PROCESS is required"),
            (("x",), 'PROCESS: "x" is no process .*'),
            (("1", "--timeout", "5"), "--timeout: .*no unit.*"),
        ]:
            with self.subTest(arguments):
                ended = self.knell("wait", *arguments)
                self.assertEqual((ended.returncode, ended.stdout), (USAGE, ""))
                self.assertRegex(ended.stderr, rf"\Aknell: {says}\nTry `knell wait --help`\.\n\Z")

    def test_timeout(self):
        victim, zombie = self.start_ready("sleep"), self.make_zombie("exit", "0")
        for timeout in ["200ms", "0s"]:
            with self.subTest(timeout):
                ended = self.knell("wait", victim.pid, zombie.pid, "--timeout", timeout)
                self.assertEqual((ended.returncode, ended.stderr),
                                 (TIMED_OUT, "knell: 1 of 2 processes did not end in time\n"))
                self.assertIn(f" {zombie.pid} die ", ended.stdout)
        self.assertTrue(victim.running)

    def test_interrupted(self):
        victim = self.start_ready("sleep")
        waiter = self.start_wait(victim.pid)
        waiter.signal(signal.SIGINT)
        self.assertEqual(waiter.wait(), -signal.SIGINT)

    def test_hostile_names(self):
        name = b"\n\x1b[31m*!"
        victim = self.start_ready("rename", name)
        waiter = self.start_wait(victim.pid)
        victim.signal(signal.SIGKILL)
        self.assertEqual(waiter.wait(), 128 + signal.SIGKILL)
        (row,) = self.rows(waiter)
        self.assertRegex(row, rf"^\d\d:\d\d:\d\d +{victim.pid} " + re.escape(r"\x0a\x1b[31m*!"))
        self.assertRegex(row, rf" {REACTION}$")  # it was watched under this name

    def test_container(self):
        if shutil.which("runc") is None:
            self.skipTest("runc is not installed")
        container = Container(self.directory, ["sleep"])
        self.addCleanup(container.remove)
        init = self.start(container.run_command())
        container.pid()
        init.await_line("^ready$")
        second = self.start(container.exec_command("sleep"))
        second.await_line("^ready$")
        pid = container.exec_pid()
        waiter = self.start_wait(pid)
        os.kill(pid, signal.SIGTERM)
        self.assertEqual((waiter.wait(), second.wait()), (128 + signal.SIGTERM,) * 2)
        (row,) = self.rows(waiter)
        self.assertRegex(row, rf" {pid} die +{container.label} +signal SIGTERM +{os.getpid()} .*\(host\)")


@requires("setpriv", "prlimit", bpf=False)
class WaitWithoutBpf(WaitTest):

    WARNING = r"\A\S+ warn  without BPF it is not seen who kills: [^\n]*\n"

    def test_tells_what_is_known(self):
        for way, number, status, told in [
            (["sleep"], signal.SIGKILL, 128 + signal.SIGKILL, "signal SIGKILL +unknown "),
            (["term-graceful", "7"], signal.SIGTERM, 7, "error exit 7 +- "),
        ]:
            with self.subTest(told):
                victim = self.start_ready(*way)
                waiter = self.start_wait(victim.pid, wrapper=WITHOUT_BPF)
                victim.signal(number)
                self.assertEqual(waiter.wait(), status)
                self.assertRegex(waiter.stderr, self.WARNING + r"\Z")
                (row,) = self.rows(waiter)
                self.assertRegex(row, rf"^\d\d:\d\d:\d\d +{victim.pid} die .* {told}")

    def test_zombies_have_ended(self):
        zombie = self.make_zombie("exit", "3")
        ended = subprocess.run([*WITHOUT_BPF, KNELL, "wait", str(zombie.pid)], capture_output=True, text=True,
                               timeout=60, check=False)
        self.assertEqual((ended.returncode, ended.stderr), (3, ""))
        self.assertRegex(ended.stdout, rf"(?m)^- +{zombie.pid} die .* error exit 3 ")

    def test_what_the_pool_has_no_room_for(self):
        """Its pidfd alone says that it ended, and how."""
        unit = self.make_unit()
        self.start_sleepers(40, unit)
        # The crowd has the same name and lower numbers: it takes the room of a pool that is as small as the limit.
        last = self.start_sleepers(1, unit)
        child = int(last.await_line(r"^child (\d+)$")[1])
        small = ["prlimit", "--nofile=80:80", *WITHOUT_BPF]
        waiter = self.start([*small, KNELL, "wait", str(child)])
        wait_until(lambda: len(pidfds_held(waiter)) > 2, "the pool to be full")
        os.kill(child, signal.SIGTERM)
        self.assertEqual(waiter.wait(), 128 + signal.SIGTERM)
        (row,) = self.rows(waiter)
        self.assertRegex(row, rf"^\d\d:\d\d:\d\d +{child} sleepers +- +signal SIGTERM +unknown +- +-$")

    def test_status_that_may_not_be_known(self):
        self.directory.chmod(0o755)
        program = shutil.copy(KNELL, self.directory)  # the build may be where that user cannot look
        zombie = self.make_zombie("exit", "3")
        ended = subprocess.run([*NOBODY, program, "wait", str(zombie.pid)], capture_output=True, text=True, timeout=60,
                               check=False)
        self.assertEqual(ended.returncode, FAILED)
        self.assertRegex(ended.stdout, rf"(?m)^- +{zombie.pid} die .* unknown ")
        self.assertRegex(ended.stderr, rf"\Aknell: process {zombie.pid} ended, and how is not known .*\n\Z")
