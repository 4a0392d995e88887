"""What this machine must have for a lab, each said in one sentence."""

import os
import shutil
from pathlib import Path

from dockmesh.errors import LabError
from dockmesh.lab.command import run, try_run
from dockmesh.lab.kinds import MACHINES, Machines
from dockmesh.lab.model import HostKind

# Of every lab. Program: the Debian package that has it.
PROGRAMS = {
    "apt-get": "apt",
    "dpkg-scanpackages": "dpkg-dev",
    "ethtool": "ethtool",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "nc": "netcat-openbsd",
    "nft": "nftables",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "unshare": "util-linux",
}

# What the network of every lab is made of.
MODULES = ("bridge", "tun", "nf_tables")


def check_root() -> None:
    if os.geteuid() != 0:
        raise LabError("a lab needs root: it makes network namespaces, mounts and machines", do="run it with sudo")


def check_machine(kind: HostKind = HostKind.CONTAINER) -> None:
    """Every lack at once, for a lab of this kind of hosts."""
    check_root()
    machines = MACHINES[kind]
    for module in (*MODULES, *machines.modules):
        try_run(("modprobe", "--quiet", module))
    if lacks := _lacks(machines):
        raise LabError("this machine cannot hold a lab:\n" + "\n".join(lacks))


def _lacks(machines: Machines) -> list[str]:
    lacks = machines.lacks()
    programs = {**PROGRAMS, **machines.programs}
    if missing := sorted({package for program, package in programs.items() if shutil.which(program) is None}):
        lacks.append(f"Programs are missing that these Debian packages have: apt-get install {' '.join(missing)}")
    if not Path("/dev/net/tun").is_char_device():
        lacks.append("There is no /dev/net/tun, so hosts get no network ports (modprobe tun).")
    if not Path("/proc/self/ns/net").exists():
        lacks.append("The kernel has no network namespaces, of which the lab's network is made (CONFIG_NET_NS).")
    if "cgroup2" not in Path("/proc/filesystems").read_text().split():
        lacks.append("The kernel has no cgroup2, which holds the hosts' processes (CONFIG_CGROUPS).")
    return lacks


def check_directory(directory: Path) -> None:
    """The kernel takes no overlay for the writable layer of another."""
    kind = run(("stat", "--file-system", "--format=%T", str(directory)), f"look at {directory}").strip()
    if kind == "overlayfs":
        raise LabError(
            f"{directory} lies on an overlay file system, which cannot hold the hosts' disks",
            do="choose another place with --dir: ext4, xfs, btrfs or tmpfs",
        )
