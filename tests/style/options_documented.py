#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every option that `machinist run --help` names is in its manual page and offered by the completion.

The help text is made from the option table; the first argument is the program."""

import os
import re
import subprocess
import sys

from source_files import finish, root, skip, text

program = sys.argv[1]
page = root / "man" / "machinist-run.1.scd"
if not page.exists():
    skip("there is no man/machinist-run.1.scd yet")
shown = subprocess.run([program, "run", "--help"], capture_output=True, text=True)
if shown.returncode:
    finish([f"'{program} run --help' ended with status {shown.returncode}: {shown.stderr.strip()}"])

long_option = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9]")
options = set(long_option.findall(shown.stdout))
if len(options) < 20:
    finish([f"'{program} run --help' names {len(options)} options: {shown.stdout}"])
# scdoc wants a backslash before some characters.
documented = set(long_option.findall(text(page.relative_to(root)).replace("\\", "")))
findings = [f"man/machinist-run.1.scd: {option} is missing" for option in sorted(options - documented)]

# What a person gets who presses the tabulator behind "machinist run --".
completion = root / "src" / "cli" / "completion" / "machinist.bash"
if completion.exists():
    asked = subprocess.run(["bash", "-c", 'source "$0"; COMP_WORDS=(machinist run --) COMP_CWORD=2; _machinist; '
                            'printf "%s\\n" "${COMPREPLY[@]}"', completion], capture_output=True, text=True,
                           env={**os.environ, "PATH": f"{os.path.dirname(os.path.abspath(program))}:{os.environ['PATH']}"})
    offered = set(long_option.findall(asked.stdout))
    findings += [f"src/cli/completion/machinist.bash: {option} is not offered" for option in sorted(options - offered)]
finish(findings)
