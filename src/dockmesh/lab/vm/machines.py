"""Hosts as virtual machines: slower to start, and with a kernel of their own, the distribution's."""

import os
import shutil
from collections.abc import Mapping

from dockmesh.lab import underlay
from dockmesh.lab.command import run
from dockmesh.lab.disk import write_own_files
from dockmesh.lab.image import Say
from dockmesh.lab.model import Accelerator, Image, Lab, LabHost
from dockmesh.lab.release import Release
from dockmesh.lab.vm import accelerator, cpio
from dockmesh.lab.vm.image import DISK, INITRD, ensure_vm_image
from dockmesh.lab.vm.machine import disk_of, initrd_of, machine_argv
from dockmesh.model.mesh import Datapath


class VirtualMachines:
    programs: Mapping[str, str] = {
        "qemu-system-x86_64": "qemu-system-x86",
        "qemu-img": "qemu-utils",
        "mke2fs": "e2fsprogs",
    }
    modules: tuple[str, ...] = ("kvm_intel", "kvm_amd", "kvm")
    # Three at once take a minute by emulation on two cores that do nothing else.
    booted_within_s = 900.0

    def lacks(self) -> list[str]:
        machine = os.uname().machine
        return [] if machine == "x86_64" else [f"The lab's virtual machines are x86_64, and this machine is {machine}."]

    def datapath(self) -> Datapath:
        return Datapath.SYSTEM

    def ensure_image(self, release: Release, *, prepared: bool, say: Say) -> Image:
        return ensure_vm_image(release, prepared=prepared, say=say)

    def choose_accelerator(self, image: Image, wanted: Accelerator | None, say: Say) -> Accelerator:
        if wanted:
            accelerator.check(image.root, wanted)
            return wanted
        say("looking whether a guest boots with KVM")
        return accelerator.choose(image.root)

    def ensure_disk(self, lab: Lab, host: LabHost) -> None:
        """An overlay on the image's disk, and an initrd that lays the host's own files down in it."""
        state = lab.state_of(host)
        disk = disk_of(lab, host)
        if disk.exists():
            return
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(parents=True)
        image = lab.image_of(host).root
        own = state / "own"
        write_own_files(lab, host, own)
        initrd_of(lab, host).write_bytes((image / INITRD).read_bytes() + cpio.pack(own, at="own"))
        shutil.rmtree(own)
        new = disk.with_suffix(".new")
        backing = ("-b", str(image / DISK), "-F", "raw")
        run(("qemu-img", "create", "-q", "-f", "qcow2", *backing, str(new)), f"make the disk of {host.name}")
        new.rename(disk)

    def plug(self, lab: Lab, host: LabHost) -> None:
        underlay.plug_tap(lab, host)

    def boot_argv(self, lab: Lab, host: LabHost) -> tuple[str, ...]:
        return machine_argv(lab.directory, host.name)

    def rebooted(self, status: int) -> bool:  # noqa: ARG002
        """Never: QEMU itself starts a guest again that reboots, and ends with one that switches off."""
        return False
