"""What each kind of host does in its own way; all else of a lab is one for all kinds."""

from collections.abc import Mapping
from typing import Protocol

from dockmesh.lab.container import Containers
from dockmesh.lab.image import Say
from dockmesh.lab.model import Accelerator, HostKind, Image, Lab, LabHost
from dockmesh.lab.release import Release
from dockmesh.lab.vm.machines import VirtualMachines
from dockmesh.model.mesh import Datapath


class Machines(Protocol):
    """One kind of host."""

    programs: Mapping[str, str]  # what they need of this machine: program, Debian package
    modules: tuple[str, ...]  # and of its kernel, where these are modules
    # From power on until all is started. A deadline, not a measurement: the machine may be busy.
    booted_within_s: float

    def lacks(self) -> list[str]:
        """What else this machine must have for them and has not, a sentence each."""
        ...

    def datapath(self) -> Datapath:
        """Which datapath of Open vSwitch runs on them."""
        ...

    def ensure_image(self, release: Release, *, prepared: bool, say: Say) -> Image: ...

    def choose_accelerator(self, image: Image, wanted: Accelerator | None, say: Say) -> Accelerator | None:
        """What shall carry out their instructions; None: that is no question."""
        ...

    def ensure_disk(self, lab: Lab, host: LabHost) -> None: ...

    def plug(self, lab: Lab, host: LabHost) -> None:
        """The cable from the switch, recreated for a boot."""
        ...

    def boot_argv(self, lab: Lab, host: LabHost) -> tuple[str, ...]:
        """A command that is the running host: it lasts as long as the host is on."""
        ...

    def rebooted(self, status: int) -> bool:
        """Whether a boot that ended with this exit status is to be followed by the next."""
        ...


MACHINES: dict[HostKind, Machines] = {HostKind.CONTAINER: Containers(), HostKind.VM: VirtualMachines()}


def machines_of(lab: Lab) -> Machines:
    return MACHINES[lab.kind]
