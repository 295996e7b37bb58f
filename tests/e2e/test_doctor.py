"""`knell doctor`: what this node supports, for people and for programs."""

import json
import os
import pathlib
import re
import subprocess

from programs import KNELL
from support import EndToEnd, requires
from test_terminal import Screen

MANUAL = pathlib.Path(__file__).parents[2] / "docs/man/knell.1"


def mounted_otherwise(*options: str) -> list[str]:
    return ["unshare", "--mount", "sh", "-c", f"mount {' '.join(options)} /sys/fs/bpf && exec \"$@\"", "sh"]


WITHOUT_BPFFS = mounted_otherwise("-t", "tmpfs", "none")
READ_ONLY = mounted_otherwise("-o", "remount,bind,ro")


@requires()
class Doctor(EndToEnd):

    def report(self, *wrapper: str) -> dict:
        told = subprocess.run([*wrapper, KNELL, "doctor", "--json"], capture_output=True, text=True, timeout=60,
                              check=True)
        self.assertEqual(told.stderr, "")
        return json.loads(told.stdout)

    def test_facts_of_the_node(self):
        node = self.report()["node"]
        self.assertEqual((node["kernel"], node["machine"], node["uid"]), (os.uname().release, os.uname().machine, 0))
        soft, _ = re.search(r"(?m)^Max open files +(\d+) +(\d+)",
                            pathlib.Path("/proc/self/limits").read_text()).groups()
        self.assertGreaterEqual(node["descriptors"], int(soft))
        self.assertLess(node["watch_capacity"], node["descriptors"])
        self.assertEqual(node["bpf_stats_enabled"],
                         int(pathlib.Path("/proc/sys/kernel/bpf_stats_enabled").read_text()))
        self.assertIsInstance(node["container_names"], list)

    def test_keys_are_documented(self):
        manual = MANUAL.read_text()
        report = self.report()
        keys = set(report) | set(report["node"]) | set(report["capabilities"][0])
        for feature in report["features"]:
            keys |= set(feature)
        for key in keys | {"why_not", "remedy"}:
            with self.subTest(key):
                self.assertRegex(manual, rf"(?m)^\.(Cm|It Cm) (.* )?{key}\b")

    def test_says_whether_deaths_between_two_agents_are_told(self):
        for wrapper, on, says in [((), True, "pins in /sys/fs/bpf/knell"),
                                  (WITHOUT_BPFFS, False, "/sys/fs/bpf is not in a bpffs"),
                                  (READ_ONLY, False, "the bpffs at /sys/fs/bpf is mounted read-only")]:
            with self.subTest(says):
                (row,) = [row for row in self.report(*wrapper)["features"] if row["feature"] == "restart"]
                self.assertIs(row["on"], on)
                self.assertIn(says, row["hook" if on else "why_not"])
                self.assertEqual("remedy" in row, not on)

    def test_fits_the_terminal(self):
        screen = Screen(80)
        self.addCleanup(screen.close)
        subprocess.run([*WITHOUT_BPFFS, KNELL, "doctor"], stdout=screen.terminal, timeout=60, check=True)
        lines = screen.lines()
        self.assertEqual([line for line in lines if len(line) > 80], [])
        # The same words as in one line.
        whole = subprocess.run([*WITHOUT_BPFFS, KNELL, "doctor"], capture_output=True, text=True, timeout=60,
                               check=True).stdout
        self.assertGreater(max(map(len, whole.splitlines())), 80)
        self.assertEqual(" ".join(lines).split(), whole.split())
