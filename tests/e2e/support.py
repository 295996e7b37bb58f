"""What all test classes share."""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import unittest

from agent import Agent
from exposition import Exposition
from programs import (DIE, KNELL, SLEEPERS, Program, await_watched, pidfds_tell_reaps, read_lines,
                      wait_until)
from unit import Unit, cgroup2_root


def requires(*tools: str, bpf: bool = True, descriptors: int = 1024):
    """Skips a class where it cannot run, saying why. `descriptors`: how many an agent must be able to open."""
    reasons = [f"{tool} is not installed" for tool in tools if shutil.which(tool) is None]
    if os.geteuid() != 0:
        reasons.append("needs root")
    if bpf and not os.path.exists("/sys/kernel/btf/vmlinux"):
        reasons.append("the kernel has no BTF")
    if (limit := resource.getrlimit(resource.RLIMIT_NOFILE)[1]) < descriptors:
        reasons.append(f"needs {descriptors} file descriptors, the hard limit (ulimit -Hn) is {limit}")
    if cgroup2_root() is None:
        reasons.append("cgroup2 is not mounted")
    return unittest.skipIf(reasons, "; ".join(reasons))


class EndToEnd(unittest.TestCase):
    """Whatever a test starts ends with it."""

    maxDiff = None

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="knell-e2e-"))
        self.addCleanup(shutil.rmtree, self.directory)

    def start(self, argv, **popen) -> Program:
        program = Program(argv, self.directory, **popen)
        self.addCleanup(program.kill)
        return program

    def start_agent(self, config: str | None = None, **options) -> Agent:
        agent = Agent(self.directory, config, **options)
        self.addCleanup(agent.kill)
        return agent

    def make_unit(self, name: str | None = None) -> Unit:
        unit = Unit(name)
        self.addCleanup(unit.remove)
        return unit

    def start_victim(self, *way, unit: Unit | None = None, name: str | None = None) -> Program:
        """A process that dies in this way of the `die` program; `name`: what it is called (at most 15 bytes)."""
        program = pathlib.Path(DIE)
        if name is not None:
            program = self.directory / name
            if not program.exists():
                program.symlink_to(DIE)
        return self.start([program, *way], preexec_fn=unit.enter if unit else None)

    def start_ready(self, *way, unit: Unit | None = None, name: str | None = None) -> Program:
        """The same for ways that say when they are ready for what is to come."""
        victim = self.start_victim(*way, unit=unit, name=name)
        victim.await_line("^ready$")
        return victim

    def make_zombie(self, *way) -> Program:
        """The same for ways that need nobody else. Dead, and collected at the end of the test."""
        victim = self.start_victim(*way)
        wait_until(lambda: pathlib.Path(f"/proc/{victim.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z",
                   f"{victim} to be a zombie")
        return victim

    def die(self, *way, unit: Unit | None = None, name: str | None = None) -> Program:
        """The same for ways that need nobody else. It is dead and reaped on return."""
        victim = self.start_victim(*way, unit=unit, name=name)
        victim.wait()
        return victim

    def kill_victim(self, *way, unit: Unit | None = None, name: str | None = None) -> Program:
        """The same for ways that wait to be killed."""
        victim = self.start_ready(*way, unit=unit, name=name)
        victim.signal(signal.SIGKILL)
        victim.wait()
        return victim

    def watched_kill(self, agent: Agent) -> tuple[Unit, Exposition]:
        """A process that `agent` watches is killed, in a unit of its own; a scrape when all is told of it."""
        unit = self.make_unit()
        victim = self.start_ready("sleep", unit=unit)
        await_watched(agent, victim.pid)
        victim.signal(signal.SIGKILL)
        victim.wait()
        last = "knell_exit_reap_seconds_count" if pidfds_tell_reaps() else "knell_process_exits_total"
        metrics = agent.await_sum(1, last, unit=unit.name)
        return unit, metrics

    @staticmethod
    def await_death(events: pathlib.Path, pid: int) -> dict:
        """The one death of this process in a file of JSON lines that is being written."""

        def told():
            lines = [json.loads(line) for line in read_lines(events)]
            return [line for line in lines if line["event"] == "exit" and line["pid"] == pid]

        (death,) = wait_until(told, f"the death of {pid}")
        return death

    def start_sleepers(self, count: int, unit: Unit) -> Program:
        """`count` sleeping children of one process."""
        sleepers = self.start([SLEEPERS, str(count)], stdin=subprocess.PIPE, preexec_fn=unit.enter)
        sleepers.await_line("^ready$")
        return sleepers

    def knell(self, *arguments, **options) -> subprocess.CompletedProcess:
        """A `knell` command that ends by itself, with its output as text."""
        return subprocess.run([KNELL, *map(str, arguments)], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False, **options)
