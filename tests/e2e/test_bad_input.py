"""What is wrong is said in one line, with the right exit status, and leaves nothing behind."""

import json
import pathlib
import re
import shutil
import subprocess
import unittest

from programs import wait_until
from support import EndToEnd, requires

DONE, FAILED, USAGE = 0, 1, 2
COMMANDS = {"run", "trace", "stat", "wait", "doctor", "check-config", "unpin", "help"}


class BadInput(EndToEnd):

    def refuse(self, status: int, says: str, *arguments, **options) -> None:
        """`says` is a regular expression for the whole message after "knell: "."""
        ended = self.knell(*arguments, **options)
        self.assertEqual((ended.returncode, ended.stdout), (status, ""), ended.stderr)
        look = f"{arguments[0]} --help" if arguments and arguments[0] in COMMANDS else "help"
        hint = f"Try `knell {look}`.\n" if status == USAGE else ""
        self.assertRegex(ended.stderr, rf"\Aknell: {says}\n{re.escape(hint)}\Z")


@requires(bpf=False)
class Arguments(BadInput):

    def test_table(self):
        for arguments, says in [
            ((), "a command is required.*"),
            (("bogus",), '.*"bogus".*'),
            (("run", "--bogus"), ".*--bogus.*"),
            (("run", "--config"), ".*--config.*"),
            (("run", "--listen", "127.0.0.1"), "--listen: .*port.*"),
            (("run", "--listen", "127.0.0.1:65536"), "--listen: .*65535.*"),
            (("trace", "--for", "3"), "--for: .*no unit.*"),
            (("trace", "--for", "-1s"), "--for: .*"),
            (("trace", "--count", "0"), '--count: "0" is out of range .*'),
            (("trace", "--count", "x"), "--count: .*"),
            (("trace", "--reason", "murder"), '--reason: "murder" .*oom_kill.*'),
            (("trace", "--events", "birth"), "--events: .*birth.*exit.*"),
            (("check-config",), "FILE .*required.*"),
            (("check-config", "a", "b"), ".*b.*"),
            (("doctor", "x"), ".*x.*"),
            (("help", "murder"), 'COMMAND: "murder" is not a command'),
        ]:
            with self.subTest(" ".join(arguments)):
                self.refuse(USAGE, says, *arguments)

    def test_help_and_version(self):
        for arguments in [("help",), ("--help",)]:
            with self.subTest(arguments):
                ended = self.knell(*arguments)
                self.assertEqual((ended.returncode, ended.stderr), (DONE, ""))
                for command in ["run", "trace", "doctor", "check-config"]:
                    self.assertRegex(ended.stdout, rf"(?m)^  {command} ")
        for command in COMMANDS:
            with self.subTest(command):
                told = self.knell("help", command).stdout
                self.assertEqual(told, self.knell(command, "--help").stdout)
                self.assertRegex(told, rf"(?m)^Usage: knell {command} ")
                self.assertEqual([line for line in told.splitlines() if len(line) > 80], [])
        self.assertRegex(self.knell("--version").stdout, r"^knell \d+\.\d+\.\d+ ")


@requires(bpf=False)
class Configuration(BadInput):

    def test_table(self):
        path = self.directory / "bad.yaml"
        for name, text, says in [
            ("unknown key", "listen: 127.0.0.1:0\nwatches: {}\n", "2: .*watches.*"),
            ("unknown key inside", "watch:\n  capacity: 10\n  min_aeg: 1s\n", "3: watch.*min_aeg.*min_age.*"),
            ("wrong type", "watch:\n  capacity: many\n", "2: watch.capacity: .*"),
            ("list for a value", "listen: [a, b]\n", "1: listen: .*a list.*"),
            ("value for a map", "ring: 8MiB\n", "1: ring: .*map.*"),
            ("bad duration", "watch: {min_age: 100}\n", "1: watch.min_age: .*no unit.*"),
            ("out of range", "watch: {capacity: 0}\n", "1: watch.capacity: .*"),
            ("bad size", "ring: {size: 9MiB}\n", "1: ring.size: .*"),
            ("unknown choice", "loop:\n  backend: kqueue\n", "2: loop.backend: .*kqueue.*io_uring.*"),
            ("unknown signal", "stop_signals: [SIGTERM, SIGSTP]\n", "1: stop_signals: .*SIGSTP.*"),
            ("signal that asks for nothing", "stop_signals:\n  - KILL\n", "2: stop_signals: .*KILL.*"),
            ("unknown reason", "exporters: {jsonl: {reasons: [murder]}}\n", "1: exporters.jsonl.reasons.*murder.*"),
            ("bad address", "listen: localhost\n", "1: listen: .*port.*"),
            ("not YAML", "watch: {capacity: 10\nlisten: x\n", r"\d: not valid YAML: .*"),
            ("not text", b"\xff\xfe\x00", "1: .*UTF-8.*"),
            ("control character", "listen: \x1b[31m\n", "1: .*0x1b.*"),
        ]:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            for command in [("check-config", path), ("run", "--config", path)]:
                with self.subTest(name, command=command[0]):
                    self.refuse(FAILED, f"{re.escape(str(path))}:{says}", *command)

    def test_every_problem_is_told_at_once(self):
        path = self.directory / "bad.yaml"
        path.write_text("colour: red\nwatch:\n  capacity: -1\n")
        ended = self.knell("check-config", path)
        self.assertEqual(ended.returncode, FAILED)
        self.assertRegex(ended.stderr, r"\Aknell: \S+:1: .*colour.*\n\S+:3: watch.capacity: .*\n\Z")

    def test_files_that_are_none(self):
        for name, path, says in [
            ("missing", self.directory / "none.yaml", "No such file.*"),
            ("directory", self.directory, "Is a directory.*"),
            ("endless", "/dev/zero", ".*"),
        ]:
            for command in [("check-config", path), ("run", "--config", path)]:
                with self.subTest(name, command=command[0]):
                    self.refuse(FAILED, f"reading the configuration: .*{re.escape(str(path))}.*: {says}", *command)

    def test_names_of_files_draw_nothing(self):
        path = self.directory / "\x1b[2J\udcff.yaml"
        shown = re.escape(f"{self.directory}/\\x1b[2J\ufffd.yaml")
        self.refuse(FAILED, f"reading the configuration: open {shown}: No such file.*", "check-config", path)
        path.write_text("ring: 8MiB\nloop: 1\n")
        self.refuse(FAILED, f"{shown}:1: ring: .*\n{shown}:2: loop: .*", "check-config", path)
        path.write_text("")
        self.assertEqual(self.knell("check-config", path).stdout, f"{self.directory}/\\x1b[2J\ufffd.yaml: ok\n")
        path.unlink()

    def test_accepts_what_is_right(self):
        path = self.directory / "good.yaml"
        path.write_text("watch: {min_age: 200ms}\nexporters: {jsonl: {path: /dev/null}}\n")
        ended = self.knell("check-config", path)
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (DONE, f"{path}: ok\n", ""))


@requires()
class Listening(BadInput):
    """The address is tried last, with everything else already running: it must all be gone afterwards."""

    def test_addresses_that_cannot_be_used(self):
        agent = self.start_agent()
        port = agent.url.rsplit(":", 1)[1]
        for name, address, says in [
            ("second agent", f"127.0.0.1:{port}", ".*Address already in use .*another process listens there.*"),
            ("not ours", "192.0.2.1:9477", ".*Cannot assign requested address .*192.0.2.1.*"),
        ]:
            with self.subTest(name):
                self.refuse(FAILED, f"listening for HTTP on {re.escape(address)}: {says}", "run", "--listen", address)
        self.assertEqual(agent.get("/healthz").status, 200)

    @unittest.skipIf(shutil.which("bpftool") is None, "bpftool is not installed")
    def test_nothing_is_left_in_the_kernel(self):
        before = self.programs()
        self.refuse(FAILED, ".*", "run", "--listen", "192.0.2.1:9477")
        agent = self.start_agent(f"listen: 127.0.0.1:0\nstate: {{pin: /sys/fs/bpf/{self.directory.name}, keep_on_exit: false}}\n")
        self.assertTrue(self.held_by(agent.pid), "/proc shows which programs the agent holds")
        agent.stop()
        killed = self.start_agent("listen: 127.0.0.1:0\nstate: {pin: /nowhere/knell}\n")
        self.assertTrue(self.held_by(killed.pid))
        killed.kill()
        # Other agents may run on this machine: they hold what they loaded.
        wait_until(lambda: not self.programs() - before - self.held_by("[0-9]*"), "all BPF programs to be gone")

    @staticmethod
    def programs() -> set[int]:
        """The ids of all BPF programs."""
        shown = subprocess.run(["bpftool", "--json", "prog", "show"], capture_output=True, timeout=30, check=True)
        return {program["id"] for program in json.loads(shown.stdout)}

    @staticmethod
    def held_by(pid) -> set[int]:
        """Those that processes hold, themselves or by a link."""
        held = set()
        for entry in pathlib.Path("/proc").glob(f"{pid}/fdinfo/*"):
            try:
                held |= set(map(int, re.findall(r"^prog_id:\t(\d+)$", entry.read_text(), re.MULTILINE)))
            except OSError:  # closed, or its process ended meanwhile
                pass
        return held
