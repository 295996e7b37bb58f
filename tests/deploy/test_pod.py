"""A pod of the DaemonSet, run by runc with exactly the mounts, capabilities, seccomp profile and memory of its manifest: its
agent sees what dies on the node."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import urllib.request
import uuid

from container import ContainerTest, remove_cgroups
from exposition import Exposition
from image import ImageTest
from kustomize import render_with, the
from pod import Pod
from programs import Program, wait_until
from support import requires

# What each runtime leaves of a container, in which file.
_KUBERNETES = {"io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.name": "web-0", "io.kubernetes.container.name": "worker"}
STATE = {
    "containerd": ("config.json", {"annotations": {
        "io.kubernetes.cri.sandbox-namespace": "shop", "io.kubernetes.cri.sandbox-name": "web-0",
        "io.kubernetes.cri.container-name": "worker", "io.kubernetes.cri.container-type": "container"}}),
    "crio": ("userdata/config.json", {"annotations": _KUBERNETES}),
    "docker": ("config.v2.json", {"Config": {"Labels": _KUBERNETES}}),
}
PINS = pathlib.Path("/sys/fs/bpf/knell")
NAMED = {"namespace": "shop", "container": "worker"}


@requires("runc", "busybox")
class PodOfTheDaemonSet(ContainerTest, ImageTest):

    def make_pod(self, *components: str) -> Pod:
        return Pod(render_with(*components), self.directory)

    def run_container(self, pod: Pod, name: str, root: pathlib.Path, entrypoint: list[str]) -> tuple[Program, str]:
        """runc, and what it calls the container."""
        identity, cgroup = os.urandom(32).hex(), f"kubepods/burstable/pod{uuid.uuid4()}"
        self.addCleanup(remove_cgroups, f"{cgroup}/{identity}")
        return self.run_bundle(identity, root, pod.bundle(name, entrypoint, f"/{cgroup}/{identity}")), identity

    def busybox(self) -> pathlib.Path:
        """The root file system of its image, as far as it is needed."""
        root = pathlib.Path(tempfile.mkdtemp(dir=self.directory))
        (root / "bin").mkdir()
        shutil.copy(shutil.which("busybox"), root / "bin")
        (root / "bin" / "cp").symlink_to("busybox")
        return root

    def start_pod(self, pod: Pod) -> tuple[Program, str]:
        """Until its agent is ready, as its startup probe finds out; the agent's container."""
        for container in pod.spec.get("initContainers", []):
            self.assertIn("busybox", container["image"])
            program, _ = self.run_container(pod, container["name"], self.busybox(), [])
            self.assertEqual(program.wait(), 0, program.stderr)
        agent, identity = self.run_container(pod, "agent", self.root, ["/usr/bin/knell"])
        self.await_restricted(agent)
        wait_until(lambda: self.probe(pod, "startupProbe"), "the agent to be ready")
        return agent, identity

    @staticmethod
    def get(pod: Pod, path: str) -> str:
        """From the port that the manifest names, at an address that only who listens on all has."""
        (port,) = [port["containerPort"] for port in pod.container("agent")["ports"] if port["name"] == "metrics"]
        with urllib.request.urlopen(f"http://127.0.0.2:{port}{path}", timeout=10) as answer:
            return answer.read().decode()

    def probe(self, pod: Pod, kind: str) -> bool:
        asked = pod.container("agent")[kind]["httpGet"]
        self.assertEqual(asked["port"], "metrics")
        try:
            return bool(self.get(pod, asked["path"]))
        except OSError:
            return False

    def scrape(self, pod: Pod) -> Exposition:
        return Exposition(self.get(pod, "/metrics"))

    def await_exits(self, pod: Pod, wanted: int, **labels) -> Exposition:
        wait_until(lambda: self.scrape(pod).sum("knell_process_exits_total", **labels) >= wanted, f"{wanted} with {labels}")
        metrics = self.scrape(pod)
        self.assertEqual(metrics.sum("knell_process_exits_total", **labels), wanted)
        return metrics

    def die_in_a_pod(self, pod: Pod, layout: str = "containerd") -> None:
        """In a container that this runtime started, whose state is where the manifest says."""
        victim = self.make_container("sleep")
        state = next(mount["mountPath"] for mount in pod.container("agent")["volumeMounts"] if mount["name"] == "runtime")
        file, text = STATE[layout]
        path = pathlib.Path(state, victim.id, file)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(text))
        run = self.start(victim.run_command())
        run.await_line("^ready$")
        # Its cgroup is gone as soon as it is.
        wait_until(lambda: self.scrape(pod).values("knell_process_exits_total", **NAMED), "the container to be known")
        victim.kill("KILL")
        run.wait()

    def assert_all_features(self, metrics: Exposition) -> None:
        """That root has on this machine without a container."""
        off = {labels["feature"] for name, labels, _ in metrics.samples
               if name == "knell_feature_info" and not labels["hook"]}
        found = json.loads(self.knell("doctor", "--json").stdout)["features"]
        self.assertEqual(off, {feature["feature"] for feature in found if not feature["on"]})

    def test_sees_the_node_under_its_profile(self):
        pod = self.make_pod("seccomp")
        self.assertEqual(pod.container("agent")["securityContext"]["seccompProfile"]["type"], "Localhost")
        agent, _ = self.start_pod(pod)
        unit = self.make_unit()
        self.die("exit", "3", unit=unit)
        self.await_exits(pod, 1, unit=unit.name, reason="error")
        self.die_in_a_pod(pod)
        metrics = self.await_exits(pod, 1, **NAMED, reason="signal")
        self.assertEqual(metrics.values("knell_event_loop_info", backend="io_uring"), [1])
        self.assert_all_features(metrics)
        for kind in ["livenessProbe", "readinessProbe"]:
            self.assertTrue(self.probe(pod, kind))
        for word in ["error", "warn"]:
            self.assertNotIn(f" {word} ", agent.stderr)

    def test_what_is_run_beside_the_agent(self):
        """kubectl exec: what the agent has been given, under the same profile."""
        pod = self.make_pod("seccomp")
        _, identity = self.start_pod(pod)
        process = json.loads((self.directory / identity / "config.json").read_text())["process"]

        def in_container(*command):
            path = self.directory / f"{command[0]}.json"
            path.write_text(json.dumps(process | {"args": ["/usr/bin/knell", *command]}))
            return [*self.runc(), "exec", "--process", path, identity]

        doctor = subprocess.run(in_container("doctor", "--json"), capture_output=True, text=True, check=True)
        found = json.loads(doctor.stdout)
        self.assertTrue(found["bpf"])
        held = {f"CAP_{name}" for name in pod.container("agent")["securityContext"]["capabilities"]["add"]}
        self.assertEqual({use["capability"].upper() for use in found["capabilities"] if use["held"]}, held)
        trace = self.start(in_container("trace", "--json", "--for", "60s", "--comm", "beside"))
        wait_until(lambda: self.die("exit", "0", name="beside") and trace.stdout, "a death from knell trace")

    def test_profile_is_in_force(self):
        """What it does not allow is refused: the agent goes on without, as under profiles that lack io_uring."""
        objects = render_with("seccomp")
        profile = the("ConfigMap", objects, "knell-seccomp")["data"]
        without = json.loads(profile["knell.json"])
        for rule in without["syscalls"]:
            rule["names"] = [name for name in rule["names"] if not name.startswith("io_uring")]
        profile["knell.json"] = json.dumps(without)
        pod = Pod(objects, self.directory)
        self.start_pod(pod)
        metrics = self.scrape(pod)
        self.assertEqual(metrics.values("knell_event_loop_info", backend="epoll"), [1])
        self.assert_all_features(metrics)

    def test_other_runtimes(self):
        for component, layout in {"crio": "crio", "docker": "docker", "k3s": "containerd"}.items():
            with self.subTest(component):
                pod = self.make_pod(component)
                agent, _ = self.start_pod(pod)
                self.die_in_a_pod(pod, layout)
                self.await_exits(pod, 1, **NAMED, reason="signal")
                agent.signal(signal.SIGTERM)
                agent.wait()

    def test_an_update_loses_no_death(self):
        """The base alone. What dies between two pods is told by the second, whose counts of workloads begin anew."""
        pod, unit = self.make_pod(), self.make_unit()
        agent, _ = self.start_pod(pod)
        self.die("exit", "3", unit=unit)
        seen = self.await_exits(pod, 1, unit=unit.name).value("knell_exits_seen_total")
        agent.signal(signal.SIGTERM)  # runc passes it on
        agent.wait(pod.spec["terminationGracePeriodSeconds"])
        self.die("exit", "3", unit=unit)
        self.start_pod(pod)
        metrics = self.await_exits(pod, 1, unit=unit.name)
        self.assertGreater(metrics.value("knell_exits_seen_total"), seen)
        self.assertEqual(metrics.value("knell_exits_unaccounted_total"), 0)

    def test_removal_leaves_no_pin(self):
        """As docs/kubernetes.md says, under the profile."""
        objects = render_with("seccomp")
        (config,) = [thing["data"] for thing in objects if thing["kind"] == "ConfigMap" and "knell.yaml" in thing["data"]]
        config["knell.yaml"] += "state: {keep_on_exit: false}\n"
        pod = Pod(objects, self.directory)
        agent, _ = self.start_pod(pod)
        self.assertNotEqual(list(PINS.iterdir()), [])
        agent.signal(signal.SIGTERM)
        agent.wait(pod.spec["terminationGracePeriodSeconds"])
        self.assertEqual(list(PINS.iterdir()), [])
