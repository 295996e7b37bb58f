"""Where the kernel has no descriptors or memory left, or refuses a part: the rest works, and what does not is said."""

import errno
import shutil
import subprocess

from programs import KNELL, await_watched, wait_until
from refuse import BPF, BPF_LINK_CREATE, BPF_RAW_TRACEPOINT_OPEN, PERF_EVENT_OPEN, PIDFD_OPEN, refuse
from support import EndToEnd, requires
from wrappers import NOBODY

HIDING = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
          'mount -t proc -o hidepid=invisible proc /proc && exec "$@"', "sh"]


@requires("setpriv", "unshare", "setcap")
class Pressure(EndToEnd):

    def setUp(self):
        super().setUp()
        self.unit = self.make_unit()

    def check_deaths(self, agent) -> None:
        self.die("exit", "3", unit=self.unit)
        self.kill_victim("sleep", unit=self.unit)
        metrics = agent.await_sum(2, "knell_process_exits_total", unit=self.unit.name)
        self.assertEqual(metrics.by("knell_process_exits_total", "reason", unit=self.unit.name), {"error": 1, "signal": 1})
        self.assertEqual(metrics.by("knell_process_kills_total", "killer", unit=self.unit.name), {"parent": 1})

    def features(self, agent) -> dict[str, str]:
        """The hook of each, empty when it is off."""
        return {feature: hook for feature, hook in agent.scrape().by("knell_feature_info", "feature", "hook")}

    def test_no_descriptors_and_no_memory_for_watches(self):
        for error, why in [(errno.EMFILE, "descriptors"), (errno.ENFILE, "descriptors"), (errno.ENOMEM, "memory")]:
            with self.subTest(errno.errorcode[error]):
                self.unit = self.make_unit()
                agent = self.start_agent(preexec_fn=lambda answer=error: refuse(PIDFD_OPEN, answer))
                self.start_ready("sleep")
                refused = wait_until(lambda: agent.scrape().by("knell_watch_refused_total", "why"), "a refusal")
                self.assertEqual(set(refused), {why})
                self.assertEqual(agent.scrape().value("knell_watches", state="alive"), 0)
                self.check_deaths(agent)
                agent.stop()

    def test_no_program_can_be_attached(self):
        """They are loaded by then."""

        def refuse_links():
            refuse(BPF, first_argument=BPF_LINK_CREATE)
            refuse(BPF, first_argument=BPF_RAW_TRACEPOINT_OPEN)

        agent = self.start_agent(preexec_fn=refuse_links)
        self.assertEqual(self.features(agent)["exit"], "")
        agent.await_line("warn .*attaching .*Operation not permitted", "stderr")
        victim = self.start_ready("term-graceful", "7", unit=self.unit)
        await_watched(agent, victim.pid)
        victim.signal(15)
        victim.wait()
        agent.await_sum(1, "knell_process_exits_total", unit=self.unit.name)
        agent.stop()
        self.assertEqual(list(agent.pin.iterdir()) if agent.pin.exists() else [], [])

    def test_one_hook_cannot_be_attached(self):
        agent = self.start_agent(preexec_fn=lambda: refuse(PERF_EVENT_OPEN))
        self.assertNotIn("", [self.features(agent)[name] for name in ["exit", "signal", "fork", "exec"]])
        self.check_deaths(agent)
        agent.stop()

    def test_processes_are_hidden(self):
        """/proc shows other users' processes only to those who may trace them."""
        self.directory.chmod(0o755)
        program = shutil.copy(KNELL, self.directory)
        subprocess.run(["setcap", "cap_bpf,cap_perfmon,cap_dac_read_search+ep", program], check=True)
        earlier = self.start_ready("sleep", unit=self.unit)
        agent = self.start_agent(wrapper=[*HIDING, *NOBODY], program=program)
        self.check_deaths(agent)
        later = self.start_victim("sleep", unit=self.unit)
        await_watched(agent, later.pid)
        for victim in [earlier, later]:
            victim.kill()
        metrics = agent.await_sum(4, "knell_process_exits_total", unit=self.unit.name)
        self.assertEqual(metrics.sum("knell_process_exits_total", unit=self.unit.name), 4)
