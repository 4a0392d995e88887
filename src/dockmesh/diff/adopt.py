"""Names of tunnel ports that a host has already: an interface cannot be renamed, so a living one keeps its name."""

import re
from collections.abc import Container, Iterator
from dataclasses import replace
from itertools import count

from dockmesh.facts.types import HostFacts, OvsInterface
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.types import HostPlan, TunnelEnd
from dockmesh.render.ovs import PEER_MARK


def adopt(host: HostPlan, facts: HostFacts) -> HostPlan:
    """The plan with the names of the ports that lead to the same peers now; the others get the lowest free ones."""
    bridge = facts.bridge(FABRIC_BRIDGE)
    kinds = {tunnel.kind for tunnel in host.tunnels}
    living = () if bridge is None else bridge.interfaces
    names = _living(host.tunnels, tuple(port for port in living if any(_is_of(kind, port) for kind in kinds)))
    # Open vSwitch knows a port's name once, whatever the bridge.
    taken = {interface.name for each in facts.ovs or () for interface in each.interfaces}
    free = {kind: _free(kind, taken) for kind in Tunnel}
    return replace(
        host,
        tunnels=tuple(
            replace(tunnel, port=names.get(tunnel.peer) or next(free[tunnel.kind])) for tunnel in host.tunnels
        ),
    )


def _free(kind: Tunnel, taken: Container[str]) -> Iterator[str]:
    return (name for number in count(1) if (name := f"{kind}{number}") not in taken)


def _is_of(kind: Tunnel, port: OvsInterface) -> bool:
    """Whether a port may become, or stay, a tunnel of that kind under its name.

    One that somebody made another kind of by hand is put right in place; where the file wants another kind there are
    new ports, named after it.
    """
    return port.type == str(kind) or re.fullmatch(rf"{kind}[0-9]+", port.name) is not None


def _living(tunnels: tuple[TunnelEnd, ...], interfaces: tuple[OvsInterface, ...]) -> dict[str, str]:
    """By peer the port that leads to it: one that fits in address and mark, else by address, else by mark.

    By address before mark, for two hosts may have swapped theirs; and only where no better one is there, for somebody
    may have turned one port to where another leads.
    """
    by_both = {_key(port): port.name for port in interfaces}
    by_remote = {port.options["remote_ip"]: port.name for port in interfaces if "remote_ip" in port.options}
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


def _key(port: OvsInterface) -> tuple[str | None, str | None]:
    return port.options.get("remote_ip"), port.external_ids.get(PEER_MARK)
