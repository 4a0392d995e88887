"""Whether Open vSwitch can carry the mesh on a host at all, with the datapath and forwarding that the file wants."""

from dockmesh.defects import INSTEAD_OF_A_TREE, floods_nothing, said_of_floods
from dockmesh.errors import DatapathError
from dockmesh.facts.types import HostFacts
from dockmesh.model.mesh import Datapath
from dockmesh.render.types import HostConfig


def refuse_datapath(config: HostConfig, facts: HostFacts) -> None:
    """Raises DatapathError, before anything is written."""
    if config.datapath is Datapath.SYSTEM and not facts.kernel_datapath:
        raise DatapathError(
            "its kernel has no openvswitch module",
            host=config.host,
            now="nothing was changed on this host",
            do="install a kernel that has it, or set `datapath: netdev` under `fabric` in the file",
        )
    if config.forwarding.has_tree and floods_nothing(facts.switch_version):
        raise DatapathError(
            said_of_floods(facts.switch_version),
            host=config.host,
            now="nothing was changed on this host",
            do=INSTEAD_OF_A_TREE,
        )
    # Before Open vSwitch is there, nothing can be on a bridge of its.
    if config.datapath is Datapath.NETDEV and facts.ovs is not None and not config.kernel_devices:
        _refuse_underlay_outside(config, facts)


def _refuse_underlay_outside(config: HostConfig, facts: HostFacts) -> None:
    """The datapath in userspace sends tunnels only out of its own bridges; a kernel route is no use to it."""
    devices = [link.name for link in facts.links if link.has(config.underlay)]
    bridges = [bridge.name for bridge in facts.ovs or () if bridge.datapath_type == str(Datapath.NETDEV)]
    if any(device in bridges for device in devices):
        return
    raise DatapathError(
        f"its underlay address {config.underlay} is not on an Open vSwitch bridge of the netdev datapath",
        host=config.host,
        answered=f"it is on {', '.join(devices)}" if devices else "no device of the host has it",
        do="set `tunnel: vxlan` and `tunnel_devices: kernel` under `fabric`, which need no such bridge; or put the "
        "device into one and the address on it; or set `datapath: system`",
    )
