#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the reference of bus interfaces for a manual page, in scdoc's language, out of the XML that documents them.

usage: generate_manual.py BEGINNING END XML...: prints the page, the interfaces between the two files."""

import re
import sys
import xml.etree.ElementTree as xml


def marked(text):
    """Words between backquotes are bold, nothing else has a meaning."""
    parts = " ".join(text.split()).split("`")
    escaped = [re.sub(r"([\\*_\[\]#.~<>])", r"\\\1", part) for part in parts]
    return "".join(f"*{part}*" if at % 2 and part else part for at, part in enumerate(escaped))


def arguments(member, direction, default):
    chosen = [one for one in member.findall("arg") if one.get("direction", default) == direction]
    return ", ".join(f'{one.get("type")} _{marked(one.get("name"))}_' for one in chosen)


def signature(member):
    name = f'*{member.get("name")}*'
    if member.tag == "method":
        given = arguments(member, "out", "in")
        return f'{name}({arguments(member, "in", "in")})' + (f" → {given}" if given else "")
    if member.tag == "signal":
        return f'{name}({arguments(member, "out", "out")})'
    change = [one.get("value") for one in member.findall("annotation") if one.get("name").endswith("EmitsChangedSignal")]
    told = {"const": ", constant", "false": ", changes without a signal"}.get((change or ["true"])[0], "")
    return f'{name}: {member.get("type")}{told}'


def documented(parent):
    """Each child with the comment before it."""
    comment = ""
    for child in parent:
        if child.tag is xml.Comment:
            comment = child.text
        else:
            yield child, comment
            comment = ""


def is_hidden(member):
    return any(one.get("name") == "io.machinist.Hidden" and one.get("value") == "true"
               for one in member.findall("annotation"))


def page_of(interface, comment):
    yield f'# {interface.get("name")}\n'
    if comment:
        yield marked(comment) + "\n"
    for tag, title in (("method", "Methods"), ("signal", "Signals"), ("property", "Properties")):
        members = [(one, text) for one, text in documented(interface) if one.tag == tag and not is_hidden(one)]
        if members:
            yield f"## {title}\n"
        for member, text in members:
            yield f"{signature(member)}\n\t{marked(text) or '(As its name says.)'}\n"


def main():
    beginning, end, *documents = sys.argv[1:]
    with open(beginning, encoding="utf-8") as file:
        print(file.read())
    for document in documents:
        parser = xml.XMLParser(target=xml.TreeBuilder(insert_comments=True), encoding="utf-8")
        for interface, comment in documented(xml.parse(document, parser).getroot()):
            if interface.tag == "interface":
                print("\n".join(page_of(interface, comment)))
    with open(end, encoding="utf-8") as file:
        print(file.read(), end="")


sys.stdout.reconfigure(encoding="utf-8")
main()
