#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every option, key and variable has a line in tests/option_effects: a test of what it does, or why there is none.

The first argument is the program, whose table of options is walked. A test that is named must be in the sources."""

import json
import re
import subprocess
import sys

from source_files import files, finish, root, text

place = "tests/option_effects"
program = sys.argv[1]
shown = subprocess.run([program, "run", "--introspect-cli"], capture_output=True, text=True)
if shown.returncode:
    finish([f"'{program} run --introspect-cli' ended with status {shown.returncode}: {shown.stderr.strip()}"])
table = json.loads(shown.stdout)
names = set()
for option in table["options"]:
    names.add("--" + option["long"] if option["long"] else "-" + option["short"])
for key in table["keys"]:
    if not key["option"]:
        names.add(key["key"])
page = text((root / "man" / "machinist-run.1.scd").relative_to(root)).replace("\\", "")
described = page[page.index("# ENVIRONMENT"):page.index("# SIGNALS")]
variables = set(re.findall(r"_([A-Z][A-Z_]+[A-Z])_", described))

tests = set()
for name in files():
    if name.suffix == ".cpp" and name.parts[0] == "tests":
        tests |= {f"{fixture}.{case}" for fixture, case in
                  re.findall(r"^TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)", text(name), re.MULTILINE)}

findings, lines = [], {}
for number, line in enumerate(text((root / place).relative_to(root)).splitlines(), 1):
    if not line or line.startswith("#"):
        continue
    parts = re.fullmatch(r"(\S+?)(?:: (\S+)| - (.+))", line)
    if not parts:
        findings.append(f"{place}:{number}: is neither 'NAME: FIXTURE.TEST' nor 'NAME - reason'")
        continue
    name, test, reason = parts.groups()
    lines[name] = number
    if test and test not in tests:
        findings.append(f"{place}:{number}: there is no test {test}")
    if name not in names and name not in variables:
        findings.append(f"{place}:{number}: the program has no {name}")
for name in sorted(names - set(lines)):
    findings.append(f"{place}: {name} has neither a test of its effect nor a reason to have none")
findings += [f"{place}: the variable {name} has neither a test nor a reason" for name in sorted(variables - set(lines))]
if len(names) < 80 or len(variables) < 10 or len(tests) < 500:
    findings.append(f"only {len(names)} options, {len(variables)} variables and {len(tests)} tests were found")
finish(findings)
