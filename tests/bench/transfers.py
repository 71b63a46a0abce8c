# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows about images on their way in and out: machinist, bsdtar and cp as the limit, systemd's programs where they can be had."""

import dataclasses
import pathlib
import shutil
import subprocess

import measure
import peers
from contenders import Command

# What packs the archives that are imported: xz in blocks, as `xz -T0` has it by default since 5.6.
packers = {"tar": None, "tar.gz": ["gzip", "-6"], "tar.xz": ["xz", "-T0", "-3"], "tar.zst": ["zstd", "-q", "-3"]}


@dataclasses.dataclass
class Mover:
    name: str
    into: object  # (archive, directory, name) -> Command
    out: object   # (directory, name, file) -> Command
    copy: object  # (tree, directory, name) -> Command


def machinist(program):
    return Mover("machinist",
                 lambda archive, pool, name: Command([program, "import-tar", f"--image-root={pool}", "-q", archive, name]),
                 lambda pool, name, file: Command([program, "export-tar", f"--image-root={pool}", "-q", name, file]),
                 lambda tree, pool, name: Command([program, "import-fs", f"--image-root={pool}", "-q", tree, name]))


def limit(bsdtar):
    def unpack(archive, pool, name):
        (pool / name).mkdir()
        return Command([bsdtar, "-C", pool / name, "-xpf", archive])

    def pack(pool, name, file):
        return Command([bsdtar, "-C", pool / name, "-caf", file, "."])

    return Mover("limit", unpack, pack, lambda tree, pool, name: Command(["/bin/cp", "-a", tree, pool / name]))


def importd(programs):
    def pack(pool, name, file):
        if file.suffix == ".zst":
            raise measure.Failed("knows no zstd")
        return Command([programs / "systemd-export", "tar", f"--image-root={pool}", name, file])

    return Mover("importd",
                 lambda archive, pool, name: Command([programs / "systemd-import", "tar", f"--image-root={pool}", archive, name]),
                 pack,
                 lambda tree, pool, name: Command([programs / "systemd-import-fs", "run", f"--image-root={pool}", tree, name]))


def movers(contenders):
    found = []
    for contender in contenders:
        if contender.name == "machinist":
            found.append(machinist(contender.program))
        elif contender.name == "limit":
            found.append(limit(peers.of_host("bsdtar")))
        elif contender.name == "nspawn252":
            programs = pathlib.Path(contender.program).parent.parent / "lib/systemd"
            programs = programs if programs.exists() else peers.cache / "systemd-container/lib/systemd"
            if (programs / "systemd-import").exists():
                found.append(importd(programs))
    return found


def archives_of(tree, directory):
    plain = directory / "tree.tar"
    subprocess.run(["bsdtar", "-C", tree, "-cf", plain, "."], check=True)
    for suffix, packer in packers.items():
        if packer:
            with open(directory / f"tree.{suffix}", "wb") as file:
                subprocess.run([*packer, "-c", plain], stdout=file, check=True)
    return [directory / f"tree.{suffix}" for suffix in packers]


def transfers(contenders, counts, place, tree, interleaved, results):
    """The disk is written to before each sample, so that nobody pays for another's work."""
    work = place.cache / f"transfers-{place.directory.name}"
    place.trees.append(work)
    pool = work / "pool"
    pool.mkdir(parents=True)
    everybody = movers(contenders)
    found = []

    def timed(command, left):
        subprocess.run(["sync"], check=True)
        try:
            return (measure.once(command, seconds=300).wall,)
        finally:
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)

    for archive in archives_of(tree, work):
        found += results(f"import of a .{archive.name.split('.', 1)[1]}", (("", "ms"),), *interleaved(
            everybody, counts.layers, 1, lambda mover, archive=archive: timed(mover.into(archive, pool, "new"), pool / "new")))
    found += results("full copy", (("", "ms"),), *interleaved(
        everybody, counts.layers, 1, lambda mover: timed(mover.copy(tree, pool, "new"), pool / "new")))
    subprocess.run(["cp", "-a", tree, pool / "base"], check=True)
    for suffix in ("tar", "tar.gz", "tar.zst"):
        found += results(f"export of a .{suffix}", (("", "ms"),), *interleaved(
            everybody, counts.layers, 1,
            lambda mover, suffix=suffix: timed(mover.out(pool, "base", work / f"out.{suffix}"), work / f"out.{suffix}")))
    return found
