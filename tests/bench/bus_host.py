# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Debian with systemd as process 1 and this build installed, in which two daemons can own the machines' name."""

import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import time

from measure import Failed

boot = pathlib.Path(__file__).resolve().parent.parent / "system/host"
patience = 120
# Both start as their packages would start them; a machine's name must not be taken from one by activating the other.
providers = {
    "machined": "systemctl stop machinistd; systemctl disable --quiet machinistd; systemctl start systemd-machined",
    "machinistd": "systemctl stop systemd-machined.socket 2>/dev/null; systemctl stop systemd-machined; "
                  "systemctl enable --quiet machinistd && systemctl restart machinistd",
}


class BusHost:
    """roomy: the bus and systemd-machined get the limits that a thousand machines need there."""

    def __init__(self, tree, build, bus_timer, roomy):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="machinist-bench-host."))
        self.installed = self.work / "installed"
        subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet"], check=True,
                       env={**os.environ, "DESTDIR": str(self.installed)}, stdout=subprocess.DEVNULL)
        (self.installed / "usr/bin").mkdir(parents=True, exist_ok=True)
        shutil.copy(bus_timer, self.installed / "usr/bin/bus_timer")
        if roomy:
            self.make_room()
        self.process = subprocess.Popen([boot, tree, self.installed, self.work], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.wait_until_up()

    def make_room(self):
        bus = self.installed / "etc/dbus-1/system-local.conf"
        bus.parent.mkdir(parents=True, exist_ok=True)
        bus.write_text('<busconfig><limit name="max_match_rules_per_connection">16384</limit></busconfig>\n')
        drop_in = self.installed / "etc/systemd/system/systemd-machined.service.d/room.conf"
        drop_in.parent.mkdir(parents=True, exist_ok=True)
        drop_in.write_text("[Service]\nLimitNOFILE=16384\n")

    def first_process(self):
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        children = tasks.read_text().split() if tasks.exists() else []
        return children[0] if children else None

    def wait_until_up(self):
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise Failed(f"the host ended: {self.process.stderr.read().decode(errors='replace')[-300:]}")
            if self.first_process() and self.run("systemctl is-system-running --wait").returncode == 0:
                return
            time.sleep(0.2)
        raise Failed("the host does not get up")

    def run(self, command):
        """A shell command in a unit of the host, as an administrator's is in a session."""
        return self.enter(f"systemd-run --quiet --pipe --wait --collect bash -c {shlex.quote(command)}")

    def enter(self, command):
        """A shell command in the host, in no unit of it."""
        return subprocess.run(["nsenter", "-t", self.first_process(), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w",
                               "--", "bash", "-c", command],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)

    def sh(self, command):
        done = self.run(command)
        if done.returncode:
            raise Failed(f"{command}: {(done.stderr or done.stdout).strip()[-300:]}")
        return done.stdout

    def provide_by(self, provider):
        self.run("systemctl stop 'machine-*.scope'; systemctl reset-failed")
        self.sh(providers[provider])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        group = self.work / "cgroup"
        self.process.kill()
        self.process.wait()
        if group.exists():
            self.remove_cgroup(pathlib.Path(group.read_text().strip()))
        shutil.rmtree(self.work, ignore_errors=True)

    @staticmethod
    def remove_cgroup(group):
        (group / "cgroup.kill").write_text("1")
        for _ in range(100):
            for directory, _, _ in os.walk(group, topdown=False):
                try:
                    os.rmdir(directory)
                except OSError:
                    pass
            if not group.exists():
                return
            time.sleep(0.1)
