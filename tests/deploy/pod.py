"""A pod's containers as the kubelet and a runtime make them of its specification: what is told there, and no more."""

import json
import pathlib
import resource

# What containerd's and CRI-O's CRI services give to every container that is not privileged, before capabilities are added
# and dropped, and what they hide from it.
_CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
                 "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"]
_MASKED = ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
           "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"]
_READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
_MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]},
]
_PROPAGATION = {"None": "rprivate", "HostToContainer": "rslave", "Bidirectional": "rshared"}
# As systemd has it, whose limits runtimes pass on; the hard one is this machine's.
_DESCRIPTORS = {"type": "RLIMIT_NOFILE", "soft": 1024, "hard": resource.getrlimit(resource.RLIMIT_NOFILE)[1]}

_KUBELET_PROFILES = pathlib.Path("/var/lib/kubelet/seccomp")


def memory(quantity: str) -> int:
    """Bytes."""
    units = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
    return int(quantity[:-2]) * units[quantity[-2:]]


class Pod:
    """`objects`: what a DaemonSet's pods are made of, among others. `directory`: where its ConfigMaps are written."""

    def __init__(self, objects: list[dict], directory: pathlib.Path):
        (daemon_set,) = [thing for thing in objects if thing["kind"] == "DaemonSet"]
        self.spec = daemon_set["spec"]["template"]["spec"]
        self._config_maps = {thing["metadata"]["name"]: thing["data"] for thing in objects if thing["kind"] == "ConfigMap"}
        self._directory = directory

    def container(self, name: str) -> dict:
        (found,) = [each for each in [*self.spec.get("initContainers", []), *self.spec["containers"]] if each["name"] == name]
        return found

    def bundle(self, name: str, entrypoint: list[str], cgroup: str) -> dict:
        """What its runtime is told of this container, whose image has this entry point."""
        container = self.container(name)
        context = container["securityContext"]
        if not context["readOnlyRootFilesystem"]:
            raise AssertionError(f"{name} could write to its image")
        user = {"uid": context["runAsUser"], "gid": context.get("runAsGroup", 0)}
        capabilities = self._capabilities(context)
        namespaces = ["mount", "ipc", "uts", "cgroup"]  # the network: that of the test
        linux = {"namespaces": [{"type": kind} for kind in namespaces + ([] if self.spec.get("hostPID") else ["pid"])],
                 "maskedPaths": _MASKED, "readonlyPaths": _READ_ONLY, "cgroupsPath": cgroup,
                 "resources": {"memory": {"limit": memory(container["resources"]["limits"]["memory"])}}}
        if profile := self._seccomp(context["seccompProfile"]):
            linux["seccomp"] = profile
        return {
            "process": {"args": [*container.get("command", entrypoint), *container.get("args", [])], "cwd": "/",
                        "env": ["PATH=/usr/bin:/bin"], "user": user,
                        "noNewPrivileges": not context["allowPrivilegeEscalation"], "rlimits": [_DESCRIPTORS],
                        "capabilities": {kind: capabilities for kind in ["bounding", "permitted", "effective"]}},
            "mounts": self._mounts(container), "linux": linux}

    @staticmethod
    def _capabilities(context: dict) -> list[str]:
        asked = context["capabilities"]
        kept = set() if "ALL" in asked.get("drop", []) else set(_CAPABILITIES) - set(asked.get("drop", []))
        return [f"CAP_{name}" for name in sorted(kept | set(asked.get("add", [])))]

    @staticmethod
    def _seccomp(profile: dict) -> dict | None:
        """runc has no default profile: RuntimeDefault is none here."""
        if profile["type"] != "Localhost":
            return None
        return json.loads((_KUBELET_PROFILES / profile["localhostProfile"]).read_text())

    def _mounts(self, container: dict) -> list[dict]:
        volumes = {volume["name"]: volume for volume in self.spec["volumes"]}
        asked = [{"destination": mount["mountPath"], "type": "bind", "source": str(self._source(volumes[mount["name"]])),
                  "options": ["rbind", _PROPAGATION[mount.get("mountPropagation", "None")],
                              "ro" if mount.get("readOnly") else "rw"]}
                 for mount in container["volumeMounts"]]
        replaced = {mount["destination"] for mount in asked}
        mounts = [mount for mount in _MOUNTS if mount["destination"] not in replaced] + asked
        return sorted(mounts, key=lambda mount: mount["destination"].count("/"))

    def _source(self, volume: dict) -> pathlib.Path:
        if "hostPath" in volume:
            path = pathlib.Path(volume["hostPath"]["path"])
            if volume["hostPath"]["type"] == "DirectoryOrCreate":
                path.mkdir(parents=True, exist_ok=True)
            elif not path.is_dir():
                raise AssertionError(f"{path} is no directory of this node")
            return path
        # As the kubelet lays it out: what an update of the object replaces is one link.
        name = volume["configMap"]["name"]
        path = self._directory / name
        if not path.exists():
            (path / "..data").mkdir(parents=True)
            for file, text in self._config_maps[name].items():
                (path / "..data" / file).write_text(text)
                (path / file).symlink_to(f"..data/{file}")
        return path
