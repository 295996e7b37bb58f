"""That nothing lies about: what no build, test, document or script knows is dead."""

import ast
import fnmatch
import pathlib
import posixpath
import re
from collections.abc import Iterator

from includes import INCLUDE
from references import links_of
from tree import CODE, Tree, folder_of

# Programs, not we, look for these by their names.
FOUND_BY_NAME = (".clang-format", ".clang-tidy", ".dockerignore", ".gitignore", "tests/fuzz/.gitattributes",
                 ".ci/run", "CMakePresets.json", "README.md", "CHANGELOG.md", "LICENSE", "LICENSES/BSD-2-Clause.txt",
                 "LICENSES/GPL-2.0-only.txt", "tests/deploy/package-lock.json")


def cmake_of(tree: Tree, path: str) -> str | None:
    """The CMakeLists.txt that a file belongs to: that of its folder, or of the next above."""
    lists = (posixpath.normpath(f"{folder}/CMakeLists.txt") for folder in map(str, pathlib.PurePath(path).parents))
    return next((candidate for candidate in lists if candidate in tree.texts and candidate != path), None)


def sources_are_built(tree: Tree) -> Iterator[str]:
    for path, _ in tree.written(".cpp", ".c"):
        lists = cmake_of(tree, path)
        name = pathlib.PurePath(path).name
        # A fuzzer is named without its ending.
        pattern = rf"(?<![\w.]){re.escape(name)}(?![\w.])|knell_fuzzer\({re.escape(name.removesuffix('.cpp'))}\b"
        if lists is None or not re.search(pattern, tree.texts[lists]):
            yield f"{path}: no CMakeLists.txt builds it"


def folders_are_built(tree: Tree) -> Iterator[str]:
    for path, _ in tree.written("/CMakeLists.txt"):
        folder, above = folder_of(path), cmake_of(tree, path)
        relative = folder.removeprefix(folder_of(above or "")).lstrip("/")
        if above and re.search(rf"add_subdirectory\({re.escape(relative)}\)|/\*/CMakeLists\.txt", tree.texts[above]):
            continue
        # A project of its own, which a test builds.
        if not any(folder in text for script, text in tree.written(".sh") if script.startswith("tests/")):
            yield f"{path}: nothing adds it to the build"


def headers_are_included(tree: Tree) -> Iterator[str]:
    included = set()
    for place, match in tree.found(INCLUDE, *CODE):
        included |= {match["header"], posixpath.join(folder_of(place), match["header"])}
    for path, _ in tree.written(".h", ".hpp"):
        if path not in included:
            yield f"{path}: nobody includes it"


def documents_are_linked(tree: Tree) -> Iterator[str]:
    reached, ways = set(), ["README.md"]
    while ways:
        path = ways.pop()
        if path not in reached and path in tree.texts:
            reached.add(path)
            ways += [target for target, _ in links_of(path, tree.texts[path]) if target.endswith(".md")]
    for path, _ in tree.written(".md"):
        if path not in reached and path not in FOUND_BY_NAME:
            yield f"{path}: no way of links leads to it from README.md"


def test_classes_are_registered(tree: Tree) -> Iterator[str]:
    lists = "".join(text for path, text in tree.written("CMakeLists.txt") if path.startswith("tests/"))
    lists += tree.texts.get("tests/vm/plan.py", "")
    for path, text in tree.written(".py"):
        module = pathlib.PurePath(path).stem
        if not module.startswith("test_"):
            continue
        for node in ast.parse(text).body:
            tests = isinstance(node, ast.ClassDef) and any(getattr(member, "name", "").startswith("test_")
                                                           for member in node.body)
            if tests and not re.search(rf"\b{module}\.{node.name}\b", lists):
                yield f"{path}:{node.lineno}: no test runs {module}.{node.name}"


def corpora_have_their_fuzzers(tree: Tree) -> Iterator[str]:
    root = "tests/fuzz/corpus"
    corpora = {folder.removeprefix(root + "/") for folder in tree.folders if folder_of(folder) == root}
    fuzzers = set(re.findall(r"(?m)^knell_fuzzer\((\w+)", tree.texts.get("tests/fuzz/CMakeLists.txt", "")))
    for name in sorted(corpora ^ fuzzers):
        yield f"{root}/{name}: a corpus without its fuzzer, or a fuzzer without its corpus"


def every_other_file_is_named(tree: Tree) -> Iterator[str]:
    """Scripts, modules, manifests: another file has their name, imports them, or has a pattern that they match."""
    named: dict[str, set[str]] = {}
    patterns: set[str] = set()
    for path, text in tree.written():
        for word in re.findall(r"[\w.-]*\w", text):
            named.setdefault(word, set()).add(path)
        for match in re.finditer(r"(?m)^ *(?:import|from) (\w+(?:, \w+)*)", text):
            for module in match[1].split(", "):
                named.setdefault(module + ".py", set()).add(path)
        for match in re.finditer(r"\binclude\((\w+)\)", text):
            named.setdefault(match[1] + ".cmake", set()).add(path)
        if not path.endswith(CODE):
            patterns |= set(re.findall(r"[\w.-]+/[\w.-]*\*(?:[\w.-]*\w)?", text))
    for path in tree.texts:
        name = pathlib.PurePath(path)
        if (path.startswith("tests/fuzz/corpus/") or path in FOUND_BY_NAME or name.name == "CMakeLists.txt"
                or name.suffix in (*CODE, ".md") or fnmatch.fnmatch(name.name, "test_*.py")):
            continue
        if not named.get(name.name, set()) - {path} and not any(fnmatch.fnmatch("/".join(name.parts[-2:]), pattern)
                                                                 for pattern in patterns):
            yield f"{path}: no other file names it"


RULES = (sources_are_built, folders_are_built, headers_are_included, documents_are_linked, test_classes_are_registered,
         corpora_have_their_fuzzers, every_other_file_is_named)
