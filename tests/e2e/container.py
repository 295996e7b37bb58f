"""Containers that runc runs, in cgroups as the kubelet would place them."""

import json
import os
import pathlib
import shutil
import subprocess
import uuid

from programs import DIE, KNELL, Program, await_observing, await_watched, read_lines, wait_until
from support import EndToEnd
from unit import cgroup_mounts

MEMORY = 32 << 20  # bytes: runc needs some of it to start


def remove_cgroups(relative: str) -> None:
    """Of all hierarchies, with those that are around it. Only cgroups that are empty are removed: others may have
    containers, too."""
    for mount in cgroup_mounts():
        path = mount.point / relative
        while path != mount.point:
            try:
                path.rmdir()
            except FileNotFoundError:  # runc removes the innermost
                pass
            except OSError:
                break
            path = path.parent


class Container:
    """Its init is the `die` program with the way that it is given. `program` is what that is called in it. `host_pids`:
    it has no pid namespace of its own."""

    def __init__(self, directory: pathlib.Path, way: list[str], program: str = "die", host_pids: bool = False):
        self.id = os.urandom(32).hex()
        self.pod = str(uuid.uuid4())
        self._pod_cgroup = f"kubepods/burstable/pod{self.pod}"
        self._bundle = directory / self.id
        self._state = directory / "runc"
        self._pid_file = self._bundle / "exec.pid"
        (self._bundle / "rootfs").mkdir(parents=True)
        self._program = f"/{program}"
        shutil.copy(DIE, self._bundle / "rootfs" / program)
        subprocess.run(["runc", "spec"], cwd=self._bundle, check=True)
        path = self._bundle / "config.json"
        spec = json.loads(path.read_text())
        spec["process"] |= {"terminal": False, "args": [self._program, *way]}
        spec["linux"] |= {"cgroupsPath": f"/{self._pod_cgroup}/{self.id}",
                          "resources": {"memory": {"limit": MEMORY}}}
        if host_pids:
            spec["linux"]["namespaces"].remove({"type": "pid"})
        path.write_text(json.dumps(spec))

    @property
    def label(self) -> str:
        return self.id[:12]

    def run_command(self) -> list:
        """The command that runs it in the foreground and ends with its status."""
        return self._runc("run", "--bundle", self._bundle, self.id)

    def exec_command(self, *way) -> list:
        """The same for another process in it."""
        return self._runc("exec", "--pid-file", self._pid_file, self.id, self._program, *way)

    def exec_pid(self) -> int:
        """That process's, in our namespace. runc writes it when the process may already run."""

        def written():
            try:
                return int(self._pid_file.read_text())
            except (FileNotFoundError, ValueError):  # not there yet, or still empty
                return None

        return wait_until(written, "runc to write the number of what it executes")

    def pid(self) -> int:
        """Its init's, in our namespace, once runc has started it."""

        def running():
            shown = subprocess.run(self._runc("state", self.id), capture_output=True, check=False)
            state = json.loads(shown.stdout) if shown.returncode == 0 else {}
            return state.get("pid") if state.get("status") == "running" else None

        return wait_until(running, f"container {self.label} to run")

    def kill(self, signal_name: str) -> None:
        subprocess.run(self._runc("kill", self.id, signal_name), check=True, capture_output=True)

    def delete_by_force(self) -> None:
        subprocess.run(self._runc("delete", "--force", self.id), check=False, capture_output=True)

    def remove(self) -> None:
        """Whatever state it is in."""
        self.delete_by_force()
        remove_cgroups(f"{self._pod_cgroup}/{self.id}")

    def _runc(self, *arguments) -> list:
        return ["runc", "--root", self._state, *arguments]


class ContainerTest(EndToEnd):
    """What tests of deaths in containers share."""

    def make_container(self, *way, **options) -> Container:
        container = Container(self.directory, list(way), **options)
        self.addCleanup(container.remove)
        return container

    def start_container(self, container: Container, *observers) -> tuple[Program, int]:
        """Runs it until its init is ready and watched by all observers; init's pid. They know its cgroup then: that of
        a container that lives a few milliseconds can be gone before it was looked at."""
        run = self.start(container.run_command())
        pid = container.pid()
        run.await_line("^ready$")
        for observer in observers:
            await_watched(observer, pid)
        return run, pid

    def start_trace(self, container: Container, *arguments) -> Program:
        trace = self.start([KNELL, "trace", "--container", f"{container.label}*", *arguments])
        await_observing(trace)
        return trace

    def told(self, trace: Program, **fields) -> dict:
        """The one death that has these fields, from a trace with --json."""

        def matching():
            events = map(json.loads, read_lines(trace.stdout_path))
            return [event for event in events if event["event"] == "exit" and fields.items() <= event.items()]

        (death,) = wait_until(matching, f"{fields} from {trace}")
        return death
