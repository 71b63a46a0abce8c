#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""All C++ is as clang-format of Debian 12 makes it; other versions of it disagree about details."""

import re
import shutil
import subprocess

from source_files import files, finish, is_cpp, root, skip

program = shutil.which("clang-format-14") or shutil.which("clang-format")
if not program:
    skip("clang-format is not installed")
version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
if not re.search(r"version 14\.", version):
    skip(f"the rules are those of clang-format 14, not of {version.strip()}")

names = [str(name) for name in files() if is_cpp(name)]
checked = subprocess.run([program, "--dry-run", *names], capture_output=True, text=True, cwd=root)
places = {}
for match in re.finditer(r"^([^:\n]+):(\d+):\d+: warning", checked.stderr, re.MULTILINE):
    places.setdefault(match.group(1), []).append(match.group(2))
findings = [f"{name}: line {', '.join(lines[:5])}{' and more' if len(lines) > 5 else ''}: run clang-format -i {name}"
            for name, lines in places.items()]
if checked.returncode and not findings:
    findings = [checked.stderr]
finish(findings)
