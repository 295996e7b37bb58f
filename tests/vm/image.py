"""What a test machine has: the built programs at the paths that they have here, the libraries that they need, Python
with the modules that the tests import, busybox for everything else."""

import json
import os
import pathlib
import re
import subprocess
import sys

from archive import Archive

HERE = pathlib.Path(__file__).parent
PYTHON = "/usr/bin/python3"
BUSYBOX = "/usr/bin/busybox"
TOOLS = ["/usr/bin/setpriv", "/usr/bin/unshare", "/usr/bin/nsenter"]  # that busybox has not, or not all of
# Where the kernel's file systems are mounted, and what programs expect.
DIRECTORIES = ["/dev", "/proc", "/sys", "/tmp", "/root", "/run", "/var/tmp"]
FILES = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "/etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
}


def write(path: pathlib.Path, plan: dict, programs: list[str]) -> None:
    """The image, with this plan for guest.py."""
    with path.open("wb") as file:
        archive = Archive(file)
        for link in ["bin", "sbin", "lib", "lib64"]:
            archive.link(link, f"usr/{link}")
        archive.link("/usr/sbin", "bin")
        archive.device("/dev/console", 0o600, 5, 1)
        for directory in DIRECTORIES:
            archive.directory(directory)
        for name, text in FILES.items():
            archive.text(name, text)
        archive.file(BUSYBOX)
        _add_python(archive, plan["e2e"])
        for program in [*TOOLS, *programs]:
            _add_program(archive, program)
        archive.file(str(HERE / "init.sh"), "/init")
        archive.file(str(HERE / "guest.py"), "/guest.py")
        archive.text("/plan.json", json.dumps(plan))
        archive.close()


def _add_program(archive: Archive, path: str) -> None:
    archive.file(path)
    # For a static program ldd says so, and fails.
    told = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+) \(0x", told):
        archive.file(library, _merged(library))


def _merged(path: str) -> str:
    """/lib/x belongs to /usr/lib/x: the former is a link there."""
    return os.path.realpath(os.path.dirname(path)) + "/" + os.path.basename(path)


def _add_python(archive: Archive, e2e: str) -> None:
    _add_program(archive, os.path.realpath(PYTHON))
    archive.link(PYTHON, os.path.basename(os.path.realpath(PYTHON)))
    for source in pathlib.Path(e2e).glob("*.py"):
        archive.file(str(source))
    for path in _imported(e2e):
        archive.file(path)
        if path.endswith(".so"):
            _add_program(archive, path)


def _imported(e2e: str) -> list[str]:
    """The files of all modules that the tests and guest.py import, with what is compiled already."""
    names = [path.stem for path in pathlib.Path(e2e).glob("*.py") if path.stem != "run"]
    # Codecs are looked for by name when they are first needed.
    script = (f"import sys; sys.path.insert(0, {e2e!r}); import xml.etree.ElementTree\n"
              "for codec in ['ascii', 'idna', 'latin_1', 'utf_8']: __import__('encodings.' + codec)\n"
              f"for name in {names}: __import__(name)\n"
              "for module in list(sys.modules.values()):\n"
              "    for path in [getattr(module, '__file__', None), getattr(module, '__cached__', None)]:\n"
              "        if path: print(path)")
    environment = os.environ | {name: "-" for name in ["KNELL_BIN", "KNELL_DIE", "KNELL_SLEEPERS", "KNELL_PIDCTL"]}
    told = subprocess.run([PYTHON, "-B", "-c", script], capture_output=True, text=True, check=False, env=environment)
    if told.returncode != 0:
        sys.exit(f"vm: importing the tests: {told.stderr}")
    return [path for path in told.stdout.splitlines() if os.path.exists(path) and not path.startswith(e2e)]
