#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every manual page is made by scdoc and shown by man without a warning."""

import os
import shutil
import subprocess
import tempfile

from source_files import files, finish, root, skip

pages = [name for name in files() if name.suffix == ".scd"]
if not pages:
    skip("there are no manual pages yet")
for program in ("scdoc", "man"):
    if not shutil.which(program):
        skip(f"{program} is not installed")

findings = []
with tempfile.TemporaryDirectory() as place:
    for name in pages:
        with open(root / name, "rb") as source:
            made = subprocess.run(["scdoc"], stdin=source, capture_output=True)
        if made.returncode:
            findings.append(f"{name}: {made.stderr.decode().strip()}")
            continue
        page = os.path.join(place, name.stem)
        with open(page, "wb") as file:
            file.write(made.stdout)
        shown = subprocess.run(["man", "--warnings", "--encoding=UTF-8", "--local-file", page], capture_output=True,
                               env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""})
        complaints = shown.stderr.decode().strip()
        if shown.returncode or complaints:
            findings.append(f"{name}: {complaints or 'man cannot show it'}")
finish(findings)
