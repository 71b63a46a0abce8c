#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every option that `machinist run --help` names is in its manual page and in the completions, and no other is.

The help text is made from the option table; the first argument is the program."""

import re
import subprocess
import sys

from source_files import files, finish, root, skip, text

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

for name in files():
    if "completions" in name.parts and name.name in ("machinist", "machinist.bash", "_machinist"):
        completed = set(long_option.findall(text(name)))
        findings += [f"{name}: {option} is missing" for option in sorted(options - completed)]
finish(findings)
