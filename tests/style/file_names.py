#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file is named after its concept, in snake case."""

import re

from source_files import files, finish, is_cpp

without_concept = {"util", "utils", "utility", "helper", "helpers", "common", "misc", "tools", "lib"}

findings = []
for name in files():
    for part in name.with_suffix("").parts:
        bad = without_concept & set(re.split(r"[_.-]", part.lower()))
        if bad:
            findings.append(f"{name}: '{bad.pop()}' names no concept; say what is in it")
    if is_cpp(name) and not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name.stem):
        findings.append(f"{name}: not in snake case")
finish(findings)
