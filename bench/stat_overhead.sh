#!/usr/bin/env bash
# What `knell stat` costs the command that it runs, beside `perf stat` and `strace -c -f`: a parallel build of a small C
# project, and a storm of forks. Everybody in turn, ROUNDS times; median and spread of the wall time. Needs root.
#
# bench/stat_overhead.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5}
bin=$PWD/build/release/bin
project=$(mktemp -d)
trap 'rm -rf "$project"' EXIT

for i in $(seq 40); do
  printf '#include <stdio.h>\n#include <stdlib.h>\nint f%d(int n) { return n < 2 ? n : f%d(n - 1) + f%d(n - 2); }\n' \
    "$i" "$i" "$i" >"$project/f$i.c"
done
cat >"$project/Makefile" <<'MAKE'
objects := $(patsubst %.c,%.o,$(wildcard *.c))
all: $(objects)
%.o: %.c
	cc -O1 -c $< -o $@
MAKE

# $1: who, the rest: the command. Prints seconds of wall time.
measure() {
  local who=$1 start end
  shift
  start=$(date +%s.%N)
  case $who in
  bare) "$@" ;;
  knell) "$bin/knell" stat --output "$project/report" -- "$@" ;;
  perf) perf stat --output "$project/report" -- "$@" ;;
  strace) strace -c -f -o "$project/report" "$@" ;;
  esac >"$project/output" 2>&1
  end=$(date +%s.%N)
  echo "$end - $start" | bc
}

build() {
  make -s -C "$project" -B -j2
}
export -f build
export project

contestants=(bare knell)
for tool in perf strace; do
  if command -v "$tool" >/dev/null; then contestants+=("$tool"); else echo "absent: $tool"; fi
done

for workload in "make -j2" "fork storm"; do
  echo "== $workload, $rounds rounds"
  for _ in $(seq "$rounds"); do
    for who in "${contestants[@]}"; do
      if [ "$workload" = "make -j2" ]; then
        measure "$who" bash -c build >>"$project/times-$who"
      else
        measure "$who" "$bin/knell-fork-storm" fork 10000 >>"$project/times-$who"
      fi
    done
  done
  bare=$(sort -n "$project/times-bare" | sed -n "$(((rounds + 1) / 2))p")
  for who in "${contestants[@]}"; do
    sort -n "$project/times-$who" | awk -v who="$who" -v bare="$bare" '
      { all[NR] = $1 }
      END { m = all[int((NR + 1) / 2)]; printf "%-8s %7.3f s (%.3f-%.3f)  %.2f x\n", who, m, all[1], all[NR], m / bare }'
    rm "$project/times-$who"
  done
done
