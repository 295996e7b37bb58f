"""A cgroup of a test's own. Its name is that of a systemd unit, so the label `unit` tells this test's processes from
all others that die on the machine meanwhile."""

import os
import pathlib
import typing

from programs import wait_until


class CgroupMount(typing.NamedTuple):
    point: pathlib.Path
    kind: str  # "cgroup": of v1, "cgroup2"
    options: list[str]  # of v1 with the controllers among them


def cgroup_mounts() -> list[CgroupMount]:
    mounts = [line.split(" ") for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    return [CgroupMount(pathlib.Path(point), kind, options.split(","))
            for _, point, kind, options, *_ in mounts if kind in ("cgroup", "cgroup2")]


def cgroup2_root() -> pathlib.Path | None:
    return next((mount.point for mount in cgroup_mounts() if mount.kind == "cgroup2"), None)


class Unit:
    _count = 0

    def __init__(self, name: str | None = None):
        """`name`: of the cgroup, when it matters; nobody else may have it."""
        Unit._count += 1
        self.name = name or f"knell-e2e-{os.getpid()}-{Unit._count}.service"
        self.path = cgroup2_root() / self.name
        self.path.mkdir()

    def enter(self) -> None:
        """Moves the calling process, for subprocess' preexec_fn."""
        (self.path / "cgroup.procs").write_text("0")

    def pids(self) -> set[int]:
        return set(map(int, (self.path / "cgroup.procs").read_text().split()))

    def remove(self) -> None:
        """Kills what is left in it."""
        (self.path / "cgroup.kill").write_text("1")
        wait_until(self._try_to_remove, f"{self.path} to be empty")

    def _try_to_remove(self) -> bool:
        try:
            self.path.rmdir()
        except OSError:  # EBUSY until the last process is reaped
            return False
        return True
