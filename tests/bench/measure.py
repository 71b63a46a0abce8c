# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts one program, waits for it and all that it left behind, and says how long that took and what it cost."""

import ctypes
import dataclasses
import fcntl
import os
import signal
import statistics
import subprocess
import time

PR_SET_CHILD_SUBREAPER = 36


class Failed(Exception):
    pass


@dataclasses.dataclass
class Sample:
    wall: float  # milliseconds, until the program ended
    cpu: float   # milliseconds, of it and of everything that it started and that has ended
    output: str
    began: int   # monotonic nanoseconds


@dataclasses.dataclass
class Started:
    pid: int
    began: int


def adopt_orphans():
    """Processes whose parent ends become ours, so that their CPU time counts and none is left."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def spawn(command, stdin, output):
    """posix_spawn: a fork would copy the interpreter's memory, and its price is no contender's."""
    actions = [(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
    actions += [(os.POSIX_SPAWN_OPEN, number, path, os.O_RDONLY, 0) for number, path in command.files.items()]
    words = [str(word) for word in command.words]
    began = time.monotonic_ns()
    return Started(os.posix_spawn(words[0], words, command.environment, file_actions=actions), began)


def reap_orphans(seconds):
    """CPU seconds of what was left behind; nothing that stays on purpose is waited for longer than this."""
    cpu = 0.0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return cpu
        if pid:
            cpu += usage.ru_utime + usage.ru_stime
        else:
            time.sleep(0.0005)
    return cpu


class Output:
    """A file for what a contender says: a pipe would have to be read while the clock runs."""

    def __init__(self):
        self.descriptor = os.memfd_create("output")
        # Many write at once, and a memory file does not lock its position.
        fcntl.fcntl(self.descriptor, fcntl.F_SETFL, os.O_APPEND)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.descriptor)

    def text(self):
        return os.pread(self.descriptor, 1 << 20, 0).decode(errors="replace")


class Input:
    """Never ends while it is open. No contender gets a device of the host: a payload could change its owner."""

    def __init__(self):
        self.descriptor, self.other = os.pipe()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        os.close(self.descriptor)

    def end(self):
        if self.other >= 0:
            os.close(self.other)
            self.other = -1


def wait_for(pid, seconds):
    """Status and usage of a child; one that takes longer is killed."""
    def too_late(*_):
        raise TimeoutError

    previous = signal.signal(signal.SIGALRM, too_late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        _, status, usage = os.wait4(pid, 0)
        return os.waitstatus_to_exitcode(status), usage
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)
        os.wait4(pid, 0)
        raise Failed(f"did not end within {seconds} seconds") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def once(command, any_status=False, seconds=60, patient=True):
    """One run from nothing to nothing; not patient: what it leaves running counts for nothing."""
    with Output() as output, Input() as source:
        started = spawn(command, source.descriptor, output.descriptor)
        try:
            status, usage = wait_for(started.pid, seconds)
        except Failed as failed:
            raise Failed(f"{failed}: {output.text().strip()[-300:]}") from None
        wall = (time.monotonic_ns() - started.began) / 1e6
        cpu = usage.ru_utime + usage.ru_stime + (reap_orphans(2) if patient else 0)
        text = output.text()
    if status and not any_status:
        raise Failed(f"ended with status {status}: {text.strip()[-300:]}")
    return Sample(wall, cpu * 1000, text, started.began)


def stamps_in(text):
    """When programs inside said that they run, in monotonic nanoseconds."""
    words = text.split()
    return [int(number) for word, number in zip(words, words[1:]) if word.endswith("stamp") and number.isdigit()]


def descendants():
    """Numbers of all processes below this one that live in its process namespace: what managers keep running."""
    parents, inside = {}, set()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/status", encoding="utf-8") as file:
                fields = dict(line.split(":", 1) for line in file)
        except OSError:
            continue
        parents[int(entry)] = int(fields["PPid"])
        if len(fields["NSpid"].split()) > len(parents_namespace()):
            inside.add(int(entry))
    ours = {os.getpid()}
    while True:
        more = {pid for pid, parent in parents.items() if parent in ours} - ours
        if not more:
            return ours - {os.getpid()} - inside
        ours |= more


def parents_namespace():
    with open("/proc/self/status", encoding="utf-8") as file:
        return next(line for line in file if line.startswith("NSpid:")).split()[1:]


def proportional_memory(pid):
    """Kilobytes, shared pages divided by those who share them."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    except OSError:
        return 0


def median(values):
    return statistics.median(values)


def ratio(values, base):
    """Pair by pair: the two of a round saw the same load."""
    return median([value / other for value, other in zip(values, base)])


class OwnNetwork:
    """Links that are measured are not the host's. Its programs see the host's /sys, which no contender needs."""
    new_network = 0x40000000  # CLONE_NEWNET

    def __enter__(self):
        self.former = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.call("unshare", self.new_network)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def __exit__(self, *_):
        self.call("setns", self.former, self.new_network)
        os.close(self.former)

    @staticmethod
    def call(name, *values):
        library = ctypes.CDLL(None, use_errno=True)
        if getattr(library, name)(*values):
            raise Failed(f"{name}: {os.strerror(ctypes.get_errno())}")
