# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon that machines are registered with, beside systemd-machined on the same host."""

import json

import measure
from bus_host import BusHost
from rows import Result

MOST = 2000
STEPS = (100, 1000)
# systemd-machined comes last: where it breaks it may take the host with it.
listing = {"machinistd": "machinist list", "machined": "machinectl list --no-pager"}


def answers(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def told(host, words):
    return answers(host.sh(f"bus_timer {words}"))


def grown(host, provider):
    """What one round says: medians at each step, then kilobytes for each machine."""
    host.provide_by(provider)
    empty, *steps = told(host, f"grow {' '.join(map(str, STEPS))} -- {listing[provider]}")
    values = {}
    for step in steps:
        for key, what in (("create", "CreateMachine"), ("list", "ListMachines"), ("get", "GetMachine"),
                          ("command", "list by the CLI")):
            values[f"{what} at {step['machines']}", "ms"] = step[key]
        # The scope alone, asked of systemd itself: what CreateMachine cannot be faster than.
        values[f"CreateMachine without its scope at {step['machines']}", "ms"] = step["create"] - step["scope"]
    values["private memory per machine", "bytes"] = (steps[-1]["memory"] - empty["memory"]) * 1024 / STEPS[-1]
    return values


def service(contenders, counts, place, tree):
    del contenders
    build = place.programs.parent.parent
    version = tree.name.removeprefix("host-")
    series, problems = {}, {}

    def round_of(host, sample):
        for provider in listing:
            if provider in problems:
                continue
            try:
                for key, value in sample(host, provider).items():
                    series.setdefault(key, {}).setdefault(provider, []).append(value)
            except (measure.Failed, OSError, ValueError) as problem:
                problems[provider] = str(problem)

    def held(host, provider):
        host.provide_by(provider)
        # Beside systemd, which may answer nobody any more.
        (answer,) = answers(host.enter(f"timeout 180 bus_timer hold {MOST}").stdout)
        return {(f"machines held, {MOST} wanted", "machines"): answer["held"]}

    with BusHost(tree, build, place.programs / "bus_timer", roomy=False) as host:
        round_of(host, held)
    with BusHost(tree, build, place.programs / "bus_timer", roomy=True) as host:
        for _ in range(counts.crowds):
            round_of(host, grown)
    return [Result(f"{version}: {what}", unit, values, problems, base="machined")
            for (what, unit), values in series.items()]
