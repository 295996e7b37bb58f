#!/usr/bin/python3
"""Boots a kernel in an emulated machine and runs tests there.

run.py test KERNEL BACKEND            what every check does; exit status 77: no such kernel or machine can be had
run.py try KERNEL BACKEND FILTER|full by hand: tests by a GoogleTest filter, or all that there are
run.py table                          writes the tables of docs/kernel-support.md
"""

import collections
import os
import pathlib
import re
import shutil
import sys
import tempfile

import image
import kernels
import machine
import plan
import support_table

SKIPPED = 77
LIMIT = 420.0  # seconds for all of a check, which takes a fifth of it where it has the machine for itself
BY_HAND_LIMIT = 3600.0
PROGRAMS = ["KNELL_BIN", "KNELL_PIDCTL", "KNELL_DIE", "KNELL_SLEEPERS"]
TAIL = 60  # lines of the console
# What the kernel says when something in it is broken.
COMPLAINT = re.compile(r"^.*(?:\bBUG:|WARNING:|\bOops\b|general protection fault|Kernel panic).*$", re.MULTILINE)
E2E = str(pathlib.Path(__file__).parents[1] / "e2e")


def run(kernel: kernels.Kernel, backend: str, tests: dict, limit: float) -> machine.Session:
    environment = {name: os.environ[name] for name in PROGRAMS}
    work = tests | {"backend": backend, "e2e": E2E, "environment": environment, "timeout": limit / 2}
    programs = [*environment.values(), *(program for program, _ in tests["gtest"])]
    with tempfile.NamedTemporaryFile(prefix="knell-vm-", suffix=".cpio") as file:
        path = pathlib.Path(file.name)
        image.write(path, work, programs)
        return machine.boot(kernel, path, limit)


def doctor_of(session: machine.Session) -> dict | None:
    told = [line["doctor"] for line in session.lines if "doctor" in line]
    return told[0] if told and "features" in told[0] else None


def problems_of(session: machine.Session, series: str, backend: str) -> list[str]:
    problems = []
    cases = [line for line in session.lines if "case" in line]
    done = [line["done"] for line in session.lines if "done" in line]
    if done != [len(cases)] or not session.ended:
        problems.append(f"the machine did not come to the end of its tests: {len(cases)} told after "
                        f"{session.seconds:.0f} s")
    doctor = doctor_of(session)
    if doctor is None:
        problems.append("knell doctor did not answer: " + str([line for line in session.lines if "doctor" in line]))
    else:
        problems += support_table.differences(series, support_table.rows_of(doctor, backend))
    for case in cases:
        need = plan.expected_skip(case["case"], series)
        if case["outcome"] == "failed":
            problems.append(f"{case['case']} failed:\n{case['text']}")
        elif case["outcome"] == "skipped" and need is None:
            problems.append(f"{case['case']} was skipped, and should not have been: {case['text']}")
        elif case["outcome"] == "passed" and need is not None:
            problems.append(f"{case['case']} passed, although it needs Linux {need.since}: {need.what}")
    booted = session.console.partition("Run /init")[2]
    problems += [f"the kernel complains: {match[0]}" for match in COMPLAINT.finditer(booted)]
    return problems


def report(session: machine.Session, kernel: kernels.Kernel, backend: str, problems: list[str]) -> None:
    print(f"Linux {kernel.version}, {backend}, {session.seconds:.0f} s")
    if doctor := doctor_of(session):
        for feature, hook in support_table.rows_of(doctor, backend).items():
            print(f"  {feature:30} {hook}")
    outcomes = collections.defaultdict(collections.Counter)
    seconds = collections.Counter()
    for case in session.lines:
        if "case" in case:
            suite = ".".join(case["case"].split(".")[:2 if case["case"].startswith("e2e.") else 1])
            outcomes[suite][case["outcome"]] += 1
            seconds[suite] += case["seconds"]
    for suite, counts in outcomes.items():
        print(f"  {suite:30} {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped, "
              f"{seconds[suite]:.1f} s")
    for case in session.lines:
        if case.get("outcome") == "skipped" and (need := plan.expected_skip(case["case"], kernel.series)):
            print(f"  skipped: {case['case']}: needs Linux {need.since}, {need.what}")
    for problem in problems:
        print(f"PROBLEM: {problem}")
    if not session.ended or doctor is None:
        print(f"the end of its console:\n{chr(10).join(session.console.splitlines()[-TAIL:])}")


def check(series: str, backend: str, tests: dict, limit: float) -> int:
    kernel = kernels.get(series)
    session = run(kernel, backend, tests, limit)
    problems = problems_of(session, series, backend)
    if not any(line.get("outcome") == "passed" for line in session.lines):
        problems.append("no test passed")
    report(session, kernel, backend, problems)
    return 1 if problems else 0


def write_table() -> int:
    told = {}
    for series in kernels.META_PACKAGES:
        kernel = kernels.get(series)
        told[series] = {"version": kernel.version, "rows": {}, "notes": {}}
        for backend in plan.BACKENDS:
            session = run(kernel, backend, {"gtest": [], "unittest": []}, LIMIT)
            doctor = doctor_of(session)
            if doctor is None:
                report(session, kernel, backend, ["knell doctor did not answer"])
                return 1
            for key, value in support_table.rows_of(doctor, backend).items():
                told[series]["rows"].setdefault(key, value)
            for key, value in support_table.notes_of(doctor, backend).items():
                told[series]["notes"].setdefault(key, value)
    support_table.write(told)
    return 0


def why_not_here() -> str | None:
    if os.uname().machine != "x86_64":
        return f"the kernels are for x86-64, this is {os.uname().machine}"
    missing = [tool for tool in [machine.QEMU, "setpriv", "apt-get", "dpkg-deb"] if shutil.which(tool) is None]
    return f"not installed: {', '.join(missing)} (scripts/setup.sh test)" if missing else None


def main(arguments: list[str]) -> int:
    if why := why_not_here():
        print(f"skipped: {why}")
        return SKIPPED
    tests = os.path.dirname(os.environ["KNELL_DIE"])
    try:
        match arguments:
            case ["test", series, backend]:
                return check(series, backend, plan.chosen(backend, tests), LIMIT)
            case ["try", series, backend, "full"]:
                return check(series, backend, plan.everything(tests), BY_HAND_LIMIT)
            case ["try", series, backend, pattern]:
                return check(series, backend, plan.matching(pattern, tests), BY_HAND_LIMIT)
            case ["table"]:
                return write_table()
    except kernels.Unavailable as unavailable:
        print(f"skipped: {unavailable}")
        return SKIPPED
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
