"""The Open vSwitch bridges of further networks, and the patches that join them to the fabric's: what differs."""

from collections.abc import Iterator

from dockmesh.diff.settings import setting_changes
from dockmesh.diff.types import Change
from dockmesh.facts.types import HostFacts, OvsBridge
from dockmesh.model import FABRIC_BRIDGE, Datapath
from dockmesh.render.types import DockerNetwork, HostConfig


def made_anew(config: HostConfig, wanted: DockerNetwork, facts: HostFacts) -> bool:
    """Another datapath is another bridge."""
    present = facts.bridge(wanted.bridge.member)
    return present is None or (present.datapath_type or str(Datapath.SYSTEM)) != str(config.datapath)


def stale_switches(config: HostConfig, facts: HostFacts) -> list[str]:
    """Those that are there and must be made anew."""
    names = [each.bridge.member for each in config.networks if made_anew(config, each, facts)]
    return [name for name in names if facts.bridge(name) is not None]


def switch_changes(config: HostConfig, facts: HostFacts, *, fabric_anew: bool) -> Iterator[Change]:
    """`fabric_anew`: the fabric's bridge is made anew, and has none of its ports then."""
    fabric = None if fabric_anew else facts.bridge(FABRIC_BRIDGE)
    for wanted in config.networks:
        name = wanted.bridge.member
        switch = None if made_anew(config, wanted, facts) else facts.bridge(name)
        if switch is None:
            there = facts.bridge(name)
            actual = None if there is None else f"{there.datapath_type or Datapath.SYSTEM} datapath"
            reason = f"it joins the network {wanted.name} to the fabric"
            yield Change(config.host, f"bridge {name}", actual, f"{config.datapath} datapath", reason)
        else:
            yield from _changes(config, name, switch)
        for port, bridge in ((wanted.fabric_port, fabric), (wanted.switch_port, switch)):
            if bridge is None or bridge.interface(port) is None:
                yield Change(
                    config.host, f"patch {port}", None, f"for {wanted.name}", "it joins the network to the fabric"
                )
            else:
                yield from _changes(config, port, bridge)


def _changes(config: HostConfig, record: str, bridge: OvsBridge) -> Iterator[Change]:
    for setting in config.settings:
        if setting.record == record:
            yield from setting_changes(config.host, setting, bridge, bridge.interface(record))
