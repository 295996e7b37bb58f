"""`pidctl`: each command for people and for machines, on new kernels and on old ones, and each way to be refused."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

from container import Container
from pidctl import AGES, FAILED, NO_SUCH_PID, PIDCTL, Pidctl, USAGE
from programs import DIE
from support import requires
from wrappers import NOBODY

COMMANDS = {"info", "namespaces", "translate", "relation", "signal", "cat", "wait", "run", "help"}


@requires(bpf=False)
class Usage(Pidctl):

    def test_bad_arguments(self):
        for arguments, says in [
            ((), "a command is required"),
            (("bogus",), '"bogus" is neither .*'),
            (("info",), "PROCESS is required"),
            (("info", "x"), 'PROCESS: "x" is no process .*PID:INODE.*'),
            (("info", "0"), "PROCESS: .*"),
            (("info", "-1"), "PROCESS: .*"),
            (("info", "1:"), "PROCESS: .*"),
            (("info", "1:2:3"), "PROCESS: .*"),
            (("info", "99999999999"), "PROCESS: .*"),
            (("info", "\x1b[31m"), r'PROCESS: "\\x1b.*'),
            (("info", "1", "2"), '"2" is not expected here'),
            (("info", "--", "1"), "PROCESS is required"),
            (("info", "1", "--", "x"), "--: only `run` takes a command line"),
            (("info", "1", "--without", "io_uring"), '--without: "io_uring" is not known here .*pidfs.*'),
            (("translate", "x"), 'PID: "x" is not a whole number .*'),
            (("translate", "1", "--to", "x"), '--to: "x" is no pid namespace .*'),
            (("relation", "1"), "NS2 is required"),
            (("signal", "USR9", str(NO_SUCH_PID)), 'SIGNAL: "USR9" is no signal .*'),
            (("signal", "65", str(NO_SUCH_PID)), "SIGNAL: .*"),
            (("signal", "-9", str(NO_SUCH_PID)), "SIGNAL: .*"),
            (("signal", "0", str(NO_SUCH_PID), "--thread", "--group"), ".*excludes.*"),
            (("cat", "1", "/etc/passwd"), 'FILE: "/etc/passwd" is no file of a process .*'),
            (("cat", "1", "../1/status"), "FILE: .*"),
            (("cat", "1", "task/.."), "FILE: .*"),
            (("cat", "1", ""), "FILE: .*"),
            (("wait",), "PROCESS is required"),
            (("wait", "1", "--timeout", "5"), "--timeout: .*no unit.*"),
            (("run",), "run: a command is required .*--.*"),
            (("run", "--"), "run: a command is required .*"),
            (("run", "true"), '"true" is not expected here'),
            (("run", "--descendants", "--", "true"), "--descendants requires --kill-on-close"),
        ]:
            with self.subTest(" ".join(arguments)):
                ended = self.pidctl(*arguments)
                self.assertEqual((ended.returncode, ended.stdout), (USAGE, b""), ended.stderr)
                look = f"{arguments[0]} --help" if arguments and arguments[0] in COMMANDS else "help"
                self.assertRegex(ended.stderr.decode(), rf"\Apidctl: {says}\nTry `pidctl {look}`\.\n\Z")

    def test_help_and_version(self):
        for arguments in [("help",), ("--help",)]:
            with self.subTest(arguments):
                told = self.text(*arguments)
                for command in ["info", "namespaces", "translate", "relation", "signal", "cat", "wait", "run"]:
                    self.assertRegex(told, rf"(?m)^  {command} ")
        for command in COMMANDS:
            with self.subTest(command):
                told = self.text("help", command)
                self.assertEqual(told, self.text(command, "--help"))
                self.assertEqual([line for line in told.splitlines() if len(line) > 80], [])
        for command in ["wait", "run"]:
            self.assertIn("Exit status: ", self.text(command, "--help"))
        self.assertRegex(self.text("--version"), r"\Apidctl \d+\.\d+\.\d+ \(.*\)\n\Z")

    def test_says_when_its_output_is_full(self):
        with open("/dev/full", "wb") as full:
            for arguments in [("info", os.getpid()), ("cat", os.getpid(), "status"), ("help",)]:
                with self.subTest(arguments):
                    ended = subprocess.run([PIDCTL, *map(str, arguments)], stdout=full, stderr=subprocess.PIPE,
                                           timeout=60, check=False)
                    self.assertEqual(ended.returncode, FAILED)
                    self.assertRegex(ended.stderr, b"writing to standard output: No space left on device\n\\Z")


@requires("setpriv", bpf=False)
class Inspect(Pidctl):

    def test_info(self):
        victim = self.start_ready("sleep")
        for age in AGES:
            with self.subTest(age):
                told = self.object("info", victim.pid, *age)
                self.assertRegex(told["process"], rf"\A{victim.pid}:{'t' if age else 't?'}\d+\Z")
                same = {"pid": victim.pid, "tgid": victim.pid, "ppid": os.getpid(), "comm": "die", "uid": 0,
                        "state": "running"}
                self.assertEqual(told | same, told)
                self.assertEqual(set(told["credentials"].values()), {0})
                self.assertEqual(self.object("info", told["process"], *age), told)

                rows = dict(line.split(maxsplit=1) for line in self.text("info", victim.pid, *age).splitlines())
                self.assertEqual((rows["process"], rows["pid"], rows["comm"], rows["state"]),
                                 (told["process"], str(victim.pid), "die", "running"))

    def test_options_may_stand_anywhere(self):
        wanted = self.object("info", os.getpid(), "--without", "pidfs,info")
        for arguments in [("--without", "pidfs,info", "info", os.getpid()),
                          ("info", "--without", "pidfs,info", os.getpid())]:
            with self.subTest(arguments):
                self.assertEqual(self.object(*arguments), wanted)

    def test_info_tells_users_apart(self):
        victim = self.start_ready("user", "65534", "sleep")
        for age in AGES:
            with self.subTest(age):
                told = self.object("info", victim.pid, *age)
                self.assertEqual((told["uid"], told["credentials"]["euid"]), (65534, 65534))

    def test_zombie(self):
        failed, killed = self.make_zombie("exit", "7"), self.make_zombie("raise", str(int(signal.SIGTERM)))
        for age in AGES:
            with self.subTest(age):
                told = self.object("info", failed.pid, *age)
                self.assertEqual((told["state"], told["exit_code"]), ("zombie", 7))
                self.assertNotIn("signal", told)
                told = self.object("info", killed.pid, *age)
                self.assertEqual((told["signal"], told["core_dumped"]), ("SIGTERM", False))
                self.assertRegex(self.text("info", killed.pid, *age), "(?m)^ended +signal SIGTERM$")

    def test_hostile_name(self):
        name = b"\n\x1b[31m\xff\xc3\t\"x"
        victim = self.start_ready("rename", name)
        self.assertEqual(self.object("info", victim.pid)["comm"], "\n\x1b[31m\ufffd\ufffd\t\"x")
        shown = self.text("info", victim.pid)
        self.assertIn(r"\x0a\x1b[31m" + "\ufffd\ufffd" + r'\x09"x' + "\n", shown)
        self.assertNotIn("\x1b", shown)

    def test_namespaces(self):
        victim = self.start_ready("sleep")
        directory = f"/proc/{victim.pid}/ns"
        wanted = {entry: os.readlink(f"{directory}/{entry}") for entry in os.listdir(directory)}
        for age in AGES:
            with self.subTest(age):
                told = self.object("namespaces", victim.pid, *age)
                self.assertEqual((told["pid"], told["namespaces"]), (victim.pid, wanted))
                self.assertNotIn("unavailable", told)
                rows = dict(line.split() for line in self.text("namespaces", victim.pid, *age).splitlines())
                self.assertEqual(rows, wanted)

    def test_namespaces_of_a_zombie(self):
        zombie = self.make_zombie("exit", "0")
        for age in AGES:
            with self.subTest(age):
                told = self.object("namespaces", zombie.pid, *age)
                self.assertEqual(set(told["namespaces"]), {"pid", "user"})
                self.assertEqual(told["unavailable"]["mnt"], "gone")
                self.assertRegex(self.text("namespaces", zombie.pid, *age), r"(?m)^mnt +- \(gone\)$")


@requires("unshare", bpf=False)
class Namespaces(Pidctl):

    def test_relation(self):
        one, two, other = self.start_in_namespace(), self.start_in_namespace(2), self.start_in_namespace()
        own = "/proc/self/ns/pid"
        status = pathlib.Path(f"/proc/{two}/status").read_text()
        middle = int(re.search(r"^PPid:\t(\d+)$", status, re.MULTILINE)[1])
        for first, second, relation in [
            (own, os.getpid(), "same"), (own, one, "ancestor"), (one, own, "descendant"), (own, two, "ancestor"),
            (middle, two, "ancestor"), (two, middle, "descendant"), (one, other, "unrelated"), (one, two, "unrelated"),
        ]:
            for age in AGES:
                with self.subTest(f"{first} {second}", age=age):
                    self.assertEqual(self.text("relation", first, second, *age), f"{relation}\n")
        told = self.object("relation", own, f"/proc/{one}/ns/pid")
        self.assertEqual(told, {"first": os.readlink(own), "second": os.readlink(f"/proc/{one}/ns/pid"),
                                "relation": "ancestor"})

    def test_relation_when_all_have_died(self):
        pid = self.start_in_namespace()
        held = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY)
        self.addCleanup(os.close, held)
        pidfd = os.pidfd_open(pid)
        self.addCleanup(os.close, pidfd)
        os.kill(pid, signal.SIGKILL)
        self.await_end_of(pidfd)
        self.assertEqual(self.text("relation", f"/proc/{os.getpid()}/fd/{held}", os.getpid()), "descendant\n")

    def test_relation_from_below_is_undecidable(self):
        inside = self.start_in_namespace()
        # Its user may hold a namespace from outside, and cannot see how that stands to its own.
        outer = os.open("/proc/self/ns/pid", os.O_RDONLY)
        self.addCleanup(os.close, outer)
        wrapper = ["nsenter", "--target", str(inside), "--pid", "--mount"]
        told = self.text("relation", f"/proc/self/fd/{outer}", "/proc/self/ns/pid", wrapper=wrapper, pass_fds=[outer])
        self.assertEqual(told, "undecidable\n")

    def test_translate(self):
        two = self.start_in_namespace(2)
        status = pathlib.Path(f"/proc/{two}/status").read_text()
        middle = int(re.search(r"^PPid:\t(\d+)$", status, re.MULTILINE)[1])
        ours, in_middle, innermost = map(int, re.search(r"^NSpid:(.*)$", status, re.MULTILINE)[1].split())
        self.assertEqual((ours, innermost), (two, 1))
        for number, arguments, answer in [
            (two, ["--to", two], 1), (two, ["--to", middle], in_middle), (1, ["--from", f"/proc/{two}/ns/pid"], two),
            (1, ["--from", two, "--to", middle], in_middle), (in_middle, ["--from", middle, "--to", two], 1),
            (two, [], two),
        ]:
            for age in AGES:
                with self.subTest(f"{number} {arguments}", age=age):
                    self.assertEqual(self.text("translate", number, *arguments, *age), f"{answer}\n")
        self.assertEqual(self.object("translate", 1, "--from", two),
                         {"from": {"namespace": os.readlink(f"/proc/{two}/ns/pid"), "pid": 1},
                          "to": {"namespace": os.readlink("/proc/self/ns/pid"), "pid": two}})

    @unittest.skipIf(shutil.which("runc") is None, "runc is not installed")
    def test_container(self):
        container = Container(self.directory, ["sleep"])
        self.addCleanup(container.remove)
        run = self.start(container.run_command())
        pid = container.pid()
        run.await_line("^ready$")
        for age in AGES:
            with self.subTest(age):
                self.assertEqual(self.text("translate", 1, "--from", pid, *age), f"{pid}\n")
                self.assertEqual(self.text("relation", pid, os.getpid(), *age), "descendant\n")
                ours = self.object("namespaces", os.getpid(), *age)["namespaces"]
                theirs = self.object("namespaces", pid, *age)["namespaces"]
                for kind in ["pid", "mnt", "ipc", "uts"]:
                    self.assertNotEqual(ours[kind], theirs[kind])
                self.assertIn(f"\nNSpid:\t{pid}\t1\n", self.text("cat", pid, "status", *age))
        told = self.object("signal", "KILL", self.reference(pid))
        self.assertEqual((told["pid"], told["signal"]), (pid, "SIGKILL"))
        self.assertEqual(run.wait(), 128 + signal.SIGKILL)


@requires(bpf=False)
class Signals(Pidctl):

    def test_names_and_numbers(self):
        for number, name in [("TERM", "SIGTERM"), ("SIGTERM", "SIGTERM"), ("sigterm", "SIGTERM"),
                             (str(int(signal.SIGTERM)), "SIGTERM"), ("RTMIN+3", "SIGRTMIN+3")]:
            with self.subTest(number):
                victim = self.start_ready("sleep")
                told = self.object("signal", number, victim.pid)
                self.assertEqual((told["pid"], told["signal"], told["scope"]), (victim.pid, name, "process"))
                self.assertEqual(victim.wait(), -(signal.SIGRTMIN + 3 if "RT" in name else signal.SIGTERM))

    def test_says_nothing_when_it_is_sent(self):
        for age in AGES:
            with self.subTest(age):
                victim = self.start_ready("term-graceful", "3")
                self.assertEqual(self.text("signal", "TERM", self.reference(victim.pid, *age), *age), "")
                self.assertEqual(victim.wait(), 3)

    def test_nothing_only_asks(self):
        victim = self.start_ready("sleep")
        self.assertEqual(self.text("signal", "0", victim.pid), "")
        self.assertTrue(victim.running)

    def test_thread(self):
        victim = self.start_ready("threads", "1")
        tid = int(victim.await_line(r"^thread (\d+)$")[1])
        self.assertEqual(self.object("signal", "0", tid, "--thread"), {"tid": tid, "signal": "0", "scope": "thread"})
        self.assertEqual(self.text("signal", "KILL", tid, "--thread"), "")
        self.assertEqual(victim.wait(), -signal.SIGKILL)

    def test_group(self):
        leader = self.start(["sh", "-c", f"{DIE} sleep & wait"], preexec_fn=os.setsid)
        leader.await_line("^ready$")
        child = int(leader.await_line(r"^pid (\d+)$")[1])
        pidfd = os.pidfd_open(child)
        self.addCleanup(os.close, pidfd)
        told = self.object("signal", "TERM", leader.pid, "--group")
        self.assertEqual((told["pid"], told["scope"]), (leader.pid, "process_group"))
        self.assertEqual(leader.wait(), -signal.SIGTERM)
        self.await_end_of(pidfd)


@requires("unshare", bpf=False)
class Recycled(Pidctl):

    # In a pid namespace of its own, where nobody else takes numbers.
    SCRIPT = """
        {die} sleep > /dev/null & victim=$!
        reference=$({pidctl} info $victim {age} | sed -n 's/^process *//p')
        kill -9 $victim; wait $victim 2> /dev/null
        sleep 0.05  # without inodes a process is told by its start, which is counted in ticks
        echo $((victim - 1)) > /proc/sys/kernel/ns_last_pid
        {die} sleep > /dev/null & stranger=$!
        echo $victim $stranger $reference
        {command}
        echo $?
        kill -0 $stranger && echo alive
        """

    def run_script(self, command: str, age: tuple) -> tuple[str, str]:
        """What the command said on standard output and error of a process whose number lives again."""
        script = self.SCRIPT.format(die=DIE, pidctl=PIDCTL, age=" ".join(age),
                                    command=f"{PIDCTL} {command} {' '.join(age)}")
        ended = subprocess.run(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script],
                               capture_output=True, text=True, timeout=60, check=False)
        numbers, *said, status, alive = ended.stdout.splitlines()
        victim, stranger, reference = numbers.split()
        self.assertEqual(victim, stranger, ended.stderr)
        self.assertTrue(reference.startswith(f"{victim}:"), reference)
        self.assertEqual((status, alive), (str(FAILED), "alive"), ended)
        return "\n".join(said), ended.stderr

    def test_every_command_refuses_the_stranger(self):
        for command in ["info $reference", "namespaces $reference", "signal KILL $reference",
                        "signal KILL $reference --group", "cat $reference status", "wait $reference",
                        "relation $reference $$"]:
            for age in AGES:
                with self.subTest(command, age=age):
                    said, error = self.run_script(command, age)
                    self.assertEqual(said, "")
                    self.assertRegex(error, r"\Apidctl: .*its number belongs to another one now\n\Z")

    def test_json(self):
        said, _ = self.run_script("--json signal KILL $reference", ())
        error = json.loads(said)["error"]
        self.assertEqual((error["problem"], error["errno"]), ("recycled", "ESTALE"))


@requires("setpriv", "unshare", bpf=False)
class Refusals(Pidctl):

    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)
        self.program = shutil.copy(PIDCTL, self.directory)  # the build may be where nobody may look

    def test_gone(self):
        for command in [("info",), ("namespaces",), ("signal", "TERM"), ("wait",)]:
            self.refuse("gone", "ESRCH", ".*the process is gone.*", *command, NO_SUCH_PID)
        self.refuse("gone", "ESRCH", ".*the process is gone.*", "cat", NO_SUCH_PID, "status")
        self.refuse("gone", "ESRCH", ".*", "translate", NO_SUCH_PID)
        victim = self.start_ready("sleep")
        reference = self.reference(victim.pid)
        victim.kill()
        # Gone, or recycled if some other process was quick to get its number.
        self.assertEqual(self.pidctl("signal", "TERM", reference).returncode, FAILED)

    def test_no_permission(self):
        victim = self.start_ready("sleep")
        nobody = {"wrapper": NOBODY, "program": self.program}
        self.refuse("no_permission", "EPERM", f"process {victim.pid}: .*", "signal", "TERM", victim.pid, **nobody)
        self.refuse("no_permission", "EPERM", f'process {victim.pid}: .*"environ".*', "cat", victim.pid, "environ",
                    **nobody)
        self.refuse("no_permission", "EPERM", f"process {victim.pid}: .*", "namespaces", victim.pid, **nobody)
        self.refuse("no_permission", "EPERM", f"process {victim.pid}: .*", "relation", victim.pid, victim.pid, **nobody)
        self.assertTrue(victim.running)
        # What is no secret is told.
        self.assertEqual(self.object("info", victim.pid, **nobody)["comm"], "die")

    def test_hidden(self):
        victim = self.start_ready("sleep")
        mount = 'mount -t proc -o hidepid=2 none /proc && exec "$@"'
        wrapper = ["unshare", "--mount", "sh", "-c", mount, "sh", *NOBODY]
        hidden = {"wrapper": wrapper, "program": self.program}
        self.refuse("hidden", "EACCES", ".*hidepid.*", "cat", victim.pid, "status", **hidden)
        told = self.object("info", victim.pid, **hidden)  # as far as no /proc is needed
        self.assertEqual((told["pid"], told["uid"]), (victim.pid, 0))
        self.assertNotIn("comm", told)

    def test_no_procfs(self):
        victim = self.start_ready("sleep")
        without = {"wrapper": ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]}
        self.refuse("no_procfs", "ENODEV", ".*procfs.*", "cat", victim.pid, "status", **without)
        self.assertIn(f"\nPid:\t{victim.pid}\n", self.text("cat", victim.pid, "status", "--private-procfs", **without))
        self.assertEqual(self.object("info", victim.pid, **without)["state"], "running")
        self.assertEqual(self.text("signal", "KILL", victim.pid, **without), "")
        self.assertEqual(victim.wait(), -signal.SIGKILL)

    def test_foreign_namespace(self):
        inside = self.start_in_namespace()
        for age in AGES:
            with self.subTest(age):
                self.refuse("foreign_namespace", "EREMOTE", ".*", "translate", os.getpid(), "--to", inside, *age)

    def test_kernel_too_old(self):
        victim = self.start_ready("sleep")
        for arguments, without in [
            (("info", f"{victim.pid}:1"), "pidfs"),
            (("signal", "TERM", victim.pid, "--thread"), "thread_pidfds"),
            (("signal", "TERM", victim.pid, "--group"), "signal_scopes"),
        ]:
            with self.subTest(arguments):
                self.refuse("kernel_too_old", "ENOSYS", r".*6\.9.*", *arguments, "--without", without)
        self.assertTrue(victim.running)

    def test_not_a_namespace(self):
        for path, errno_name in [("/proc/self/ns/net", "EINVAL"), ("/dev/null", "EINVAL"), ("/none", "ENOENT")]:
            with self.subTest(path):
                self.refuse("other", errno_name, f'opening the pid namespace "{path}": .*', "relation", path, path)

    def test_threads_are_not_processes(self):
        victim = self.start_ready("threads", "1")
        tid = int(victim.await_line(r"^thread (\d+)$")[1])
        self.refuse("other", "EINVAL", ".*thread.*", "info", tid)
