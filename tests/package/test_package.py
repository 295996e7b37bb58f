"""The life of the Debian package: installed, upgraded while processes die, removed, purged."""

import json
import os
import pathlib
import re
import shutil
import subprocess

from exposition import Exposition
from manager import UNITS, Manager
from programs import DIE, KNELL, read_lines, wait_until
from support import EndToEnd, requires

STORM = 10_000
DEPLOY = pathlib.Path(os.environ["KNELL_SOURCE"], "deploy")
EVENTS = pathlib.Path("/var/log/knell/events.json")
CONFIGURATION = pathlib.Path("/etc/knell/knell.yaml")
PINS = pathlib.Path("/sys/fs/bpf/knell")
OLD, NEW = sorted(pathlib.Path(os.environ["KNELL_PACKAGES"]).glob("*/*.deb"))
EXPOSURE = 24  # docs/install.md tells it, in tenths
DAC_READ_SEARCH = 1 << 2  # include/uapi/linux/capability.h


def run(*command) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=100, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise AssertionError(f"{command}: status {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def status_of(pid: int) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


@requires("systemctl", "dpkg", "curl")
class Package(EndToEnd):

    @classmethod
    def setUpClass(cls):
        pathlib.Path("/var/lib/man-db/auto-update").unlink(missing_ok=True)  # seconds of each dpkg
        cls.output = pathlib.Path("/run/knell-output")
        cls.before = cls.files()
        cls.manager = Manager(pathlib.Path("/run/systemd-log"))
        cls.addClassCleanup(cls.manager.kill)
        (UNITS / "knell.service.d").mkdir()
        # There is no journal here. What a person would do with `systemctl edit`.
        (UNITS / "knell.service.d/output.conf").write_text(
            f"[Service]\nStandardOutput=append:{cls.output}\nStandardError=append:{cls.output}.err\n")

    def setUp(self):
        super().setUp()
        run("dpkg", "--install", OLD)
        self.addCleanup(run, "dpkg", "--purge", "knell")

    @staticmethod
    def files() -> set[str]:
        """What a package may have installed of knell."""
        found = run("find", "/etc", "/lib/", "/usr", "/var", "-xdev", "-path", "*knell*",
                    "-not", "-path", "/usr/local/*", "-not", "-path", "/var/log/*")
        return set(found.splitlines())

    def pid(self) -> int:
        return int(self.manager.systemctl("show", "--property=MainPID", "--value", "knell.service"))

    def log(self) -> str:
        return pathlib.Path(f"{self.output}.err").read_text()

    def await_agent(self) -> int:
        """Running, with nothing left that it only needs to start; its pid."""
        pid = self.pid()
        self.assertNotEqual(pid, 0, self.log())
        wait_until(lambda: int(status_of(pid)["CapEff"], 16) == DAC_READ_SEARCH, "the agent to restrict itself")
        return pid

    @staticmethod
    def scrape() -> Exposition:
        return Exposition(run("curl", "-sf", "http://127.0.0.1:9477/metrics"))

    def deaths_in(self, unit) -> list[dict]:
        events = map(json.loads, read_lines(self.output))
        return [event for event in events if event["event"] == "exit" and event.get("unit") == unit.name]

    def test_install_starts_the_agent(self):
        pid = self.await_agent()
        status = status_of(pid)
        self.assertEqual(status["Uid"].split()[0], run("id", "-u", "knell").strip())
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        self.assertEqual([line for line in self.log().splitlines() if re.search(r"(warn|error) .*restrict", line)], [])
        self.assertEqual(PINS.owner(), "knell")
        self.assertEqual(len(list(PINS.iterdir())), 1)
        metrics = self.scrape()
        self.assertEqual(metrics.values("knell_feature_info", feature="restart", hook=f"pinned in {PINS}"), [1])
        # But for the pins, which doctor does not make.
        on_for_root = [feature for feature in json.loads(run(KNELL, "doctor", "--json"))["features"]
                       if feature["on"] and feature["feature"] != "restart"]
        for feature in on_for_root:
            self.assertEqual(metrics.values("knell_feature_info", feature=feature["feature"], hook=feature["hook"]), [1], feature)
        unit = self.make_unit()
        self.die("exit", "3", unit=unit)
        wait_until(lambda: self.scrape().sum("knell_process_exits_total", unit=unit.name, reason="error") == 1, "the death")
        self.assertRegex(run("knell", "--version"), r"^knell \d")
        self.assertRegex(run("knell", "check-config", CONFIGURATION), "ok")
        for name in ["man1/knell.1.gz", "man1/pidctl.1.gz", "man5/knell.yaml.5.gz"]:
            self.assertTrue(pathlib.Path("/usr/share/man", name).exists())

    def test_unit(self):
        unit = "/lib/systemd/system/knell.service"
        self.assertEqual(run("systemd-analyze", "verify", "--recursive-errors=no", unit), "")
        run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", unit)

    def test_reload_and_restart_by_systemd(self):
        pid = self.await_agent()
        self.manager.systemctl("reload", "knell.service")
        wait_until(lambda: "reload: the new configuration is in use" in self.log(), "the reload")
        self.assertEqual(self.pid(), pid)
        os.kill(pid, 9)
        wait_until(lambda: self.pid() not in (0, pid), "systemd to start it again")

    def test_events_go_to_a_file_that_is_rotated(self):
        """docs/shipping.md."""
        drop_in = UNITS / "knell.service.d" / "events.conf"
        drop_in.write_bytes((DEPLOY / "logs" / "knell.service.conf").read_bytes())
        self.addCleanup(drop_in.unlink)
        self.addCleanup(shutil.rmtree, EVENTS.parent)
        CONFIGURATION.write_text(CONFIGURATION.read_text() + f"exporters: {{jsonl: {{path: {EVENTS}, reasons: [error]}}}}\n")
        self.manager.systemctl("daemon-reload")
        self.manager.systemctl("restart", "knell.service")
        self.await_agent()
        self.assertEqual((EVENTS.parent.owner(), EVENTS.group(), oct(EVENTS.stat().st_mode)), ("knell", "knell", "0o100640"))
        old = EVENTS.rename(EVENTS.with_suffix(".1"))
        unit = self.make_unit()
        before = self.die("exit", "3", unit=unit)
        self.await_death(old, before.pid)
        self.manager.systemctl("reload", "knell.service")
        wait_until(EVENTS.exists, "the new file")
        after = self.die("exit", "3", unit=unit)
        self.await_death(EVENTS, after.pid)

    def test_upgrade_loses_no_death(self):
        edited = CONFIGURATION.read_text() + 'exporters: {jsonl: {path: "-", reasons: []}}\n'
        CONFIGURATION.write_text(edited)
        self.manager.systemctl("restart", "knell.service")
        old = self.await_agent()
        unit = self.make_unit()
        storm = self.start([DIE, "storm", str(STORM)], preexec_fn=unit.enter)
        wait_until(lambda: len(self.deaths_in(unit)) >= STORM // 10, "the storm")
        run("dpkg", "--install", NEW)
        self.assertNotEqual(self.await_agent(), old)
        self.assertEqual(storm.wait(100), 0)
        wait_until(lambda: len(self.deaths_in(unit)) >= STORM + 1, f"{STORM + 1} deaths")
        told = [(death["pid"], death["start_time"]) for death in self.deaths_in(unit)]
        self.assertEqual((len(told), len(set(told))), (STORM + 1, STORM + 1))
        metrics = self.scrape()
        self.assertGreater(metrics.sum("knell_process_exits_total", unit=unit.name), 0)  # it did not end before
        self.assertEqual(metrics.value("knell_exits_seen_total"),
                         metrics.value("knell_exits_delivered_total") + metrics.value("knell_exits_spilled_total"))
        self.assertEqual(metrics.value("knell_exits_unaccounted_total"), 0)
        self.assertEqual(CONFIGURATION.read_text(), edited)
        self.assertIn(".1-1", run("dpkg-query", "-W", "knell"))

    def test_removal_takes_the_pins_and_purge_all_else(self):
        self.await_agent()
        self.assertIn("/usr/bin/knell", self.files() - self.before)
        run("dpkg", "--remove", "knell")
        self.assertEqual(self.pid(), 0)
        self.assertFalse(PINS.exists())
        self.assertTrue(CONFIGURATION.exists())
        run("dpkg", "--purge", "knell")
        self.assertEqual(self.files() - self.before, set())
        self.assertFalse(CONFIGURATION.parent.exists())

    def test_configuration_that_is_wrong_does_not_keep_the_package(self):
        self.await_agent()
        CONFIGURATION.write_text("listen: nowhere\n")
        run("dpkg", "--remove", "knell")
        self.assertFalse(PINS.exists())
