"""What the shells complete is what the programs take."""

import os
import pathlib
import re
import shlex
import subprocess
import unittest

from programs import KNELL
from test_manual import SOURCE, commands, options

COMPLETIONS = SOURCE / "deploy/completions"
PROGRAMS = {"knell": KNELL, "pidctl": os.environ["KNELL_PIDCTL"]}
# What a program takes may be asked of the program.
PROGRAMS_FIRST = os.environ | {"PATH": f"{os.path.dirname(KNELL)}:{os.environ['PATH']}"}


def choices(*command: str) -> set[str]:
    """What an option takes, from the program's refusal of something else."""
    refused = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    return set(re.search(r"(?:one of |not in \{)([a-z_, ]+)", refused)[1].replace(",", " ").split())


def bash(program: str, *words: str) -> set[str]:
    """What bash offers for the last word."""
    typed = " ".join(map(shlex.quote, [program, *words]))
    script = f"source {COMPLETIONS / program}.bash; COMP_WORDS=({typed}); COMP_CWORD={len(words)}; _{program}; " \
             'printf "%s\\n" "${COMPREPLY[@]}"'
    return set(subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, env=PROGRAMS_FIRST).stdout.split())


def fish(program: str, *words: str) -> set[str]:
    """The same of fish, which has a way to ask it."""
    typed = " ".join([program, *words])
    script = f"source {COMPLETIONS / program}.fish; complete -C {shlex.quote(typed)}"
    told = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, check=True,
                          env=PROGRAMS_FIRST).stdout
    return {line.split("\t")[0] for line in told.splitlines()}


class Completion(unittest.TestCase):

    def each(self):
        for shell in [bash, fish]:
            for name, program in PROGRAMS.items():
                with self.subTest(f"{shell.__name__} {name}"):
                    yield shell, name, program

    def test_commands(self):
        for shell, name, program in self.each():
            offered = {word for word in shell(name, "") if not word.startswith("-")}
            self.assertEqual(offered, set(commands(program)))

    def test_options(self):
        for shell, name, program in self.each():
            everywhere = {"--json", "--without"} if name == "pidctl" else set()
            for command in commands(program):
                wanted = {option for option in options(program, command) | everywhere if option.startswith("--")}
                self.assertEqual(shell(name, command, "--"), wanted, command)

    def test_help_of_a_command(self):
        for shell, name, program in self.each():
            self.assertEqual(shell(name, "help", ""), set(commands(program)))

    def test_reasons(self):
        reasons = choices(KNELL, "trace", "--reason", "x")
        self.assertIn("oom_kill", reasons)
        self.assertEqual(bash("knell", "trace", "--reason", ""), reasons)
        self.assertEqual(fish("knell", "trace", "--reason", ""), reasons)
        self.assertEqual(bash("knell", "trace", "--reason", "crash,s"), {"crash,seccomp", "crash,signal", "crash,success"})

    def test_events(self):
        for shell in [bash, fish]:
            self.assertEqual(shell("knell", "trace", "--events", ""), {"exit", "exec", "pidfd"})

    def test_features(self):
        features = choices(PROGRAMS["pidctl"], "--without", "x", "info", "1")
        self.assertIn("pidfs", features)
        for shell in [bash, fish]:
            self.assertEqual(shell("pidctl", "--without", ""), features)

    def test_zsh_names_all(self):
        """zsh completes at a terminal only: that it parses is checked with the style, what it names here."""
        for name, program in PROGRAMS.items():
            text = pathlib.Path(COMPLETIONS / f"{name}.zsh").read_text()
            named = set(re.findall(r"--[a-z-]+", text))
            wanted = {option for command in commands(program) for option in options(program, command)} | options(program)
            self.assertEqual(named, {option for option in wanted if option.startswith("--")})
            self.assertEqual(re.findall(r"(?m)^    '([a-z-]+):", text), commands(program))
