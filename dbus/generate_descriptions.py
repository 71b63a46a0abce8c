#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Puts the descriptions of Varlink interfaces into a header, so that the daemon can give them to whoever asks.

usage: generate_descriptions.py OUTPUT.hpp DESCRIPTION.varlink..."""

import pathlib
import sys


def main():
    header, *documents = sys.argv[1:]
    rows = []
    for document in map(pathlib.Path, documents):
        text = "".join(line for line in document.read_text(encoding="utf-8").splitlines(keepends=True)
                       if "SPDX-License-Identifier" not in line)
        rows.append(f'    {{"{document.name.removesuffix(".varlink")}", R"varlink({text})varlink"}},\n')
    pathlib.Path(header).write_text(
        "#pragma once\n#include <string_view>\n#include <utility>\n\nnamespace machinist::contract {\n"
        "inline constexpr std::pair<std::string_view, std::string_view> varlink_descriptions[] = {\n" + "".join(rows) +
        "};\n} // namespace machinist::contract\n", encoding="utf-8")


main()
