"""The manual pages tell all that the programs and the configuration have."""

import os
import pathlib
import re
import subprocess
import unittest

from programs import KNELL

SOURCE = pathlib.Path(os.environ["KNELL_SOURCE"])
PROGRAMS = [KNELL, os.environ["KNELL_PIDCTL"]]


def help_of(*command: str) -> str:
    return subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout


def commands(program: str) -> list[str]:
    return re.findall(r"(?m)^  ([a-z-]+)", help_of(program).split("\nSubcommands:\n")[1])


def options(*command: str) -> set[str]:
    """Long and short ones of a command."""
    return {option for line in re.findall(r"(?m)^  (-\S+)", help_of(*command)) for option in line.split(",")}


def page(name: str) -> str:
    """As it is read, without overstriking."""
    shown = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=100", SOURCE / "docs/man" / name], capture_output=True,
                           text=True, check=True).stdout
    return re.sub(".\b", "", shown)


class Manual(unittest.TestCase):

    def assert_told(self, option: str, where: str, text: str) -> None:
        self.assertRegex(text, rf"(?m)^ +(-\w, )?{re.escape(option)}\b", f"{option} of {where}")

    def test_commands_and_options(self):
        for program in PROGRAMS:
            name = os.path.basename(program)
            text = page(f"{name}.1")
            everywhere = {option for option in options(program) if option in {"-h", "--help", "--json", "--without"}}
            self.assertIn("-h, --help", text)
            for command in commands(program):
                with self.subTest(f"{name} {command}"):
                    (section,) = re.findall(rf"(?ms)^   {name} {command}\n(.*?)(?=^   {name} |^[A-Z])", text)
                    # CLI11 does not repeat the program's options in the command's help.
                    for option in options(program, command) - everywhere - {"-o"}:
                        self.assert_told(option, command, section)
                    if command in {"trace", "wait", "stat", "doctor"} and program == KNELL:
                        self.assert_told("--json", command, section)

    def test_reasons(self):
        refused = subprocess.run([KNELL, "trace", "--reason", "x"], capture_output=True, text=True, check=False).stderr
        (reasons,) = re.findall(r"write one of ([a-z_, ]+)", refused)
        section = re.search(r"(?ms)^REASONS\n(.*?)^[A-Z]", page("knell.1"))[1]
        self.assertEqual(re.findall(r"(?m)^     ([a-z_]+) ", section + " "), reasons.split(", "))

    def test_configuration_keys(self):
        table = (SOURCE / "docs/configuration.md").read_text()
        rows = [row.split(" | ") for row in re.findall(r"(?m)^\| ([a-z].*?) \|$", table)][1:]
        keys, reloaded = [], set()
        for row in rows:
            first, *others = row[0].split(", ")
            names = [first, *(first.rsplit(".", 1)[0] + other for other in others)]
            keys += names
            reloaded |= set(names) if row[-1] != "no" else set()
        self.assertGreater(len(keys), 15)
        text = page("knell.yaml.5").split("\nKEYS\n")[1].split("\nFILES\n")[0]
        told = re.split(r"(?m)^     ([a-z][a-z_.]+)\b", text)
        self.assertEqual(told[1::2], keys)
        self.assertEqual({key for key, says in zip(told[1::2], told[2::2]) if "Reload" in says}, reloaded)

    def test_installed_configuration_is_the_documented_one(self):
        documented = re.search(r"(?s)```yaml\n(.*?)```", (SOURCE / "docs/configuration.md").read_text())[1]
        installed = (SOURCE / "deploy/debian/knell.yaml").read_text()
        uncommented = [line[2:] for line in installed.splitlines() if re.match(r"# +[a-z_]+:", line)]
        self.assertEqual(uncommented, documented.splitlines())
