#!/usr/bin/env bash
# Which lines and branches of the product the tests reach, by folder; build/coverage/report/index.html shows each line.
# A lower bound: what is killed or ends by _exit() has written nothing down, nor has the confined agent, which may not.
#
# scripts/coverage.sh                             unit, pidfd and bpf tests
# scripts/coverage.sh '^(unit|pidfd|bpf|e2e)$'    the tests of these labels
set -euo pipefail
cd "$(dirname "$0")/.."
labels=${1:-'^(unit|pidfd|bpf)$'}
jobs=$(nproc)

scripts/setup.sh coverage
cmake --preset coverage >/dev/null
cmake --build --preset coverage --parallel "$jobs"
find build/coverage -name '*.gcda' -delete

# Not a verdict: that is scripts/test.sh. A project that links the installed library knows nothing of gcov.
scripts/mounts.sh ctest --preset coverage --label-regex "$labels" --exclude-regex '^pidfd[.]package$' \
  --parallel "$jobs" --quiet ||
  echo "coverage: some tests failed: what they did not reach is missing" >&2

mkdir -p build/coverage/report
gcovr --root . --object-directory build/coverage --filter '(agent|exporters)/' -j "$jobs" \
  --exclude-throw-branches --exclude-unreachable-branches \
  --json-summary build/coverage/summary.json --html-details build/coverage/report/index.html
scripts/coverage.py build/coverage/summary.json
