"""The image's root file system, run by runc with what docs/install.md says that a container of it needs, and no more."""

import json
import pathlib
import shutil
import subprocess
import tempfile

from programs import KNELL, Program
from support import EndToEnd
from test_manual import SOURCE

CAPABILITIES = ["CAP_BPF", "CAP_PERFMON", "CAP_DAC_READ_SEARCH", "CAP_SYSLOG"]
# Where, what, and how it is mounted.
MOUNTS = [("/proc", "proc", []),
          ("/sys", "/sys", ["rbind", "ro"]),
          ("/sys/fs/bpf", "/sys/fs/bpf", ["bind", "rw"]),
          ("/dev", "tmpfs", ["nosuid", "mode=755"])]


class ImageTest(EndToEnd):

    @classmethod
    def setUpClass(cls):
        """As the last stage of deploy/image/Dockerfile gets it."""
        directory = tempfile.mkdtemp(prefix="knell-image-")
        cls.addClassCleanup(shutil.rmtree, directory)
        cls.root = pathlib.Path(directory, "rootfs")
        subprocess.run([SOURCE / "deploy/image/closure.sh", KNELL, cls.root], check=True)

    def setUp(self):
        super().setUp()
        self.addCleanup(self.knell, "unpin")  # after the container, whose user may be another

    def start_container(self, uid: int) -> Program:
        ambient = CAPABILITIES if uid != 0 else []  # as podman gives them; root needs none
        container = self.run_bundle(f"{self.directory.name}-{uid}", self.root, {
            "process": {
                "args": ["/usr/bin/knell", "run"], "cwd": "/", "env": [], "user": {"uid": uid, "gid": uid},
                "noNewPrivileges": True,
                "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 4096, "hard": 4096}],
                "capabilities": {"bounding": CAPABILITIES, "permitted": CAPABILITIES, "effective": CAPABILITIES,
                                 "inheritable": ambient, "ambient": ambient}},
            "mounts": [{"destination": where, "type": what if "/" not in what else "bind", "source": what, "options": options}
                       for where, what, options in MOUNTS],
            # No pid and network namespaces: it observes the host's processes, and is scraped at the node's address.
            "linux": {"namespaces": [{"type": "mount"}, {"type": "ipc"}, {"type": "uts"}]},
        })
        self.await_restricted(container)
        return container

    def run_bundle(self, name: str, root: pathlib.Path, spec: dict) -> Program:
        """A container with this root file system, which is read-only; runc in the foreground."""
        bundle = self.directory / name
        bundle.mkdir()
        (bundle / "config.json").write_text(
            json.dumps({"ociVersion": "1.0.2", "root": {"path": str(root), "readonly": True}, **spec}))
        container = self.start([*self.runc(), "run", "--bundle", bundle, name])
        self.addCleanup(subprocess.run, [*self.runc(), "delete", "--force", name], capture_output=True)
        return container

    def runc(self) -> list:
        return ["runc", "--root", self.directory / "runc"]

    @staticmethod
    def await_restricted(container: Program) -> None:
        """The agent has opened everything."""
        container.await_line(r" info  restricted: ", "stderr")
