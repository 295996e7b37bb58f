"""Starting programs, waiting for what they do, and never leaving one behind."""

import fcntl
import os
import pathlib
import re
import signal
import struct
import subprocess
import time

KNELL = os.environ["KNELL_BIN"]
DIE = os.environ["KNELL_DIE"]
SLEEPERS = os.environ["KNELL_SLEEPERS"]

PATIENCE = 30.0  # seconds: only a test that is about to fail waits for so long
_PAUSE = 0.01


def wait_until(condition, what: str, seconds: float = PATIENCE):
    """The first true answer of `condition()`. `what` completes "waited for ..."."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}")
        time.sleep(_PAUSE)
    return answer


def read_lines(path: pathlib.Path) -> list[str]:
    """The lines of a file that is being written, as far as they are complete."""
    return path.read_text(errors="surrogateescape").split("\n")[:-1]


class Program:
    """A started process. Its output goes to files: it never waits for us, and what it wrote outlives it."""

    _count = 0

    def __init__(self, argv, directory: pathlib.Path, **popen):
        Program._count += 1
        stem = f"{Program._count}-{os.path.basename(argv[0])}"
        self.argv = [os.fsdecode(word) for word in argv]
        self.stdout_path = directory / f"{stem}.out"
        self.stderr_path = directory / f"{stem}.err"
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            popen.setdefault("stdin", subprocess.DEVNULL)
            popen.setdefault("stdout", out)
            self._process = subprocess.Popen(self.argv, stderr=err, **popen)
        self.pid = self._process.pid
        # For those that were asked for as pipes.
        self.stdin = self._process.stdin
        self.stdout_pipe = self._process.stdout

    @property
    def stdout(self) -> str:
        return self.stdout_path.read_text(errors="surrogateescape")

    @property
    def stderr(self) -> str:
        return self.stderr_path.read_text(errors="surrogateescape")

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def await_line(self, pattern: str, where: str = "stdout") -> re.Match:
        """The first match in its output; fails when it ends without one."""

        def match():
            ended = not self.running
            found = re.search(pattern, getattr(self, where), re.MULTILINE)
            if found is None and ended:
                raise AssertionError(f"{self} ended without /{pattern}/: {self.stderr or self.stdout}")
            return found

        try:
            return wait_until(match, f"/{pattern}/ from {self}")
        except AssertionError as late:
            raise AssertionError(f"{late}; there is: {getattr(self, where)[-2000:]!r}") from None

    def resident_kib(self) -> int:
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1])

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Its status as subprocess tells it: negative for a death by signal."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self} did not end within {seconds:g} s: {self.stderr}") from None

    def kill(self) -> None:
        """For the end of a test: whatever state it is in, it is gone afterwards."""
        for pipe in filter(None, [self.stdin, self.stdout_pipe]):
            pipe.close()
        if self.running:
            self._process.kill()
        self._process.wait()

    def __str__(self) -> str:
        return " ".join(self.argv)


def pidfds_tell_reaps() -> bool:
    """Since Linux 6.9, with which pidfds left the one inode that descriptors without a file share."""
    pidfd, anonymous = os.pidfd_open(os.getpid()), os.eventfd(0)
    try:
        return os.fstat(pidfd).st_ino != os.fstat(anonymous).st_ino
    finally:
        os.close(pidfd)
        os.close(anonymous)


def status_outlives_reap() -> bool:
    """Since Linux 6.15: a pidfd tells the status of a process that was collected (PIDFD_GET_INFO, PIDFD_INFO_EXIT)."""
    get_info, wants_exit, size = 11, 1 << 3, 64  # include/uapi/linux/pidfd.h
    child = subprocess.Popen(["true"])
    pidfd = os.pidfd_open(child.pid)
    child.wait()
    try:
        fcntl.ioctl(pidfd, 3 << 30 | size << 16 | 0xFF << 8 | get_info, struct.pack(f"Q{size - 8}x", wants_exit))
        return True
    except OSError:  # ESRCH, or ENOTTY before 6.13
        return False
    finally:
        os.close(pidfd)


def pids_watched(program: Program) -> set[int]:
    """The processes of which it holds a pidfd; -1 stands for those that are reaped."""
    pids = set()
    for entry in os.scandir(f"/proc/{program.pid}/fdinfo"):
        try:
            match = re.search(r"^Pid:\t(-?\d+)$", pathlib.Path(entry).read_text(), re.MULTILINE)
        except FileNotFoundError:  # closed meanwhile
            continue
        if match:
            pids.add(int(match[1]))
    return pids


def _what_it_does(program: Program) -> str:
    """For a message about a `knell` that does not do what it should."""
    told = [f"{len(pids_watched(program))} pids watched"]
    for name in ["stat", "syscall", "stack"]:
        told.append(f"{name}: {pathlib.Path(f'/proc/{program.pid}/{name}').read_text().strip()}")
    return "\n".join(told)


def await_watched(program: Program, pid: int) -> None:
    try:
        wait_until(lambda: pid in pids_watched(program), f"{pid} to be watched by {program}")
    except AssertionError as late:
        raise AssertionError(f"{late}\n{_what_it_does(program)}") from None


def _parent_of(pid: int) -> int | None:
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def await_observing(program: Program) -> None:
    """Waits until a `knell` of any command sees what dies: it attaches its programs, and then opens pidfds of others.
    Before, it tries what pidfds can do, on itself and on a child that ends at once."""

    def observes():
        if not program.running:
            raise AssertionError(f"{program} ended: {program.stderr}")
        return any(_parent_of(pid) not in (None, program.pid) for pid in pids_watched(program) - {program.pid})

    wait_until(observes, f"{program} to watch its first process")
