# shellcheck shell=bash
# bash completion for knell(1).

# $1: the words that a comma may join; what stands before the last comma stays.
_knell_list() {
  local word=${COMP_WORDS[COMP_CWORD]} before=''
  [[ $word != *,* ]] || before=${word%,*},
  mapfile -t COMPREPLY < <(compgen -P "$before" -W "$1" -- "${word##*,}")
  compopt -o nospace 2>/dev/null
}

_knell_reasons() {
  "${COMP_WORDS[0]}" trace --help 2>/dev/null | tr '\n,' '  ' | sed -n 's/.*with these reasons: \([a-z_ ]*\) --.*/\1/p'
}

_knell() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} options=''
  local commands='run trace wait stat doctor check-config unpin help'
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
    return
  fi
  case $previous in
  --config | --output | -o)
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    compopt -o filenames 2>/dev/null
    return
    ;;
  --events) _knell_list 'exit exec pidfd' && return ;;
  --reason) _knell_list "$(_knell_reasons)" && return ;;
  --listen | --for | --count | --comm | --container | --timeout) return ;;
  esac
  case $command in
  run) options='--help --config --listen' ;;
  trace) options='--help --json --events --for --count --reason --comm --container' ;;
  wait) options='--help --json --timeout' ;;
  stat)
    options='--help --json --output --wait --bpf-time'
    # Behind "--" stands the command that is run.
    if [[ " ${COMP_WORDS[*]:2:COMP_CWORD-2} " == *' -- '* ]]; then
      mapfile -t COMPREPLY < <(compgen -A command -A file -- "$word")
      return
    fi
    ;;
  doctor) options='--help --json' ;;
  check-config) options='--help' ;;
  unpin) options='--help --config' ;;
  help) options='--help' ;;
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  elif [[ $command == check-config ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    compopt -o filenames 2>/dev/null
  elif [[ $command == help ]] && ((COMP_CWORD == 2)); then
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
  elif [[ $command == wait ]]; then
    mapfile -t COMPREPLY < <(cd /proc && compgen -G '[0-9]*' | compgen -W "$(</dev/stdin)" -- "$word")
  fi
}

complete -F _knell knell
