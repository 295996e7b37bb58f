"""An emulated machine that boots a kernel with an image, and what it said."""

import dataclasses
import json
import pathlib
import subprocess
import tempfile
import time

from kernels import Kernel

QEMU = "qemu-system-x86_64"
# Emulated, so that it runs on machines that are virtual themselves. One CPU: with two the same tests take up to three
# times as long on a busy host, because one CPU spins for what the other one holds, which does not run. Races between
# CPUs are the business of the tests on the host.
_HARDWARE = ["-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "1536", "-nodefaults", "-no-reboot",
             "-display", "none", "-nic", "none"]
# panic=-1: a panic is a reboot at once, and with -no-reboot the end. nowatchdog: on a busy host an emulated CPU may
# stand still for longer than the watchdog thinks is possible.
_COMMAND_LINE = "console=ttyS0 rdinit=/init panic=-1 oops=panic nowatchdog random.trust_cpu=on"


@dataclasses.dataclass
class Session:
    console: str
    lines: list[dict]  # what guest.py wrote
    seconds: float
    ended: bool  # by itself


def boot(kernel: Kernel, image: pathlib.Path, limit: float) -> Session:
    with tempfile.TemporaryDirectory(prefix="knell-vm-") as directory:
        console, results = (pathlib.Path(directory, name) for name in ["console", "results"])
        started = time.monotonic()
        # Whoever ends us ends the machine.
        machine = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", QEMU, *_HARDWARE, "-kernel", kernel.image, "-initrd", image, "-append", _COMMAND_LINE,
             "-serial", f"file:{console}", "-serial", f"file:{results}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            said, _ = machine.communicate(timeout=limit)
            ended = machine.returncode == 0
        except subprocess.TimeoutExpired:
            ended = False
            said = b""
        finally:
            machine.kill()
            machine.wait()
        return Session(said.decode(errors="replace") + _text(console), _objects(_text(results)),
                       time.monotonic() - started, ended)


def _text(path: pathlib.Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _objects(text: str) -> list[dict]:
    """Of a machine that was ended the last line may be cut."""
    return [json.loads(line) for line in text.split("\n")[:-1]]
