#!/usr/bin/python3
"""Prints what the compiler sees of one source file: argv[1] is the build directory, argv[2] the source."""

import json
import os
import shlex
import subprocess
import sys

build, source = sys.argv[1], os.path.realpath(sys.argv[2])
with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as commands:
    entry = next((e for e in json.load(commands) if os.path.realpath(e["file"]) == source), None)
if entry is None:
    sys.exit(f"{source} is not built by {build}")
command = shlex.split(entry["command"])
output = command.index("-o")
command[output : output + 2] = []
command[command.index("-c")] = "-E"
subprocess.run(command, cwd=entry["directory"], check=True)
