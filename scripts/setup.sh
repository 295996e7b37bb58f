#!/usr/bin/env bash
# Installs the Debian packages that knell is built and tested with. Idempotent: one dpkg query when nothing is
# missing. `setup.sh build` installs what a build needs; `setup.sh test` adds what the tests need, `setup.sh bench`
# what the benchmarks compare with and draw with, `setup.sh coverage` what adds up which lines the tests reach.
set -euo pipefail

build_packages=(
  ca-certificates git g++ cmake ninja-build ccache pkg-config
  clang-19 bpftool libbpf-dev
  liburing-dev
  libcap-dev libseccomp-dev
  prometheus-cpp-dev libmicrohttpd-dev
  libyaml-cpp-dev
  nlohmann-json3-dev libcli11-dev libspdlog-dev libfmt-dev robin-map-dev
  libgtest-dev libgmock-dev libbenchmark-dev python3
  dpkg-dev file
)
test_packages=(
  prometheus runc containerd busybox-static qemu-system-x86 strace curl procps util-linux libcap2-bin
  clang-format-19 clang-tidy-19 shellcheck yamllint libclang-rt-19-dev llvm-19
  systemd iproute2 python3-prometheus-client python3-yaml lintian mandoc zsh fish chromium
)
# Where they came from elsewhere, Debian's packages of them would be in conflict.
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  test_packages+=(nodejs npm)
fi

coverage_packages=(gcovr)
bench_packages=(libbpf-tools bpftrace forkstat gnuplot-nox linux-perf strace curl bc)

case "${1:-build}" in
build) packages=("${build_packages[@]}") ;;
test) packages=("${build_packages[@]}" "${test_packages[@]}") ;;
bench) packages=("${build_packages[@]}" "${bench_packages[@]}") ;;
coverage) packages=("${build_packages[@]}" "${test_packages[@]}" "${coverage_packages[@]}") ;;
*)
  echo "usage: $0 [build|test|bench|coverage]" >&2
  exit 2
  ;;
esac

# Names of the packages that are not fully installed.
missing_packages() {
  local installed name
  # dpkg-query fails when any name is unknown to it; what it did find is still printed.
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null || true)
  for name in "${packages[@]}"; do
    grep -qxF "$name installed" <<<"$installed" || echo "$name"
  done
}

if ! command -v dpkg-query >/dev/null; then
  echo "setup: this script knows Debian's packages only (dpkg-query is missing). README.md lists what to install." >&2
  exit 1
fi

mapfile -t missing < <(missing_packages)
if [ "${#missing[@]}" -eq 0 ]; then
  exit 0
fi

if [ "$(id -u)" -ne 0 ]; then
  echo "setup: ${#missing[@]} packages are missing and only root can install them:" >&2
  echo "  sudo apt-get install ${missing[*]}" >&2
  exit 1
fi

# The tests run their own Prometheus; a package that starts a server on this machine as a side effect is not wanted.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi

echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

mapfile -t missing < <(missing_packages)
if [ "${#missing[@]}" -ne 0 ]; then
  echo "setup: still missing after apt-get install: ${missing[*]}" >&2
  exit 1
fi
