#!/usr/bin/env bash
# Tests of the dev build on a kernel that this machine does not run, in an emulated machine.
#
# scripts/vm.sh KERNEL [--epoll] [FILTER|full]   KERNEL: 6.1 or 6.12; FILTER: of GoogleTest, e.g. '*Spill*', or
#                                                a class of the agent's tests, e.g. test_restart.Restart;
#                                                full: all tests, which takes half an hour; neither: a subset of minutes
# scripts/vm.sh table                            writes the tables of docs/kernel-support.md
set -euo pipefail
cd "$(dirname "$0")/.."

build=$PWD/build/dev
export KNELL_BIN=$build/bin/knell KNELL_PIDCTL=$build/bin/pidctl KNELL_DIE=$build/tests/die KNELL_SLEEPERS=$build/tests/sleepers
if [ ! -x "$KNELL_SLEEPERS" ]; then
  echo "vm: there is no dev build: cmake --preset dev && cmake --build --preset dev" >&2
  exit 1
fi

kernel=${1:?usage: scripts/vm.sh KERNEL [--epoll] [FILTER|full], or scripts/vm.sh table}
shift
if [ "$kernel" = table ]; then
  exec tests/vm/run.py table
fi
backend=io_uring
if [ "${1:-}" = --epoll ]; then
  backend=epoll
  shift
fi
if [ $# -eq 0 ]; then
  exec tests/vm/run.py test "$kernel" "$backend"
fi
exec tests/vm/run.py try "$kernel" "$backend" "$1"
