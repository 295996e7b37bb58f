"""One agent after another: what dies between them is told by the next, once; and what is in the way."""

import json
import os
import signal
import subprocess

from programs import await_watched, wait_until
from support import EndToEnd, requires

STORM = 10_000
# 4 MiB of records, and those of what dies beside: none is lost however long nobody reads.
ROOM = "ring: {size: 32MiB}\n"


class RestartTest(EndToEnd):

    def setUp(self):
        super().setUp()
        self.events = self.directory / "events"
        self._deaths, self._read = [], 0
        self.unit = self.make_unit()

    def start_next(self, more: str = ""):
        """An agent where the others of this test were; one line for each death and reap."""
        return self.start_agent(f"listen: 127.0.0.1:0\nexporters: {{jsonl: {{path: {self.events}, reasons: []}}}}\n{more}")

    @staticmethod
    def kill_at_once(agent) -> None:
        """As the OOM killer would: it cannot put anything in order."""
        agent.signal(signal.SIGKILL)
        agent.wait()

    def kill_agent(self, agent) -> None:
        """What it has told it has taken out of the ring by then: the next one tells nothing twice."""
        agent.settle()
        self.kill_at_once(agent)

    def deaths(self) -> list[dict]:
        """Of this test's unit, in the order in which they were told. Thousands, while more come: each is read once."""
        with open(self.events, "rb") as events:
            events.seek(self._read)
            fresh = events.read()
        fresh = fresh[:fresh.rfind(b"\n") + 1]
        self._read += len(fresh)
        lines = map(json.loads, fresh.splitlines())
        self._deaths += [line for line in lines if line["event"] == "exit" and line.get("unit") == self.unit.name]
        return self._deaths

    def await_deaths(self, count: int) -> list[dict]:
        return wait_until(lambda: len(found := self.deaths()) >= count and found, f"{count} deaths")

    def identities(self) -> list[tuple]:
        return [(death["pid"], death["start_time"]) for death in self.deaths()]

    def assert_all_accounted(self, metrics) -> None:
        self.assertEqual(metrics.value("knell_exits_seen_total"),
                         metrics.value("knell_exits_delivered_total") + metrics.value("knell_exits_spilled_total"))
        self.assertEqual(metrics.value("knell_exits_unaccounted_total"), 0)


@requires()
class Restart(RestartTest):

    def test_deaths_between_two_agents(self):
        first = self.start_next()
        victim = self.start_ready("term-ignore", unit=self.unit)
        victim.signal(signal.SIGTERM)
        self.die("exit", "3", unit=self.unit)
        self.await_deaths(1)  # and so the earlier signal is known
        self.kill_agent(first)

        victim.signal(signal.SIGKILL)
        victim.wait()
        failed = self.die("exit", "5", unit=self.unit)
        second = self.start_next()
        second.await_line("restart: taken over from", "stderr")
        _, killed_death, failed_death = self.await_deaths(3)
        self.assertEqual((killed_death["pid"], killed_death["reason"], killed_death["signal"],
                          killed_death["preceded_by"], killed_death["killer"]["pid"]),
                         (victim.pid, "signal", "SIGKILL", "SIGTERM", os.getpid()))
        self.assertEqual((failed_death["pid"], failed_death["exit_code"]), (failed.pid, 5))
        metrics = second.settled_scrape()
        self.assertEqual(metrics.by("knell_process_exits_total", "reason", unit=self.unit.name),
                         {"signal": 1, "error": 1})
        self.assert_all_accounted(metrics)

    def test_killed_in_a_storm(self):
        first = self.start_next(ROOM)
        storm = self.start_victim("storm", str(STORM), unit=self.unit)
        self.await_deaths(STORM // 4)
        self.kill_at_once(first)
        second = self.start_next(ROOM)
        self.assertEqual(storm.wait(100), 0)
        self.assert_each_told_but_few_twice(second)

    def test_killed_while_it_catches_up(self):
        first = self.start_next(ROOM)
        first.signal(signal.SIGSTOP)
        storm = self.start_victim("storm", str(STORM), unit=self.unit)
        self.assertEqual(storm.wait(100), 0)
        first.signal(signal.SIGCONT)
        self.await_deaths(1)
        self.kill_at_once(first)
        self.assert_each_told_but_few_twice(self.start_next(ROOM))

    def assert_each_told_but_few_twice(self, second) -> None:
        """What the first had told and not yet taken out of the ring is told again, by the same name: a drain, no more."""
        wait_until(lambda: len(set(self.identities())) > STORM, f"{STORM + 1} deaths")
        self.assert_all_accounted(second.settled_scrape())
        told = self.identities()
        self.assertEqual(len(set(told)), STORM + 1)
        self.assertLess(len(told) - len(set(told)), 1000)

    def test_stopped_in_a_storm(self):
        first = self.start_next(ROOM)
        storm = self.start_victim("storm", str(STORM), unit=self.unit)
        self.await_deaths(STORM // 4)
        first.stop()
        second = self.start_next(ROOM)
        self.assertEqual(storm.wait(100), 0)
        self.await_deaths(STORM + 1)
        told = self.identities()
        self.assertEqual((len(told), len(set(told))), (STORM + 1, STORM + 1))
        self.assert_all_accounted(second.settled_scrape())

    def test_what_overflows_meanwhile_is_counted(self):
        ring = "ring: {size: 64KiB}\n"
        self.kill_agent(self.start_next(ring))
        storm = self.start_victim("storm", str(STORM), unit=self.unit)
        self.assertEqual(storm.wait(100), 0)
        second = self.start_next(ring)
        metrics = second.await_sum(STORM + 1, "knell_process_exits_total", unit=self.unit.name)
        self.assertEqual(metrics.by("knell_process_exits_total", "reason", unit=self.unit.name), {"success": STORM + 1})
        self.assertGreater(metrics.value("knell_exits_spilled_total"), 0)
        self.assert_all_accounted(metrics)

    def test_watches_go_on(self):
        def start_watching(name: str):
            # Old enough to have its name: from fork to exec an emulated machine may take more than the default's 100 ms.
            return self.start_next(f'watch: {{min_age: 1s, select: {{comm: ["{name}"]}}}}\n')

        # Each agent watches one process, in its first slot; the other is none of its business.
        ones, others = f"one{os.getpid()}", f"other{os.getpid()}"
        first = start_watching(ones)
        one = self.start_victim("sleep", unit=self.unit, name=ones)
        await_watched(first, one.pid)
        other = self.start_ready("sleep", unit=self.unit, name=others)
        self.kill_agent(first)
        second = start_watching(others)
        await_watched(second, other.pid)
        for victim in [one, other]:
            victim.signal(signal.SIGKILL)
            victim.wait()
        of_one, of_other = self.await_deaths(2)
        self.assertEqual((of_one["pid"], of_other["pid"]), (one.pid, other.pid))
        self.assertNotIn("reaction_seconds", of_one)
        # Had the first written its end where the second's is expected, these would be missing.
        self.assertGreater(of_other["teardown_seconds"], 0)
        self.assertLess(of_other["reaction_seconds"], 10)

    def test_other_settings_read_what_the_old_ones_gathered(self):
        first = self.start_next()
        self.die("exit", "3", unit=self.unit)
        self.await_deaths(1)
        self.kill_agent(first)
        waiting = self.die("exit", "4", unit=self.unit)
        second = self.start_next("ring: {size: 1MiB}\n")
        second.await_line("restart: pinned in", "stderr")
        self.assertEqual(self.await_deaths(2)[1]["pid"], waiting.pid)
        wait_until(lambda: len(list(second.pin.iterdir())) == 1, "the old ones to be removed")
        self.die("exit", "5", unit=self.unit)
        self.assertEqual([death["exit_code"] for death in self.await_deaths(3)], [3, 4, 5])

    def test_other_settings_in_a_storm_tell_each_death_once(self):
        first = self.start_next(ROOM)
        storm = self.start_victim("storm", str(STORM), unit=self.unit)
        self.await_deaths(STORM // 4)
        first.stop()
        self.start_next("ring: {size: 64MiB}\n")
        self.assertEqual(storm.wait(100), 0)
        self.await_deaths(STORM + 1)
        told = self.identities()
        self.assertEqual((len(told), len(set(told))), (STORM + 1, STORM + 1))


@requires()
class InTheWay(RestartTest):

    def fail_to_start(self, pin, more: str = "") -> None:
        """An agent that attaches its programs, and then cannot open what its configuration asks for."""
        path = self.directory / "fails.yaml"
        path.write_text(f"listen: 127.0.0.1:0\nstate: {{pin: {pin}}}\nexporters: {{jsonl: {{path: /nonexistent/events}}}}\n{more}")
        ended = self.knell("run", "--config", path)
        self.assertEqual(ended.returncode, 1)
        self.assertRegex(ended.stderr, "/nonexistent/events")

    def test_second_agent_is_refused(self):
        agent = self.start_next()
        other = self.knell("run", "--config", agent.config_path)
        self.assertEqual(other.returncode, 1)
        self.assertRegex(other.stderr, "locking .*another knell uses it: stop that one, or give this one a state.pin of "
                                       "its own")
        refused = self.knell("unpin", "--config", agent.config_path)
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, "another knell uses it")
        self.assertEqual(agent.get("/healthz").status, 200)

    def test_keep_on_exit_false_leaves_nothing(self):
        pin = f"/sys/fs/bpf/{self.directory.name}"
        agent = self.start_next(f"state: {{pin: {pin}, keep_on_exit: false}}\n")
        self.assertEqual(len(list(agent.pin.iterdir())), 1)
        agent.stop()
        self.assertEqual(list(agent.pin.iterdir()), [])

    def test_failed_start_leaves_nothing(self):
        pin = f"/sys/fs/bpf/{self.directory.name}"
        self.fail_to_start(pin)
        self.addCleanup(os.rmdir, pin)
        self.assertEqual(os.listdir(pin), [])

    def test_port_that_is_taken(self):
        agent = self.start_next()
        path = self.directory / "taken.yaml"
        path.write_text(f"listen: {agent.url.removeprefix('http://')}\nstate: {{pin: {agent.pin}-other}}\n")
        ended = self.knell("run", "--config", path)
        self.assertEqual(ended.returncode, 1)
        self.assertRegex(ended.stderr, "listening for HTTP")
        self.assertFalse(os.path.exists(f"{agent.pin}-other"))

    def test_failed_update_goes_on_recording(self):
        first = self.start_next()
        self.kill_agent(first)
        self.fail_to_start(first.pin, "ring: {size: 1MiB}\n")  # other programs, which took the place of the first's
        died = self.die("exit", "6", unit=self.unit)
        self.start_next()
        self.assertEqual([death["pid"] for death in self.await_deaths(1)], [died.pid])

    def test_nothing_is_pinned_where_none_is_wanted(self):
        agent = self.start_agent('listen: 127.0.0.1:0\nstate: {pin: ""}\n')
        self.assertEqual(agent.scrape().sum("knell_feature_info", feature="restart"), 0)
        ended = self.knell("unpin", "--config", agent.config_path)
        self.assertEqual((ended.returncode, ended.stdout), (0, "state.pin is empty: nothing is pinned\n"), ended.stderr)

    def test_unpin_removes_everything(self):
        agent = self.start_next()
        agent.stop()
        self.assertEqual(len(list(agent.pin.iterdir())), 1)
        for says in ["removed; deaths are not recorded until an agent starts", "nothing is pinned"]:
            ended = self.knell("unpin", "--config", agent.config_path)
            self.assertEqual((ended.returncode, ended.stdout), (0, f"{agent.pin}: {says}\n"), ended.stderr)
            self.assertFalse(agent.pin.exists())

    def test_half_written_and_foreign_pins(self):
        first = self.start_next()
        (whole,) = first.pin.iterdir()
        self.kill_agent(first)
        half = whole.with_name(whole.name + "-new")
        half.mkdir()
        foreign = first.pin / "somebody-elses"
        foreign.mkdir()
        second = self.start_next()
        second.await_line("restart: taken over from", "stderr")
        self.assertEqual(set(first.pin.iterdir()), {whole, foreign})
        second.stop()
        ended = self.knell("unpin", "--config", second.config_path)
        self.assertEqual(ended.returncode, 1)
        self.assertRegex(ended.stderr, "something that is not knell's is in it")
        self.assertEqual(list(first.pin.iterdir()), [foreign])

    def test_broken_pins_are_replaced(self):
        first = self.start_next()
        (whole,) = first.pin.iterdir()
        self.kill_agent(first)
        (whole / "map_counters").unlink()
        second = self.start_next()
        second.await_line("restart: pinned in .*could not be taken over: opening the pin .*map_counters: No such file",
                          "stderr")
        self.die("exit", "3", unit=self.unit)
        self.assertEqual(self.await_deaths(1)[0]["exit_code"], 3)
        self.kill_agent(second)
        self.start_next().await_line("restart: taken over from", "stderr")

    def test_works_where_nothing_can_be_pinned(self):
        read_only = self.directory / "read-only"
        read_only.mkdir()
        subprocess.run(["mount", "-t", "bpf", "-o", "ro", "bpf", read_only], check=True)
        self.addCleanup(subprocess.run, ["umount", read_only], check=True)
        for pin, says in [(self.directory / "knell", "is not in a bpffs"),
                          (self.directory / "absent" / "knell", "No such file or directory.*mount -t bpf"),
                          (read_only / "knell", "mounted read-only")]:
            with self.subTest(says):
                agent = self.start_agent(f"listen: 127.0.0.1:0\nstate: {{pin: {pin}}}\n")
                agent.await_line(f"restart: off: .*{says}", "stderr")
                self.die("exit", "3", unit=self.unit)
                agent.await_sum(1, "knell_process_exits_total", unit=self.unit.name, reason="error")
                agent.stop()
