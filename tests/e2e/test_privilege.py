"""What the running agent has given up (docs/security.md), and that it does its work all the same."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

from programs import KNELL, read_lines, wait_until
from refuse import LANDLOCK_CREATE_RULESET, refuse
from support import EndToEnd, requires
from wrappers import NOBODY, WITHOUT_BPF

# include/uapi/linux/capability.h
DAC_READ_SEARCH, SYS_PTRACE, BPF = 2, 19, 39
FILE_CAPABILITIES = "cap_bpf,cap_perfmon,cap_dac_read_search,cap_syslog"  # as docs/security.md says


def kernel() -> tuple[int, ...]:
    return tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups()))


def statuses(agent) -> list[dict[str, str]]:
    """/proc/PID/task/*/status of every thread."""
    return [dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
            for task in pathlib.Path(f"/proc/{agent.pid}/task").iterdir()]


def capabilities(mask: str) -> set[int]:
    return {number for number in range(64) if int(mask, 16) >> number & 1}


def warnings(agent) -> list[str]:
    return [line for line in agent.stderr.splitlines() if re.search(r" (warn|error) .*restricted", line)]


@requires("setpriv", "setcap")
class Privilege(EndToEnd):

    def setUp(self):
        super().setUp()
        told = self.knell("doctor", "--json")
        self.landlock = json.loads(told.stdout)["node"]["landlock"] is not None

    def start_restricted(self, *arguments, **options):
        """Its last step before it runs is said in a line."""
        agent = self.start_agent(*arguments, **options)
        agent.await_line(" info  restricted: ", "stderr")
        return agent

    def check_threads(self, agent, kept: set[int]) -> None:
        """`kept`: its capabilities, besides CAP_BPF where every bpf() takes it."""
        told = statuses(agent)
        self.assertEqual(len(told), 2, told)  # the loop and HTTP
        for status in told:
            with self.subTest(status["Name"]):
                held = capabilities(status["CapEff"])
                self.assertEqual(held - ({BPF} if kernel() < (5, 19) else set()), kept)
                self.assertEqual(capabilities(status["CapPrm"]), held)
                self.assertEqual(capabilities(status["CapInh"]) | capabilities(status["CapAmb"]), set())
                self.assertEqual(status["NoNewPrivs"], "1")
                # 2: a filter. The run-time of sanitizers would not live with it.
                sanitized = "a build with sanitizers" in agent.stderr
                self.assertEqual(status["Seccomp"], "0" if sanitized else "2")

    def check_work(self, agent) -> None:
        """A death is seen with its sender, its reaction and its reap; cgroups that are new are found by id."""
        unit, metrics = self.watched_kill(agent)
        self.assertEqual(metrics.by("knell_process_kills_total", "signal", unit=unit.name), {"SIGKILL": 1})
        self.assertEqual(metrics.value("knell_decode_errors_total"), 0)

    def test_root_keeps_one_capability(self):
        for backend in ["auto", "epoll"]:  # the first is io_uring, where a container runtime allows it
            with self.subTest(backend):
                agent = self.start_restricted(f"listen: 127.0.0.1:0\nloop: {{backend: {backend}}}\n")
                self.check_threads(agent, {DAC_READ_SEARCH})
                for status in statuses(agent):
                    self.assertEqual(capabilities(status["CapBnd"]), set())
                self.check_work(agent)
                agent.stop()

    def test_nobody_with_file_capabilities(self):
        self.directory.chmod(0o755)
        program = shutil.copy(KNELL, self.directory)
        subprocess.run(["setcap", f"{FILE_CAPABILITIES}+ep", program], check=True)
        agent = self.start_restricted(wrapper=NOBODY, program=program)
        for status in statuses(agent):
            self.assertEqual(status["Uid"].split()[1], "65534")
        self.check_threads(agent, {DAC_READ_SEARCH})
        self.check_work(agent)
        agent.stop()

    def test_without_bpf_keeps_the_right_to_read_zombies(self):
        agent = self.start_restricted(wrapper=WITHOUT_BPF)
        agent.await_line(" info  files are not restricted: without BPF ", "stderr")
        self.check_threads(agent, {DAC_READ_SEARCH, SYS_PTRACE})

    def test_says_what_the_kernel_refuses(self):
        agent = self.start_restricted(preexec_fn=lambda: refuse(LANDLOCK_CREATE_RULESET))
        (line,) = warnings(agent)
        self.assertIn("not restricted: files: landlock_create_ruleset: Operation not permitted", line)
        self.check_threads(agent, {DAC_READ_SEARCH})
        self.check_work(agent)

    def test_refuses_nothing_where_everything_is_allowed(self):
        if not self.landlock:
            self.skipTest("no Landlock here")
        agent = self.start_restricted()
        self.assertEqual([line for line in warnings(agent) if "a build with sanitizers" not in line], [])

    def reload(self, agent, jsonl: pathlib.Path, answer: str) -> None:
        agent.config_path.write_text(self.writes_to(jsonl))
        agent.signal(signal.SIGHUP)
        agent.await_line(answer, "stderr")

    def writes_to(self, path: pathlib.Path) -> str:
        return f"listen: 127.0.0.1:0\nexporters: {{jsonl: {{path: {path}, reasons: [signal]}}}}\n"

    def await_event(self, path: pathlib.Path) -> None:
        victim = self.kill_victim("sleep")
        wait_until(lambda: victim.pid in [json.loads(line)["pid"] for line in read_lines(path)], "its line")

    def test_writes_where_it_wrote_at_its_start(self):
        if not self.landlock:
            self.skipTest("no Landlock here")
        ours, other = self.directory / "ours", self.directory / "other"
        ours.mkdir()
        other.mkdir()
        agent = self.start_restricted(self.writes_to(ours / "a"))
        self.await_event(ours / "a")
        self.reload(agent, ours / "b", "info  reload: the new configuration is in use")
        self.await_event(ours / "b")
        self.reload(agent, other / "c",
                    rf"error reload: .*exporters\.jsonl: open {other}/c .*Permission denied.*Landlock.* {ours} only")
        self.assertEqual(list(other.iterdir()), [])
        self.await_event(ours / "b")
        agent.stop()

    def test_writes_nowhere_when_it_did_not_at_its_start(self):
        if not self.landlock:
            self.skipTest("no Landlock here")
        agent = self.start_restricted("listen: 127.0.0.1:0\n")
        self.reload(agent, self.directory / "a", r"error reload: .*Landlock.*off at its start")

    def test_doctor_tells_capabilities_and_purposes(self):
        rows = {row["capability"]: row for row in json.loads(self.knell("doctor", "--json").stdout)["capabilities"]}
        self.assertTrue(all(row["held"] and row["purpose"] for row in rows.values()), rows)
        told = subprocess.run([*WITHOUT_BPF, KNELL, "doctor", "--json"], capture_output=True, text=True, timeout=60,
                              check=True)
        missing = [row["capability"] for row in json.loads(told.stdout)["capabilities"] if not row["held"]]
        self.assertEqual(missing, ["cap_bpf", "cap_perfmon"])
        told = subprocess.run([*WITHOUT_BPF, KNELL, "doctor"], capture_output=True, text=True, timeout=60, check=True)
        self.assertRegex(told.stdout, r"(?m)^cap_bpf +MISSING loading BPF")
        self.assertRegex(told.stdout, r"(?m)^cap_dac_read_search +held +containers")
