#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every option and verb that the program tells of in its help is in its manual page.

The help text is made from the tables of options and verbs; the first argument is the program."""

import re
import subprocess
import sys

from source_files import finish, root, text

program = sys.argv[1]
long_option = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9]")


def help_of(*words):
    shown = subprocess.run([program, *words, "--help"], capture_output=True, text=True)
    if shown.returncode:
        finish([f"'{program} {' '.join(words)} --help' ended with status {shown.returncode}: {shown.stderr.strip()}"])
    return shown.stdout


def page_of(name):
    # scdoc wants a backslash before some characters.
    return text((root / "man" / name).relative_to(root)).replace("\\", "")


findings = []
for name, words in (("machinist-run.1.scd", ["run"]), ("machinist.1.scd", [])):
    shown, page = help_of(*words), page_of(name)
    options = set(long_option.findall(shown))
    if len(options) < 20:
        finish([f"'{program} {' '.join(words)} --help' names {len(options)} options: {shown}"])
    findings += [f"man/{name}: {option} is missing" for option in sorted(options - set(long_option.findall(page)))]

shown, page = help_of(), page_of("machinist.1.scd")
verbs = re.findall(r"^  ([a-z][a-z-]*)", shown[shown.index("Verbs:"):shown.index("Options:")], re.MULTILINE)
described = page[page.index("# VERBS"):page.index("# OPTIONS")]
findings += [f"man/machinist.1.scd: the verb '{verb}' is missing" for verb in verbs
             if not re.search(rf"^\*[^\n]*\b{verb}\b", described, re.MULTILINE)]
finish(findings)
