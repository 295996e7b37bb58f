"""That what is pointed at exists: links of documents, and paths in texts and comments."""

import fnmatch
import posixpath
import re
from collections.abc import Iterator

from tree import Tree, folder_of

FENCED = r"(?ms)^ *```.*?^ *```"
LINK = r"\[[^]\[]*\]\((?P<target>[^)\s]+)\)"

# A path from the root. Behind a letter, a variable or another path it is the end of something else, and behind < or in
# C's #include of a library.
NAMED = (r"(?<![\w./*}$<-])(?P<path>(?:agent|bench|bpf|cmake|deploy|docs|examples|exporters|scripts|tests)/"
         r"(?:[\w.*/-]|\{[^}\n]*\})*[\w*}/])")

# Texts that look like such paths and name something else.
OTHER_PATHS = {
    "CMakePresets.json": "all is a target of the folder",
    "tests/package/build.sh": "packages are in the build's folder tests/",
    "tests/unit/config/parse_test.cpp": "the end of /sys/fs/bpf/knell",
    "deploy/prometheus/prometheusrule.sh": "the beginning of a pattern",
    "tests/tidy/test_tidy.py": "trees of its own",
}


def anchors_of(text: str) -> set[str]:
    """What GitHub calls the headings of a document."""
    anchors: dict[str, int] = {}
    for match in re.finditer(r"(?m)^#+ +(.+?) *#*$", re.sub(FENCED, "", text)):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", match[1])
        anchor = re.sub(r"[^\w -]", "", words.lower()).replace(" ", "-")
        seen = anchors.get(anchor, 0)
        anchors[anchor] = seen + 1
        if seen:
            anchors[f"{anchor}-{seen}"] = 1
    return set(anchors)


def links_of(path: str, text: str) -> Iterator[tuple[str, str]]:
    """Files that a document links to, with their anchors: paths from the root."""
    for match in re.finditer(LINK, re.sub(FENCED, "", text)):
        target, _, anchor = match["target"].partition("#")
        if not re.match(r"[a-z]+:", target):
            yield posixpath.normpath(posixpath.join(folder_of(path), target)) if target else path, anchor


def links_lead_somewhere(tree: Tree) -> Iterator[str]:
    for path, text in tree.written(".md"):
        for target, anchor in links_of(path, text):
            if target not in tree.texts and target not in tree.folders:
                yield f"{path}: links to {target}, which is not there"
            elif anchor and anchor not in anchors_of(tree.texts.get(target, "")):
                yield f"{path}: links to {target}#{anchor}, a heading that is not there"


def exists(tree: Tree, path: str) -> bool:
    path = re.sub(r"\{.*?\}", "*", path.removesuffix("/"))
    return path in tree.texts or path in tree.folders or ("*" in path and bool(fnmatch.filter(tree.texts, path)))


def named_paths_exist(tree: Tree) -> Iterator[str]:
    for place, match in tree.found(NAMED):
        if place.rpartition(":")[0] not in OTHER_PATHS and not exists(tree, match["path"]):
            yield f"{place}: {match['path']} is not there"


RULES = (links_lead_somewhere, named_paths_exist)
