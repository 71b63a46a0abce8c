#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the manual of settings files, in scdoc's language, out of the table of keys that the program has.

usage: generate_settings.py PROGRAM BEGINNING END: prints the page, the sections between the two files."""

import json
import re
import subprocess
import sys


def marked(text):
    return re.sub(r"([\\*_\[\]#.~<>])", r"\\\1", text)


def meaning(key):
    if key["section"] == "Resources":
        return "A limit of the machine's control group, as systemd.resource-control(5) has it."
    if key["key"].startswith("Limit"):
        return ("A limit of each process, see setrlimit(2): SOFT:HARD, one value for both, or *infinity*. "
                f'As *--rlimit*={key["key"][5:]}=.')
    text = marked(key["help"].rstrip("."))
    if key["option"]:
        text += f', as *--{key["option"]}* of machinist-run(1)'
    return text + "."


def entry(key):
    value = key["metavar"] or ("SOFT[:HARD]" if key["key"].startswith("Limit") else "WORDS")
    yield f'*{key["key"]}*={marked(value)}'
    text = meaning(key)
    if key["default"]:
        text += f' Default: {marked(key["default"])}.'
    if key["list"]:
        text += " A list: later assignments add to it."
    if key["trust"] == "open":
        text += " Counts wherever the file lies."
    elif key["trust"] == "depends":
        text += " In a file that is not trusted it can only take away."
    yield "\t" + text + "\n"


def main(program, beginning, end):
    shown = subprocess.run([program, "run", "--introspect-cli"], capture_output=True, text=True, check=True).stdout
    keys = [key for key in json.loads(shown)["keys"] if not key["hidden"]]
    lines = [open(beginning, encoding="utf-8").read()]
    for section in dict.fromkeys(key["section"] for key in sorted(keys, key=lambda one: one["section"])):
        lines.append(f"# SECTION {section.upper()}\n")
        for key in keys:
            if key["section"] == section:
                lines += entry(key)
    lines.append(open(end, encoding="utf-8").read())
    print("\n".join(lines), end="")


main(*sys.argv[1:])
