# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the measuring happens: a mount namespace that shows cgroup v2 alone, a cgroup, trees; and undoing it all."""

import os
import pathlib
import shutil
import subprocess
import sys
import time

isolated = "MACHINIST_BENCH_ISOLATED"
cgroup_mount = pathlib.Path("/sys/fs/cgroup")


def enter_own_mounts():
    """Starts this program again where mounts are its own. Peers misjudge hosts that mix both cgroup versions, and
    want a tmpfs on /run."""
    if isolated not in os.environ:
        os.environ[isolated] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])
    subprocess.run(["mount", "-t", "cgroup2", "cgroup2", cgroup_mount], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True)


class Place:
    def __init__(self, programs, cache):
        self.programs = programs  # where limit, stamp and filter_program are
        self.cache = cache
        self.directory = pathlib.Path(f"/run/machinist-bench-{os.getpid()}")
        self.cgroup_path = f"/machinist-bench-{os.getpid()}"
        self.cgroup = cgroup_mount / self.cgroup_path[1:]
        self.filter = self.directory / "filter"
        self.allowed_calls = []
        self.trees = []

    def __enter__(self):
        self.directory.mkdir(parents=True)
        self.cgroup.mkdir()
        # Managers that stay in their caller's cgroup make theirs below this one.
        (self.cgroup / "runner").mkdir()
        (self.cgroup / "runner/cgroup.procs").write_text("0")
        filter_program = self.programs / "filter_program"
        self.filter.write_bytes(subprocess.run([filter_program], check=True, capture_output=True).stdout)
        names = subprocess.run([filter_program, "names"], check=True, capture_output=True, text=True).stdout
        self.allowed_calls = names.split()
        return self

    def __exit__(self, *_):
        (cgroup_mount / "cgroup.procs").write_text("0")
        (self.cgroup / "cgroup.kill").write_text("1")
        for _ in range(100):
            if not self.remove_cgroups():
                break
            time.sleep(0.02)
        for tree in self.trees:
            shutil.rmtree(tree, ignore_errors=True)

    def cpu_time(self):
        """Milliseconds of all that was started here, whether it has ended or not."""
        for line in (self.cgroup / "cpu.stat").read_text().splitlines():
            key, value = line.split()
            if key == "usage_usec":
                return int(value) / 1000
        raise OSError(f"no usage_usec in {self.cgroup}/cpu.stat")

    def remove_cgroups(self):
        for directory, _, _ in os.walk(self.cgroup, topdown=False):
            try:
                os.rmdir(directory)
            except OSError:
                pass
        return self.cgroup.exists()

    def tiny_tree(self, name):
        """Just enough for a manager to take it for a system; its only program is the stamp."""
        tree = self.directory / "tiny" / name
        if not tree.exists():
            for part in ("dev", "proc", "sys", "run", "tmp", "etc", "usr/bin", "usr/lib", "var", "root"):
                (tree / part).mkdir(parents=True)
            (tree / "etc/os-release").write_text("ID=tiny\nVERSION_ID=1\n")
            (tree / "usr/lib/os-release").write_text("ID=tiny\nVERSION_ID=1\n")
            shutil.copy(self.programs / "stamp", tree / "usr/bin/stamp")
        return tree

    def copied_tree(self, source):
        """On the disk, because that is where images are; managers write into a tree, or put theirs beside it."""
        tree = self.cache / f"{source.name}-{os.getpid()}"
        if tree not in self.trees:
            self.trees.append(tree)
            subprocess.run(["cp", "-a", "--reflink=auto", source, tree], check=True)
        return tree

    def image_pool(self, source):
        """/var/lib/machines on the disk, with a base of some 200 MB; the mounts are our own."""
        lib = self.cache / f"lib-{os.getpid()}"
        self.trees.append(lib)
        (lib / "machines").mkdir(parents=True)
        subprocess.run(["cp", "-a", "--reflink=auto", source, lib / "machines/base"], check=True)
        (lib / "machines/plain").symlink_to(source)
        subprocess.run(["mount", "--bind", lib, "/var/lib"], check=True)
        return pathlib.Path("/var/lib/machines")

    def leave_image_pool(self):
        subprocess.run(["umount", "/var/lib"], check=True)

    def stamping_tree(self, source):
        """The copy, made to tell when it is up and then to power itself off."""
        tree = self.copied_tree(source)
        shutil.copy(self.programs / "stamp", tree / "usr/bin/stamp")
        # Without the default dependencies: with them the target would wait for it instead.
        (tree / "etc/systemd/system/stamp.service").write_text(
            "[Unit]\nDefaultDependencies=no\nAfter=multi-user.target\n"
            "[Service]\nType=oneshot\nExecStart=/usr/bin/stamp to /up\n"
            "ExecStartPost=/usr/bin/systemctl --no-block poweroff\n")
        wanted = tree / "etc/systemd/system/multi-user.target.wants"
        wanted.mkdir(exist_ok=True)
        (wanted / "stamp.service").symlink_to("../stamp.service")
        return tree
