"""The Open vSwitch bridges of further networks, and the patches that join them to the fabric's: what differs."""

from collections.abc import Iterator
from dataclasses import dataclass

from dockmesh.diff import attachments
from dockmesh.diff.settings import setting_changes
from dockmesh.diff.types import Change
from dockmesh.facts.types import HostFacts, OvsBridge
from dockmesh.model import FABRIC_BRIDGE, Datapath
from dockmesh.render.types import HostConfig


def made_anew(config: HostConfig, switch: str, facts: HostFacts) -> bool:
    """Another datapath is another bridge."""
    present = facts.bridge(switch)
    return present is None or (present.datapath_type or str(Datapath.SYSTEM)) != str(config.datapath)


def stale_switches(config: HostConfig, facts: HostFacts) -> list[str]:
    """Those that are there and must be made anew."""
    names = dict.fromkeys(each.switch for each in joined(config))
    return [name for name in names if made_anew(config, name, facts) and facts.bridge(name) is not None]


@dataclass(frozen=True, slots=True)
class Joined:
    """A bridge that a patch joins to the fabric's, for a network."""

    network: str
    switch: str
    fabric_port: str
    switch_port: str
    interface: str | None = None  # attached by it


def joined(config: HostConfig) -> Iterator[Joined]:
    for network in config.networks:
        yield Joined(network.name, network.bridge.member, network.fabric_port, network.switch_port)
    for each in config.attachments:
        yield Joined(each.network, each.switch, each.fabric_port, each.switch_port, each.interface)


def switch_changes(config: HostConfig, facts: HostFacts, *, fabric_anew: bool) -> Iterator[Change]:
    """`fabric_anew`: the fabric's bridge is made anew, and has none of its ports then."""
    fabric = None if fabric_anew else facts.bridge(FABRIC_BRIDGE)
    seen = set[str]()
    for wanted in joined(config):
        name = wanted.switch
        switch = None if made_anew(config, name, facts) else facts.bridge(name)
        if name not in seen:
            seen.add(name)
            yield from _switch_changes(config, wanted, switch, facts)
        for port, bridge in ((wanted.fabric_port, fabric), (wanted.switch_port, switch)):
            if bridge is None or bridge.interface(port) is None:
                yield Change(
                    config.host, f"patch {port}", None, f"for {wanted.network}", "it joins the network to the fabric"
                )
            else:
                yield from _changes(config, port, bridge)


def _switch_changes(config: HostConfig, wanted: Joined, switch: OvsBridge | None, facts: HostFacts) -> Iterator[Change]:
    name, interface = wanted.switch, wanted.interface
    if switch is None:
        there = facts.bridge(name)
        actual = None if there is None else f"{there.datapath_type or Datapath.SYSTEM} datapath"
        reason = f"it joins {interface or f'the network {wanted.network}'} to the fabric"
        yield Change(config.host, f"bridge {name}", actual, f"{config.datapath} datapath", reason)
    else:
        yield from _changes(config, name, switch)
    if interface is not None:
        if switch is None or switch.interface(interface) is None:
            what = attachments.described(config, interface)
            yield Change(config.host, attachments.subject(interface), None, what, attachments.WHY)
        else:
            yield from _changes(config, interface, switch)


def _changes(config: HostConfig, record: str, bridge: OvsBridge) -> Iterator[Change]:
    for setting in config.settings:
        if setting.record == record:
            yield from setting_changes(config.host, setting, bridge, bridge.interface(record))
