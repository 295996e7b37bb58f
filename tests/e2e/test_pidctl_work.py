"""`pidctl cat`, `wait` and `run`: what they read, await and start."""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import termios

from pidctl import AGES, DONE, FAILED, NO_SUCH_PID, PIDCTL, Pidctl, TIMED_OUT
from programs import DIE, Program, wait_until
from support import requires


@requires(bpf=False)
class Cat(Pidctl):

    def test_bytes_are_not_changed(self):
        name = b"\n\x1b[31m\xff\xc3\t\"x"
        victim = self.start_ready("rename", name)
        self.assertEqual(self.pidctl("cat", victim.pid, "comm").stdout, name + b"\n")
        for file in ["cmdline", "environ", "auxv", "maps", f"task/{victim.pid}/comm", "fdinfo/1", "net/dev"]:
            for age in AGES:
                with self.subTest(file, age=age):
                    shown = self.pidctl("cat", self.reference(victim.pid, *age), file, *age)
                    wanted = pathlib.Path(f"/proc/{victim.pid}/{file}").read_bytes()
                    self.assertEqual((shown.returncode, shown.stdout), (DONE, wanted))

    def test_json(self):
        victim = self.start_ready("sleep")
        told = self.object("cat", victim.pid, "cmdline")
        self.assertEqual((told["pid"], told["file"], told["content"]), (victim.pid, "cmdline", f"{DIE}\0sleep\0"))
        auxv = self.object("cat", victim.pid, "auxv")
        wanted = subprocess.run(["base64", "-w0", f"/proc/{victim.pid}/auxv"], capture_output=True, text=True,
                                timeout=60, check=True).stdout
        self.assertEqual((auxv["content_base64"], auxv["bytes"]),
                         (wanted, len(pathlib.Path(f"/proc/{victim.pid}/auxv").read_bytes())))
        self.assertNotIn("content", auxv)

    def test_large_files_are_streamed(self):
        victim = self.start_ready("sleep")
        # One entry of eight bytes for each page of the address space: far more than would fit in memory.
        reader = self.start_pidctl("cat", str(victim.pid), "pagemap", stdout=subprocess.PIPE)
        with reader.stdout_pipe as pipe:
            for _ in range(64):
                self.assertEqual(len(pipe.read(1 << 20)), 1 << 20)
        self.assertEqual(reader.wait(), -signal.SIGPIPE)
        refused = self.pidctl("--json", "cat", victim.pid, "pagemap")
        self.assertEqual((refused.returncode, json.loads(refused.stdout)["error"]["errno"]), (FAILED, "EFBIG"))
        self.assertRegex(refused.stderr, b"without --json")

    def test_what_is_no_file_of_proc(self):
        victim = self.start_ready("sleep")
        for file, errno_name in [("exe", "ELOOP"), ("fd/1", "ELOOP"), ("root/etc/passwd", "ELOOP"), ("cwd/x", "ELOOP"),
                                 ("ns/pid", "ELOOP"), ("fd", "EISDIR"), ("none", "ENOENT")]:
            with self.subTest(file):
                self.refuse("other", errno_name, f'process {victim.pid}: .*"{file}".*', "cat", victim.pid, file)

    def test_what_is_mounted_over_it_is_not_shown(self):
        victim = self.start_ready("sleep")
        wrapper = ["unshare", "--mount", "sh", "-c", f'mount --bind /etc/passwd /proc/{victim.pid}/status && exec "$@"',
                   "sh"]
        self.refuse("other", "EXDEV", ".*mounted there.*", "cat", victim.pid, "status", wrapper=wrapper)

    def test_zombie(self):
        zombie = self.make_zombie("exit", "0")
        for age in AGES:
            with self.subTest(age):
                self.assertIn("\nState:\tZ (zombie)\n", self.text("cat", zombie.pid, "status", *age))

    def test_terminal_is_not_obeyed(self):
        victim = self.start_ready("rename", "\n\x1b[2Jä\u202e".encode() + b"\xff")
        master, terminal = pty.openpty()
        self.addCleanup(os.close, master)
        modes = termios.tcgetattr(terminal)
        modes[1] &= ~termios.OPOST
        termios.tcsetattr(terminal, termios.TCSANOW, modes)
        ended = subprocess.run([PIDCTL, "cat", str(victim.pid), "comm"], stdout=terminal, stderr=subprocess.PIPE,
                               timeout=60, check=False)
        os.close(terminal)
        self.assertEqual((ended.returncode, ended.stderr), (DONE, b""))
        self.assertEqual(os.read(master, 4096).decode(), "\n\\x1b[2Jä\\u202e\ufffd\n")


@requires(bpf=False)
class Wait(Pidctl):

    def test_tells_each_end_as_it_comes(self):
        for age in AGES:
            with self.subTest(age):
                first, second = self.start_ready("term-graceful", "7"), self.start_ready("sleep")
                references = [self.reference(pid, *age) for pid in [first.pid, second.pid]]
                waiter = self.start_pidctl("wait", *references, *age)
                json_waiter = self.start_pidctl("--json", "wait", *references, *age)
                second.signal(signal.SIGKILL)
                waiter.await_line(f"^{references[1]} die signal SIGKILL$")
                self.assertTrue(waiter.running)
                first.signal(signal.SIGTERM)
                waiter.await_line(f"^{references[0]} die exit 7$")
                self.assertEqual((waiter.wait(), waiter.stderr), (DONE, ""))
                self.assertEqual(json_waiter.wait(), DONE)
                told = {event["pid"]: event for event in map(json.loads, json_waiter.stdout.splitlines())}
                self.assertEqual(told[first.pid]["exit_code"], 7)
                self.assertEqual((told[second.pid]["signal"], told[second.pid]["core_dumped"]), ("SIGKILL", False))

    def test_zombies_have_ended(self):
        zombie = self.make_zombie("exit", "3")
        for age in AGES:
            with self.subTest(age):
                told = self.object("wait", zombie.pid, *age)
                self.assertEqual((told["state"], told["exit_code"]), ("zombie", 3))

    def test_until_reaped(self):
        for age in AGES:
            with self.subTest(age):
                zombie = self.make_zombie("exit", "3")
                waiter = self.start_pidctl("--json", "wait", "--reaped", str(zombie.pid), *age)
                self.refuse("other", "ETIMEDOUT", "1 of 1 processes did not end in time", "wait", "--reaped",
                            zombie.pid, "--timeout", "100ms", *age, status=TIMED_OUT)
                self.assertTrue(waiter.running)
                zombie.wait()
                self.assertEqual((waiter.wait(), waiter.stderr), (DONE, ""))
                self.assertEqual(json.loads(waiter.stdout)["state"], "reaped")

    def test_timeout(self):
        victim, zombie = self.start_ready("sleep"), self.make_zombie("exit", "0")
        ended = self.pidctl("wait", victim.pid, zombie.pid, "--timeout", "0s")
        self.assertEqual((ended.returncode, ended.stderr),
                         (TIMED_OUT, b"pidctl: 1 of 2 processes did not end in time\n"))
        self.assertRegex(ended.stdout.decode(), rf"\A{zombie.pid}:\S+ die exit 0\n\Z")

    def test_waits_for_nothing_when_one_is_gone(self):
        victim = self.start_ready("sleep")
        self.refuse("gone", "ESRCH", ".*", "wait", victim.pid, NO_SUCH_PID)

    def test_hostile_name(self):
        victim = self.start_ready("rename", b"\n\x1b[31mx")
        waiter = self.start_pidctl("wait", str(victim.pid))
        victim.signal(signal.SIGKILL)  # not collected before the end of the test: it cannot be missed
        self.assertEqual(waiter.wait(), DONE)
        self.assertRegex(waiter.stdout, rf"\A{victim.pid}:\S+ " + re.escape(r"\x0a\x1b[31mx") + " signal SIGKILL\n\\Z")


@requires(bpf=False)
class Run(Pidctl):

    TIES = [(), ("--kill-on-close",), ("--kill-on-close", "--descendants")]

    def test_exit_status(self):
        for tie in self.TIES:
            for script, status, told in [
                ("exit 0", 0, {"exit_code": 0}), ("exit 7", 7, {"exit_code": 7}),
                ("kill -TERM $$", 128 + signal.SIGTERM, {"signal": "SIGTERM", "core_dumped": False}),
            ]:
                with self.subTest(script, tie=tie):
                    self.assertEqual(self.text("run", *tie, "--", "sh", "-c", script, status=status), "")
                    event = self.object("run", *tie, "--", "sh", "-c", script, status=status)
                    self.assertEqual(event | told, event)

    def test_arguments_are_handed_on_as_they_are(self):
        words = ["", "[a,b]", "--json", "-h", "--", "info", "a b", "{}"]
        for tie in self.TIES:
            with self.subTest(tie):
                shown = self.text("run", *tie, "--", "printf", "<%s>", *words)
                self.assertEqual(shown, "".join(f"<{word}>" for word in words))

    def test_json_comes_last(self):
        lines = self.text("--json", "run", "--", "printf", "an unfinished line").splitlines()
        self.assertEqual((lines[0], json.loads(lines[-1])["exit_code"]), ("an unfinished line", 0))

    def test_parent_that_ignores_its_children(self):
        for tie in self.TIES:
            with self.subTest(tie):
                ended = self.pidctl("run", *tie, "--", "sh", "-c", "exit 7", wrapper=["env", "--ignore-signal=CHLD"])
                self.assertEqual((ended.returncode, ended.stderr), (7, b""))

    def test_path_with_something_else_in_it(self):
        options = {"env": os.environ | {"PATH": "/usr/bin:/etc/passwd"}}
        self.assertEqual(self.pidctl("run", "--", "no-such-program", **options).returncode, 127)

    def test_hostile_name_of_a_command(self):
        self.assertNotIn(b"\x1b", self.pidctl("run", "--", "/none/\x1b[31m").stderr)

    def test_what_cannot_be_run(self):
        for tie in self.TIES:
            with self.subTest(tie):
                self.refuse("other", "ENOENT", ".*/none/such.*", "run", *tie, "--", "/none/such", status=127)
                self.refuse("no_permission", "EACCES", ".*/etc/passwd.*", "run", *tie, "--", "/etc/passwd", status=126)

    def test_signals_are_passed_on(self):
        for tie in self.TIES:
            for number, status in [(signal.SIGINT, 3), (signal.SIGTERM, 4)]:
                with self.subTest(number, tie=tie):
                    # Both signals for us alone: the command hears of them from us or not at all.
                    program = self.start_pidctl("run", *tie, "--", "sh", "-c", "trap 'exit 3' INT; trap 'exit 4' TERM; "
                                                "echo ready; while :; do sleep 0.01; done")
                    program.await_line("^ready$")
                    program.signal(number)
                    self.assertEqual((program.wait(), program.stderr), (status, ""))

    def test_interrupt_of_a_terminal_is_not_sent_twice(self):
        script = ("import signal as s\n"
                  "s.pthread_sigmask(s.SIG_BLOCK, [s.SIGINT, s.SIGTERM])\n"
                  "print('ready', flush=True)\n"
                  "while True:\n"
                  "    got = s.sigwaitinfo([s.SIGINT, s.SIGTERM])\n"
                  "    print(got.si_signo, got.si_code, flush=True)\n"
                  "    if got.si_signo == s.SIGTERM: break")
        kernel, user = 0x80, 0  # SI_KERNEL, SI_USER
        for tie in self.TIES:
            with self.subTest(tie):
                master, terminal = pty.openpty()
                self.addCleanup(os.close, master)
                program = self.start([shutil.which("setsid"), "--ctty", PIDCTL, "run", *tie, "--", "/usr/bin/python3",
                                      "-c", script], stdin=terminal)
                os.close(terminal)
                program.await_line("^ready$")
                os.write(master, b"\x03")
                program.await_line(f"^{int(signal.SIGINT)} {kernel}$")
                program.signal(signal.SIGTERM)  # passed on after the interrupt, had that been passed on
                self.assertEqual((program.wait(), program.stderr), (0, ""))
                self.assertEqual(program.stdout.splitlines()[1:],
                                 [f"{int(signal.SIGINT)} {kernel}", f"{int(signal.SIGTERM)} {user}"])

    def start_family(self, *tie) -> tuple[Program, list[int]]:
        """pidctl, and pidfds of its command, of that one's child, and of a grandchild that left the session and was
        orphaned."""
        program = self.start_pidctl("run", *tie, "--", "sh", "-c",
                                    f"{DIE} sleep & (setsid {DIE} sleep &); echo command $$; wait")
        wait_until(lambda: program.stdout.count("ready\n") == 2, f"the family of {program}")
        command = program.await_line(r"^command (\d+)$")[1]
        numbers = [command, *re.findall(r"^pid (\d+)$", program.stdout, re.MULTILINE)]
        pidfds = []
        for number in map(int, numbers):
            pidfds.append(os.pidfd_open(number))
            self.addCleanup(self.kill_and_close, pidfds[-1])
        return program, pidfds

    @staticmethod
    def kill_and_close(pidfd: int) -> None:
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.close(pidfd)

    def test_killed_with_us(self):
        program, (command, *others) = self.start_family("--kill-on-close")
        program.signal(signal.SIGKILL)
        self.await_end_of(command)
        self.assertEqual(select.select(others, [], [], 0)[0], [])

    def test_killed_with_us_and_all_descendants(self):
        program, family = self.start_family("--kill-on-close", "--descendants")
        program.signal(signal.SIGKILL)
        for pidfd in family:
            self.await_end_of(pidfd)

    def test_descendants_do_not_outlive_the_command(self):
        program, (command, *others) = self.start_family("--kill-on-close", "--descendants")
        signal.pidfd_send_signal(command, signal.SIGTERM)
        self.assertEqual(program.wait(), 128 + signal.SIGTERM)
        for pidfd in others:
            self.await_end_of(pidfd)

    def test_plain_command_outlives_us(self):
        program, family = self.start_family()
        program.signal(signal.SIGKILL)
        program.wait()
        self.assertEqual(select.select(family, [], [], 0)[0], [])
