#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""No source file has more than 500 lines, no main.cpp more than 100."""

from source_files import files, finish, is_cpp, is_shell, text

findings = []
for name in files():
    if not (is_cpp(name) or name.suffix == ".py" or is_shell(name)):
        continue
    limit = 100 if name.name == "main.cpp" else 500
    count = text(name).count("\n")
    if count > limit:
        findings.append(f"{name}: {count} lines, {limit} are allowed; find the second concept in it and give it a file")
finish(findings)
