#!/usr/bin/env bash
# Installs what package-lock.json names into $1, unless that is there already.
set -euo pipefail
cd "$(dirname "$0")"
directory=$1

if cmp --quiet package-lock.json "$directory/node_modules/.complete"; then
  exit 0
fi
mkdir -p "$directory"
cp package.json package-lock.json "$directory"
cd "$directory"
# kubectl's package asks for the CDK, of which it is a part, and which is not needed to unpack it.
npm ci --prefer-offline --legacy-peer-deps --no-audit --no-fund --ignore-scripts
cp package-lock.json node_modules/.complete
