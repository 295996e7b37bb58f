"""A container that runc runs, in a cgroup as the kubelet would place it."""

import json
import os
import pathlib
import shutil
import subprocess
import uuid

from programs import DIE, wait_until


def _cgroup_mounts() -> list[pathlib.Path]:
    mounts = [line.split(" ") for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    return [pathlib.Path(point) for _, point, kind, *_ in mounts if kind in ("cgroup", "cgroup2")]


class Container:
    """Its init is the `die` program with the way that it is given."""

    def __init__(self, directory: pathlib.Path, way: list[str], memory_bytes: int):
        self.id = os.urandom(32).hex()
        self.pod = str(uuid.uuid4())
        self._pod_cgroup = f"kubepods/burstable/pod{self.pod}"
        self._bundle = directory / self.id
        self._state = directory / "runc"
        (self._bundle / "rootfs").mkdir(parents=True)
        shutil.copy(DIE, self._bundle / "rootfs" / "die")
        subprocess.run(["runc", "spec"], cwd=self._bundle, check=True)
        path = self._bundle / "config.json"
        spec = json.loads(path.read_text())
        spec["process"] |= {"terminal": False, "args": ["/die", *way]}
        spec["linux"] |= {"cgroupsPath": f"/{self._pod_cgroup}/{self.id}",
                          "resources": {"memory": {"limit": memory_bytes}}}
        path.write_text(json.dumps(spec))

    @property
    def label(self) -> str:
        return self.id[:12]

    def run_command(self) -> list:
        """The command that runs it in the foreground and ends with its status."""
        return self._runc("run", "--bundle", self._bundle, self.id)

    def exec_command(self, *way) -> list:
        """The same for another process in it."""
        return self._runc("exec", self.id, "/die", *way)

    def pid(self) -> int:
        """Its init's, in our namespace, once runc has started it."""

        def running():
            shown = subprocess.run(self._runc("state", self.id), capture_output=True, check=False)
            state = json.loads(shown.stdout) if shown.returncode == 0 else {}
            return state.get("pid") if state.get("status") == "running" else None

        return wait_until(running, f"container {self.label} to run")

    def kill(self, signal_name: str) -> None:
        subprocess.run(self._runc("kill", self.id, signal_name), check=True, capture_output=True)

    def remove(self) -> None:
        """Whatever state it is in. Only cgroups that are empty are removed: others may have containers, too."""
        subprocess.run(self._runc("delete", "--force", self.id), check=False, capture_output=True)
        for mount in _cgroup_mounts():
            path = mount / self._pod_cgroup / self.id
            while path != mount:
                try:
                    path.rmdir()
                except FileNotFoundError:  # runc removes the innermost
                    pass
                except OSError:
                    break
                path = path.parent

    def _runc(self, *arguments) -> list:
        return ["runc", "--root", self._state, *arguments]
