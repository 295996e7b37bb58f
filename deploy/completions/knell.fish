# fish completion for knell(1).

set -l commands run trace wait stat doctor check-config unpin help
function __knell_reasons
    knell trace --help 2>/dev/null | string join ' ' | string match -r '(?<=with these reasons: )[a-z_, ]+(?= --)' | string match -ar '[a-z_]+'
end

complete -c knell -f
complete -c knell -s h -l help -d 'Show help'
complete -c knell -n "not __fish_seen_subcommand_from $commands" -l version -d 'Show the version'
complete -c knell -n "not __fish_seen_subcommand_from $commands" -a run -d 'Run the agent in the foreground'
complete -c knell -n "not __fish_seen_subcommand_from $commands" -a trace -d 'Show deaths as they happen'
complete -c knell -n "not __fish_seen_subcommand_from $commands" -a wait -d 'Wait for processes and tell why each ended'
complete -c knell -n "not __fish_seen_subcommand_from $commands" -a stat -d 'Run a command and tell how its processes lived and died'
complete -c knell -n "not __fish_seen_subcommand_from $commands" -a doctor -d 'Say what this node supports'
complete -c knell -n "not __fish_seen_subcommand_from $commands" -a check-config -d 'Check a configuration file'
complete -c knell -n "not __fish_seen_subcommand_from $commands" -a unpin -d 'Remove what an agent left in the kernel'
complete -c knell -n "not __fish_seen_subcommand_from $commands" -a help -d 'Show help'

complete -c knell -n '__fish_seen_subcommand_from run unpin' -l config -r -F -d 'Configuration file'
complete -c knell -n '__fish_seen_subcommand_from run' -l listen -x -d 'Where to serve metrics'
complete -c knell -n '__fish_seen_subcommand_from trace wait stat doctor' -l json -d 'Print JSON'
complete -c knell -n '__fish_seen_subcommand_from trace' -l events -x -a '(__fish_append , exit exec pidfd)' -d 'What to show'
complete -c knell -n '__fish_seen_subcommand_from trace' -l for -x -d 'Stop after this long'
complete -c knell -n '__fish_seen_subcommand_from trace' -l count -x -d 'Stop after this many events'
complete -c knell -n '__fish_seen_subcommand_from trace' -l reason -x -a "(__fish_append , (__knell_reasons))" -d 'Only deaths with these reasons'
complete -c knell -n '__fish_seen_subcommand_from trace' -l comm -x -d 'Only processes of this name'
complete -c knell -n '__fish_seen_subcommand_from trace' -l container -x -d 'Only containers of this name or id'
complete -c knell -n '__fish_seen_subcommand_from wait' -l timeout -x -d 'Wait no longer than this'
complete -c knell -n '__fish_seen_subcommand_from wait' -a '(__fish_complete_pids)'
complete -c knell -n '__fish_seen_subcommand_from stat' -s o -l output -r -F -d 'Write the report to a file'
complete -c knell -n '__fish_seen_subcommand_from stat' -l wait -d 'Wait for all descendants'
complete -c knell -n '__fish_seen_subcommand_from stat' -l bpf-time -d 'Measure the BPF programs too'
complete -c knell -n '__fish_seen_subcommand_from stat' -a '(__fish_complete_subcommand)'
complete -c knell -n '__fish_seen_subcommand_from check-config' -F
complete -c knell -n '__fish_seen_subcommand_from help' -a "$commands"
