#!/usr/bin/env bash
# Downloads the shippers of deploy/logs, and what they depend on, into $1. Not installed: Debian's syslog daemons exclude each
# other, and none of them is to run on this machine.
set -euo pipefail
directory=$1
shippers=(rsyslog rsyslog-kafka kcat logrotate)
others=(syslog-ng-core syslog-ng-mod-http)

if [ "$(cat "$directory/.complete" 2>/dev/null)" = "${shippers[*]} ${others[*]}" ]; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "packages: needs root, as the tests of what it downloads do" >&2
  exit 77
fi

# The lock is of what is downloaded, which is this directory's alone.
download() {
  apt-get install --download-only --yes --quiet --no-install-recommends --reinstall \
    -o Dir::Cache::archives="$directory" -o APT::Sandbox::User=root -o Debug::NoLocking=1 "$@"
}

mkdir -p "$directory/partial"
if ! download "${shippers[@]}"; then
  apt-get update --quiet
  download "${shippers[@]}"
fi
download "${others[@]}"
echo "${shippers[*]} ${others[*]}" >"$directory/.complete"
