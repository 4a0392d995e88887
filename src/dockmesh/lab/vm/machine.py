"""One run of one virtual machine: this process becomes QEMU.

Run as `python -m dockmesh.lab.vm.machine DIRECTORY HOST`. A reboot of the guest stays within QEMU, as within a
server's case; QEMU ends when the guest is switched off.
"""

import os
import sys
from pathlib import Path

from dockmesh.lab import cgroup
from dockmesh.lab.model import Accelerator, Lab, LabHost
from dockmesh.lab.store import load
from dockmesh.lab.underlay import inside
from dockmesh.lab.vm.accelerator import ACCELERATION, MACHINE, QEMU
from dockmesh.lab.vm.image import KERNEL

MEMORY_MIB = 1024
# Emulation pays for each of these; a kernel that panics reboots, as a server does that is set up for it.
# The kernel counts timer interrupts for a moment and panics if there are few: so there are on a machine with too much
# to do ("IO-APIC + timer doesn't work!", seen at a load of 17).
KERNEL_LINE = (
    "console=ttyS0 loglevel=4 panic=10 rw net.ifnames=0 mitigations=off nowatchdog audit=0 random.trust_cpu=on "
    "no_timer_check systemd.show_status=error"
)


def machine_argv(directory: Path, host: str) -> tuple[str, ...]:
    return (sys.executable, "-m", __name__, str(directory), host)


def disk_of(lab: Lab, host: LabHost) -> Path:
    return lab.state_of(host) / "disk.qcow2"


def initrd_of(lab: Lab, host: LabHost) -> Path:
    """The image's, and the host's own files after it."""
    return lab.state_of(host) / "initrd"


def qemu_argv(lab: Lab, host: LabHost) -> tuple[str, ...]:
    image = lab.image_of(host).root
    accelerator = lab.accelerator or Accelerator.TCG
    return inside(
        lab.switch_netns,
        *(QEMU, "-name", f"{lab.mark}-{host.name}", *MACHINE, *ACCELERATION[accelerator]),
        *("-smp", "1", "-m", str(MEMORY_MIB)),
        *("-kernel", str(image / KERNEL), "-initrd", str(initrd_of(lab, host)), "-append", KERNEL_LINE),
        *("-serial", "stdio"),
        # The file is written when the guest says so: SIGKILL is then what a power cut is to a disk.
        *("-drive", f"if=none,id=disk,file={_quoted(disk_of(lab, host))},format=qcow2,cache=writeback"),
        *("-device", "virtio-blk-pci,drive=disk"),
        *("-netdev", f"tap,id=uplink,ifname={host.name},script=no,downscript=no"),
        *("-device", f"virtio-net-pci,netdev=uplink,mac={lab.mac_of(host)},host_mtu={host.mtu},romfile="),
        *("-device", "virtio-rng-pci"),
    )


def _quoted(path: Path) -> str:
    """Within a list of QEMU's options a comma is written twice."""
    return str(path).replace(",", ",,")


def main() -> None:
    lab = load(Path(sys.argv[1]))
    host = lab.host(sys.argv[2])
    cgroup.enter(cgroup.machine_of(lab, host))
    argv = qemu_argv(lab, host)
    os.execvp(argv[0], argv)  # noqa: S606  a list, and no shell is wanted


if __name__ == "__main__":
    main()
