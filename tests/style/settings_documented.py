#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual of settings files can be made out of the program's table, is a page, and has every key.

The first argument is the program."""

import json
import shutil
import subprocess
import sys

from source_files import finish, root, skip

program = sys.argv[1]
if not shutil.which("scdoc"):
    skip("scdoc is not installed")
man = root / "man"
page = subprocess.run([sys.executable, man / "generate_settings.py", program, man / "machinist.nspawn.5.beginning",
                       man / "machinist.nspawn.5.end"], capture_output=True, text=True)
made = subprocess.run(["scdoc"], input=page.stdout, capture_output=True, text=True)
findings = [one for one in (page.stderr.strip(), made.stderr.strip()) if one]
keys = json.loads(subprocess.run([program, "run", "--introspect-cli"], capture_output=True, text=True).stdout)["keys"]
findings += [f"machinist.nspawn(5): {key['key']}= is missing" for key in keys
             if not key["hidden"] and f"\n*{key['key']}*=" not in page.stdout]
if shutil.which("man") and not findings:
    shown = subprocess.run(["man", "--warnings", "--encoding=UTF-8", "--local-file", "-"], input=made.stdout,
                           capture_output=True, text=True)
    if shown.returncode or shown.stderr.strip():
        findings.append(f"machinist.nspawn(5): {shown.stderr.strip() or 'man cannot show it'}")
finish(findings)
