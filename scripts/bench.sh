#!/usr/bin/env bash
# Measures what knell costs, beside its peers, on this machine: installs the peers, builds the release preset, runs
# `knell-bench all` (about nine minutes, root) and leaves its result in bench/results/, named after kernel and date.
#
# scripts/bench.sh            everything
# scripts/bench.sh storm ...  one run, with its options; knell-bench --help lists them
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh bench
cmake --preset release >/dev/null
cmake --build --preset release --target knell-bench

if [ "$#" -gt 0 ]; then
  exec scripts/mounts.sh build/release/bin/knell-bench "$@"
fi
result=bench/results/$(uname -r)-$(date +%F)
mkdir -p "$result"
scripts/mounts.sh build/release/bin/knell-bench all --json "$result/result.json" --svg "$result" | tee "$result/result.txt"
