#!/usr/bin/python3
"""clang-tidy over every C++ source of a build directory (argv[1]), by .clang-tidy.

Most of its time goes into the standard library's headers, so the sources of a folder are read as one translation unit:
five times as fast. Where names in them collide, the unit is halved until they do not; that they shadow each other is
nothing. What was found clean stays so until the unit's text, its headers, the configuration or the tool changes: a second
run takes seconds.
"""

import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONFIG = ROOT / ".clang-tidy"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "knell-tidy"
SOURCES = ["agent/*.cpp", "exporters/*.cpp", "bench/*.cpp"]
# Findings in the sources count, though the unit is only what includes them.
OURS = r"(agent|exporters|bench|bpf)/.*\.(hpp|cpp)$"


def output_of(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def flags_by_source(build: pathlib.Path) -> dict[pathlib.Path, tuple[str, ...]]:
    flags = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        command = shlex.split(entry["command"])
        after_compiler = next(i for i, word in enumerate(command) if word.startswith("-"))
        source = pathlib.Path(entry["file"])
        flags[source] = tuple(command[after_compiler:command.index("-o")])
    return flags


class Unit:
    """Sources that are compiled with the same flags, as one."""

    def __init__(self, directory: pathlib.Path, sources: list[pathlib.Path], flags: tuple[str, ...]):
        self.directory, self.sources, self.flags = directory, sources, flags
        text = "".join(f'#include "{source}"\n' for source in sources)
        self.path = directory / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.cpp"
        self.path.write_text(text, encoding="utf-8")

    def halves(self) -> list["Unit"]:
        middle = len(self.sources) // 2
        return [Unit(self.directory, part, self.flags) for part in (self.sources[:middle], self.sources[middle:])]

    def compiler(self, *more: str) -> subprocess.CompletedProcess:
        return subprocess.run(["clang++-19", "-w", *self.flags, *more, str(self.path)], check=False, capture_output=True)

    def key(self, tool: str) -> str:
        seen = hashlib.sha256(tool.encode() + CONFIG.read_bytes() + OURS.encode())
        for source in self.sources:
            seen.update(source.read_bytes())  # a function's length counts its comments
        seen.update(self.compiler("-E", "-P").stdout)  # without line numbers and paths: another clone knows it, too
        return seen.hexdigest()

    def is_clean(self, tool: str) -> bool:
        known = CACHE / self.key(tool)
        if known.exists():
            return True
        if len(self.sources) > 1 and self.compiler("-fsyntax-only").returncode != 0:
            clean = [half.is_clean(tool) for half in self.halves()]  # all: each problem is shown
            if not all(clean):
                return False
        else:
            checked = subprocess.run(["clang-tidy-19", "--quiet", f"--config-file={CONFIG}", f"--header-filter={OURS}",
                                      "--checks=-bugprone-suspicious-include", str(self.path), "--", *self.flags, "-Wno-shadow"],
                                     check=False, capture_output=True, text=True)
            if checked.returncode != 0:
                print(checked.stdout, end="", flush=True)
                return False
        known.touch()
        return True


def main() -> int:
    build = pathlib.Path(sys.argv[1]).resolve()
    flags = flags_by_source(build)
    folders = collections.defaultdict(list)
    for name in output_of("git", "ls-files", "--cached", "--others", "--exclude-standard", *SOURCES).split():
        source = ROOT / name
        if source not in flags:
            sys.exit(f"tidy: {name} is not built by {build}")
        folders[source.parent, flags[source]].append(source)
    CACHE.mkdir(parents=True, exist_ok=True)
    (build / "tidy").mkdir(exist_ok=True)
    units = [Unit(build / "tidy", sources, flags) for (_, flags), sources in folders.items()]
    tool = output_of("clang-tidy-19", "--version")
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return 0 if all(list(pool.map(lambda unit: unit.is_clean(tool), units))) else 1


if __name__ == "__main__":
    sys.exit(main())
