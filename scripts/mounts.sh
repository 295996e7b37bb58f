#!/usr/bin/env bash
# Runs a command where the kernel's file systems that the tests look into are mounted. What is missing is mounted in a
# mount namespace of the command's own: the machine stays as it was.
#
# scripts/mounts.sh ctest --preset dev --label-regex bpf
set -euo pipefail

if [ "${1:-}" != --inside ]; then
  if [ "$(id -u)" -ne 0 ]; then
    exec "$@" # only root may mount; tests that need these file systems say so
  fi
  exec unshare --mount --propagation private "$0" --inside "$@"
fi
shift

# $1: type, $2: where it belongs.
mount_missing() {
  if [ -d "$2" ] && ! mountpoint --quiet "$2"; then
    mount -t "$1" "$1" "$2"
  fi
}

mount_missing tracefs /sys/kernel/tracing
mount_missing securityfs /sys/kernel/security
mount_missing bpf /sys/fs/bpf
exec "$@"
