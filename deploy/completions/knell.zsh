#compdef knell
# zsh completion for knell(1).

_knell_reasons() {
  _values -s , reason ${=$(_call_program reasons $words[1] trace --help 2>/dev/null | tr '\n,' '  ' | sed -n 's/.*with these reasons: \([a-z_ ]*\) --.*/\1/p')}
}

_knell() {
  local -a commands=(
    'run:run the agent in the foreground'
    'trace:show deaths as they happen'
    'wait:wait for processes and tell why each ended'
    'stat:run a command and tell how its processes lived and died'
    'doctor:say what this node supports'
    'check-config:check a configuration file'
    'unpin:remove what an agent left in the kernel'
    'help:show help'
  )
  local help='(- *)'{-h,--help}'[show help]'
  if ((CURRENT == 2)); then
    _arguments $help '(- *)--version[show the version]' '1:command:->command' && return
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
    run) _arguments $help '--config[configuration file]:file:_files' '--listen[where to serve metrics]:host\:port:' ;;
    trace)
      _arguments $help '--json[one JSON object a line]' '--events[what to show]:kind:_values -s , kind exit exec pidfd' \
        '--for[stop after this long]:duration:' '--count[stop after this many events]:number:' \
        '--reason[only deaths with these reasons]:reason:_knell_reasons' '--comm[only processes of this name]:glob:' \
        '--container[only containers of this name or id]:glob:'
      ;;
    wait) _arguments $help '--json[JSON lines]' '--timeout[wait no longer]:duration:' '*:process:_pids' ;;
    stat)
      _arguments $help '--json[the report as JSON]' '(-o --output)'{-o,--output}'[write the report to a file]:file:_files' \
        '--wait[wait for all descendants]' '--bpf-time[measure the BPF programs too]' '*::command:_normal'
      ;;
    doctor) _arguments $help '--json[print JSON]' ;;
    check-config) _arguments $help '1:file:_files' ;;
    unpin) _arguments $help '--config[configuration file]:file:_files' ;;
    help) _arguments $help '1:command:(run trace wait stat doctor check-config unpin help)' ;;
  esac
}

_knell "$@"
