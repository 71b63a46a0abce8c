#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shell scripts can be parsed, and shellcheck finds nothing in them."""

import shutil
import subprocess

from source_files import files, finish, is_shell, root

names = [str(name) for name in files() if is_shell(name)]
findings = []
for name in names:
    parsed = subprocess.run(["bash", "-n", name], capture_output=True, text=True, cwd=root)
    if parsed.returncode:
        findings.append(parsed.stderr.strip())
if shutil.which("shellcheck") and names:
    checked = subprocess.run(["shellcheck", "-x", "-f", "gcc", *names], capture_output=True, text=True, cwd=root)
    findings += checked.stdout.splitlines()
finish(findings)
