#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every source file begins with its licence, and every header with the sentence that says what it is."""

from source_files import files, finish, is_cpp, is_shell, text

tag = "SPDX-License-Identifier: LGPL-2.1-or-later"

findings = []
for name in files():
    if not (is_cpp(name) or is_shell(name) or name.suffix == ".py"
            or name.name in ("meson.build", "meson_options.txt")
            # Accounts know no comments.
            or ("recipes" in name.parts and name.name not in ("passwd", "group"))):
        continue
    lines = text(name).splitlines()
    if lines and lines[0].startswith("#!"):
        lines = lines[1:]
    if not lines or not lines[0].endswith(tag):
        findings.append(f"{name}: the first line is not '{tag}' in a comment")
    elif name.suffix in (".hpp", ".h") and not (len(lines) > 1 and lines[1].startswith("// ")):
        findings.append(f"{name}: the line after the licence does not say what this file is")
finish(findings)
