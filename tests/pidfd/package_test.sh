#!/usr/bin/env bash
# The library as another project gets it: installs it from a build directory ($1), then builds against that alone, with
# the compiler $2, the example supervisor, each public header by itself and every example of docs/pidfd.md. $3: the
# sanitizers of the build, if any: who links a library with sanitizers has to link them too.
set -euo pipefail
build=$(realpath "$1") compiler=$2 flags=${3:+-fsanitize=$3}
source=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export prefix=$work/prefix compiler

fail() {
  echo "package: $*" >&2
  exit 1
}

# Installed in one place and used in another, as packages are.
cmake --install "$build" --component pidfd --prefix "$work/staged" >"$work/install.log" || fail "$(<"$work/install.log")"
mv "$work/staged" "$prefix"

if grep -rnE '#[[:space:]]*include[[:space:]]*["<]agent/' "$prefix/include"; then
  fail "an installed header includes by the project's tree"
fi
if grep -rnF -e "$build" -e "$source" -e knell_options -e -fsanitize -e -W "$prefix"/lib*/cmake; then
  fail "the exported targets carry something of this build"
fi

# $1: a source or header. Included, because #pragma once in a main file is a warning.
compiles_alone() {
  "$compiler" -std=c++23 -Wall -Wextra -Werror -fsyntax-only -I "$prefix/include" -include "$1" -x c++ /dev/null
}
export -f compiles_alone
find "$prefix/include" -name '*.hpp' -print0 |
  xargs -0 -P "$(nproc)" -I{} bash -c 'compiles_alone {}' || fail "a public header does not compile by itself"

# Each example of the page becomes the beginning of a function with the names that the page gives.
{
  find "$prefix/include" -name '*.hpp' -printf '#include <%P>\n'
  printf '#include <%s>\n' array csignal sched.h
  echo 'using namespace knell;'
  awk '/^```cpp$/ {
         printf "Result<> example_%d([[maybe_unused]] pid_t pid, [[maybe_unused]] const Pidfd& process,\n", ++count
         print "[[maybe_unused]] const SpawnOptions& options, [[maybe_unused]] const Fd& socket,"
         print "[[maybe_unused]] const Fd& pidns) {"
         printf "#line %d \"docs/pidfd.md\"\n", NR + 1
         inside = 1; next
       }
       /^```$/ && inside { print "return {}; }"; inside = 0; next }
       inside' "$source/docs/pidfd.md"
} >"$work/examples.cpp"
grep -q example_1 "$work/examples.cpp" || fail "docs/pidfd.md has no examples"
compiles_alone "$work/examples.cpp" || fail "an example of docs/pidfd.md does not compile"

cmake -S "$source/examples/supervisor" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_FLAGS="$flags" >"$work/configure.log" || fail "$(<"$work/configure.log")"
cmake --build "$work/build" >"$work/build.log" || fail "$(<"$work/build.log")"

# $1: exit status, $2: how it ended, as an extended regular expression; the rest: what the supervisor starts.
expect() {
  local status=0 output
  output=$("$work/build/supervisor" "${@:3}") || status=$?
  [ "$status" -eq "$1" ] || fail "supervisor ${*:3}: exit status $status instead of $1"
  # The same PID:INODE (before Linux 6.9 PID:tTICKS) in both lines.
  tr '\n' ' ' <<<"$output" | grep -qE "^started ([0-9]+:t?[0-9]+) \1 $2 \$" || fail "supervisor ${*:3}: $output"
}
expect 3 'exited with 3' sh -c 'exit 3'
expect 137 'was killed by signal 9 \(Killed\)' sh -c 'kill -KILL $$'

if "$work/build/supervisor" /nonexistent 2>"$work/refusal"; then
  fail "supervisor started a program that does not exist"
fi
grep -q nonexistent "$work/refusal" || fail "a failed start does not name the program: $(<"$work/refusal")"
