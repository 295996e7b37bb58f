#!/usr/bin/env bash
# Builds the Debian package of the release preset: build/release/packages/knell_VERSION_ARCHITECTURE.deb
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh build
cmake --preset release >/dev/null
cmake --build --preset release --target knell pidctl package_files
cd build/release
cpack -G DEB
