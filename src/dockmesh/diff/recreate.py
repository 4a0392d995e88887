"""What a living Open vSwitch bridge cannot become, so that it must be recreated."""

from dockmesh.diff.subject import FABRIC, Desired
from dockmesh.facts.types import OvsBridge
from dockmesh.model.mesh import Datapath, Forwarding
from dockmesh.render import ovs
from dockmesh.render.types import HostConfig


def must_be_recreated(config: HostConfig, bridge: OvsBridge) -> bool:
    """Another datapath is another bridge; a spanning tree does not survive a change of its own kind or root.

    Measured with Open vSwitch 3.5.0: setting rstp_enable to false and back leaves the tunnels silent, and after a
    change of priorities two bridges held each other for the root. The MAC address is the rest of what makes a root.
    """
    wanted = (str(config.datapath), config.forwarding is Forwarding.RSTP, config.forwarding is Forwarding.STP)
    return (_datapath(bridge), bridge.rstp, bridge.stp) != wanted or _identity_moved(config, bridge)


def desired(config: HostConfig) -> Desired:
    priority, _ = _wanted(config)
    return Desired(FABRIC, _words(str(config.forwarding), str(config.datapath), priority))


def in_record(bridge: OvsBridge) -> str:
    """The bridge as it is, in the words of `desired`."""
    forwarding = _trees(bridge) or (str(Forwarding.DIRECT) if bridge.fail_mode == "secure" else "no spanning tree")
    return _words(forwarding, _datapath(bridge), bridge.other_config.get(f"{forwarding}-priority"))


def _words(forwarding: str, datapath: str, priority: str | None) -> str:
    return f"{forwarding}, {datapath} datapath{'' if priority is None else f', priority {priority}'}"


def kinds(config: HostConfig, bridge: OvsBridge | None) -> tuple[str | None, str]:
    """The bridge as it is and as it should be; priority or MAC address only where they make the difference."""
    wanted = f"{config.forwarding}, {config.datapath} datapath"
    if bridge is None:
        return None, wanted
    actual = f"{_trees(bridge) or 'no spanning tree'}, {_datapath(bridge)} datapath"
    if actual != wanted:
        return actual, wanted
    priority, address = _wanted(config)
    if address != _address(bridge):
        return f"{actual}, MAC address {_address(bridge)}", f"{wanted}, MAC address {address}"
    return f"{actual}, priority {_priority(bridge)}", f"{wanted}, priority {priority}"


def _trees(bridge: OvsBridge) -> str:
    return " and ".join(name for name, on in (("rstp", bridge.rstp), ("stp", bridge.stp)) if on)


def _datapath(bridge: OvsBridge) -> str:
    return bridge.datapath_type or str(Datapath.SYSTEM)


def _priority(bridge: OvsBridge) -> str:
    return bridge.other_config.get("rstp-priority", "none")


def _address(bridge: OvsBridge) -> str:
    return bridge.other_config.get("hwaddr", "none")


def _wanted(config: HostConfig) -> tuple[str | None, str]:
    """What makes the bridge's identity in the spanning tree: priority and MAC address."""
    address = next(setting.value for setting in config.settings if setting.key == "hwaddr")
    priority = ovs.tree_priority(config.settings)
    return None if priority is None else priority.value, address


def _identity_moved(config: HostConfig, bridge: OvsBridge) -> bool:
    return bridge.rstp and (_priority(bridge), _address(bridge)) != _wanted(config)
