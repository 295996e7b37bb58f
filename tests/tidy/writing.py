"""How files are written: length, white space, and what must give its reason."""

import ast
import re
from collections.abc import Iterator

from tree import CODE, Tree

LONGEST = 450

SCRIPTS = (".py", ".mjs", ".sh", ".bash", ".zsh", ".fish")


def files_are_short(tree: Tree) -> Iterator[str]:
    for path, text in tree.written():
        if (lines := text.count("\n")) > LONGEST:
            yield f"{path}: {lines} lines are more than {LONGEST}: which two subjects has it?"


def white_space_is_plain(tree: Tree) -> Iterator[str]:
    for place, _ in tree.found(r"(?m)[ \t\r]+$"):
        yield f"{place}: white space at the end of the line"
    for place, _ in tree.found(r"\t", *CODE, ".py"):
        yield f"{place}: a tab"
    for path, text in tree.written():
        if text and not re.search(r"[^\n]\n\Z", text):
            yield f"{path}: does not end with one newline"


def nothing_is_left_to_do(tree: Tree) -> Iterator[str]:
    # Put together, for this file is looked at, too.
    for place, match in tree.found(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b"):
        yield f"{place}: {match[0]}: do it, or file an issue"


def suppressions_give_their_reason(tree: Tree) -> Iterator[str]:
    for place, match in tree.found(r"NO" + r"LINT(?:NEXTLINE|BEGIN)?(?!\w)(?P<why>\([\w-]+\): \S)?", *CODE):
        if match["why"] is None:
            yield f"{place}: say which check and why: (check-name): reason"


def skips_give_their_reason(tree: Tree) -> Iterator[str]:
    for place, _ in tree.found(r"GTEST_SKIP\(\)\s*;", *CODE):
        yield f"{place}: a skip without a reason"
    # How many arguments these take before the reason.
    before = {"skip": 0, "skipTest": 0, "SkipTest": 0, "skipIf": 1, "skipUnless": 1}
    for path, text in tree.written(".py"):
        for call in ast.walk(ast.parse(text)):
            if isinstance(call, ast.Call):
                name = getattr(call.func, "attr", getattr(call.func, "id", None))
                if name in before and len(call.args) + len(call.keywords) <= before[name]:
                    yield f"{path}:{call.lineno}: a skip without a reason"


RULES = (files_are_short, white_space_is_plain, nothing_is_left_to_do, suppressions_give_their_reason,
         skips_give_their_reason)
