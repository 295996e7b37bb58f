"""All of deploy/logs, also what no test runs: it parses, names fields that events have, and gives Loki no label of many values."""

import os
import pathlib
import re
import unittest

import yaml

SOURCE = pathlib.Path(os.environ["KNELL_SOURCE"])
FILES = {path.name: path.read_text() for path in (SOURCE / "deploy" / "logs").iterdir()}
FIELDS = set(re.findall(r"(?m)^\| ([a-z_.]+) \|", (SOURCE / "docs" / "events.md").read_text()))


def labels_of(name: str) -> dict[str, str] | None:
    """Of Loki's streams, by each tool's way to write them; a field of the event is `$field`. None: it does not write to Loki."""
    if name.startswith("vector"):
        labels = yaml.safe_load(FILES[name])["sinks"]["loki"]["labels"]
        return {label: re.sub(r"^\{\{ (\w+) \}\}$", r"$\1", value) for label, value in labels.items()}
    if name.startswith("fluent-bit"):
        (loki,) = [each for each in yaml.safe_load(FILES[name])["pipeline"]["outputs"] if each["name"] == "loki"]
        return dict(label.split("=") for label in loki["labels"].split(", "))
    if stream := re.search(r'"stream":\{(.*?\})\}?,', FILES[name]):
        return {label: re.sub(r"^\$\{\.knell\.(\w+):-none\}$", r"$\1", value)
                for label, value in re.findall(r'"(\w+)":"([^"]*)"', stream[1])}
    return None


class LogFiles(unittest.TestCase):

    def test_loki_has_few_streams(self):
        labels = {name: found for name in FILES if (found := labels_of(name)) is not None}
        self.assertEqual(len(labels), 5)
        for name, found in labels.items():
            with self.subTest(name):
                self.assertEqual(found, {"job": "knell", "reason": "$reason"})
                self.assertIn("reason", FIELDS)

    def test_the_time_is_the_events(self):
        self.assertIn("time", FIELDS)
        patterns = {"vector": r"parse_timestamp!\(\.time,", "fluent-bit": r"time_key: time\n", "syslog-ng": r"\$\{\.knell\.time\}"}
        for tool, pattern in patterns.items():
            for name in [name for name in FILES if name.startswith(tool)]:
                with self.subTest(name):
                    self.assertRegex(FILES[name], pattern)

    def test_all_read_the_file_that_is_rotated(self):
        (path,) = re.findall(r"(?m)^(/\S+) \{$", FILES["logrotate.conf"])
        for name, text in FILES.items():
            if "kubernetes" not in name:
                with self.subTest(name):
                    self.assertIn(path, text)

    def test_the_page_has_them_all(self):
        page = (SOURCE / "docs" / "shipping.md").read_text()
        self.assertEqual([name for name in FILES if f"`{name}`" not in page], [])
