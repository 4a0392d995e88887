"""How long hosts whose link to each other stays may lose what they send each other, as predicted: pure.

Flows, groups, tunnels and their settings come and go without a loss for them. A network device that comes or goes does
not where the datapath is in userspace: Open vSwitch (3.5 to 4.0) then forgets its routes and the addresses that its
tunnels listen on, and reads them again (`route_table_reset` in lib/route-table.c). A flow that another of its threads
translates in just that moment leads nowhere, until the next translation. In the kernel's datapath tunnels go by the
kernel's routes, and so do the kernel's own devices.
"""

from collections.abc import Iterable

from dockmesh.diff.subject import Thing
from dockmesh.diff.types import HostDiff, StepName
from dockmesh.facts.types import HostFacts
from dockmesh.model.mesh import Fabric
from dockmesh.model.network import FABRIC_BRIDGE

# Measured on two cores at a load of 10 to 20: 10 to 40 ms, at one in twenty containers that came or went.
DEVICES_MS = 100
WHY = "network devices come and go there, and the userspace datapath then reads its routes again"
# These touch no network device; the fabric does where it makes a bridge.
WITHOUT_DEVICES = (StepName.QUIESCE, StepName.FILES)


def silence_ms(diff: HostDiff, facts: HostFacts, fabric: Fabric) -> int:
    """What the changes cost; beside what they say themselves of links that do not stay.

    A host that has no fabric yet has no link that could stay.
    """
    return DEVICES_MS if not fabric.in_kernel and _carries(facts) and _touches_devices(diff) else 0


def proof_silence_ms(hosts: Iterable[HostFacts], fabric: Fabric) -> int:
    """What the proof costs: it starts and removes a container on each host. Before the first apply there is no mesh."""
    return DEVICES_MS if not fabric.in_kernel and any(map(_carries, hosts)) else 0


def _carries(facts: HostFacts) -> bool:
    return facts.bridge(FABRIC_BRIDGE) is not None


def _touches_devices(diff: HostDiff) -> bool:
    return any(
        any(subject.kind is Thing.BRIDGE and not subject.aspect for subject in step.subjects)
        if step.name is StepName.FABRIC
        else step.name not in WITHOUT_DEVICES
        for step in diff.steps
    )
