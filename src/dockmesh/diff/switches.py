"""The Open vSwitch bridges of further networks, and the patches that join them to the fabric's: what differs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dockmesh.diff import attachments
from dockmesh.diff.settings import setting_changes
from dockmesh.diff.subject import Desired, Subject, Thing
from dockmesh.diff.types import Change
from dockmesh.facts.types import HostFacts, OvsBridge
from dockmesh.model.mesh import Datapath
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.render.types import HostConfig


def is_recreated(config: HostConfig, switch: str, facts: HostFacts) -> bool:
    """Another datapath is another bridge."""
    present = facts.bridge(switch)
    return present is None or (present.datapath_type or str(Datapath.SYSTEM)) != str(config.datapath)


def stale_switches(config: HostConfig, facts: HostFacts) -> list[str]:
    """Those that are there and must be recreated."""
    names = dict.fromkeys(each.switch for each in joined(config))
    return [name for name in names if is_recreated(config, name, facts) and facts.bridge(name) is not None]


@dataclass(frozen=True, slots=True)
class Joined:
    """A bridge that a patch joins to the fabric's, for a network."""

    network: str
    switch: str
    fabric_port: str
    switch_port: str
    interface: str | None = None  # attached by it


def joined(config: HostConfig) -> Iterator[Joined]:
    for network in config.further:
        yield Joined(network.name, network.switch, network.fabric_port, network.switch_port)
    for each in config.attachments:
        yield Joined(each.network, each.switch, each.fabric_port, each.switch_port, each.interface)


def desired(config: HostConfig) -> Iterator[Desired]:
    """Bridges, patches and interfaces themselves; their settings are among those of the fabric."""
    for each in joined(config):
        yield from (_switch(config, each), *(_patch(each, port) for port in (each.fabric_port, each.switch_port)))
        if each.interface is not None:
            yield attachments.desired(config, each.interface)


def things(config: HostConfig) -> Mapping[str, Subject]:
    """By the name of a record of Open vSwitch's what it is."""
    return {each.subject.name: each.subject for each in desired(config)}


def _switch(config: HostConfig, each: Joined) -> Desired:
    reason = f"it joins {each.interface or f'the network {each.network}'} to the fabric"
    return Desired(Subject(Thing.BRIDGE, each.switch), f"{config.datapath} datapath", reason)


def _patch(each: Joined, port: str) -> Desired:
    return Desired(Subject(Thing.PATCH, port), f"for {each.network}", "it joins the network to the fabric")


def switch_changes(config: HostConfig, facts: HostFacts, *, fabric_recreated: bool) -> Iterator[Change]:
    """`fabric_recreated`: the fabric's bridge is recreated, and has none of its ports then."""
    fabric = None if fabric_recreated else facts.bridge(FABRIC_BRIDGE)
    seen = set[str]()
    for each in joined(config):
        name = each.switch
        switch = None if is_recreated(config, name, facts) else facts.bridge(name)
        if name not in seen:
            seen.add(name)
            there = facts.bridge(name)
            actual = None if there is None else f"{there.datapath_type or Datapath.SYSTEM} datapath"
            yield from _changes(config, _switch(config, each), switch, made=switch is None, actual=actual)
            if each.interface is not None:
                yield from _port_changes(config, attachments.desired(config, each.interface), switch)
        yield from _port_changes(config, _patch(each, each.fabric_port), fabric)
        yield from _port_changes(config, _patch(each, each.switch_port), switch)


def _port_changes(config: HostConfig, each: Desired, bridge: OvsBridge | None) -> Iterator[Change]:
    missing = bridge is None or bridge.interface(each.subject.name) is None
    return _changes(config, each, bridge, made=missing, actual=None)


def _changes(
    config: HostConfig, each: Desired, bridge: OvsBridge | None, *, made: bool, actual: str | None
) -> Iterator[Change]:
    """`made`: with all its settings, which are then no differences of their own."""
    name = each.subject.name
    if bridge is None or made:
        yield Change(config.host, each.subject, actual, each.value, each.reason)
    else:
        settings = (setting for setting in config.settings if setting.record == name)
        yield from setting_changes(config.host, each.subject, settings, bridge, bridge.interface(name))
