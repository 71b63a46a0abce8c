#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tells what came of all suites: skips with their reasons, failures in detail, and the closing line."""

import collections
import json
import sys


def main():
    cases = []
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            cases += json.load(file)
    by_status = collections.defaultdict(list)
    by_suite = collections.defaultdict(collections.Counter)
    for case in cases:
        by_status[case["status"]].append(case)
        by_suite[case["suite"]][case["status"]] += 1

    if by_status["skipped"]:
        print("\nskipped:")
        by_reason = collections.defaultdict(list)
        for case in by_status["skipped"]:
            by_reason[case["detail"] or "no reason given"].append(f"{case['suite']}/{case['name']}")
        for reason, names in sorted(by_reason.items()):
            shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
            print(f"  {reason}: {shown}")
    for case in by_status["failed"]:
        print(f"\nFAILED {case['suite']}: {case['program']}: {case['name']}")
        for line in case["detail"].splitlines():
            print(f"    {line}")
    print("\nslowest:", ", ".join(f"{case['name']} {case['seconds']:.1f} s" for case in
                                  sorted(cases, key=lambda case: -case["seconds"])[:5]))
    for suite, counts in by_suite.items():
        print(f"suite {suite}: " + ", ".join(f"{counts[status]} {status}" for status in
                                             ("passed", "failed", "skipped") if counts[status]))
    print(f"\n{len(by_status['passed'])} passed, {len(by_status['failed'])} failed, "
          f"{len(by_status['skipped'])} skipped")
    return 1 if by_status["failed"] or not by_status["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
