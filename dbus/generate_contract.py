#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the tables by which the daemon serves its interfaces out of the XML that documents them.

usage: generate_contract.py OUTPUT.cpp OUTPUT.hpp XML..."""

import sys
import xml.etree.ElementTree as xml

emits = {"const": "Emits::never_changes", "true": "Emits::value", "invalidates": "Emits::invalidation",
         "false": "Emits::nothing"}


def text(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def annotation(member, name, default):
    for found in member.findall("annotation"):
        if found.get("name") == name:
            return found.get("value")
    return default


def arguments(member, direction, default):
    chosen = [one for one in member.findall("arg") if one.get("direction", default) == direction]
    # The names of all arguments, each with a zero byte behind it: the form that libsystemd takes.
    names = "".join(f'"{one.get("name")}\\0"' for one in chosen)
    return "".join(one.get("type") for one in chosen), names or '""'


def rows(interface):
    for method in interface.findall("method"):
        taken, taken_names = arguments(method, "in", "in")
        given, given_names = arguments(method, "out", "in")
        yield f'    {{.kind = MemberKind::method, .name = {text(method.get("name"))}, .in = {text(taken)}, ' \
              f'.out = {text(given)}, .names = {taken_names} {given_names}}},'
    for signal in interface.findall("signal"):
        given, names = arguments(signal, "out", "out")
        yield f'    {{.kind = MemberKind::signal, .name = {text(signal.get("name"))}, .out = {text(given)}, ' \
              f'.names = {names}}},'
    for member in interface.findall("property"):
        change = annotation(member, "org.freedesktop.DBus.Property.EmitsChangedSignal", "true")
        hidden = annotation(member, "io.machinist.Hidden", "false")
        yield f'    {{.kind = MemberKind::property, .name = {text(member.get("name"))}, ' \
              f'.out = {text(member.get("type"))}, .emits = {emits[change]}, .hidden = {hidden}, ' \
              f'.writable = {"true" if member.get("access") == "readwrite" else "false"}}},'


def main():
    source, header, *documents = sys.argv[1:]
    definitions, declarations = [], []
    for document in documents:
        for interface in xml.parse(document).getroot().iter("interface"):
            name = interface.get("name")
            symbol = name.replace(".", "_")
            lines = list(rows(interface))
            definitions.append(f"constexpr Member {symbol}_members[] = {{\n" + "\n".join(lines) + "\n};\n"
                               f"const InterfaceContract {symbol}{{{text(name)}, {symbol}_members}};\n")
            declarations.append(f"extern const InterfaceContract {symbol};")
    with open(source, "w", encoding="utf-8") as file:
        file.write('#include "contract_tables.hpp"\n\nnamespace machinist::contract {\n\n' + "\n".join(definitions) +
                   "\n} // namespace machinist::contract\n")
    with open(header, "w", encoding="utf-8") as file:
        file.write('#pragma once\n#include "bus/interface_contract.hpp"\n\nnamespace machinist::contract {\n' +
                   "\n".join(declarations) + "\n} // namespace machinist::contract\n")


main()
