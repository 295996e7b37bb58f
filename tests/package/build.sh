#!/usr/bin/env bash
# Builds the package of a build directory ($1) as version $2, and once more as a later one; lintian finds no fault in it.
set -euo pipefail
cd "$1"

for version in "$2" "$2.1"; do
  cpack -G DEB -D CPACK_PACKAGE_VERSION="$version" -D CPACK_OUTPUT_FILE_PREFIX="tests/packages/$version" >/dev/null 2>&1
done
lintian --allow-root --fail-on error,warning "tests/packages/$2/"*.deb
