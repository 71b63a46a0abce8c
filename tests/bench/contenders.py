# SPDX-License-Identifier: LGPL-2.1-or-later
"""How each manager is told to do the same thing."""

import dataclasses
import json
import os
import pathlib
import platform

ID_BASE = 10_000_000
ID_COUNT = 65_536
CAPABILITIES = """AUDIT_CONTROL AUDIT_WRITE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_OWNER KILL LEASE
    LINUX_IMMUTABLE MKNOD NET_BIND_SERVICE NET_BROADCAST NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT
    SYS_CHROOT SYS_NICE SYS_PTRACE SYS_RESOURCE SYS_TTY_CONFIG""".split()


@dataclasses.dataclass
class Wish:
    """What shall run."""
    tree: pathlib.Path
    program: list  # empty: the tree's own init
    name: str = "bench"
    users: bool = False    # a user namespace
    network: bool = False  # a network namespace
    zone: str = ""         # ... with a link in this zone
    layer: bool = False    # changes are thrown away


@dataclasses.dataclass
class Command:
    words: list
    environment: dict = dataclasses.field(default_factory=lambda: {"PATH": os.environ["PATH"]})
    files: dict = dataclasses.field(default_factory=dict)  # descriptor to path


class Contender:
    boots = True
    has_layers = False
    has_zones = False
    image_words = None  # how it is told to handle images of /var/lib/machines: (clone, remove, list, snapshot, its removal)

    def __init__(self, name, program, place):
        self.name = name
        self.program = program
        self.place = place

    def image_command(self, words):
        return Command(words)


class Limit(Contender):
    """For images: what an administrator does who has no manager."""
    image_words = (["/bin/cp", "-a", "plain/.", "copy"], ["/bin/rm", "-rf", "copy"], ["/bin/ls", "-l"],
                   ["/bin/cp", "-a", "plain/.", "kept"], ["/bin/rm", "-rf", "kept"])

    def command(self, wish):
        words = [self.program, "-m", "-d", "-s", self.place.filter, "-c", self.place.cgroup]
        words += ["-n"] if wish.network else []
        words += ["-u", ID_BASE] if wish.users else []
        return Command([*words, wish.tree, *(wish.program or ["/sbin/init"])])


class Nspawn(Contender):
    """The older systemd-nspawn asks for the hierarchy; both would refuse to share a tree or to do without a bus."""
    has_layers = True
    has_zones = True

    def command(self, wish):
        words = [self.program, "--quiet", f"--directory={wish.tree}", f"--machine={wish.name}", "--console=pipe",
                 "--register=no", "--keep-unit"]
        words += ["--private-network"] if wish.network else []
        words += [f"--network-zone={wish.zone}"] if wish.zone else []
        words += [f"--private-users={ID_BASE}:{ID_COUNT}", "--private-users-ownership=map"] if wish.users else []
        words += ["--ephemeral"] if wish.layer else []
        words += wish.program or ["--boot"]
        return Command(words, {"PATH": os.environ["PATH"], "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
                               "SYSTEMD_NSPAWN_LOCK": "0"})


class Machinist(Contender):
    """As an administrator would call it: it is registered, keeps a lock, and its syscall filter is the strict one."""
    has_layers = True
    has_zones = True
    image_words = (["clone", "base", "clone"], ["remove", "clone"], ["list-images"],
                   ["snapshot", "create", "base", "kept"], ["snapshot", "remove", "base", "kept"])

    def image_command(self, words):
        return Command([self.program, *words])

    def command(self, wish):
        words = [self.program, "run", "--quiet", f"--directory={wish.tree}", f"--machine={wish.name}", "--console=pipe"]
        words += ["--private-network"] if wish.network else []
        words += [f"--network-zone={wish.zone}"] if wish.zone else []
        words += ["--private-users=pick" if wish.users else "--private-users=no"]
        words += ["--ephemeral"] if wish.layer else []
        words += ["--", *wish.program] if wish.program else ["--boot"]
        return Command(words)


class Bwrap(Contender):
    boots = False

    def command(self, wish):
        words = [self.program, "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup"]
        words += ["--unshare-net"] if wish.network else []
        words += ["--unshare-user"] if wish.users else []
        words += ["--bind", wish.tree, "/", "--proc", "/proc", "--dev", "/dev", "--mqueue", "/dev/mqueue",
                  "--tmpfs", "/run", "--tmpfs", "/tmp", "--seccomp", "9", "--as-pid-1"]
        words += [word for capability in CAPABILITIES for word in ("--cap-add", "CAP_" + capability)
                  if holds(capability)]
        return Command([*words, "--", *wish.program], files={9: str(self.place.filter)})


class Crun(Contender):
    def command(self, wish):
        bundle = self.place.directory / f"bundle-{wish.name}"
        bundle.mkdir(exist_ok=True)
        (bundle / "config.json").write_text(json.dumps(self.bundle(wish)))
        return Command([self.program, "--cgroup-manager=cgroupfs", f"--root={self.place.directory}/{self.name}", "run",
                        "-b", bundle, f"{wish.name}-{self.name}"])

    def bundle(self, wish):
        capabilities = ["CAP_" + name for name in CAPABILITIES if holds(name)]
        namespaces = ["pid", "ipc", "uts", "mount", "cgroup"]
        namespaces += ["network"] if wish.network else []
        namespaces += ["user"] if wish.users else []
        linux = {
            "namespaces": [{"type": kind} for kind in namespaces],
            "cgroupsPath": f"{self.place.cgroup_path}/{wish.name}-{self.name}",
            "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
            "seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "architectures": self.architectures(),
                        "syscalls": [{"names": self.place.allowed_calls, "action": "SCMP_ACT_ALLOW"}]},
        }
        if wish.users:
            linux["uidMappings"] = linux["gidMappings"] = [{"containerID": 0, "hostID": ID_BASE, "size": ID_COUNT}]
        return {
            "ociVersion": "1.0.2",
            "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "cwd": "/",
                        "args": wish.program or ["/sbin/init"],
                        "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "container=oci", "TERM=dumb"],
                        "capabilities": {kind: capabilities for kind in ("bounding", "effective", "permitted")}},
            "root": {"path": str(wish.tree)},
            "hostname": "crun",
            "linux": linux,
            "mounts": [
                mount("/proc", "proc"),
                mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
                mount("/sys/fs/cgroup", "cgroup", "nosuid", "noexec", "nodev", "rw"),
                mount("/dev", "tmpfs", "nosuid", "mode=755"),
                mount("/dev/pts", "devpts", "newinstance", "ptmxmode=0666", "mode=0620"),
                mount("/dev/shm", "tmpfs", "nosuid", "nodev", "mode=1777"),
                mount("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev"),
                mount("/run", "tmpfs", "nosuid", "nodev", "mode=755"),
                mount("/tmp", "tmpfs", "nosuid", "nodev", "mode=1777"),
            ],
        }

    @staticmethod
    def architectures():
        return {"x86_64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
                "aarch64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]}.get(platform.machine(), [])


def mount(target, kind, *options):
    return {"destination": target, "type": kind, "source": kind, "options": list(options)}


def holds(capability):
    """Whether this process may hand the capability on; some managers fail over others."""
    with open("/proc/self/status", encoding="utf-8") as file:
        held = next(int(line.split()[1], 16) for line in file if line.startswith("CapPrm:"))
    return held >> CAPABILITY_NUMBERS[capability] & 1


CAPABILITY_NUMBERS = {name: number for number, name in enumerate(
    """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
    SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP""".split())}


def make(peers, machinist, limit, place):
    """All contenders; the limit comes first: the others are divided by it."""
    kinds = (("nspawn", Nspawn), ("crun", Crun), ("bwrap", Bwrap))
    everybody = [Limit("limit", limit, place)]
    if machinist:
        everybody.append(Machinist("machinist", machinist, place))
    for name, program in peers.items():
        kind = next(kind for prefix, kind in kinds if name.startswith(prefix))
        everybody.append(kind(name, program, place))
    return everybody
