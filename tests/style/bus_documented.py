#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every member of machinist's own bus interfaces says what it means, and is in io.machinist(5), which man can show."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

from source_files import finish, root, skip

for program in ("scdoc", "man"):
    if not shutil.which(program):
        skip(f"{program} is not installed")
document = root / "dbus" / "io.machinist.xml"
findings = []
made = subprocess.run([sys.executable, root / "dbus" / "generate_manual.py", root / "man" / "io.machinist.5.beginning",
                       root / "man" / "io.machinist.5.end", document], capture_output=True, text=True)
if made.returncode:
    finish([f"dbus/generate_manual.py: {made.stderr.strip()}"])
with tempfile.TemporaryDirectory() as place:
    page = os.path.join(place, "io.machinist.5")
    with open(page, "w", encoding="utf-8") as file:
        turned = subprocess.run(["scdoc"], input=made.stdout, stdout=file, stderr=subprocess.PIPE, text=True)
    if turned.returncode:
        finish([f"io.machinist(5): {turned.stderr.strip()}"])
    shown = subprocess.run(["man", "--warnings", "--encoding=UTF-8", "--local-file", page], capture_output=True, text=True,
                           env={**os.environ, "MANWIDTH": "200", "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "GROFF_NO_SGR": "1"})
if shown.returncode or shown.stderr.strip():
    findings.append(f"io.machinist(5): {shown.stderr.strip() or 'man cannot show it'}")
text = re.sub(".\b", "", shown.stdout)
parser = xml.XMLParser(target=xml.TreeBuilder(insert_comments=True))
for interface in xml.parse(document, parser).getroot().iter("interface"):
    comment = ""
    for child in interface:
        if child.tag is xml.Comment:
            comment = child.text.strip()
            continue
        name = f'{interface.get("name")}.{child.get("name")}'
        if child.tag in ("method", "signal", "property"):
            if not comment:
                findings.append(f"dbus/io.machinist.xml: {name} has no comment before it that says what it means")
            if not re.search(rf'^ +{child.get("name")}[(:]', text, re.MULTILINE):
                findings.append(f"io.machinist(5): {name} is missing")
        comment = ""
finish(findings)
