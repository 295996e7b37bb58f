"""Writes the archive that a kernel unpacks as its first root file system: cpio in the format "newc"
(Documentation/driver-api/early-userspace/buffer-format.rst). Not compressed: unpacking would take an emulated CPU
longer than reading."""

import os
import stat


class Archive:

    def __init__(self, file):
        self._file = file
        self._inode = 0
        self._names = set()

    def directory(self, name: str, mode: int = 0o755) -> None:
        self._parents_of(name)
        self._entry(name, stat.S_IFDIR | mode)

    def link(self, name: str, target: str) -> None:
        self._parents_of(name)
        self._entry(name, stat.S_IFLNK | 0o777, os.fsencode(target))

    def device(self, name: str, mode: int, major: int, minor: int) -> None:
        self._parents_of(name)
        self._entry(name, stat.S_IFCHR | mode, device=(major, minor))

    def text(self, name: str, text: str, mode: int = 0o644) -> None:
        self._parents_of(name)
        self._entry(name, stat.S_IFREG | mode, text.encode())

    def file(self, path: str, name: str | None = None) -> None:
        """A file of this machine; where it is here, or elsewhere. What a link refers to is stored under the link's
        name."""
        name = name or path
        self._parents_of(name)
        with open(path, "rb") as source:
            self._entry(name, stat.S_IFREG | stat.S_IMODE(os.stat(path).st_mode), source.read())

    def close(self) -> None:
        self._entry("TRAILER!!!", 0)

    def _parents_of(self, name: str) -> None:
        parent = os.path.dirname(name)
        if parent.strip("/") and parent.lstrip("/") not in self._names:
            self.directory(parent)

    def _entry(self, name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        name = name.lstrip("/")
        if name in self._names:
            return
        self._names.add(name)
        self._inode += 1
        encoded = os.fsencode(name) + b"\0"
        fields = [self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0]
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        for part in (header + encoded, data):
            self._file.write(part + b"\0" * (-len(part) % 4))
