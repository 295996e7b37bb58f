#!/usr/bin/env bash
# Which lines and branches of the product the tests reach, by folder; build/coverage/report/index.html shows each line.
# A lower bound: what is killed or ends by _exit() has written nothing down, nor has the confined agent, which may not.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)

# Which tests: the arguments. Not a verdict, that is scripts/test.sh: -O0 is slow, and who may not write here says so.
run_tests() {
  scripts/mounts.sh ctest --preset coverage "$@" --parallel "$jobs" --quiet ||
    echo "coverage: some tests failed: what they did not reach is missing" >&2
}

scripts/setup.sh coverage
cmake --preset coverage >/dev/null
cmake --build --preset coverage --parallel "$jobs"
find build/coverage -name '*.gcda' -delete

# A project that links the installed library knows nothing of gcov.
run_tests --label-regex '^(unit|pidfd|bpf)$' --exclude-regex '^pidfd[.]package$'
# Of the e2e tests those of commands that end by themselves.
run_tests --tests-regex '^e2e[.]test_(pidctl|pidctl_work|stat|wait|trace|bad_input|terminal|without_bpf)[.]'

mkdir -p build/coverage/report
gcovr --root . --object-directory build/coverage --filter '(agent|exporters)/' -j "$jobs" \
  --exclude-throw-branches --exclude-unreachable-branches \
  --json-summary build/coverage/summary.json --html-details build/coverage/report/index.html
scripts/coverage.py build/coverage/summary.json
