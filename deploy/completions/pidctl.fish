# fish completion for pidctl(1).

set -l commands info namespaces translate relation signal cat wait run help
set -l features peer_pidfd pidfs thread_pidfds signal_scopes namespace_ioctls pidns_ioctls info exit_info autokill

complete -c pidctl -f
complete -c pidctl -s h -l help -d 'Show help'
complete -c pidctl -l json -d 'Print JSON'
complete -c pidctl -l without -x -a "(__fish_append , $features)" -d 'Behave as on a kernel without these features'
complete -c pidctl -n "not __fish_seen_subcommand_from $commands" -l version -d 'Show the version'
complete -c pidctl -n "not __fish_seen_subcommand_from $commands" -a info -d 'Show what the kernel tells of a process'
complete -c pidctl -n "not __fish_seen_subcommand_from $commands" -a namespaces -d 'Show the namespaces that a process is in'
complete -c pidctl -n "not __fish_seen_subcommand_from $commands" -a translate -d 'Tell its number in another pid namespace'
complete -c pidctl -n "not __fish_seen_subcommand_from $commands" -a relation -d 'Tell how one pid namespace stands to another'
complete -c pidctl -n "not __fish_seen_subcommand_from $commands" -a signal -d 'Send a signal'
complete -c pidctl -n "not __fish_seen_subcommand_from $commands" -a cat -d 'Show a file of the /proc directory'
complete -c pidctl -n "not __fish_seen_subcommand_from $commands" -a wait -d 'Wait for the end of processes'
complete -c pidctl -n "not __fish_seen_subcommand_from $commands" -a run -d 'Run a command that can be tied to pidctl'
complete -c pidctl -n "not __fish_seen_subcommand_from $commands" -a help -d 'Show help'

complete -c pidctl -n '__fish_seen_subcommand_from info namespaces translate signal cat wait' -a '(__fish_complete_pids)'
complete -c pidctl -n '__fish_seen_subcommand_from translate' -l from -r -F -d 'Its namespace'
complete -c pidctl -n '__fish_seen_subcommand_from translate' -l to -r -F -d 'The namespace asked'
complete -c pidctl -n '__fish_seen_subcommand_from relation' -F
complete -c pidctl -n '__fish_seen_subcommand_from signal' -l thread -d 'To this thread alone'
complete -c pidctl -n '__fish_seen_subcommand_from signal' -l group -d 'To the whole process group'
complete -c pidctl -n '__fish_seen_subcommand_from cat' -l private-procfs -d 'Read in a procfs of its own'
complete -c pidctl -n '__fish_seen_subcommand_from wait' -l timeout -x -d 'Wait no longer than this'
complete -c pidctl -n '__fish_seen_subcommand_from wait' -l reaped -d 'Until they are collected, too'
complete -c pidctl -n '__fish_seen_subcommand_from run' -l kill-on-close -d 'Killed when pidctl ends'
complete -c pidctl -n '__fish_seen_subcommand_from run' -l descendants -d 'And all that it has started'
complete -c pidctl -n '__fish_seen_subcommand_from run' -a '(__fish_complete_subcommand)'
complete -c pidctl -n '__fish_seen_subcommand_from help' -a "$commands"
