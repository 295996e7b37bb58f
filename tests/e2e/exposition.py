"""Prometheus' text format, version 0.0.4, read strictly:
https://prometheus.io/docs/instrumenting/exposition_formats/"""

import re

_SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)')
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
_ESCAPE = re.compile(r'\\(.)')


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], text)


def _labels(text: str) -> dict:
    labels, at = {}, 0
    while at < len(text):
        match = _LABEL.match(text, at)
        if match is None or match[1] in labels:
            raise AssertionError(f"bad labels: {text}")
        labels[match[1]] = _unescape(match[2])
        at = match.end()
    return labels


class Exposition:
    """All samples of one scrape."""

    def __init__(self, text: str):
        self.help: dict[str, str] = {}
        self.type: dict[str, str] = {}
        self.samples: list[tuple[str, dict, float]] = []
        *lines, end = text.split("\n")  # no other character ends a line here
        if end:
            raise AssertionError(f"the last line has no end: {end}")
        for line in lines:
            self._read(line)

    def family_of(self, sample: str) -> str:
        """The family that a sample belongs to; an error when none was announced before it."""
        stem = re.sub(r"_(bucket|sum|count)$", "", sample)
        family = stem if self.type.get(stem) == "histogram" else sample
        if family not in self.type:
            raise AssertionError(f"{sample} comes without a TYPE line before it")
        return family

    def values(self, name: str, **labels) -> list[float]:
        return [value for sample, has, value in self.samples if sample == name and labels.items() <= has.items()]

    def sum(self, name: str, **labels) -> float:
        return sum(self.values(name, **labels))

    def value(self, name: str, **labels) -> float:
        """The one sample that has these labels, among others."""
        values = self.values(name, **labels)
        if len(values) != 1:
            raise AssertionError(f"{len(values)} samples of {name} with {labels}")
        return values[0]

    def by(self, name: str, *by: str, **labels) -> dict:
        """The values that are not zero, keyed by these labels' values."""
        found = {}
        for sample, has, value in self.samples:
            if sample == name and labels.items() <= has.items() and value != 0:
                key = tuple(has[label] for label in by)
                found[key if len(by) > 1 else key[0]] = value
        return found

    def _read(self, line: str) -> None:
        if line.startswith("# "):
            _, kind, family, text = line.split(" ", 3)
            kept = {"HELP": self.help, "TYPE": self.type}[kind]
            if family in kept:
                raise AssertionError(f"{kind} of {family} comes twice")
            kept[family] = text
            return
        match = _SAMPLE.fullmatch(line)
        if match is None:
            raise AssertionError(f"not a sample: {line}")
        self.family_of(match[1])
        self.samples.append((match[1], _labels(match[2] or ""), float(match[3])))
