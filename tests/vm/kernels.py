"""Kernels as Debian packages them. Only the image is taken out of a package: nothing is installed on this machine.

Packages of single versions vanish from the mirrors with the next update, so that each series is found through its
meta package, whose newest version counts."""

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import re
import subprocess
import tempfile

META_PACKAGES = {"6.1": "linux-image-amd64", "6.12": "linux-image-6.12-cloud-amd64"}


class Unavailable(Exception):
    """No kernel of this series can be had here, and why."""


@dataclasses.dataclass
class Kernel:
    series: str
    version: str  # of the package
    image: pathlib.Path


def get(series: str) -> Kernel:
    """The newest kernel of this series. Downloaded once; where the mirrors cannot be reached, the newest one that was
    downloaded before."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "knell" / "kernels"
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache):
        try:
            return _newest(series, cache)
        except Unavailable as why:
            cached = sorted(cache.glob(f"{series}.*"), key=lambda path: path.stat().st_mtime)
            if not cached:
                raise
            print(f"vm: {why}; using {cached[-1].name}, which was downloaded before")
            return Kernel(series, cached[-1].name, cached[-1])


@contextlib.contextmanager
def _locked(cache: pathlib.Path):
    """Tests run beside each other."""
    with open(cache / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _newest(series: str, cache: pathlib.Path) -> Kernel:
    package, version = _find(series)
    image = cache / version
    if not image.exists():
        try:
            _download(package, version, image)
        except Unavailable:
            # The lists name a version that the mirrors do not have any more.
            _run("apt-get", "update", "-qq")
            package, version = _find(series)
            image = cache / version
            if not image.exists():
                _download(package, version, image)
    return Kernel(series, version, image)


def _find(series: str) -> tuple[str, str]:
    """The package that the meta package stands for, and its version."""
    meta = META_PACKAGES[series]
    told = _run("apt-cache", "show", "--no-all-versions", meta)
    match = re.search(r"^Depends:.*\b(linux-image-[0-9][^ ,]*) \(= ([^)]+)\)", told, re.MULTILINE)
    if match is None:
        raise Unavailable(f"the package lists of apt do not tell which kernel {meta} is (apt-get update)")
    package, version = match.groups()
    if not version.startswith(series + "."):
        raise Unavailable(f"{meta} is {version} in this distribution, not a {series}")
    return package, version


def _download(package: str, version: str, image: pathlib.Path) -> None:
    # apt-get checks what it fetches against the signed lists.
    with tempfile.TemporaryDirectory(dir=image.parent) as directory:
        _run("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", f"{package}={version}", cwd=directory)
        (archive,) = pathlib.Path(directory).glob("*.deb")
        _run("sh", "-c", 'dpkg-deb --fsys-tarfile "$0" | tar -x --wildcards "./boot/vmlinuz-*"', archive, cwd=directory)
        (unpacked,) = pathlib.Path(directory).glob("boot/vmlinuz-*")
        unpacked.rename(image)


def _run(*command, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **options)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
