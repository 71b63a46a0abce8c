# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files of the project, and how a check tells what it found."""

import pathlib
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent.parent


def files():
    """Every file of the project, as a path below its root; without git, all that no build made."""
    # Without the owner check: a clone may belong to somebody else than the one who tests it.
    listed = subprocess.run(["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z"], capture_output=True)
    if listed.returncode == 0:
        names = [pathlib.Path(name) for name in listed.stdout.decode().split("\0") if name]
    else:
        names = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
        names = [name for name in names if not name.parts[0].startswith(("build", ".git"))]
    return sorted(name for name in names if (root / name).is_file() and not (root / name).is_symlink())


def text(name):
    return (root / name).read_text(encoding="utf-8", errors="replace")


def is_cpp(name):
    return name.suffix in (".cpp", ".hpp", ".c", ".h")


def is_shell(name):
    return name.suffix in (".bash", ".sh") or text(name).startswith(("#!/bin/bash", "#!/bin/sh", "#!/usr/bin/env bash"))


def finish(findings):
    """One finding a line; status 1 if there is any."""
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)


def skip(reason):
    print(reason)
    sys.exit(77)
