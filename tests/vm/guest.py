"""guest.py PLAN RESULTS: runs in a test machine. Does what the plan (see plan.py) says and writes one line of JSON for
each test, then one with their number; all else that is said goes to the console."""

import json
import os
import pathlib
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree

MOST_OF_AN_OUTPUT = 20_000


class Results:

    def __init__(self, path: str):
        self._file = open(path, "w", encoding="utf-8")
        self._count = 0

    def write(self, **line) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def case(self, name: str, outcome: str, seconds: float, text: str = "") -> None:
        self._count += 1
        self.write(case=name, outcome=outcome, seconds=round(seconds, 3), text=text[-MOST_OF_AN_OUTPUT:])

    def close(self) -> None:
        self.write(done=self._count)
        self._file.close()


def run_gtest(program: str, pattern: str, timeout: float, results: Results) -> None:
    suite = os.path.basename(program)
    report = pathlib.Path("/tmp", suite + ".xml")
    report.unlink(missing_ok=True)
    output = pathlib.Path("/tmp", suite + ".out")
    started = time.monotonic()
    with output.open("wb") as out:
        process = subprocess.Popen([program, f"--gtest_filter={pattern}", f"--gtest_output=xml:{report}"],
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            status = f"still running after {timeout:g} s"
    text = output.read_text(errors="replace")
    print(text, flush=True)
    count = 0
    if report.exists():
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            if case.get("status") != "run":
                continue
            count += 1
            name = f"{suite}.{case.get('classname')}.{case.get('name')}"
            failures = [failure.get("message") for failure in case.findall("failure")]
            skip = case.find("skipped")
            outcome = "failed" if failures else "passed" if skip is None else "skipped"
            why = "\n".join(failures) if failures else "" if skip is None else skip.get("message")
            results.case(name, outcome, float(case.get("time")), why)
    if status not in (0, 1) or count == 0:
        results.case(f"{suite} ({pattern})", "failed", time.monotonic() - started,
                     f"status: {status}, {count} tests told\n{text}")


class Recorder(unittest.TextTestResult):
    """What becomes of each test of a class."""

    results: Results

    def startTest(self, test):
        super().startTest(test)
        self._started = time.monotonic()
        self._told = False

    def _tell(self, test, outcome: str, text: str = "") -> None:
        self._told = True
        name = test.id() if isinstance(test, unittest.TestCase) else str(test)
        self.results.case(f"e2e.{name}", outcome, time.monotonic() - getattr(self, "_started", time.monotonic()), text)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._tell(test, "passed")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._tell(test, "failed", self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self._tell(test, "failed", self._exc_info_to_string(err, test))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._tell(subtest, "failed", self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._tell(test, "skipped", reason)


def run_unittest(name: str, results: Results) -> None:
    Recorder.results = results
    suite = unittest.defaultTestLoader.loadTestsFromName(name)
    unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Recorder).run(suite)


def refuse_io_uring() -> None:
    """For us and all that we start. By the sysctl where there is one (Linux 6.6), else as container runtimes do."""
    sysctl = pathlib.Path("/proc/sys/kernel/io_uring_disabled")
    if sysctl.exists():
        sysctl.write_text("2")
    else:
        from test_without_io_uring import refuse_io_uring as refuse_by_seccomp
        refuse_by_seccomp()


def doctor() -> dict:
    told = subprocess.run([os.environ["KNELL_BIN"], "doctor", "--json"], capture_output=True, text=True, check=False)
    if told.returncode != 0:
        return {"error": f"status {told.returncode}: {told.stderr}"}
    return json.loads(told.stdout)


def main() -> None:
    plan = json.loads(pathlib.Path(sys.argv[1]).read_text())
    results = Results(sys.argv[2])
    os.environ.update(plan["environment"])
    os.chdir(plan["e2e"])
    sys.path.insert(0, plan["e2e"])
    if plan["backend"] == "epoll":
        refuse_io_uring()
    results.write(release=os.uname().release, doctor=doctor())
    for program, pattern in plan["gtest"]:
        print(f"== {program} {pattern}", flush=True)
        run_gtest(program, pattern, plan["timeout"], results)
    for name in plan["unittest"]:
        print(f"== {name}", flush=True)
        run_unittest(name, results)
    results.close()


main()
