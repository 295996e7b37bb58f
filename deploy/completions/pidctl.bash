# shellcheck shell=bash
# bash completion for pidctl(1).

_pidctl() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' index options='--help --json --without'
  local features='peer_pidfd pidfs thread_pidfds signal_scopes namespace_ioctls pidns_ioctls info exit_info autokill'
  local commands='info namespaces translate relation signal cat wait run help'
  COMPREPLY=()
  if [[ $previous == --without ]]; then
    local before=''
    [[ $word != *,* ]] || before=${word%,*},
    mapfile -t COMPREPLY < <(compgen -P "$before" -W "$features" -- "${word##*,}")
    compopt -o nospace 2>/dev/null
    return
  fi
  # The command is the first word that is neither an option nor the value of one.
  for ((index = 1; index < COMP_CWORD; ++index)); do
    if [[ ${COMP_WORDS[index]} != -* && ${COMP_WORDS[index - 1]} != --without ]]; then
      command=${COMP_WORDS[index]}
      break
    fi
  done
  case $command in
  '') options+=" --version $commands" ;;
  translate) options+=' --from --to' ;;
  signal) options+=' --thread --group' ;;
  cat) options+=' --private-procfs' ;;
  wait) options+=' --timeout --reaped' ;;
  run)
    options+=' --kill-on-close --descendants'
    if [[ " ${COMP_WORDS[*]:index:COMP_CWORD-index} " == *' -- '* ]]; then
      mapfile -t COMPREPLY < <(compgen -A command -A file -- "$word")
      return
    fi
    ;;
  esac
  if [[ $word == -* || -z $command ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  elif [[ $command == signal && $previous == signal ]]; then
    mapfile -t COMPREPLY < <(compgen -A signal -- "$word")
  elif [[ $command == help ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
  elif [[ $command != run ]]; then
    mapfile -t COMPREPLY < <(cd /proc && compgen -G '[0-9]*' | compgen -W "$(</dev/stdin)" -- "$word")
  fi
}

complete -F _pidctl pidctl
