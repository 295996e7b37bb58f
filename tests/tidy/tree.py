"""What the rules look at: the files that git tracks or would track, or those of an example."""

import pathlib
import re
import subprocess
from collections.abc import Iterator

CODE = (".cpp", ".hpp", ".c", ".h")

# Made by programs, or kept as they came: nobody writes in them, so that the rules of writing are not for them.
FOREIGN = ("tests/fuzz/corpus/", "bench/results/", "LICENSES/", "LICENSE", "tests/deploy/package-lock.json",
           "deploy/grafana/knell.json", "docs/images/")


class Tree:

    def __init__(self, texts: dict[str, str]):
        self.texts = texts
        self.folders = {str(folder) for path in texts for folder in pathlib.PurePath(path).parents} - {"."}

    @classmethod
    def of_git(cls, root: pathlib.Path) -> "Tree":
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                cwd=root, check=True, capture_output=True, text=True).stdout
        paths = (path for path in listed.split("\0") if (root / path).is_file())
        return cls({path: (root / path).read_text(errors="replace") for path in paths})

    def written(self, *endings: str) -> Iterator[tuple[str, str]]:
        """Paths and texts of what people write, by the ends of their names; all when none is given."""
        for path, text in self.texts.items():
            if not path.startswith(FOREIGN) and path.endswith(endings or ("",)):
                yield path, text

    def found(self, pattern: str, *endings: str) -> Iterator[tuple[str, re.Match[str]]]:
        """Where a pattern stands in what people write: "path:line", and the match."""
        for path, text in self.written(*endings):
            line, counted = 1, 0
            for match in re.finditer(pattern, text):
                line += text.count("\n", counted, match.start())
                counted = match.start()
                yield f"{path}:{line}", match


def folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def within(path: str, places: tuple[str, ...]) -> bool:
    """Whether a path is one of the places or below one of them."""
    return any(path == place or path.startswith(place + "/") for place in places)
