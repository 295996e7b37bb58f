"""`knell` at a terminal: a table that fits, in colour if wanted, that no process can draw on."""

import fcntl
import os
import pty
import re
import struct
import termios
import unicodedata

from programs import KNELL, await_observing, wait_until
from support import EndToEnd, requires

SGR = re.compile(r"\x1b\[[0-9;]*m")  # colours; the only escape sequence there should be
COLUMNS = 80


def cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


class Screen:
    """A terminal, and what was written to it."""

    def __init__(self, columns: int):
        self._master, self.terminal = pty.openpty()
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.set_blocking(self._master, False)
        self._bytes = b""

    def text(self) -> str:
        """All that was written so far."""
        try:
            while piece := os.read(self._master, 65536):
                self._bytes += piece
        except OSError:  # nothing more for now, or nobody has it open any more
            pass
        return self._bytes.decode(errors="surrogateescape").replace("\r\n", "\n")

    def lines(self) -> list[str]:
        """The lines that are complete."""
        return self.text().split("\n")[:-1]

    def close(self) -> None:
        os.close(self._master)
        os.close(self.terminal)


@requires()
class Terminal(EndToEnd):

    def setUp(self):
        super().setUp()
        self.name = f"e2e{os.getpid()}"

    def make_screen(self, columns: int = COLUMNS) -> Screen:
        screen = Screen(columns)
        self.addCleanup(screen.close)
        return screen

    def trace(self, screen: Screen, *arguments, **environment):
        trace = self.start([KNELL, "trace", *arguments], stdout=screen.terminal,
                           env=os.environ | {"TERM": "xterm-256color"} | environment)
        await_observing(trace)
        return trace

    def test_fits_in_its_columns(self):
        screen = self.make_screen()
        trace = self.trace(screen, "--comm", f"{self.name}*", "--count", "3")
        self.die("exit", "255", name=f"{self.name}/too/long"[:15].replace("/", "-"))
        self.die("abort", name=self.name)
        self.kill_victim("term-ignore", name=self.name)
        self.assertEqual((trace.wait(), trace.stderr), (0, ""))
        lines = screen.lines()
        self.assertEqual(len(lines), 4)
        for line in lines:
            self.assertLessEqual(cells(SGR.sub("", line)), COLUMNS, line)
            self.assertNotIn("\x1b", SGR.sub("", line))
        for column in ["TIME", "PID", "COMM", "WHERE", "REASON", "KILLER", "LIFETIME", "REACTION"]:
            self.assertIn(column, lines[0])

    def test_colours_what_is_bad(self):
        screen = self.make_screen()
        trace = self.trace(screen, "--comm", self.name, "--count", "1")
        self.die("segv", name=self.name)
        self.assertEqual(trace.wait(), 0)
        self.assertRegex(screen.lines()[1], "\x1b\\[31mcrash[^\x1b]*\x1b\\[0m")

    def test_no_colour_when_none_is_wanted(self):
        for variable, value in [("NO_COLOR", "1"), ("TERM", "dumb")]:
            with self.subTest(variable):
                screen = self.make_screen()
                trace = self.trace(screen, "--comm", self.name, "--count", "1", **{variable: value})
                self.die("segv", name=self.name)
                self.assertEqual(trace.wait(), 0)
                self.assertIn(" crash SIGSEGV", screen.text())
                self.assertNotIn("\x1b", screen.text())

    def test_hostile_names_draw_nothing(self):
        for name, shown in [
            (b"\n\x1b[2Je2e\xff", r"\x0a\x1b[2Je2e"),
            (b"\x07\x08\x7fe2e\x0d", r"\x07\x08\x7f"),
            ("\u202ee2e\u2066".encode(), r"\u202ee2e"),  # turns the direction of what follows
            (b"\xc2\x9b31me2e", r"\x9b31me2e"),          # the control sequence introducer as one character
            ("xe2e漢字漢字".encode(), "xe2e漢字漢\ufffd"),  # the kernel keeps 15 bytes: the last character is cut
        ]:
            with self.subTest(name):
                screen = self.make_screen(columns=200)  # wide enough that the name is not cut
                trace = self.trace(screen, "--comm", "*?e2e*", "--reason", "signal", "--count", "1")
                victim = self.kill_victim("rename", name)
                self.assertEqual(trace.wait(), 0)
                _, row = screen.lines()
                self.assertRegex(row, rf"^\d\d:\d\d:\d\d +{victim.pid} {re.escape(shown)}")
                self.assertTrue(SGR.sub("", row).isprintable(), row)

    def test_hostile_places_draw_nothing(self):
        unit = self.make_unit(f"{self.name}\x1b[2J\r\x9b\u202e\udcff.service")
        screen = self.make_screen(columns=200)
        trace = self.trace(screen, "--comm", self.name, "--count", "1")
        victim = self.die("exit", "1", unit=unit, name=self.name)
        self.assertEqual(trace.wait(), 0)
        _, row = screen.lines()
        shown = rf"{self.name}\x1b[2J\x0d\x9b\u202e" + "\ufffd.service"
        self.assertRegex(row, rf"^\d\d:\d\d:\d\d +{victim.pid} {self.name} +{re.escape(shown)} ")
        self.assertTrue(SGR.sub("", row).isprintable(), row)

    def test_agent_shows_deaths_at_a_terminal(self):
        screen = self.make_screen()
        agent = self.start_agent(stdout=screen.terminal)
        victim = self.die("exit", "4", name=self.name)
        wait_until(lambda: re.search(rf" {victim.pid} {self.name} .* error exit 4 ", screen.text()), "its row")
        agent.stop()
