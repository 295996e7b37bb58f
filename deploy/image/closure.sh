#!/bin/sh
# The root file system of the image: knell, the libraries that it loads with their licences, and nothing else to run.
#
# closure.sh BINARY DIRECTORY   on Debian, of which the libraries are
set -eu
binary=$1
root=$2

install -D -m 0755 --strip "$binary" "$root/usr/bin/knell"
# What is mounted over, on a root that is read-only.
mkdir -p "$root/proc" "$root/sys" "$root/dev" "$root/etc/knell"
# Programs that look up names find root and the user of docs/install.md.
printf '%s\n' root:x:0:0::/:/nonexistent knell:x:65532:65532::/:/nonexistent >"$root/etc/passwd"
printf '%s\n' root:x:0: knell:x:65532: >"$root/etc/group"

# "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)"; the loader has no arrow.
ldd "$binary" | sed -n 's#^[^/]*\(/[^ ]*\) (0x.*#\1#p' | while read -r library; do
  install -D -m 0755 "$library" "$root$library"
  # dpkg knows a file by the name that its package gave it, with /usr before it or without.
  real=$(realpath "$library")
  package=$(dpkg-query --search "$real" "${real#/usr}" 2>/dev/null | sed -n '1s/:.*//p')
  install -D -m 0644 "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright"
done
cp -a /usr/share/common-licenses "$root/usr/share/"
install -D -m 0644 "$(dirname "$0")/../debian/copyright" "$root/usr/share/doc/knell/copyright"
