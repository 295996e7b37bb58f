"""Where bpf() is refused, as in a container without its capabilities: less is seen, and it is said what and why."""

import json
import os
import shutil
import signal
import subprocess

from programs import KNELL, await_watched, pidfds_tell_reaps, status_outlives_reap
from support import EndToEnd, requires
from wrappers import NOBODY, WITHOUT_BPF

FROM_BPF = ["exit", "signal", "fork", "exec", "oom_scope"]


@requires("setpriv")
class WithoutBpf(EndToEnd):

    def test_counts_deaths_of_what_is_old_enough(self):
        agent, unit = self.start_agent(wrapper=WITHOUT_BPF), self.make_unit()
        killed = self.start_victim("sleep", unit=unit)
        failing = self.start_victim("term-graceful", "7", unit=unit)
        ending = self.start_victim("term-graceful", "0", unit=unit)
        for victim in [killed, failing, ending]:
            victim.await_line("^ready$")
            await_watched(agent, victim.pid)
        killed.signal(signal.SIGKILL)
        failing.signal(signal.SIGTERM)
        ending.signal(signal.SIGTERM)
        for victim in [killed, failing, ending]:
            victim.wait()
        metrics = agent.await_sum(3, "knell_process_exits_total", unit=unit.name)
        if not status_outlives_reap():
            # Who is collected before the agent looks ended in an unknown way.
            self.assertEqual(metrics.sum("knell_process_exits_total", unit=unit.name), 3)
            return
        self.assertEqual(metrics.by("knell_process_exits_total", "reason", unit=unit.name),
                         {"signal": 1, "error": 1, "success": 1})
        self.assertEqual(metrics.by("knell_process_exit_codes_total", "code", unit=unit.name), {"0": 1, "other": 1})
        self.assertEqual(metrics.by("knell_process_kills_total", "signal", "killer", unit=unit.name),
                         {("SIGKILL", "unknown"): 1})
        agent.stop()

    def test_knows_the_status_of_a_zombie(self):
        agent, unit = self.start_agent(wrapper=WITHOUT_BPF), self.make_unit()
        sleepers = self.start_sleepers(2, unit)
        child = int(sleepers.await_line(r"^child (\d+)$")[1])
        await_watched(agent, child)
        os.kill(child, signal.SIGTERM)
        metrics = agent.await_sum(1, "knell_process_exit_signals_total", unit=unit.name)
        self.assertEqual(metrics.by("knell_process_exit_signals_total", "signal", unit=unit.name), {"SIGTERM": 1})
        if not pidfds_tell_reaps():
            return
        self.assertEqual(metrics.value("knell_zombies", unit=unit.name), 1)
        sleepers.stdin.write(b"\n")
        sleepers.stdin.flush()
        metrics = agent.await_sum(1, "knell_exit_reap_seconds_count", unit=unit.name)
        self.assertEqual(metrics.value("knell_zombies", unit=unit.name), 0)

    def test_says_so_once(self):
        agent = self.start_agent(wrapper=WITHOUT_BPF)
        self.assertEqual(agent.get("/readyz").status, 200)
        metrics = agent.scrape()
        for feature in FROM_BPF:
            with self.subTest(feature):
                self.assertEqual(metrics.value("knell_feature_info", feature=feature, hook=""), 1)
        self.assertEqual(metrics.values("knell_exits_seen_total"), [])
        self.assertIn("without BPF", agent.get("/").text)
        warnings = [line for line in agent.stderr.splitlines() if " warn " in line]
        self.assertEqual(agent.stderr.count("running on pidfds and /proc alone"), 1)
        self.assertEqual(len([line for line in warnings if "Operation not permitted" in line]), 1, agent.stderr)

    def test_doctor_explains(self):
        told = subprocess.run([*WITHOUT_BPF, KNELL, "doctor", "--json"], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        report = json.loads(told.stdout)
        self.assertIs(report["bpf"], False)
        features = {row["feature"]: row for row in report["features"]}
        for feature in FROM_BPF:
            with self.subTest(feature):
                self.assertIs(features[feature]["on"], False)
                self.assertIn("Operation not permitted", features[feature]["why_not"])
                self.assertIn("CAP_BPF", features[feature]["why_not"])
                self.assertTrue(features[feature]["remedy"])
        self.assertIs(features["watch"]["on"], True)

        told = subprocess.run([*WITHOUT_BPF, KNELL, "doctor"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        self.assertRegex(told.stdout, r"(?m)^exit +OFF")

    def test_trace_shows_what_it_can(self):
        name = f"e2e{os.getpid()}"
        trace = self.start([*WITHOUT_BPF, KNELL, "trace", "--comm", name, "--count", "1"])
        victim = self.start_ready("term-graceful", "3", name=name)
        await_watched(trace, victim.pid)
        victim.signal(signal.SIGTERM)
        self.assertEqual(trace.wait(), 0)
        self.assertRegex(trace.stdout.splitlines()[-1], rf" {victim.pid} {name} .* error exit 3 ")
        self.assertRegex(trace.stderr, r"\A\S+ warn  without BPF only processes that live longer than a second .*\n\Z")

    def test_works_for_nobody(self):
        """Not root: what such a user may see of others is little, and it is no reason to fail."""
        self.directory.chmod(0o755)
        program = shutil.copy(KNELL, self.directory)  # the build may be where that user cannot look
        agent = self.start_agent(wrapper=NOBODY, program=program)
        self.assertEqual(agent.get("/healthz").status, 200)
        victim = self.start_victim("sleep")
        await_watched(agent, victim.pid)
        agent.stop()
