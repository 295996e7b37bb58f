#!/usr/bin/env bash
# From a fresh machine to a running agent: installs what is missing, builds the release preset, runs `knell run`.
# Arguments go to `knell run`, e.g. scripts/run.sh --listen 127.0.0.1:9477 --config my.yaml
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

"$root/scripts/setup.sh" build
(
  cd "$root"
  cmake --preset release >/dev/null
  cmake --build --preset release --target knell pidctl
)

echo
[ $# -gt 0 ] || echo "Metrics and a page to read: http://127.0.0.1:9477/. Ctrl-C stops the agent."
exec "$root/build/release/bin/knell" run "$@"
