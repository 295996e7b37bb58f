"""The counters move by exactly what died."""

import os
import signal
import subprocess

from programs import await_watched, pidfds_tell_reaps
from support import EndToEnd, requires

FAMILIES = {
    "knell_process_exits_total": "counter",
    "knell_process_exit_codes_total": "counter",
    "knell_process_exit_signals_total": "counter",
    "knell_process_kills_total": "counter",
    "knell_oom_kills_total": "counter",
    "knell_exit_teardown_seconds": "histogram",
    "knell_exit_reaction_seconds": "histogram",
    "knell_exit_reap_seconds": "histogram",
    "knell_termination_seconds": "histogram",
    "knell_zombies": "gauge",
    "knell_zombie_oldest_seconds": "gauge",
    "knell_processes_forked_total": "counter",
    "knell_processes_execed_total": "counter",
    "knell_pidfds_held": "gauge",
    "knell_watches": "gauge",
    "knell_watch_capacity": "gauge",
    "knell_watch_refused_total": "counter",
    "knell_exits_seen_total": "counter",
    "knell_exits_delivered_total": "counter",
    "knell_unattributed_exits_total": "counter",
    "knell_series": "gauge",
    "knell_series_overflow_total": "counter",
    "knell_ring_bytes": "gauge",
    "knell_ring_capacity_bytes": "gauge",
    "knell_wakeups_total": "counter",
    "knell_feature_info": "gauge",
    "knell_event_loop_info": "gauge",
    "knell_build_info": "gauge",
    "knell_config_last_reload_successful": "gauge",
    "knell_config_last_reload_success_timestamp_seconds": "gauge",
    "process_cpu_seconds_total": "counter",
    "process_resident_memory_bytes": "gauge",
    "process_open_fds": "gauge",
    "process_max_fds": "gauge",
    "process_start_time_seconds": "gauge",
}


@requires()
class Metrics(EndToEnd):

    def test_counts_exactly_what_died(self):
        agent, unit = self.start_agent(), self.make_unit()
        for code in [0, 0, 0, 1, 2, 126, 127, 7, 255]:
            self.die("exit", str(code), unit=unit)
        for way in ["segv", "abort", "sigsys-seccomp"]:
            self.die(way, unit=unit)
        for _ in range(2):
            self.kill_victim("sleep", unit=unit)
        metrics = agent.await_sum(14, "knell_process_exits_total", unit=unit.name)

        self.assertEqual(metrics.by("knell_process_exits_total", "reason", unit=unit.name),
                         {"success": 3, "error": 6, "crash": 2, "seccomp": 1, "signal": 2})
        self.assertEqual(metrics.by("knell_process_exit_codes_total", "code", unit=unit.name),
                         {"0": 3, "1": 1, "2": 1, "126": 1, "127": 1, "other": 2})
        self.assertEqual(metrics.by("knell_process_exit_signals_total", "signal", "core_dumped", unit=unit.name),
                         {("SIGSEGV", "false"): 1, ("SIGABRT", "false"): 1, ("SIGSYS", "false"): 1,
                          ("SIGKILL", "false"): 2})
        # A fault is the kernel's answer to what the process did; abort() is its own.
        self.assertEqual(metrics.by("knell_process_kills_total", "signal", "killer", unit=unit.name),
                         {("SIGSEGV", "self"): 1, ("SIGABRT", "self"): 1, ("SIGSYS", "kernel"): 1,
                          ("SIGKILL", "parent"): 2})
        self.assertEqual(metrics.sum("knell_oom_kills_total", unit=unit.name), 0)

    def test_series_of_a_new_cgroup_start_at_zero(self):
        agent, unit = self.start_agent(), self.make_unit()
        self.start_ready("sleep", unit=unit)
        metrics = agent.await_series(unit=unit.name)
        for family, series in {"knell_process_exits_total": 10, "knell_process_exit_codes_total": 6,
                               "knell_oom_kills_total": 3, "knell_zombies": 1}.items():
            with self.subTest(family):
                self.assertEqual(metrics.values(family, unit=unit.name), [0] * series)

    def test_measures_a_graceful_stop(self):
        agent, unit = self.start_agent(), self.make_unit()
        victim = self.start_ready("term-graceful", "0", "100", unit=unit)
        victim.signal(signal.SIGTERM)
        self.assertEqual(victim.wait(), 0)
        metrics = agent.await_sum(1, "knell_termination_seconds_count", unit=unit.name)
        self.assertEqual(metrics.by("knell_process_exits_total", "reason", unit=unit.name), {"success": 1})
        self.assertGreaterEqual(metrics.value("knell_termination_seconds_sum", unit=unit.name), 0.1)

    def test_counts_a_zombie_until_it_is_collected(self):
        if not pidfds_tell_reaps():
            self.skipTest("a pidfd does not report the reap before Linux 6.9")
        agent, unit = self.start_agent(), self.make_unit()
        sleepers = self.start_sleepers(1, unit)
        child = int(sleepers.await_line(r"^child (\d+)$")[1])
        await_watched(agent, child)
        os.kill(child, signal.SIGKILL)
        agent.await_sum(1, "knell_zombies", unit=unit.name)
        # Ages are of the scrape's beginning: a zombie that appeared during the first one has none there yet.
        metrics = agent.scrape()
        self.assertGreater(metrics.value("knell_zombie_oldest_seconds", unit=unit.name), 0)
        self.assertEqual(metrics.sum("knell_exit_reap_seconds_count", unit=unit.name), 0)
        sleepers.stdin.write(b"\n")
        sleepers.stdin.flush()
        metrics = agent.await_sum(1, "knell_exit_reap_seconds_count", unit=unit.name)
        self.assertEqual(metrics.value("knell_zombies", unit=unit.name), 0)
        self.assertEqual(metrics.value("knell_zombie_oldest_seconds", unit=unit.name), 0)

    def test_counts_pidfds_by_the_way_they_came_to_be(self):
        agent = self.start_agent()
        before = agent.scrape()
        if not before.values("knell_pidfds_created_total"):
            self.skipTest(f"this kernel has no hook for the creation of pidfds: {agent.stderr}")
        self.assertEqual(self.label_values(before, "knell_pidfds_created_total", "via"),
                         ["pidfd_open", "clone", "socket", "other"])
        opened = before.value("knell_pidfds_created_total", via="pidfd_open")
        for _ in range(5):
            os.close(os.pidfd_open(os.getpid()))
        agent.await_sum(opened + 5, "knell_pidfds_created_total", via="pidfd_open")

    def test_says_who_held_pidfds_at_the_start(self):
        held = [os.pidfd_open(os.getpid()) for _ in range(3)]
        try:
            metrics = self.start_agent().scrape()
        finally:
            for pidfd in held:
                os.close(pidfd)
        self.assertEqual(self.label_values(metrics, "knell_pidfds_held", "holder"),
                         ["self", "init", "container_runtime", "container", "host", "unknown"])
        # Wherever this test runs, and with whatever else is there: these three are not the agent's.
        self.assertGreaterEqual(metrics.sum("knell_pidfds_held") - metrics.value("knell_pidfds_held", holder="self"), 3)

    def test_says_nothing_about_pidfds_when_told_so(self):
        agent = self.start_agent("listen: 127.0.0.1:0\npidfd_creation: off\n")
        metrics = agent.scrape()
        self.assertEqual(metrics.values("knell_pidfds_created_total"), [])
        self.assertEqual(metrics.values("knell_pidfds_held"), [])
        self.assertEqual(metrics.values("knell_feature_info", feature="pidfd_creation", hook=""), [1])

    def test_witnesses_of_a_death_agree(self):
        # The family is of the whole node, and another test makes witnesses disagree: nobody else is watched here.
        unit = self.make_unit()
        agent = self.start_agent(f'listen: 127.0.0.1:0\nwatch: {{select: {{cgroup: ["*/{unit.name}"]}}}}\n')
        if not agent.scrape().values("knell_witness_disagreements_total"):
            self.skipTest("the kernel keeps no status of a reaped process (Linux 6.15)")
        victim = self.start_victim("sleep", unit=unit)
        await_watched(agent, victim.pid)
        victim.signal(signal.SIGKILL)
        victim.wait()
        metrics = agent.await_sum(1, "knell_exit_reap_seconds_count", unit=unit.name)
        self.assertEqual(metrics.values("knell_witness_disagreements_total"), [0, 0, 0])

    def test_counts_a_stop_by_another_signal(self):
        agent = self.start_agent("listen: 127.0.0.1:0\nstop_signals: [SIGQUIT]\n")
        unit = self.make_unit()
        for number in [signal.SIGTERM, signal.SIGQUIT]:
            victim = self.start_ready("sleep", unit=unit)
            victim.signal(number)
            victim.wait()
        metrics = agent.await_sum(2, "knell_process_exits_total", unit=unit.name)
        self.assertEqual(metrics.value("knell_termination_seconds_count", unit=unit.name), 1)

    @staticmethod
    def label_values(metrics, family: str, label: str) -> list[str]:
        return [labels[label] for sample, labels, _ in metrics.samples if sample == family]

    @requires("promtool")
    def test_is_what_prometheus_expects(self):
        agent, unit = self.start_agent(), self.make_unit()
        # A family without samples is left out; these deaths give each of them one.
        victim = self.start_ready("term-graceful", "0", unit=unit)
        await_watched(agent, victim.pid)
        victim.signal(signal.SIGTERM)
        victim.wait()
        self.die("abort", unit=unit)
        agent.await_sum(2, "knell_process_exits_total", unit=unit.name)
        agent.await_sum(1, "knell_exit_reap_seconds_count", unit=unit.name)
        text = agent.get("/metrics").text
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True,
                                 timeout=30, check=False)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))

        metrics = agent.scrape()
        self.assertEqual(metrics.type | FAMILIES, metrics.type, "families that are missing or of another type")
        self.assertEqual(metrics.help.keys(), metrics.type.keys())
        for family, text in metrics.help.items():
            with self.subTest(family):
                self.assertRegex(text, r"^\S.*\.$")
                self.assertRegex(family, r"^(knell|process)_[a-z0-9_]+$")
