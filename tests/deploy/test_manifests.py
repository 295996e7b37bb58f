"""What deploy/kubernetes renders to: each object as its schema has it, and all of them fitting to each other, to the agent and
to docs/kubernetes.md."""

import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

from kustomize import MANIFESTS, SOURCE, faults, render, render_with, the
from programs import KNELL
from scrape import job_of, labels_of_target

RUNTIMES = ["crio", "docker", "k3s"]
COMPONENTS = sorted(path.name for path in (MANIFESTS / "components").iterdir())


def agent_of(objects: list[dict]) -> dict:
    (container,) = the("DaemonSet", objects)["spec"]["template"]["spec"]["containers"]
    return container


def mount_paths(objects: list[dict]) -> set[str]:
    return {mount["mountPath"] for mount in agent_of(objects)["volumeMounts"]}


class Manifests(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.base = render(MANIFESTS / "base")
        cls.rendered = {"base": cls.base, "example": render(MANIFESTS / "overlays" / "example")}
        # Each alone, and all that do not exclude each other.
        for name in COMPONENTS:
            cls.rendered[name] = render_with(name)
        others = [name for name in COMPONENTS if name not in RUNTIMES]
        for runtime in RUNTIMES:
            cls.rendered[f"{runtime} and all"] = render_with(runtime, *others)

    def test_schemas(self):
        named = [(name, thing) for name, objects in self.rendered.items() for thing in objects]
        self.assertGreater(len(named), 50)
        for (name, thing), wrong in zip(named, faults([thing for _, thing in named])):
            with self.subTest(name, kind=thing["kind"]):
                self.assertEqual(wrong, [])

    def test_schemas_refuse_what_is_wrong(self):
        """Fields that do not exist, also deep inside; types, quantities, numbers, kinds; what is missing."""
        def broken(change):
            objects = copy.deepcopy(self.rendered["example"])
            change(objects)
            return objects

        def pod(objects):
            return the("DaemonSet", objects)["spec"]["template"]["spec"]

        changes = {
            "readOnlyRootFileSystem": lambda them: agent_of(them)["securityContext"].update(readOnlyRootFileSystem=True),
            "hostPid": lambda them: pod(them).update(hostPid=True),
            "hostPID": lambda them: pod(them).update(hostPID="yes"),
            "quantity": lambda them: agent_of(them)["resources"]["limits"].update(memory="256Mx"),
            "integer": lambda them: the("DaemonSet", them)["spec"].update(minReadySeconds=1.5),
            "selector": lambda them: the("DaemonSet", them)["spec"].pop("selector"),
            "honourLabels": lambda them: the("PodMonitor", them)["spec"]["podMetricsEndpoints"][0].update(honourLabels=True),
            "ingres": lambda them: the("NetworkPolicy", them)["spec"].update(ingres=[]),
            "DeamonSet": lambda them: the("DaemonSet", them).update(kind="DeamonSet"),
        }
        objects, ends = [], []
        for change in changes.values():
            objects += broken(change)
            ends.append(len(objects))
        found, start = faults(objects), 0
        for named, end in zip(changes, ends):
            with self.subTest(named):
                wrong = [text for texts in found[start:end] for text in texts]
                self.assertRegex("\n".join(wrong), named)
            start = end

    def test_parts_fit(self):
        for name, objects in self.rendered.items():
            with self.subTest(name):
                daemon_set = the("DaemonSet", objects)["spec"]
                pod, labels = daemon_set["template"]["spec"], daemon_set["template"]["metadata"]["labels"]
                for thing in objects:
                    if thing["kind"] != "Namespace":
                        self.assertEqual(thing["metadata"]["namespace"], the("Namespace", objects)["metadata"]["name"])
                selectors = [daemon_set["selector"], the("NetworkPolicy", objects)["spec"]["podSelector"]]
                selectors += [thing["spec"]["selector"] for thing in objects if thing["kind"] == "PodMonitor"]
                for selector in selectors:
                    self.assertLessEqual(selector["matchLabels"].items(), labels.items())
                self.assertEqual(pod["serviceAccountName"], the("ServiceAccount", objects)["metadata"]["name"])
                self.check_volumes(pod, {thing["metadata"]["name"] for thing in objects if thing["kind"] == "ConfigMap"})

    def check_volumes(self, pod: dict, config_maps: set[str]) -> None:
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounts = [mount for each in [*pod.get("initContainers", []), *pod["containers"]] for mount in each["volumeMounts"]]
        self.assertEqual({mount["name"] for mount in mounts}, volumes.keys())
        self.assertEqual({volume["configMap"]["name"] for volume in volumes.values() if "configMap" in volume}, config_maps)
        for mount in pod["containers"][0]["volumeMounts"]:
            if "hostPath" in volumes[mount["name"]]:
                # Links and paths that name places on the node lead there.
                self.assertEqual(volumes[mount["name"]]["hostPath"]["path"], mount["mountPath"])
                self.assertEqual(mount.get("readOnly", False), mount["mountPath"] != "/sys/fs/bpf")

    def test_port(self):
        """Of container, probes, policy and monitor; the configuration listens there."""
        for name in ["base", "example"]:
            objects = self.rendered[name]
            container = agent_of(objects)
            (port,) = container["ports"]
            users = [container[kind]["httpGet"]["port"] for kind in ["startupProbe", "readinessProbe", "livenessProbe"]]
            users += [allowed["port"] for rule in the("NetworkPolicy", objects)["spec"]["ingress"] for allowed in rule["ports"]]
            users += [each["port"] for thing in objects if thing["kind"] == "PodMonitor"
                      for each in thing["spec"]["podMetricsEndpoints"]]
            self.assertEqual(set(users), {port["name"]})
            config = yaml.safe_load(self.configuration(objects))
            self.assertEqual(config["listen"], f":{port['containerPort']}")

    @staticmethod
    def configuration(objects: list[dict]) -> str:
        (name,) = [volume["configMap"]["name"]
                   for volume in the("DaemonSet", objects)["spec"]["template"]["spec"]["volumes"] if volume["name"] == "config"]
        return the("ConfigMap", objects, name)["data"]["knell.yaml"]

    def test_configuration(self):
        for name in ["base", "example"]:
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(self.configuration(self.rendered[name]))
                file.flush()
                checked = subprocess.run([KNELL, "check-config", file.name], capture_output=True, text=True, check=False)
                self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_a_change_of_the_configuration_rolls_the_pods(self):
        with tempfile.TemporaryDirectory() as directory:
            changed = pathlib.Path(shutil.copytree(MANIFESTS / "base", pathlib.Path(directory, "base")))
            with open(changed / "knell.yaml", "a") as file:
                file.write("log: {level: debug}\n")
            before, after = self.base, render(changed)
        self.assertIn("debug", self.configuration(after))
        self.assertNotEqual(the("DaemonSet", before)["spec"]["template"], the("DaemonSet", after)["spec"]["template"])

    def test_runtimes(self):
        """Each component replaces the one place where names are read."""
        base = mount_paths(self.base)
        for name in RUNTIMES:
            self.assertEqual(len(mount_paths(self.rendered[name]) - base), 1, name)
            self.assertEqual(len(base - mount_paths(self.rendered[name])), 1, name)

    def test_image(self):
        self.assertEqual(agent_of(self.base)["image"], f"knell:{os.environ['KNELL_VERSION']}")
        self.assertRegex(agent_of(self.rendered["example"])["image"], r"^registry\.example/knell:")

    def test_nobody_is_asked_or_trusted(self):
        pod = the("DaemonSet", self.base)["spec"]["template"]["spec"]
        self.assertIs(pod["automountServiceAccountToken"], False)
        self.assertIs(the("ServiceAccount", self.base)["automountServiceAccountToken"], False)
        self.assertEqual([thing["kind"] for thing in self.base if "Role" in thing["kind"]], [])
        self.assertNotIn("hostNetwork", pod)
        self.assertEqual(agent_of(self.base)["securityContext"]["capabilities"]["drop"], ["ALL"])

    def test_profile_allows_what_the_agents_own_filter_allows(self):
        listed = re.search(r"(?s)kAllowed\{(.*?)\n\};", (SOURCE / "agent/privilege/seccomp.cpp").read_text())[1]
        own = set(re.findall(r'"(\w+)"', re.sub(r"//.*", "", listed)))
        self.assertGreater(len(own), 50)
        profile = json.loads((MANIFESTS / "components/seccomp/knell.json").read_text())
        allowed = {name for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]}
        self.assertLessEqual(own, allowed)

    def test_target_has_no_labels_of_the_dead(self):
        """Of the agent's pod, which would go to series that lack them; its node is what stays when a pod is replaced."""
        (block,) = [block for block in re.findall(r"(?s)```yaml\n(.*?)```", (SOURCE / "docs/kubernetes.md").read_text())
                    if block.startswith("scrape_configs:")]
        (documented,) = yaml.safe_load(block)["scrape_configs"]
        for job in [documented, job_of(the("PodMonitor", self.rendered["example"]))]:
            self.assertIs(job["honor_labels"], True)
            self.assertEqual(labels_of_target(job), {"job": "knell", "instance": "node-1", "node": "node-1"})

    def test_document(self):
        """It explains each mount, each capability and each component."""
        text = (SOURCE / "docs/kubernetes.md").read_text()
        told = set(re.findall(r"`([^`\s]+)`", text))
        for objects in self.rendered.values():
            self.assertLessEqual(mount_paths(objects), told)
            self.assertLessEqual(set(agent_of(objects)["securityContext"]["capabilities"]["add"]), told)
        self.assertLessEqual({f"components/{name}" for name in COMPONENTS}, told)
