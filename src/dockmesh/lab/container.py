"""Hosts as systemd-nspawn machines: they start in seconds, on the kernel of this machine."""

from collections.abc import Mapping
from pathlib import Path

from dockmesh.lab import nat, underlay
from dockmesh.lab.disk import ensure_disk
from dockmesh.lab.image import Say, ensure_image
from dockmesh.lab.machine import REBOOTED, machine_argv
from dockmesh.lab.model import Accelerator, Image, Lab, LabHost
from dockmesh.lab.release import Release
from dockmesh.model.mesh import Datapath


class Containers:
    programs: Mapping[str, str] = {"systemd-nspawn": "systemd-container"}
    # A machine in a namespace cannot load kernel modules: those that Docker and Open vSwitch ask for are loaded here.
    modules: tuple[str, ...] = ("openvswitch", "vport-gre", "vxlan", "br_netfilter", "overlay", "veth", "ip_tables")
    booted_within_s = 120.0

    def lacks(self) -> list[str]:
        if "overlay" not in Path("/proc/filesystems").read_text().split():
            return ["The kernel has no overlayfs, on which the hosts' disks lie (modprobe overlay)."]
        return []

    def datapath(self) -> Datapath:
        """The kernel's, where Open vSwitch's module is loaded by now; else packets go through userspace."""
        return Datapath.SYSTEM if Path("/sys/module/openvswitch").exists() else Datapath.NETDEV

    def ensure_image(self, release: Release, *, prepared: bool, say: Say) -> Image:
        return ensure_image(release, prepared=prepared, say=say)

    def choose_accelerator(self, image: Image, wanted: Accelerator | None, say: Say) -> None:
        """No question: a container's instructions are this machine's own."""

    def ensure_disk(self, lab: Lab, host: LabHost) -> None:
        ensure_disk(lab, host)

    def plug(self, lab: Lab, host: LabHost) -> None:
        (nat if host.nat else underlay).plug(lab, host)

    def boot_argv(self, lab: Lab, host: LabHost) -> tuple[str, ...]:
        return machine_argv(lab.directory, host.name)

    def rebooted(self, status: int) -> bool:
        return status == REBOOTED
