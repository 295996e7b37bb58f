"""Containers of a containerd of the test's own, placed and described as its CRI plugin would."""

import os
import shutil
import signal
import subprocess
import uuid

from container import remove_cgroups
from programs import DIE, wait_until
from support import EndToEnd, requires

CONFIG = """\
version = 2
root = "{0}/root"
state = "{0}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
                    "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
address = "{0}/socket"
"""
NAMES = {"type": "container", "name": "worker"}
SANDBOX = {"name": "web-7d4b9c-x2x7k", "namespace": "shop"}


@requires("containerd", "ctr", "runc", "unshare", "nsenter")
class Containerd(EndToEnd):

    def setUp(self):
        super().setUp()
        (self.directory / "config.toml").write_text(CONFIG.format(self.directory))
        # It, its shims and ctr have places below /run that no configuration moves: a /run of their own.
        self.server = self.start(["unshare", "--mount", "--propagation", "private", "sh", "-c",
                                  f"mount -t tmpfs tmpfs /run && exec containerd --config {self.directory}/config.toml"])
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.signal, signal.SIGTERM)
        self.server.await_line("containerd successfully booted", "stderr")
        self.root = self.directory / "rootfs"
        self.root.mkdir()
        shutil.copy(DIE, self.root / "die")

    def try_ctr(self, *arguments) -> subprocess.CompletedProcess:
        return subprocess.run(["nsenter", f"--target={self.server.pid}", "--mount", "ctr", "--address",
                               self.directory / "socket", "--namespace", "k8s.io", *arguments],
                              capture_output=True, text=True, timeout=60, check=False)

    def ctr(self, *arguments) -> str:
        done = self.try_ctr(*arguments)
        if done.returncode != 0:
            raise AssertionError(f"ctr {arguments}: {done.stderr}")
        return done.stdout

    def start_container(self) -> str:
        """Its id. Its init sleeps."""
        container = os.urandom(32).hex()
        cgroup = f"kubepods/burstable/pod{uuid.uuid4()}/{container}"
        self.addCleanup(remove_cgroups, cgroup)
        annotations = [f"io.kubernetes.cri.container-{key}={value}" for key, value in NAMES.items()]
        annotations += [f"io.kubernetes.cri.sandbox-{key}={value}" for key, value in SANDBOX.items()]
        self.ctr("run", "--detach", "--null-io", "--rootfs", "--cgroup", f"/{cgroup}",
                 *(word for annotation in annotations for word in ("--annotation", annotation)),
                 self.root, container, "/die", "sleep")
        self.addCleanup(self.ctr, "container", "rm", container)
        self.addCleanup(self.ctr, "task", "rm", "--force", container)
        return container

    def test_deaths_carry_the_names_of_the_pod(self):
        agent = self.start_agent(f"listen: 127.0.0.1:0\nmetrics: {{pod_label: true}}\n"
                                 f"attribution: {{containerd: [{self.directory}/state], storage: [], docker: [],"
                                 f" container_logs: [], pod_logs: []}}\n")
        container = self.start_container()
        worker = {"namespace": SANDBOX["namespace"], "pod": SANDBOX["name"], "container": NAMES["name"]}
        agent.await_series(**worker)
        # A child crashes, and the container lives on.
        crashed = self.try_ctr("task", "exec", "--exec-id", "child", container, "/die", "segv")
        self.assertEqual(crashed.returncode, 128 + signal.SIGSEGV)
        agent.await_sum(1, "knell_process_exits_total", reason="crash", **worker)
        self.assertIn("RUNNING", self.ctr("task", "ls"))
        # The runtime ends it.
        self.ctr("task", "kill", "--signal", "SIGKILL", container)
        metrics = agent.await_sum(1, "knell_process_kills_total", signal="SIGKILL", **worker)
        self.assertEqual(metrics.values("knell_process_kills_total", signal="SIGKILL", killer="container_runtime", **worker), [1])
        wait_until(lambda: "STOPPED" in self.ctr("task", "ls"), "containerd to see it")
