"""Names that processes and cgroups chose to break what reads about them: metrics, JSON lines, the page stay whole."""

import json
import os
import pathlib
import signal

from programs import read_lines, wait_until
from support import EndToEnd, requires

# What the kernel takes as the name of a cgroup, which is anything but a newline and a slash, with what is left of it.
# \udcff stands for the byte 0xff.
CGROUPS = [
    ('"} 1e9', '"} 1e9'),
    ("\\n\\", "\\n\\"),
    ("<script>alert(1)</script>&".replace("/", ""), "<script>alert(1)<script>&"),
    ("\x1b[2J\r\x1c\u0085\u2028", "\x1b[2J\r\x1c\u0085\u2028"),  # some readers end a line at the last three
    ("\udcff\udcc3", "\ufffd\ufffd"),
    ("{}%s%n", "{}%s%n"),
]

# The same for the name of a process, of which the kernel keeps 15 bytes.
COMMS = [
    (b'"},{"pid":1,\\', '"},{"pid":1,\\'),
    (b"\n{}\r\n\x1b[2J", "\n{}\r\n\x1b[2J"),
    (b"\xff\xfe\xc3(", "\ufffd\ufffd\ufffd("),
    ("x漢字漢字漢".encode(), "x漢字漢字\ufffd"),
    ("xxx\U0001f480\U0001f480\U0001f480\U0001f480".encode(), "xxx\U0001f480\U0001f480\U0001f480"),
    (b"\x7f\x01\t{}%s", "\x7f\x01\t{}%s"),
]


@requires()
class HostileNames(EndToEnd):

    def test_labels_are_the_names_of_cgroups(self):
        agent = self.start_agent()
        for name, shown in CGROUPS:
            with self.subTest(name):
                unit = self.make_unit(f"e2e{os.getpid()}{name}.service")
                self.die("exit", "1", unit=unit)
                label = f"e2e{os.getpid()}{shown}.service"
                metrics = agent.await_sum(1, "knell_process_exits_total", unit=label)
                self.assertEqual(metrics.by("knell_process_exits_total", "reason", unit=label), {"error": 1})
                self.assertEqual(metrics.by("knell_process_exit_codes_total", "code", unit=label), {"1": 1})

    def test_a_long_name_is_cut_between_characters(self):
        agent = self.start_agent()
        stem = f"e2e{os.getpid()}"
        unit = self.make_unit(f"{stem}{'漢' * 75}.service")  # not above 255 bytes, what the kernel takes
        self.die("exit", "1", unit=unit)
        agent.await_sum(1, "knell_process_exits_total", unit=unit.name)
        # Bytes that are no text grow by what stands in their place, beyond the 253 bytes of a label.
        unit = self.make_unit(f"{stem}{chr(0xdcff) * 200}.service")
        self.die("exit", "1", unit=unit)
        label = stem + "\ufffd" * ((253 - len(stem)) // 3)
        agent.await_sum(1, "knell_process_exits_total", unit=label)

    def test_the_page_has_no_markup_of_theirs(self):
        agent = self.start_agent()

        def page_with(name: bytes) -> str:
            victim = self.kill_victim("rename", name)
            page = agent.get("/").text
            return page if f">{victim.pid}<" in page else ""

        for name in [b"<script>", b"<i>\x1b[2J\xff'\""]:
            # It shows the latest deaths alone, and there are others on this machine.
            page = wait_until(lambda name=name: page_with(name), "a row of such a name")
            self.assertNotIn("<script>", page)
            self.assertNotIn("<i>", page)
            self.assertNotIn("\x1b", page)

    def test_json_lines_stay_whole(self):
        events = self.directory / "events"
        agent = self.start_agent(f"listen: 127.0.0.1:0\nexporters: {{jsonl: {{path: {events}, reasons: [signal]}}}}\n")
        unit = self.make_unit(f'e2e{os.getpid()}"\x1b,\udcff.service')
        victims = {self.kill_victim("rename", name, unit=unit).pid: shown for name, shown in COMMS}

        def told():
            lines = map(json.loads, read_lines(events))  # every one, whoever died
            return {line["pid"]: line for line in lines if line["pid"] in victims}

        wait_until(lambda: len(told()) == len(victims), "a line for each")
        lines = told()
        self.assertEqual({pid: line["comm"] for pid, line in lines.items()}, victims)
        label = f'e2e{os.getpid()}"\x1b,\ufffd.service'
        self.assertEqual({(line["cgroup"], line["unit"]) for line in lines.values()}, {(f"/{label}", label)})
        agent.stop()

    def test_a_killers_name_is_only_a_name(self):
        own_comm = pathlib.Path("/proc/self/comm")
        before = own_comm.read_bytes().rstrip(b"\n")
        self.addCleanup(own_comm.write_bytes, before)
        events = self.directory / "events"
        self.start_agent(f"listen: 127.0.0.1:0\nexporters: {{jsonl: {{path: {events}, reasons: [signal]}}}}\n")
        for name, shown in COMMS:
            with self.subTest(name):
                victim = self.start_ready("sleep")
                own_comm.write_bytes(name)
                victim.signal(signal.SIGKILL)
                victim.wait()
                own_comm.write_bytes(before)
                line = wait_until(lambda pid=victim.pid: next((line for line in map(json.loads, read_lines(events))
                                                               if line["pid"] == pid), None), "its line")
                self.assertEqual((line["killer"]["comm"], line["killer"]["class"]), (shown, "parent"))
