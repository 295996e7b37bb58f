#!/usr/bin/env bash
# Builds the container image with buildah, podman or docker, whichever is there. It compiles the release preset in the
# image's own build stage: minutes.
#
# scripts/image.sh [TAG]   localhost/knell:VERSION without it
# BASE=IMAGE               in place of docker.io/library/debian:bookworm-slim, e.g. one that mmdebstrap made
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^project(knell VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
tag=${1:-localhost/knell:$version}
arguments=(--build-arg VERSION="$version" --build-arg REVISION="$(git rev-parse --short=12 HEAD)")
if [ -n "${BASE:-}" ]; then
  arguments+=(--build-arg BASE="$BASE")
fi
for engine in buildah podman docker; do
  if command -v "$engine" >/dev/null; then
    exec "$engine" build "${arguments[@]}" --tag "$tag" --file deploy/image/Dockerfile .
  fi
done
echo "image: none of buildah, podman and docker is installed" >&2
exit 1
