"""Runs `pidctl` for tests: both of its languages, and what it is asked about."""

import json
import os
import pathlib
import select
import subprocess

from programs import DIE, PATIENCE, Program
from support import EndToEnd

PIDCTL = os.environ["KNELL_PIDCTL"]
DONE, FAILED, USAGE, TIMED_OUT = 0, 1, 2, 124

# What kernels have learned since Linux 6.9, and since 6.5. Each command also works without, unless a test says so.
SINCE_6_9 = ["pidfs", "thread_pidfds", "signal_scopes", "namespace_ioctls", "pidns_ioctls", "info", "exit_info",
             "autokill"]
AGES = [(), ("--without", ",".join(SINCE_6_9))]
NO_SUCH_PID = 1 << 22  # the kernel's numbers end below (PID_MAX_LIMIT)


class Pidctl(EndToEnd):

    def pidctl(self, *arguments, wrapper=(), program=PIDCTL, **options) -> subprocess.CompletedProcess:
        """One that ends by itself, with its output as bytes. `wrapper`: a command line that ends by executing it."""
        return subprocess.run([*wrapper, program, *map(str, arguments)], capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False, **options)

    def text(self, *arguments, status: int = DONE, **options) -> str:
        ended = self.pidctl(*arguments, **options)
        self.assertEqual((ended.returncode, ended.stderr.decode()), (status, ""))
        return ended.stdout.decode()

    def objects(self, *arguments, status: int = DONE, **options) -> list[dict]:
        """What it prints with --json."""
        lines = self.text("--json", *arguments, status=status, **options).splitlines()
        return [json.loads(line) for line in lines if line]

    def object(self, *arguments, **options) -> dict:
        (answer,) = self.objects(*arguments, **options)
        return answer

    def refuse(self, problem: str, errno_name: str | None, says: str, *arguments, status: int = FAILED, **options):
        """Both ways of saying why not. `says`: a regular expression for the whole message."""
        ended = self.pidctl(*arguments, **options)
        self.assertEqual((ended.returncode, ended.stdout.decode()), (status, ""), ended.stderr)
        self.assertRegex(ended.stderr.decode(), rf"\Apidctl: {says}\n\Z")
        ended = self.pidctl("--json", *arguments, **options)
        error = json.loads(ended.stdout)["error"]
        self.assertEqual((ended.returncode, error["problem"], error.get("errno")), (status, problem, errno_name))
        self.assertRegex(error["message"], rf"\A{says}\Z")
        self.assertEqual(ended.stderr.decode(), f"pidctl: {error['message']}\n")

    def start_pidctl(self, *arguments, **options) -> Program:
        return self.start([PIDCTL, *arguments], **options)

    def reference(self, pid: int, *age) -> str:
        return self.object("info", pid, *age)["process"]

    def start_in_namespace(self, depth: int = 1) -> int:
        """A sleeping process, `depth` pid namespaces below ours, where it is number 1; its number here."""
        unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        parent = self.start([*unshare * depth, DIE, "sleep"])
        parent.await_line("^ready$")
        pid = parent.pid
        for _ in range(depth):
            pid = int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text())
        return pid

    def await_end_of(self, pidfd: int) -> None:
        self.assertTrue(select.select([pidfd], [], [], PATIENCE)[0], "it lives")
