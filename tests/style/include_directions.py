#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A layer includes only the layers that the table permits it; an include that is not there is code in the wrong layer."""

import re

from source_files import files, finish, is_cpp, text

may_include = {
    "precompiled": set(),
    "base": {"base"},
    "kernel": {"base", "kernel"},
    "spec": {"base", "spec"},
    "image": {"base", "kernel", "spec", "image"},
    "transfer": {"base", "kernel", "spec", "image", "oci", "transfer"},
    "recipe": {"base", "kernel", "image", "recipe"},
    "oci": {"base", "spec", "oci"},
    "cdi": {"base", "kernel", "spec", "image", "oci", "cdi"},
    "dissect": {"base", "kernel", "spec", "dissect"},
    "scope": {"base", "scope"},
    "network": {"base", "kernel", "spec", "network"},
    "supervisor": {"base", "kernel", "spec", "image", "network", "scope", "supervisor"},
    "devices": {"base", "kernel", "spec", "scope", "supervisor", "registry", "devices"},
    "enter": {"base", "kernel", "spec", "enter"},
    "bus": {"base", "kernel", "bus"},
    "varlink": {"base", "kernel", "bus", "varlink"},
    "registry": {"base", "kernel", "spec", "image", "registry", "bus"},
    "gateway": {"base", "kernel", "spec", "network", "registry", "bus", "gateway"},
    "daemon": {"base", "kernel", "spec", "image", "registry", "bus", "varlink", "daemon"},
    "cli": {"base", "kernel", "spec", "image", "network", "gateway", "oci", "cdi", "recipe", "scope", "supervisor", "registry", "bus", "cli"},
}
include = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)

findings = []
for name in files():
    if not is_cpp(name) or name.parts[0] not in ("src", "tests"):
        continue
    layer = name.parts[1] if name.parts[0] == "src" else name.parts[2] if name.parts[1] == "unit" else None
    if layer is None or (layer not in may_include and name.parts[0] == "tests"):
        continue
    if layer not in may_include:
        findings.append(f"{name}: the folder 'src/{layer}' is no layer of the table in {__file__}")
        continue
    for target in include.findall(text(name)):
        if ".." in target.split("/"):
            findings.append(f"{name}: \"{target}\" is written from above; name the layer: \"layer/file.hpp\"")
        other = target.split("/")[0]
        if "/" in target and other in may_include and other not in may_include[layer]:
            findings.append(f"{name}: '{layer}' may not include '{other}' (\"{target}\"); "
                            f"it may include {', '.join(sorted(may_include[layer]))}")
finish(findings)
