#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What bash, zsh and fish offer for machinist: every verb and option that the program tells of, and names that are there.

The first argument is the program. Shells that are not installed are left out; without bash there is nothing to check."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from source_files import finish, root, skip

program = os.path.abspath(sys.argv[1])
places = root / "src" / "cli" / "completion"
environment = {**os.environ, "PATH": f"{os.path.dirname(program)}:{os.environ['PATH']}"}
if not shutil.which("bash"):
    skip("bash is not installed")


def output_of(*words, **more):
    return subprocess.run(words, capture_output=True, text=True, env={**environment, **more}).stdout


def bash(*words):
    """What is offered for the last of the words."""
    line = " ".join(f"'{word}'" for word in words)
    return set(output_of("bash", "-c", f'source "$0"; COMP_WORDS=({line}) COMP_CWORD={len(words) - 1}; _machinist; '
                         'printf "%s\\n" "${COMPREPLY[@]}"', str(places / "machinist.bash")).split())


def fish(*words):
    with tempfile.TemporaryDirectory() as home:
        told = output_of("fish", "--no-config", "-c", f"source {places / 'machinist.fish'}; complete -C '{' '.join(words)}'",
                         HOME=home, XDG_CONFIG_HOME=home, XDG_DATA_HOME=home)
    return {line.split("\t")[0] for line in told.splitlines()}


# zsh offers on a terminal only; what it would offer is what its functions hand to compadd.
zsh_script = """
compadd() { while [[ $1 == -* && $1 != -- ]]; do shift; done; [[ $1 == -- ]] && shift; print -rl -- "$@" }
_files() { print -r -- FILES }
compset() { words[CURRENT]=${words[CURRENT]#*=} }
words=("$@") CURRENT=$#
set --
source $FILE
"""


def zsh(*words):
    return set(output_of("zsh", "-f", "-c", zsh_script, "zsh", *words, FILE=str(places / "_machinist")).split())


text = output_of(program, "--help")
verbs = set(re.findall(r"^  ([a-z][a-z-]*)", text[text.index("Verbs:"):text.index("Options:")], re.MULTILINE))
options = set(re.findall(r"--[a-z][a-z0-9-]*", text[text.index("Options:"):]))
run_options = set(re.findall(r"--[a-z][a-z0-9-]*", output_of(program, "run", "--help")))
findings = []
if len(verbs) < 20 or len(options) < 20 or len(run_options) < 50:
    finish([f"'{program} --help' tells of {len(verbs)} verbs and {len(options)} options: {text}"])

shells = {"bash": (bash, "machinist.bash", ["bash", "-n"]), "zsh": (zsh, "_machinist", ["zsh", "-n"]),
          "fish": (fish, "machinist.fish", ["fish", "-n"])}
for shell, (offered, name, check) in shells.items():
    if not shutil.which(shell):
        print(f"{shell} is not installed")
        continue
    checked = subprocess.run([*check, places / name], capture_output=True, text=True)
    if checked.returncode:
        findings.append(f"{places / name}: {checked.stderr.strip()}")

    def wants(words, expected):
        got = {one.rstrip("=") for one in offered(*words)}
        for one in sorted(expected - got):
            findings.append(f"src/cli/completion/{name}: '{one}' is not offered for '{' '.join(words)}'")

    wants(["machinist", ""], verbs)
    wants(["machinist", "list", "--"], options)
    wants(["machinist", "run", "--"], run_options)
    # fish keeps what begins with a dot to itself until somebody has typed the dot.
    wants(["machinist", "login", "."], {".host"})
    wants(["machinist", "snapshot", ""], {"create", "list", "restore", "remove"})
    wants(["machinist", "run", "--network-interface", "l"], {"lo"})
    with tempfile.TemporaryDirectory() as place:
        # Names come from the program: one that knows some.
        fake = os.path.join(place, "machinist")
        with open(fake, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\ncase $1 in\nlist) echo "web container";;\nlist-images) echo "golden directory";;\n'
                       f'list-devices) echo "acme.com/engine=0 /etc/cdi/acme.json";;\nkill) echo SIGUSR1;;\n*) exec {program} "$@";;\nesac\n')
        os.chmod(fake, 0o755)
        before = environment["PATH"]
        environment["PATH"] = f"{place}:{before}"
        wants(["machinist", "poweroff", ""], {"web"})
        wants(["machinist", "start", ""], {"golden"})
        wants(["machinist", "copy-to", ""], {"web"})
        wants(["machinist", "kill", "-s", ""], {"SIGUSR1"})
        wants(["machinist", "run", "--device", "acme"], {"acme.com/engine=0"})
        if shell == "bash":
            wants(["machinist", "run", "--device", "=", "acme.com/engine", "=", ""], {"0"})
        environment["PATH"] = before
finish(findings)
