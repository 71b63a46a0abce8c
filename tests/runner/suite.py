#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the test programs of one meson suite and writes what came of each single case as JSON.

A GoogleTest program is counted by its cases, any other program is one case: 0 passed, 77 skipped, else failed.
A program that dies or hangs does not hide anything: the case it was in has failed, the ones after it have failed
as "not run".
"""

import argparse
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as xml

started = re.compile(r"^\[ RUN      \] (\S+)")
ended = re.compile(r"^\[(       OK |  FAILED  |  SKIPPED )\] (\S+)(?: \((\d+) ms\))?")
output_limit = 200_000


def tests_of(build, suite):
    listed = subprocess.run(["meson", "introspect", "--tests", build], check=True, capture_output=True, text=True)
    for test in json.loads(listed.stdout):
        if suite in [name.split(":")[-1] for name in test["suite"]]:
            yield test


def programs_of(build, tests):
    """What is installed, what the tests start and what they say they need, as ninja knows it."""
    listed = subprocess.run(["meson", "introspect", "--targets", build], check=True, capture_output=True, text=True)
    targets = json.loads(listed.stdout)
    files = {target["id"]: target["filename"] for target in targets}
    paths = {path for target in targets if target["type"] == "executable" and target["installed"] for path in target["filename"]}
    paths |= {test["cmd"][0] for test in tests} | {path for test in tests for name in test["depends"] for path in files[name]}
    return sorted(os.path.relpath(path, build) for path in paths)


class Run:
    """One start of one program, to its end or to the end of its time."""

    def __init__(self, command, environment, directory, seconds, on_line=None):
        self.lines, self.timed_out, self.size = [], False, 0
        process = subprocess.Popen(command, env=environment, cwd=directory, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

        def end():
            self.timed_out = True
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(seconds, end)
        timer.start()
        try:
            for raw in process.stdout:
                line = raw.decode("utf-8", "replace").rstrip("\n")
                self.size += len(line)
                if self.size < output_limit or line.startswith("["):
                    self.lines.append(line)
                if on_line:
                    on_line(line)
            self.status = process.wait()
        finally:
            timer.cancel()

    def end_in_words(self):
        if self.timed_out:
            return "its time ran out"
        if self.status < 0:
            return f"it was ended by {signal.Signals(-self.status).name}"
        return f"it ended with status {self.status}"

    def tail(self, count=60):
        return "\n".join(self.lines[-count:])


def cases_of_xml(path):
    """(name, status, seconds, detail) of each case."""
    for case in xml.parse(path).getroot().iter("testcase"):
        if case.get("status") == "notrun":
            continue
        name = f"{case.get('classname')}.{case.get('name')}"
        seconds = float(case.get("time") or 0)
        failures = [failure.get("message") or "" for failure in case.findall("failure")]
        skipped = case.find("skipped")
        if failures:
            yield name, "failed", seconds, "\n".join(failures)
        elif skipped is not None or case.get("result") == "skipped":
            message = (skipped.get("message") if skipped is not None else "") or ""
            yield name, "skipped", seconds, message.split("\n", 1)[-1].strip()
        else:
            yield name, "passed", seconds, ""


def cases_of_output(run, wanted):
    """What a program that did not come to its end left: by its lines, as it wrote them."""
    current, detail = None, []
    left = set(wanted)
    for line in run.lines:
        if match := started.match(line):
            current, detail = match.group(1), []
        elif (match := ended.match(line)) and match.group(2) in left:
            kind = {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}[match.group(1).strip()]
            left.discard(match.group(2))
            yield match.group(2), kind, int(match.group(3) or 0) / 1000, "\n".join(detail)
            current, detail = None, []
        else:
            detail.append(line)
    if current:
        left.discard(current)
        yield current, "failed", 0, f"the program did not survive this case: {run.end_in_words()}\n" + "\n".join(detail)
    for name in sorted(left):
        yield name, "failed", 0, f"not run: before it came to this case, {run.end_in_words()}\n{run.tail(20)}"


def list_cases(command, environment, directory):
    listed = subprocess.run(command + ["--gtest_list_tests"], env=environment, cwd=directory, capture_output=True,
                            text=True, stdin=subprocess.DEVNULL, timeout=60)
    if listed.returncode:
        return None
    names, group = [], ""
    for line in listed.stdout.splitlines():
        line = line.split("#")[0].rstrip()
        if line and not line.startswith(" ") and line.endswith("."):
            group = line
        elif line.startswith("  "):
            names.append(group + line.strip())
    return [name for name in names if "DISABLED_" not in name]


class Progress:
    """One line a program, and for long ones the cases as they fail and a sign of life."""

    def __init__(self, label):
        self.label, self.lock, self.done, self.last = label, threading.Lock(), 0, time.monotonic()

    def say(self, text):
        with self.lock:
            print(f"   {self.label}: {text}", flush=True)
            self.last = time.monotonic()

    def line(self, line):
        if match := ended.match(line):
            if match.group(3) is None and "FAILED" in match.group(1):
                return
            with self.lock:
                self.done += 1
                silent = time.monotonic() - self.last
            if match.group(1).strip() == "FAILED":
                self.say(f"FAILED {match.group(2)}")
            elif silent > 15:
                self.say(f"{self.done} cases done")


def run_test(test, arguments, progress, shard=None):
    environment = {**os.environ, **test["env"]}
    if shard:
        environment |= {"GTEST_TOTAL_SHARDS": str(arguments.shards), "GTEST_SHARD_INDEX": str(shard[0])}
    directory = test["workdir"] or arguments.build
    seconds = max(test["timeout"], 30) * arguments.patience
    begin = time.monotonic()
    if test["protocol"] == "gtest":
        wanted = list_cases(test["cmd"], environment, directory) or [f"{test['name']}.(the whole program)"]
        if shard:
            wanted = wanted[shard[0]::arguments.shards]
        with tempfile.TemporaryDirectory() as place:
            path = os.path.join(place, "cases.xml")
            run = Run(test["cmd"] + [f"--gtest_output=xml:{path}"], environment, directory, seconds, progress.line)
            try:
                cases = list(cases_of_xml(path))
            except (OSError, xml.ParseError):
                cases = list(cases_of_output(run, wanted))
        if run.status and not any(case[1] == "failed" for case in cases):
            cases.append((f"{test['name']}.(the whole program)", "failed", 0, f"{run.end_in_words()}\n{run.tail()}"))
    else:
        run = Run(test["cmd"], environment, directory, seconds)
        status = {0: "passed", 77: "skipped"}.get(run.status, "failed")
        detail = {"passed": "", "skipped": " ".join(run.lines[-1:])}.get(status, f"{run.end_in_words()}\n{run.tail()}")
        cases = [(test["name"], status, time.monotonic() - begin, detail)]
        if status == "failed":
            progress.say(f"FAILED {test['name']}")
    part = f" ({shard[0] + 1} of {arguments.shards})" if shard else ""
    progress.say(f"{test['name']}{part}: {len(cases)} cases in {time.monotonic() - begin:.1f} s")
    return [{"suite": arguments.label, "program": test["name"], "name": name, "status": status, "seconds": taken,
             "detail": detail} for name, status, taken, detail in cases]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--suite", required=True)
    parser.add_argument("--label", help="the suite's name in the report")
    parser.add_argument("--results")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--shards", type=int, default=1, help="starts of one GoogleTest program at a time")
    parser.add_argument("--patience", type=float, default=3, help="times the time that meson gives")
    parser.add_argument("--programs", action="store_true", help="print what the suite runs, as ninja targets; no more")
    arguments = parser.parse_args()
    arguments.label = arguments.label or arguments.suite
    arguments.build = os.path.abspath(arguments.build)
    progress = Progress(arguments.label)
    tests = list(tests_of(arguments.build, arguments.suite))
    if arguments.programs:
        print("\n".join(programs_of(arguments.build, tests)))
        return 0
    results = []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        futures = []
        for test in tests:
            if arguments.shards > 1 and test["protocol"] == "gtest" and test["is_parallel"]:
                futures += [pool.submit(run_test, test, arguments, progress, (index,))
                            for index in range(arguments.shards)]
            elif test["is_parallel"]:
                futures.append(pool.submit(run_test, test, arguments, progress))
        for future in futures:
            results += future.result()
    for test in tests:
        if not test["is_parallel"]:
            results += run_test(test, arguments, progress)
    with open(arguments.results, "w", encoding="utf-8") as file:
        json.dump(results, file)
    return 1 if any(case["status"] == "failed" for case in results) else 0


if __name__ == "__main__":
    sys.exit(main())
