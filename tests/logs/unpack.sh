#!/usr/bin/env bash
# unpack.sh DIRECTORY COMMAND...: what packages.sh downloaded, unpacked over a root file system that is thrown away
# (tests/package/machine.sh), for the command.
set -euo pipefail
packages=$1
shift

for package in "$packages"/*.deb; do
  # Not dpkg-deb --extract: /lib stays a link.
  dpkg-deb --fsys-tarfile "$package" | tar --extract --keep-directory-symlink --directory /
done
ldconfig /usr/lib/syslog-ng
exec "$@"
