# SPDX-License-Identifier: LGPL-2.1-or-later
"""The managers that machinist is compared with: found on the host, or unpacked into the cache without installing."""

import pathlib
import shutil
import subprocess

cache = pathlib.Path("/var/cache/machinist-tests/bench")


class Missing(Exception):
    """A peer that cannot be had here; the text says why."""


def run(*command, **options):
    result = subprocess.run(command, stdin=subprocess.PIPE, capture_output=True, text=True, **options)
    if result.returncode:
        said = (result.stderr.strip() or result.stdout.strip()).splitlines()
        raise Missing(f"{command[0]}: {said[-1] if said else 'failed'}")
    return result.stdout


def unpacked(package):
    """A package of the host's own release, unpacked beside it: its libraries are the host's."""
    target = cache / package
    if not target.exists():
        fresh = cache / f"{package}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        # As another user apt cannot write here; it says so and goes on.
        run("apt-get", "download", "-q", package, cwd=fresh)
        for archive in fresh.glob("*.deb"):
            run("dpkg-deb", "-x", archive, fresh)
            archive.unlink()
        fresh.rename(target)
    return target


def of_sid(program):
    """A program of Debian's newest release with all of its libraries, started without a chroot."""
    tree = cache / "sid-peers"
    if not tree.exists():
        fresh = cache / "sid-peers.new"
        shutil.rmtree(fresh, ignore_errors=True)
        cache.mkdir(parents=True, exist_ok=True)
        # A mirror that stands still has lists that look too old.
        run("mmdebstrap", "--variant=extract", "--aptopt=Acquire::Check-Valid-Until \"false\"",
            "--include=systemd-container,crun", "sid", fresh)
        fresh.rename(tree)
    linked = tree / "linked" / program
    if not linked.exists():
        linked.parent.mkdir(exist_ok=True)
        (library,) = tree.glob("usr/lib/*/ld-linux-*.so.*")
        fresh = linked.with_suffix(".new")
        shutil.copy(tree / "usr/bin" / program, fresh)
        # Programs that execute themselves again must find their loader, so it cannot stand on the command line.
        run(unpacked("patchelf") / "usr/bin/patchelf", "--set-interpreter", library, "--force-rpath", "--set-rpath",
            f"{library.parent}:{library.parent}/systemd", fresh)
        fresh.rename(linked)
    return linked


def of_host(program):
    path = shutil.which(program)
    if not path:
        raise Missing(f"{program} is not installed")
    return pathlib.Path(path)


def nspawn_of_host():
    return unpacked("systemd-container") / "usr/bin/systemd-nspawn"


def version(program):
    return run(program, "--version").splitlines()[0]


def nspawn_name(program):
    """'nspawn252' from 'systemd 252 (252.39-1~deb12u2)'."""
    return "nspawn" + version(program).split()[1]


def crun_name(program):
    """'crun1.28' from 'crun version 1.28'."""
    return "crun" + ".".join(version(program).split()[-1].split(".")[:2])


def find(report):
    """Name to program, of all that can be had; report is told about the others."""
    found = {}
    for fetch, name in ((nspawn_of_host, nspawn_name), (lambda: of_sid("systemd-nspawn"), nspawn_name),
                        (lambda: of_host("crun"), crun_name), (lambda: of_sid("crun"), crun_name),
                        (lambda: of_host("bwrap"), lambda _: "bwrap")):
        try:
            program = fetch()
            found[name(program)] = program
        except Missing as reason:
            report(str(reason))
        except OSError as reason:
            report(str(reason))
    return found
