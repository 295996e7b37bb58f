#!/usr/bin/busybox sh
# shellcheck shell=dash
# The first process of a test machine: what an init system would have set up, then the tests.
/usr/bin/busybox --install -s /usr/bin 2>/dev/null # what is there already stays
export PATH=/usr/local/bin:/usr/bin HOME=/root TMPDIR=/tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
chmod 1777 /tmp # in memory as all is; not mounted over, the tests may be built there
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracefs /sys/kernel/tracing
mount -t securityfs securityfs /sys/kernel/security
ln -s /proc/self/fd /dev/fd
ip link set lo up
# The agent counts by cgroup: what it tests must not sit in the root, where no controller can be enabled for children.
echo '+memory +pids' >/sys/fs/cgroup/cgroup.subtree_control
stty -F /dev/ttyS1 raw # results, line by line
python3 -B /guest.py /plan.json /dev/ttyS1
poweroff -f
