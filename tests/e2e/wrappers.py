"""Command lines that give something up and then execute what follows them: to be put in front of another."""

_BPF = "-bpf,-perfmon,-sys_admin"
WITHOUT_BPF = ["setpriv", f"--bounding-set={_BPF}", f"--inh-caps={_BPF}"]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
