#compdef pidctl
# zsh completion for pidctl(1).

_pidctl_features() {
  _values -s , feature peer_pidfd pidfs thread_pidfds signal_scopes namespace_ioctls pidns_ioctls info exit_info autokill
}

_pidctl() {
  local -a commands=(
    'info:show what the kernel tells of a process'
    'namespaces:show the namespaces that a process is in'
    'translate:tell the number of a process in another pid namespace'
    'relation:tell how one pid namespace stands to another'
    'signal:send a signal'
    'cat:show a file of the /proc directory'
    'wait:wait for the end of processes'
    'run:run a command that can be tied to pidctl'
    'help:show help'
  )
  local -a everywhere=(
    '(- *)'{-h,--help}'[show help]'
    '--json[print JSON]'
    '--without[behave as on a kernel without these features]:feature:_pidctl_features'
  )
  local curcontext=$curcontext state line
  _arguments -C $everywhere '(- *)--version[show the version]' '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      case $line[1] in
        info | namespaces) _arguments $everywhere '1:process:_pids' ;;
        translate) _arguments $everywhere '--from[its namespace]:namespace:_files' '--to[the namespace asked]:namespace:_files' '1:pid:_pids' ;;
        relation) _arguments $everywhere '1:namespace:_files' '2:namespace:_files' ;;
        signal) _arguments $everywhere '(--group)--thread[to this thread alone]' '(--thread)--group[to the process group]' '1:signal:_signals' '2:process:_pids' ;;
        cat) _arguments $everywhere '--private-procfs[read in a procfs of its own]' '1:process:_pids' '2:file:' ;;
        wait) _arguments $everywhere '--timeout[wait no longer]:duration:' '--reaped[until they are collected, too]' '*:process:_pids' ;;
        run) _arguments $everywhere '--kill-on-close[killed when pidctl ends]' '--descendants[all that it started, too]' '*::command:_normal' ;;
        help) _arguments $everywhere '1:command:(info namespaces translate relation signal cat wait run help)' ;;
      esac
      ;;
  esac
}

_pidctl "$@"
