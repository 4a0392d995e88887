"""Who carries out a virtual machine's instructions: KVM where a guest really boots with it, else QEMU itself.

That /dev/kvm opens says little: within some virtual machines it is there and starts no common kernel.
"""

import subprocess
from pathlib import Path

from dockmesh.errors import LabError
from dockmesh.lab.model import Accelerator
from dockmesh.lab.vm.image import INITRD, KERNEL
from dockmesh.lab.vm.initrd import PROOF, PROVE

QEMU = "qemu-system-x86_64"
# No USB and no timer that polls: each costs emulation at rest.
MACHINE = ("-machine", "pc,usb=off,hpet=off", "-nodefaults", "-no-user-config", "-display", "none")
ACCELERATION = {
    Accelerator.KVM: ("-accel", "kvm", "-cpu", "host"),
    # The plainest processor: what a guest does not find it does not use, and emulation is spared.
    Accelerator.TCG: ("-accel", "tcg,thread=multi", "-cpu", "qemu64,-svm"),
}
# A guest with KVM takes a second.
PROOF_WITHIN_S = 15


def choose(image: Path) -> Accelerator:
    """KVM if a guest of this image boots with it here."""
    return Accelerator.KVM if Path("/dev/kvm").exists() and boots(image, Accelerator.KVM) else Accelerator.TCG


def boots(image: Path, accelerator: Accelerator, within_s: float = PROOF_WITHIN_S) -> bool:
    """Start kernel and initrd of the image, which say a line and switch off."""
    argv = (
        *(QEMU, *MACHINE, *ACCELERATION[accelerator], "-smp", "1", "-m", "256", "-no-reboot", "-serial", "stdio"),
        *("-kernel", str(image / KERNEL), "-initrd", str(image / INITRD)),
        *("-append", f"console=ttyS0 quiet panic=-1 {PROVE}"),
    )
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as guest:
        try:
            heard, _ = guest.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            guest.kill()
            heard, _ = guest.communicate()
    return PROOF.encode() in heard


def check(image: Path, wanted: Accelerator) -> None:
    if wanted is Accelerator.KVM and not boots(image, wanted):
        raise LabError("no virtual machine boots with KVM on this machine", do="leave --accel out, or use --accel tcg")
