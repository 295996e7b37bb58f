#!/usr/bin/env bash
# Checks that need no build: formatting, shell, YAML, Python and manual pages.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t sources < <(git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp' '*.c' '*.h')
clang-format-19 --dry-run -Werror "${sources[@]}"

mapfile -t shell < <(git ls-files --cached --others --exclude-standard '*.sh' '*.bash' .ci/run deploy/debian/*{inst,rm})
shellcheck "${shell[@]}"
for completion in deploy/completions/*.zsh; do zsh -n "$completion"; done
for completion in deploy/completions/*.fish; do fish --no-execute "$completion"; done

mandoc -T lint -W warning docs/man/*

mapfile -t yaml < <(git ls-files --cached --others --exclude-standard '*.yaml' '*.yml')
if [ "${#yaml[@]}" -gt 0 ]; then
  yamllint --strict -d '{extends: relaxed, rules: {line-length: {max: 120}}}' "${yaml[@]}"
fi

mapfile -t python < <(git ls-files --cached --others --exclude-standard '*.py')
/usr/bin/python3 -m py_compile "${python[@]}"
