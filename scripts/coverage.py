#!/usr/bin/python3
"""Adds up gcovr's summary by folder."""

import collections
import json
import pathlib
import sys

COUNTS = ("line_covered", "line_total", "branch_covered", "branch_total")


def row(name: str, counts: collections.Counter) -> str:
    def percent(what: str) -> str:
        total = counts[what + "_total"]
        return f"{100 * counts[what + '_covered'] / total:.1f} %" if total else "-"

    return f"{name:22} {counts['line_total']:>7} {percent('line'):>8} {counts['branch_total']:>9} {percent('branch'):>8}"


def main():
    folders = collections.defaultdict(collections.Counter)
    for file in json.loads(pathlib.Path(sys.argv[1]).read_text())["files"]:
        for folder in (str(pathlib.PurePath(file["filename"]).parent), "all"):
            folders[folder].update({count: file[count] for count in COUNTS})
    print(f"{'folder':22} {'lines':>7} {'reached':>8} {'branches':>9} {'reached':>8}")
    for folder in sorted(folders, key=lambda name: (name == "all", name)):
        print(row(folder, folders[folder]))


if __name__ == "__main__":
    main()
