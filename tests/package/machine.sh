#!/usr/bin/env bash
# Runs a command as on a machine of its own: what it writes to the root file system, installs, pins and listens on is seen
# by nobody else and is gone when it ends. Processes, cgroups and the kernel are the real ones.
#
# machine.sh DIRECTORY... -- COMMAND   DIRECTORY: what must be there, if it is on another file system
set -euo pipefail

if [ "${1:-}" != --inside ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "machine: needs root" >&2
    exit 77
  fi
  exec unshare --mount --propagation private --net "$0" --inside "$PWD" "$@"
fi
working_directory=$2
shift 2

over=$(mktemp -d)
mount -t tmpfs tmpfs "$over"
mkdir "$over"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$over/upper,workdir=$over/work" "$over/root"
for directory in /proc /sys /dev; do
  mount --rbind "$directory" "$over/root$directory"
done
mount -t bpf -o mode=700 bpf "$over/root/sys/fs/bpf" # as systemd mounts it
mount -t tmpfs tmpfs "$over/root/run"
while [ "$1" != -- ]; do
  mount --rbind "$1" "$over/root$1"
  shift
done
shift

# Unmounted from here: systemd makes a service's file system of the root that it finds.
cd "$over/root"
mkdir -p mnt
pivot_root . mnt
umount --lazy /mnt
ip link set lo up
cd "$working_directory"
exec "$@"
