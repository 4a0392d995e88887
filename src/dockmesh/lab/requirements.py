"""What this machine must have for a lab, each said in one sentence."""

import os
import shutil
from pathlib import Path

from dockmesh.errors import LabError
from dockmesh.lab.command import run, try_run
from dockmesh.model import Datapath

# Program: the Debian package that has it.
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
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
}

# A machine in a namespace cannot load kernel modules, so those that Docker and Open vSwitch ask for are loaded here.
MODULES = ("openvswitch", "vport-gre", "br_netfilter", "overlay", "tun", "veth", "bridge", "ip_tables", "nf_tables")


def check_root() -> None:
    if os.geteuid() != 0:
        raise LabError("a lab needs root: it makes network namespaces, mounts and machines", do="run it with sudo")


def check_machine() -> None:
    """Every lack at once."""
    check_root()
    for module in MODULES:
        try_run(("modprobe", "--quiet", module))
    if lacks := _lacks():
        raise LabError("this machine cannot hold a lab:\n" + "\n".join(lacks))


def _lacks() -> list[str]:
    lacks = []
    if missing := sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None}):
        lacks.append(f"Programs are missing that these Debian packages have: apt-get install {' '.join(missing)}")
    if not Path("/dev/net/tun").is_char_device():
        lacks.append("There is no /dev/net/tun, so Open vSwitch's userspace datapath has no ports (modprobe tun).")
    if "overlay" not in Path("/proc/filesystems").read_text().split():
        lacks.append("The kernel has no overlayfs, on which the hosts' disks lie (modprobe overlay).")
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


def datapath() -> Datapath:
    """The kernel's, where Open vSwitch's module is loaded by now; else packets go through userspace."""
    return Datapath.SYSTEM if Path("/sys/module/openvswitch").exists() else Datapath.NETDEV
