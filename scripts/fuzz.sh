#!/usr/bin/env bash
# Fuzzes by hand, for minutes or for hours. Inputs that reach code which the corpus does not are added to
# tests/fuzz/corpus; those that break a promise go to build/fuzz/fuzz/crashes, and make this fail.
#
# scripts/fuzz.sh SECONDS             every fuzzer of tests/fuzz for so long, as many at a time as there are processors
# scripts/fuzz.sh SECONDS NAME...     these alone: scripts/fuzz.sh 3600 config records
set -euo pipefail
cd "$(dirname "$0")/.."
if [[ ! ${1:-} =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: $0 SECONDS [NAME...]" >&2
  exit 2
fi
seconds=$1
shift

scripts/setup.sh test
cmake --preset fuzz -D KNELL_FUZZ_SECONDS="$seconds" >/dev/null
cmake --build --preset fuzz --parallel
names=("$@")
if [ "${#names[@]}" -eq 0 ]; then
  names=(build/fuzz/fuzz/fuzz_*)
  names=("${names[@]##*/fuzz_}")
fi

regex=$(IFS='|' && echo "^fuzz\.(${names[*]})\$")
status=0
ctest --preset fuzz --tests-regex "$regex" --parallel "$(nproc)" --no-tests=error || status=1

# By edges alone, without how often they were taken, and the fewest inputs for them: a small corpus of small files.
for name in "${names[@]}"; do
  "build/fuzz/fuzz/fuzz_$name" -set_cover_merge=1 -use_counters=0 "tests/fuzz/corpus/$name" "build/fuzz/fuzz/found/$name" \
    >"build/fuzz/fuzz/$name.merge.log" 2>&1
done
git status --short -- tests/fuzz/corpus
exit "$status"
