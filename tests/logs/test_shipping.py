"""Events from the agent's file through Debian's shippers, set up as in deploy/logs, to where they are kept. Runs on a machine of
its own (tests/package/machine.sh): paths and names are those of the configurations."""

import datetime
import json
import os
import pathlib
import re
import shutil
import socket

from programs import Program, wait_until
from sinks import Kafka, Loki, Message, SyslogReceiver
from support import EndToEnd, requires

LOGS = pathlib.Path(os.environ["KNELL_SOURCE"], "deploy", "logs")
EVENTS = pathlib.Path("/var/log/knell/events.json")
HOSTILE = 'a"\\é $x%d{},\''  # what a template may take for its own
DEATHS = 40  # during each rotation
ROTATIONS = 3


def nanoseconds(time: str) -> int:
    seconds, fraction = re.fullmatch(r"(.*)\.(\d{9})Z", time).groups()
    whole = datetime.datetime.fromisoformat(seconds).replace(tzinfo=datetime.timezone.utc)
    return int(whole.timestamp()) * 10**9 + int(fraction)


@requires("rsyslogd", "syslog-ng", "kcat", "logrotate")
class Shipping(EndToEnd):

    def setUp(self):
        super().setUp()
        hosts = pathlib.Path("/etc/hosts")
        if "loki.example" not in hosts.read_text():
            hosts.write_text("127.0.0.1 localhost loki.example syslog.example\n")
        shutil.rmtree(EVENTS.parent, ignore_errors=True)
        EVENTS.parent.mkdir(mode=0o750)
        self.agent = self.start_agent(f"listen: 127.0.0.1:0\nexporters: {{jsonl: {{path: {EVENTS}, reasons: [error, signal]}}}}\n")
        self.unit = self.make_unit("knell-shipping.service")

    def serve(self, sink):
        self.addCleanup(sink.close)
        return sink

    def start_shipper(self, argv: list, configuration: str, before: str = "", change=("", "")) -> Program:
        """`before`: what the distribution's main file says; `change`: the one thing that is not as in deploy/logs."""
        path = self.directory / configuration
        path.write_text(before + (LOGS / configuration).read_text().replace(*change))
        shipper = self.start([*argv, "-f", path])
        return shipper

    def start_rsyslog(self, configuration: str, **options) -> Program:
        # Debian's rsyslog.conf without the machine's own log, which is not ours to read.
        work = self.directory / "rsyslog"
        work.mkdir()
        return self.start_shipper(["rsyslogd", "-n", "-i", self.directory / "rsyslog.pid"], configuration,
                                  before=f'global(workDirectory="{work}")\n', **options)

    def start_syslog_ng(self, configuration: str) -> Program:
        state = [f"--{name}={self.directory}/syslog-ng.{name}" for name in ["persist-file", "pidfile", "control"]]
        return self.start_shipper(["syslog-ng", "--foreground", *state], configuration, before="@version: 3.38\n")

    def arrived(self, sink) -> list[tuple[Message, dict]]:
        """The deaths of this test that are there, with what is told of them."""
        self.assertEqual(sink.refused, [])
        messages = [(message, json.loads(message.text)) for message in sink.messages]
        return [(message, event) for message, event in messages if event.get("unit") == self.unit.name]

    def await_arrival(self, sink, shipper: Program, pid: int) -> tuple[Message, dict]:
        def there():
            self.assertTrue(shipper.running, shipper.stderr)
            return [each for each in self.arrived(sink) if each[1]["pid"] == pid]

        (found,) = wait_until(there, f"the death of {pid} from {shipper}: {shipper.stderr}")
        return found

    def assert_arrives_whole(self, sink, shipper: Program) -> Message:
        victim = self.kill_victim("sleep", unit=self.unit, name=HOSTILE)
        told = self.await_death(EVENTS, victim.pid)
        message, event = self.await_arrival(sink, shipper, victim.pid)
        self.assertEqual(message.node, socket.gethostname())
        event.pop("node", None)
        self.assertEqual(event, told)
        self.assertEqual((event["comm"], event["reason"], event["signal"]), (HOSTILE, "signal", "SIGKILL"))
        return message

    def rotate(self) -> Program:
        """As cron does. The machine has no systemd: the one thing that is asked of it is done by us."""
        systemctl = pathlib.Path("/usr/local/bin/systemctl")
        systemctl.write_text(f'#!/bin/sh\n[ "$*" = "reload knell.service" ] && exec kill -HUP {self.agent.pid}\n')
        systemctl.chmod(0o755)
        return self.start(["logrotate", "--force", "--state", self.directory / "logrotate.state", LOGS / "logrotate.conf"])

    def assert_rotation_loses_nothing(self, sink, shipper: Program) -> None:
        died = [self.die("exit", "3", unit=self.unit).pid]
        self.await_arrival(sink, shipper, died[0])
        for rotation in range(ROTATIONS):
            rotating = self.rotate()
            died += [self.die("exit", "3", unit=self.unit).pid for _ in range(DEATHS)]
            self.assertEqual(rotating.wait(), 0, rotating.stderr)
            self.agent.await_line(rf"(in use\n(.|\n)*){{{rotation + 1}}}", "stderr")
            died.append(self.die("exit", "3", unit=self.unit).pid)
            self.await_arrival(sink, shipper, died[-1])
        self.assertEqual(sorted(event["pid"] for _, event in self.arrived(sink) if event["reason"] == "error"),
                         sorted(died))
        self.assertEqual(len(list(EVENTS.parent.iterdir())), 1 + ROTATIONS)
        self.assertEqual(self.agent.scrape().sum("knell_event_lines_lost_total"), 0)

    def test_rsyslog_to_a_syslog_receiver(self):
        sink = self.serve(SyslogReceiver())
        shipper = self.start_rsyslog("rsyslog-syslog.conf")
        self.assert_arrives_whole(sink, shipper)
        self.assert_rotation_loses_nothing(sink, shipper)

    def test_rsyslog_to_kafka(self):
        sink = Kafka(self.start)
        shipper = self.start_rsyslog("rsyslog-kafka.conf", change=("kafka.example:9092", sink.address))
        self.assert_arrives_whole(sink, shipper)
        self.assert_rotation_loses_nothing(sink, shipper)

    def test_syslog_ng_to_loki(self):
        sink = self.serve(Loki())
        shipper = self.start_syslog_ng("syslog-ng-loki.conf")
        message = self.assert_arrives_whole(sink, shipper)
        self.assertEqual(message.stream, {"job": "knell", "reason": "signal"})
        # In microseconds.
        self.assertEqual(message.nanoseconds // 1000, nanoseconds(json.loads(message.text)["time"]) // 1000)
        self.assert_rotation_loses_nothing(sink, shipper)
