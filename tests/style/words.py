#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is committed is finished and belongs to nobody's machine: no marks of work left over, no places of one person."""

import re

from source_files import files, finish, text

forbidden = [
    (re.compile(r"\b(TO" r"DO|FIX" r"ME|HA" r"CK:|X" r"XX)\b"), "unfinished work is done or left out, not marked"),
    (re.compile(r"\b[Ii]ssues? #?\d+|(?<![\w&#])#\d+\b(?!\s*\|)"), "numbers of a tracker mean nothing to a reader"),
    (re.compile(r"(?<![\w.])/(work|home/[a-z]\w*|Users/\w+)/(main|shared|src|\.library)"), "a path of one machine"),
    (re.compile(r"\b[\w.-]+\.(debian\.org|npmjs\.org|pypi\.org|crates\.io)\b"), "the hosts of registries are settings"),
]
findings = []
for name in files():
    if name.name == "words.py" or name.name.startswith("LICENSE"):
        continue
    for number, line in enumerate(text(name).splitlines(), 1):
        for pattern, reason in forbidden:
            match = pattern.search(line)
            if match:
                findings.append(f"{name}:{number}: '{match.group(0)}': {reason}")
finish(findings)
