"""docs/causes.md quotes what `knell trace` prints: each death here is staged, and the page must quote its row. Where a
row alone has to explain the death, all of it is asserted."""

import json
import pathlib
import re
import signal
import subprocess

from container import Container, ContainerTest
from programs import KNELL, Program, await_observing, read_lines, wait_until
from support import requires

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "causes.md"

ROW = re.compile(r"\d\d:\d\d:\d\d +(\d+) ")
# Of a JSON line: what no two deaths have in common, or not every kernel tells.
MEASURED = {"time", "start_time", "lifetime_seconds", "teardown_seconds", "reaction_seconds", "pidfd_inode", "pid",
            "ppid", "cgroup", "container", "user_seconds", "system_seconds", "peak_rss_bytes", "minor_faults",
            "major_faults", "exe"}


def shape(row: str) -> str:
    """The words of a row from COMM to KILLER; numbers, container ids and units stand for any."""
    words = row.split()[2:-2]
    text = " ".join(words)
    text = re.sub(r"\b[0-9a-f]{12}\b", "CONTAINER", text)
    text = re.sub(r"\S+\.service\b", "UNIT", text)
    return re.sub(r"(?<!exit )\b\d+\b", "N", text)


def json_shape(event: dict) -> dict:
    """What is left without the measured fields; the killer's number is there or not."""
    fields = {key: value for key, value in event.items() if key not in MEASURED}
    if "pid" in fields.get("killer", {}):
        fields["killer"] = fields["killer"] | {"pid": None}
    return fields


def quoted_rows() -> set[str]:
    return {shape(line) for line in PAGE.read_text().splitlines() if ROW.match(line)}


def quoted_events() -> list[dict]:
    blocks = re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [json_shape(json.loads(block)) for block in blocks]


@requires("runc", "bash")
class Causes(ContainerTest):

    def observe(self, *way, **options) -> tuple[Container, Program, int]:
        """A container that runs under two traces; its runc, and its init's pid."""
        container = self.make_container(*way, **options)
        self.table = self.start_trace(container, "--events", "exec,exit")
        self.events = self.start_trace(container, "--events", "exec,exit", "--json")
        run, pid = self.start_container(container)
        # They know its cgroup then, see start_container().
        self.row_of(pid, "exec")
        wait_until(lambda: self.executed(pid), f"the exec of {pid} from {self.events}")
        return container, run, pid

    def row_of(self, pid: int, what: str = "exit") -> str:
        """The row of a process's exec or death as the table has it."""

        def found():
            rows = [line for line in read_lines(self.table.stdout_path) if (match := ROW.match(line))
                    and int(match[1]) == pid and (" exec " in line) == (what == "exec")]
            return rows[0] if rows else None

        return wait_until(found, f"the {what} of {pid} from {self.table}")

    def executed(self, pid: int) -> bool:
        events = map(json.loads, read_lines(self.events.stdout_path))
        return any(event["event"] == "exec" and event["pid"] == pid for event in events)

    def check(self, expected: str, **fields) -> dict:
        """The row of the one death that has these fields; the page quotes it. Its event."""
        death = self.told(self.events, **fields)
        row = self.row_of(death["pid"])
        self.assertEqual(shape(row), expected, row)
        self.assertIn(expected, quoted_rows(), f"{PAGE} does not quote: {row}")
        return death

    def check_event(self, death: dict) -> None:
        """The page quotes its JSON, too."""
        self.assertIn(json_shape(death), quoted_events(), f"{PAGE} does not quote: {json.dumps(death)}")

    def shell(self, command: str) -> None:
        subprocess.run(["bash", "-c", command], check=True, stdin=subprocess.DEVNULL)

    def start_in(self, container: Container, *way) -> Program:
        """Another process in it, once it waits to be killed."""
        program = self.start(container.exec_command(*way))
        program.await_line("^ready$")
        return program

    # ---- containers that are stopped

    def test_sigterm_then_sigkill_by_the_runtime(self):
        container, run, pid = self.observe("term-ignore", program="java")
        container.kill("TERM")
        container.kill("KILL")
        self.assertEqual(run.wait(), 128 + signal.SIGKILL)
        death = self.check("java CONTAINER signal SIGKILL after SIGTERM N runc (container_runtime)", pid=pid)
        self.check_event(death)

    def test_sigterm_heeded(self):
        container, run, pid = self.observe("term-graceful", "0", program="python3")
        container.kill("TERM")
        self.assertEqual(run.wait(), 0)
        death = self.check("python3 CONTAINER success after SIGTERM -", pid=pid)
        self.assertEqual((death["exit_code"], death["preceded_by"]), (0, "SIGTERM"))

    def test_exit_143_after_sigterm(self):
        container, run, pid = self.observe("term-graceful", "143", program="java")
        container.kill("TERM")
        self.assertEqual(run.wait(), 143)
        self.check("java CONTAINER error exit 143 after SIGTERM -", pid=pid)

    def test_deleted_by_force(self):
        container, run, pid = self.observe("sleep", program="redis-server")
        container.delete_by_force()
        self.assertEqual(run.wait(), 128 + signal.SIGKILL)
        self.check("redis-server CONTAINER signal SIGKILL N runc (container_runtime)", pid=pid)

    def test_what_is_left_when_the_init_ends(self):
        container, run, pid = self.observe("term-graceful", "0", program="sh")
        self.start_in(container, "rename", "worker")
        container.kill("TERM")
        self.assertEqual(run.wait(), 0)
        death = self.check("worker CONTAINER pidns_teardown kernel", reason="pidns_teardown")
        self.assertEqual(death["killer"]["pid"], pid)

    # ---- containers that live on

    def test_out_of_memory_of_a_child(self):
        container, run, pid = self.observe("eat-memory-child", "64", program="gunicorn")
        death = self.check("gunicorn CONTAINER oom_kill memcg kernel", reason="oom_kill")
        self.assertEqual(death["ppid"], pid)
        self.check_event(death)
        self.assertTrue(run.running)

    def test_killed_by_its_entrypoint(self):
        container, _, _ = self.observe("sleep", program="nginx")
        killer = self.start(container.exec_command("kill-child", "KILL"))
        self.assertEqual(killer.wait(), 0)
        self.check("nginx CONTAINER signal SIGKILL parent N nginx", reason="signal")

    def test_killed_by_a_neighbour_in_the_container(self):
        container, _, _ = self.observe("sleep", program="worker")
        victim = self.start_in(container, "sleep")
        number = victim.await_line(r"^pid (\d+)$")[1]  # in the container's pid namespace
        killer = self.start(container.exec_command("rename", "supervisor", "send", number, "KILL", "kill"))
        self.assertEqual(killer.wait(), 0)
        self.check("worker CONTAINER signal SIGKILL N supervisor (same_container)", reason="signal")

    def test_parent_ends(self):
        container, _, _ = self.observe("sleep", program="worker")
        self.assertEqual(self.start(container.exec_command("pdeathsig", "KILL")).wait(), 0)
        self.check("worker CONTAINER parent_death SIGKILL parent N worker", reason="parent_death")

    # ---- killed from elsewhere

    def test_kill_9_from_a_shell(self):
        _, run, pid = self.observe("sleep", program="node")
        self.shell(f"kill -9 {pid}")
        self.assertEqual(run.wait(), 128 + signal.SIGKILL)
        death = self.check("node CONTAINER signal SIGKILL N bash (host)", pid=pid)
        self.check_event(death)

    def test_killed_from_another_container(self):
        _, run, pid = self.observe("sleep", program="node")
        other = self.make_container("sleep", program="debug", host_pids=True)
        self.start_container(other)
        killer = self.start(other.exec_command("send", str(pid), "KILL", "kill"))
        self.assertEqual(killer.wait(), 0)
        self.assertEqual(run.wait(), 128 + signal.SIGKILL)
        self.check("node CONTAINER signal SIGKILL N debug (other_container)", pid=pid)

    def test_cgroup_kill(self):
        unit = self.make_unit()
        self.table, self.events = (self.start([KNELL, "trace", "--comm", "php-fpm", *more]) for more in ([], ["--json"]))
        for trace in (self.table, self.events):
            await_observing(trace)
        victim = self.start_ready("sleep", unit=unit, name="php-fpm")
        self.shell(f"echo 1 > {unit.path}/cgroup.kill")
        self.assertEqual(victim.wait(), -signal.SIGKILL)
        self.check("php-fpm UNIT cgroup_kill N bash (host)", pid=victim.pid)

    # ---- what looks the same from outside

    def test_exit_137_is_not_a_kill(self):
        container, _, _ = self.observe("sleep", program="node")
        self.assertEqual(self.start(container.exec_command("exit", "137")).wait(), 137)
        self.check("node CONTAINER error exit 137 -", reason="error")

    def test_segmentation_fault(self):
        container, _, _ = self.observe("sleep", program="worker")
        self.assertEqual(self.start(container.exec_command("segv")).wait(), 128 + signal.SIGSEGV)
        self.check("worker CONTAINER crash SIGSEGV self", reason="crash")

    def test_seccomp(self):
        container, _, _ = self.observe("sleep", program="worker")
        self.assertEqual(self.start(container.exec_command("sigsys-seccomp")).wait(), 128 + signal.SIGSYS)
        self.check("worker CONTAINER seccomp kernel", reason="seccomp")

    def test_sigterm_from_a_shell(self):
        container, _, _ = self.observe("sleep", program="worker")
        victim = self.start_in(container, "sleep")
        pid = container.exec_pid()
        self.shell(f"kill {pid}")
        self.assertEqual(victim.wait(), 128 + signal.SIGTERM)
        self.check("worker CONTAINER signal SIGTERM N bash (host)", pid=pid)
