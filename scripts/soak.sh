#!/usr/bin/env bash
# Runs the agent of the dev build for hours among storms, freezes, restarts, reloads and bad clients, and checks after each
# round that every exit was counted once and nothing has grown.
#
# scripts/soak.sh [DURATION]   such as 90s, 30m, 2h; 2m without it
set -euo pipefail
cd "$(dirname "$0")/.."
duration=${1:-2m}
case "$duration" in
*[!0-9smh]* | "" | [smh]*)
  echo "usage: $0 [DURATION], such as 90s, 30m or 2h" >&2
  exit 2
  ;;
*h) seconds=$((${duration%h} * 3600)) ;;
*m) seconds=$((${duration%m} * 60)) ;;
*) seconds=${duration%s} ;;
esac

build=$PWD/build/dev
if [ ! -x "$build/bin/knell" ]; then
  echo "soak: there is no dev build: cmake --preset dev && cmake --build --preset dev" >&2
  exit 1
fi
export KNELL_BIN=$build/bin/knell KNELL_PIDCTL=$build/bin/pidctl KNELL_DIE=$build/tests/die KNELL_SLEEPERS=$build/tests/sleepers
export KNELL_SOAK_SECONDS=$seconds
scripts=$PWD/scripts
cd tests/e2e
exec "$scripts/mounts.sh" python3 -B run.py test_soak.Soak
