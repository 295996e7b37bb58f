#!/usr/bin/env bash
# What ctest runs: one fuzzer ($1) with its corpus ($2) and libFuzzer's options (the rest). What it finds stays in the
# working directory, that of the build: found/ for inputs that reach new code, crashes/ for those that break a promise.
set -euo pipefail
program=$1 corpus=$2
shift 2
name=${program##*/fuzz_}
mkdir -p "found/$name" crashes

if "$program" "found/$name" "$corpus" -artifact_prefix="crashes/$name-" -print_final_stats=1 "$@" >"$name.log" 2>&1; then
  grep -aE 'INITED|DONE|stat::peak_rss_mb' "$name.log"
else
  tail -n 80 "$name.log"
  echo "$name: the input is in $PWD/crashes; tests/fuzz/README.md says what to do with it" >&2
  exit 1
fi
