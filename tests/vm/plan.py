"""What a test machine does. An emulated CPU is ten to twenty times slower than a real one, so that the plan is a
choice: each hook, each way to die that the kernel has code of its own for, the library's calls, and the agent as a
whole; not the storms, whose size is made for real machines."""

import dataclasses
import fnmatch
import os
import subprocess

BACKENDS = ["io_uring", "epoll"]

# One row of the battery (tests/bpf/battery_rows.cpp) for each way to die that is explained by facts of its own.
_DEATHS = [
    "exit_7", "leader_thread_leaves_first", "two_threads_leave_at_once", "exec_by_a_thread", "reaped_by_the_kernel",
    "sigterm_handled_then_0", "sigterm_ignored_then_killed", "sigkill_by_sibling", "pidfd_send_signal_by_sibling",
    "killed_by_a_tracer", "cgroup_kill_by_the_host", "parent_death_sigkill", "kill_itself", "segmentation_fault",
    "abort", "posix_timer", "hangup_of_a_terminal", "seccomp_kill_process", "namespace_ends",
    "oom_in_a_memory_cgroup", "container_kills_another",
]
# What the loop's backend has a part in: the pidfd's wake-ups beside the records.
_WATCHED_DEATHS = ["exit_7", "exec_by_a_thread", "sigterm_ignored_then_killed", "segmentation_fault", "namespace_ends",
                   "oom_in_a_memory_cgroup"]
# Those whose number of processes takes minutes here.
_STORMS = ["*EachProcessIsRecordedOnce*", "*EveryExitIsToldOnce*", "*AllOfACrowdThatDiesAtOnce*", "*TakingItOutLosesNothing*",
           "*AStormNeverYieldsAStranger*"]

_GTEST = {
    "io_uring": {
        "probe_bpf_test": "*",
        "battery_test": ":".join(f"*/{row}_unwatched" for row in _DEATHS),
        "watch_bpf_test": "*/io_uring",
        "spill_test": "*/io_uring",
        # Without those that play an older kernel on a newer one: here are the older ones themselves.
        "pidfd_core_test": "-*/before_*",
        "pidfd_names_test": "-*/before_*",
        "pidfd_making_test": "-*/before_*",
    },
    "epoll": {
        "battery_test": ":".join(f"*/{row}_epoll" for row in _WATCHED_DEATHS),
        "watch_bpf_test": "*/epoll",
        "spill_test": "*/Spill.EveryExitIsCountedWhereItBelongs/epoll",
    },
}

_AGENT = [
    "test_metrics.Metrics.test_counts_exactly_what_died",
    "test_metrics.Metrics.test_counts_a_zombie_until_it_is_collected",
    "test_trace.Trace.test_json_has_the_fields_of_a_death",
    "test_stat.Stat.test_counts_a_tree",
]
_UNITTEST = {
    "io_uring": _AGENT + [
        "test_metrics.Metrics.test_counts_pidfds_by_the_way_they_came_to_be",
        "test_metrics.Metrics.test_says_who_held_pidfds_at_the_start",
        "test_metrics.Metrics.test_witnesses_of_a_death_agree",
        "test_trace.Trace.test_shows_who_opens_a_pidfd_to_whom",
        "test_wait.Wait.test_tells_why_it_ended",
        "test_restart.Restart.test_deaths_between_two_agents",
        "test_restart.Restart.test_watches_go_on",
        "test_restart.Restart.test_other_settings_read_what_the_old_ones_gathered",
        "test_restart.InTheWay.test_keep_on_exit_false_leaves_nothing",
        "test_machine.WholeMachine",
        "test_pid_namespace.PidNamespace.test_tells_the_numbers_of_its_namespace",
        "test_stat.Stat.test_measures_those_that_live_long_enough",
        "test_stat.Stat.test_waits_for_all_when_told_so",
        "test_without_bpf.WithoutBpf.test_counts_deaths_of_what_is_old_enough",
        "test_without_bpf.WithoutBpf.test_knows_the_status_of_a_zombie",
        "test_without_io_uring.WithoutIoUring",
    ],
    "epoll": _AGENT,
}


@dataclasses.dataclass(frozen=True)
class Need:
    """What some tests need that kernels have only since a release. On an older one they are skipped, and nothing else
    is."""

    since: str
    what: str
    tests: tuple[str, ...]


NEEDS = [
    Need("6.5", "SO_PEERPIDFD and SO_PASSPIDFD", (
        "probe_bpf_test.PidfdCreation.OfASocketsPeer", "pidfd_making_test.Sender.*")),
    Need("6.9", "pidfds that have an inode of their own and report the reap", (
        "watch_bpf_test.*/Watched.ExitAndReapHaveTheirTimes/*", "watch_bpf_test.*/Watched.ProcessesFromBeforeTheStart/*",
        "watch_bpf_test.*/Watched.AllOfACrowdThatDiesAtOnce/*", "watch_bpf_test.*/Watched.SuccessorWithTheSameNumber/*",
        "pidfd_names_test.Recycling.*", "e2e.test_metrics.Metrics.test_counts_a_zombie_until_it_is_collected")),
    Need("6.9", "pidfds of threads, and signals to a thread or a group through a pidfd", (
        "probe_bpf_test.PidfdCreation.OfAThread", "pidfd_core_test.PidfdSignalScope.*",
        "pidfd_core_test.PidfdThread.*")),
    Need("6.13", "numbers of other pid namespaces without procfs", ("pidfd_names_test.PidnsWithoutProc.*",)),
    Need("6.14", "file handles of pidfds", ("pidfd_names_test.PidfdHandle.*",)),
    Need("6.15", "the status of a process that was reaped (PIDFD_INFO_EXIT)", (
        "witness_test.Witness.*", "pidfd_core_test.PidfdInfoOfThreads.*",
        "e2e.test_metrics.Metrics.test_witnesses_of_a_death_agree")),
    Need("6.16", "a tracepoint that tells which thread of a process is the last", (
        "probe_bpf_test.*/ExitVariants.EachProcessIsRecordedOnce/exit_group_dead",)),
]


def _release(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def expected_skip(case: str, series: str) -> Need | None:
    """Why this test is skipped on kernels of this series; None: it is not."""
    for need in NEEDS:
        if _release(series) < _release(need.since) and any(fnmatch.fnmatchcase(case, test) for test in need.tests):
            return need
    return None


def chosen(backend: str, tests: str) -> dict:
    """What every test of this label does. `tests`: the directory of the built test programs."""
    without_storms = ":".join(_STORMS)
    gtest = []
    for program, pattern in _GTEST[backend].items():
        separator = ":" if "-" in pattern else "-"
        gtest.append((os.path.join(tests, program), pattern + separator + without_storms))
    return {"gtest": gtest, "unittest": _UNITTEST[backend]}


def everything(tests: str) -> dict:
    """All tests but the storms, and the classes of the agent's tests that have what they need there."""
    programs = ["probe_bpf_test", "battery_test", "storm_test", "spill_test", "watch_bpf_test", "witness_test",
                "pidfd_core_test", "pidfd_names_test", "pidfd_making_test"]
    classes = sorted(set(name.rpartition(".")[0] for name in _AGENT)) + ["test_without_bpf.WithoutBpf"]
    without_storms = "*-" + ":".join(_STORMS)
    return {"gtest": [(os.path.join(tests, program), without_storms) for program in programs], "unittest": classes}


def matching(pattern: str, tests: str) -> dict:
    """The tests of a GoogleTest filter; or the agent's of a name that unittest knows, test_restart.Restart."""
    if pattern.startswith("test_"):
        return {"gtest": [], "unittest": [pattern]}
    gtest = []
    for program, _ in everything(tests)["gtest"]:
        told = subprocess.run([program, "--gtest_list_tests", f"--gtest_filter={pattern}"], capture_output=True,
                              text=True, check=True).stdout
        if any(line.startswith("  ") for line in told.splitlines()):
            gtest.append((program, pattern))
    return {"gtest": gtest, "unittest": []}
