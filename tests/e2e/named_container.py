"""Containers with the names that containerd leaves on the node, in a directory of the test's own."""

import json

from container import Container, ContainerTest

NAMESPACE, POD = "shop", "web-7d4b9c-x2x7k"
LABELS = {"namespace": NAMESPACE, "container": "worker"}


class NamedContainerTest(ContainerTest):

    def setUp(self):
        super().setUp()
        self.containerd = self.directory / "containerd"
        self.logs = self.directory / "logs"
        for directory in [self.containerd, self.logs / "containers", self.logs / "pods"]:
            directory.mkdir(parents=True)

    def config(self, more: str = "") -> str:
        """An agent's that looks for names there alone."""
        return (f"listen: 127.0.0.1:0\n"
                f"attribution: {{containerd: [{self.containerd}], storage: [], docker: [],"
                f" container_logs: [{self.logs}/containers], pod_logs: [{self.logs}/pods]}}\n{more}")

    def describe(self, container: Container, kind: str = "container") -> None:
        """What containerd's CRI plugin writes before it starts the container."""
        bundle = self.containerd / "io.containerd.runtime.v2.task" / "k8s.io" / container.id
        bundle.mkdir(parents=True)
        annotations = {"io.kubernetes.cri.container-type": kind, "io.kubernetes.cri.sandbox-id": "0" * 64,
                       "io.kubernetes.cri.sandbox-name": POD, "io.kubernetes.cri.sandbox-namespace": NAMESPACE,
                       "io.kubernetes.cri.sandbox-uid": container.pod}
        if kind == "container":
            annotations["io.kubernetes.cri.container-name"] = "worker"
        spec = {"ociVersion": "1.1.0", "process": {"args": ["/worker"]}, "annotations": annotations}
        (bundle / "config.json").write_text(json.dumps(spec))
