#!/usr/bin/python3
"""fleet.py PROGRAM [CONTAINERS...]: what a node's /metrics has in it, for the sizing of docs/fleet.md. PROGRAM: a built `knell`.

As many containers as each number says, one a pod and each with a sandbox, in ten namespaces, as containerd and the kubelet
place and name them; their processes sleep. `busy`: in each container a worker crashed, one was killed, one was asked to stop, one
failed and one ended well. Nothing of the machine's own runtimes is read. Root only, for it makes cgroups.
"""

import contextlib
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import typing
import urllib.request
import uuid

NAMESPACES = 10
SCRAPES = 20
OPEN_METRICS = "application/openmetrics-text"
# One for each end; each is old enough to be watched (watch.min_age) when it comes.
ENDS = ["exit 0", "exit 1", "kill -SEGV $$", "kill -KILL $$", "trap 'exit 0' TERM; kill -TERM $$"]


def cgroup_root() -> pathlib.Path:
    mounts = (line.split(" ") for line in pathlib.Path("/proc/self/mounts").read_text().splitlines())
    return next(pathlib.Path(point) for _, point, kind, *_ in mounts if kind == "cgroup2")


class Pod:
    """One container and its sandbox."""

    def __init__(self, number: int, containerd: pathlib.Path):
        self._cgroup = cgroup_root() / "kubepods" / f"pod{uuid.uuid4()}"
        names = {"io.kubernetes.cri.sandbox-namespace": f"team-{number % NAMESPACES}",
                 "io.kubernetes.cri.sandbox-name": f"app-{number}-7d4b9c-x2x7k"}
        self._container = self._make(containerd, {**names, "io.kubernetes.cri.container-type": "container",
                                                  "io.kubernetes.cri.container-name": f"app-{number}"})
        self._sandbox = self._make(containerd, {**names, "io.kubernetes.cri.container-type": "sandbox"})
        self._processes = [self._start(cgroup, "exec sleep 3600") for cgroup in (self._container, self._sandbox)]

    def be_busy(self) -> list[subprocess.Popen]:
        return [self._start(self._container, f"sleep 0.3; {end}") for end in ENDS]

    def remove(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        for cgroup in (self._container, self._sandbox, self._cgroup):
            cgroup.rmdir()

    def _make(self, containerd: pathlib.Path, annotations: dict) -> pathlib.Path:
        identity = os.urandom(32).hex()
        bundle = containerd / "io.containerd.runtime.v2.task" / "k8s.io" / identity
        bundle.mkdir(parents=True)
        (bundle / "config.json").write_text(json.dumps({"annotations": annotations}))
        cgroup = self._cgroup / identity
        cgroup.mkdir(parents=True)
        return cgroup

    @staticmethod
    def _start(cgroup: pathlib.Path, script: str) -> subprocess.Popen:
        return subprocess.Popen(["sh", "-c", script], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                preexec_fn=lambda: (cgroup / "cgroup.procs").write_text("0"))


class Scrape(typing.NamedTuple):
    samples: int
    of_workloads: int  # what max_series bounds
    bytes: int
    milliseconds: float  # median


@contextlib.contextmanager
def agent(program: str, directory: pathlib.Path, metrics: str):
    """Its address."""
    config = directory / "knell.yaml"
    config.write_text(f"listen: 127.0.0.1:0\nmetrics: {{{metrics}}}\nstate: {{pin: /sys/fs/bpf/{directory.name}, keep_on_exit: false}}\n"
                      f"attribution: {{containerd: [{directory}/containerd], storage: [], docker: [],"
                      " container_logs: [], pod_logs: []}\n")
    process = subprocess.Popen([program, "run", "--config", config], stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if found := re.search(r"metrics on (http://\S+)", line):
                yield found[1]
                break
        else:
            raise RuntimeError("the agent ended")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def scrape(address: str, accept: str) -> Scrape:
    times, text = [], ""
    for _ in range(SCRAPES):
        start = time.monotonic()
        with urllib.request.urlopen(urllib.request.Request(address, headers={"Accept": accept}), timeout=10) as answer:
            text = answer.read().decode()
        times.append((time.monotonic() - start) * 1e3)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    workloads = next(line for line in lines if line.startswith("knell_series "))
    return Scrape(len(lines), int(float(workloads.split(" ")[1])), len(text.encode()), statistics.median(times))


def settle(address: str) -> None:
    """Until no series come any more; on a machine where others start processes they always do."""
    before = -1
    for _ in range(20):
        if (now := scrape(address, "").samples) == before:
            return
        before = now
        time.sleep(0.5)


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    program, counts = sys.argv[1], [int(count) for count in sys.argv[2:]] or [0, 30, 110]
    print(f"{'containers':>10} {'pod_label':>9} {'':>5} {'format':>24} {'series':>7} {'of workloads':>12} {'KiB':>6} {'ms':>6}")
    for count, pod_label in itertools.product(counts, ["false", "true"]):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="knell-fleet-"))
        pods = [Pod(number, directory / "containerd") for number in range(count)]
        try:
            with agent(program, directory, f"pod_label: {pod_label}") as address:
                for state in ["idle", "busy"] if pods else ["idle"]:
                    if state == "busy":
                        for end in [end for pod in pods for end in pod.be_busy()]:
                            end.wait()
                    settle(address)
                    for name, accept in [("text", ""), ("OpenMetrics", OPEN_METRICS)]:
                        got = scrape(address, accept)
                        print(f"{count:10} {pod_label:>9} {state:>5} {name:>24} {got.samples:7} {got.of_workloads:12}"
                              f" {got.bytes / 1024:6.0f} {got.milliseconds:6.1f}", flush=True)
        finally:
            for pod in pods:
                pod.remove()
            with contextlib.suppress(OSError):  # other containers of this machine are in it
                (cgroup_root() / "kubepods").rmdir()
            shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
