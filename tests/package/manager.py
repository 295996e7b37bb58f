"""A systemd that runs one unit as the machine's own would: the same code makes its user, capabilities, mounts and filters.

It is a user manager of root's, which needs no pid namespace: the agent has to be in the first one."""

import os
import pathlib
import signal
import subprocess

from programs import wait_until

UNITS = pathlib.Path("/run/knell-test")
# Targets that every unit refers to: the machine's own would start the machine.
EMPTY_TARGETS = ["default.target", "basic.target", "shutdown.target"]
# What PID 1 makes at its start, for directories that a unit may not enter.
INACCESSIBLE = pathlib.Path("/run/systemd/inaccessible")
# The maintainer scripts ask for the machine's systemd. What is enabled is links in /etc, which need none.
SYSTEMCTL = """#!/bin/bash
case " $* " in
*" preset "* | *" is-enabled "*) SYSTEMD_OFFLINE=1 exec /usr/bin/systemctl "$@" ;;
*) exec /usr/bin/systemctl --user "${@/#--system/--quiet}" ;;
esac
"""
PACKAGES_SYSTEMCTL = pathlib.Path("/usr/local/bin/systemctl")  # before /usr/bin in the maintainer scripts' PATH


def _cgroup_roots() -> list[pathlib.Path]:
    """Where systemd puts units, on cgroup v1 and v2: the hierarchies that it knows them by."""
    mounts = [line.split(" ") for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    return [pathlib.Path(point) for _, point, kind, options, *_ in mounts
            if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(","))]


class Manager:

    def __init__(self, log: pathlib.Path):
        for directory in [UNITS, INACCESSIBLE, pathlib.Path("/run/systemd/system"), pathlib.Path("/run/user/0")]:
            directory.mkdir(parents=True)
        (INACCESSIBLE / "dir").mkdir(mode=0)
        for target in EMPTY_TARGETS:
            (UNITS / target).write_text("[Unit]\n")
        os.environ["XDG_RUNTIME_DIR"] = "/run/user/0"
        PACKAGES_SYSTEMCTL.write_text(SYSTEMCTL)
        PACKAGES_SYSTEMCTL.chmod(0o755)
        pathlib.Path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)

        self._cgroups = [root / f"knell-package-{os.getpid()}" for root in _cgroup_roots()]
        for cgroup in self._cgroups:
            cgroup.mkdir()
        with open(log, "wb") as out:
            self._process = subprocess.Popen(
                ["/lib/systemd/systemd", "--user", "--log-target=console"], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=os.environ | {"SYSTEMD_UNIT_PATH": f"{UNITS}:/etc/systemd/system:/lib/systemd/system",
                                  "XDG_CONFIG_HOME": "/var"},  # LogsDirectory= is in its "log"
                preexec_fn=self._enter)
        wait_until(lambda: self.try_systemctl("is-system-running").stdout == "running\n",
                   f"systemd to run: {log.read_text()}")

    def _enter(self) -> None:
        for cgroup in self._cgroups:
            (cgroup / "cgroup.procs").write_text("0")

    def try_systemctl(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([PACKAGES_SYSTEMCTL, *arguments], capture_output=True, text=True, timeout=60, check=False)

    def systemctl(self, *arguments: str) -> str:
        done = self.try_systemctl(*arguments)
        if done.returncode != 0:
            raise AssertionError(f"systemctl {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def kill(self) -> None:
        """With all that it runs. Its helper processes are not its descendants' group: they are its cgroup's."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        for cgroup in self._cgroups:
            wait_until(lambda cgroup=cgroup: self._try_to_remove(cgroup), f"{cgroup} to be empty")

    @staticmethod
    def _try_to_remove(cgroup: pathlib.Path) -> bool:
        for inner in sorted(cgroup.rglob("cgroup.procs"), key=lambda path: -len(path.parts)):
            for pid in map(int, inner.read_text().split()):
                os.kill(pid, signal.SIGKILL)
            try:
                inner.parent.rmdir()
            except OSError:  # EBUSY until the last process is reaped
                return False
        return True
