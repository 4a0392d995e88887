"""Names of tunnel ports that a host has already: an interface cannot be renamed, so a living one keeps its name."""

import re
from collections.abc import Container, Iterator
from dataclasses import replace
from itertools import count

from dockmesh.facts.types import HostFacts, OvsInterface
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.plan.types import HostPlan, TunnelEnd
from dockmesh.render import tunnel_device
from dockmesh.render.ovs import PEER_MARK


def adopt(host: HostPlan, facts: HostFacts) -> HostPlan:
    """The plan with the names of the ports that lead to the same peers now; the others get the lowest free ones."""
    bridge = facts.bridge(FABRIC_BRIDGE)
    living = () if bridge is None else bridge.interfaces
    names = _living(
        host.tunnels, tuple(port for port in living if any(_is_of(end, port) for end in host.tunnels)), facts
    )
    # Open vSwitch knows a port's name once, whatever the bridge; and so does the kernel a device's.
    taken = {interface.name for each in facts.ovs or () for interface in each.interfaces}
    taken |= {link.name for link in facts.links if not tunnel_device.is_ours(link.alias)}
    free: dict[str, Iterator[str]] = {end.stem: _free(end.stem, taken) for end in host.tunnels}
    return replace(
        host,
        tunnels=tuple(replace(end, port=names.get(end.peer) or next(free[end.stem])) for end in host.tunnels),
    )


def _free(stem: str, taken: Container[str]) -> Iterator[str]:
    return (name for number in count(1) if (name := f"{stem}{number}") not in taken)


def _is_of(end: TunnelEnd, port: OvsInterface) -> bool:
    """Whether a port may become, or stay, a tunnel of that kind under its name.

    One that somebody made another kind of by hand is put right in place; where the file wants another kind there are
    new ports, named after it. Of devices only the name tells: all of the kernel's are of one type.
    """
    named = re.fullmatch(rf"{re.escape(end.stem)}[0-9]+", port.name) is not None
    return named or (end.device is None and port.type == end.type)


def _living(tunnels: tuple[TunnelEnd, ...], interfaces: tuple[OvsInterface, ...], facts: HostFacts) -> dict[str, str]:
    """By peer the port that leads to it: one that fits in address and mark, else by address, else by mark.

    By address before mark, for two hosts may have swapped theirs; and only where no better one is there, for somebody
    may have turned one port to where another leads.
    """
    remotes = {port.name: facts.remote_of(port) for port in interfaces}
    by_both = {(remotes[port.name], port.external_ids.get(PEER_MARK)): port.name for port in interfaces}
    by_remote = {remote: name for name, remote in remotes.items() if remote is not None}
    by_mark = {port.external_ids[PEER_MARK]: port.name for port in interfaces if PEER_MARK in port.external_ids}
    names: dict[str, str] = {}
    for tunnel, port in (
        *((tunnel, by_both.get((str(tunnel.remote), tunnel.peer))) for tunnel in tunnels),
        *((tunnel, by_remote.get(str(tunnel.remote))) for tunnel in tunnels),
        *((tunnel, by_mark.get(tunnel.peer)) for tunnel in tunnels),
    ):
        if port and tunnel.peer not in names and port not in names.values():
            names[tunnel.peer] = port
    return names
