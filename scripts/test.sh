#!/usr/bin/env bash
# From a fresh machine to a verdict: installs what is missing, checks the style, builds, runs every test, also on older
# kernels in emulated machines; two minutes of soak, the sanitizers, and the fuzzers for some seconds each. The last line
# is "N passed, N failed, N skipped"; a skipped test counts as failed unless KNELL_ALLOW_SKIPS=1, because a machine with
# root, BTF and runc can run them all.
#
# scripts/test.sh          everything
# scripts/test.sh quick    style, the dev build and its unit tests
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-all}
jobs=$(nproc)
results=build/test-results

# $1: preset, $2: regular expression of labels. Failures do not stop the run: the summary counts them.
run_tests() {
  local report
  report=$PWD/$results/$1-$(tr -c 'a-z\n' '_' <<<"$2").xml
  echo "== tests: $1 ($2)"
  scripts/mounts.sh ctest --preset "$1" --label-regex "$2" --parallel "$jobs" --output-junit "$report" --no-tests=error || true
  if [ ! -s "$report" ]; then
    echo "test: no test ran in preset $1 with labels $2" >&2
    exit 1
  fi
}

build() {
  echo "== build: $1"
  cmake --preset "$1" >/dev/null
  cmake --build --preset "$1" --parallel "$jobs"
}

scripts/setup.sh test
rm -rf "$results"
mkdir -p "$results"

echo "== style"
scripts/lint.sh

build dev
if [ "$what" = quick ]; then
  run_tests dev '^unit$'
else
  echo "== clang-tidy"
  scripts/tidy.py build/dev
  run_tests dev '^(unit|pidfd|bpf|e2e|bench|package|deploy)$'
  run_tests dev '^vm$'
  # It mostly waits, and takes no measure of time: beside builds.
  run_tests dev '^soak$' >"$results/soak.log" 2>&1 &
  soak=$!
  trap 'kill "$soak" 2>/dev/null || true' EXIT
  build asan
  build tsan
  build fuzz
  wait "$soak" || { cat "$results/soak.log" >&2; exit 1; }
  trap - EXIT
  cat "$results/soak.log"
  run_tests asan '^(unit|pidfd|bpf)$'
  run_tests tsan '^unit$'
  run_tests fuzz '^fuzz$'
fi

scripts/summary.py "$results"
