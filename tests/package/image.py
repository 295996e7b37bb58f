"""The image's root file system, run by runc with what docs/install.md says that a container of it needs, and no more."""

import json
import pathlib
import shutil
import subprocess
import tempfile

from programs import KNELL
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

    def start_container(self, uid: int):
        bundle = self.directory / "bundle"
        bundle.mkdir()
        ambient = CAPABILITIES if uid != 0 else []  # as podman gives them; root needs none
        spec = {
            "ociVersion": "1.0.2",
            "root": {"path": str(self.root), "readonly": True},
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
        }
        (bundle / "config.json").write_text(json.dumps(spec))
        state = self.directory / "runc"
        name = f"{self.directory.name}-{uid}"
        container = self.start(["runc", "--root", state, "run", "--bundle", bundle, name])
        self.addCleanup(subprocess.run, ["runc", "--root", state, "delete", "--force", name], capture_output=True)
        container.await_line(r" info  restricted: ", "stderr")
        return container
