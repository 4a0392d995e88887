"""Names of tunnel ports that a host has already: an interface cannot be renamed, so a living one keeps its name."""

from dataclasses import replace
from itertools import count

from dockmesh.facts.types import HostFacts, OvsInterface
from dockmesh.model import FABRIC_BRIDGE
from dockmesh.plan.types import HostPlan, TunnelEnd
from dockmesh.render.ovs import PEER_MARK


def adopt(host: HostPlan, facts: HostFacts) -> HostPlan:
    """The plan with the names of the ports that lead to the same peers now; the others get the lowest free ones."""
    bridge = facts.bridge(FABRIC_BRIDGE)
    if bridge is None:
        return host
    known = {tunnel.peer: found for tunnel in host.tunnels if (found := _leads_to(tunnel, bridge.interfaces))}
    taken = {interface.name for interface in bridge.interfaces}
    free = (name for number in count(1) if (name := f"gre{number}") not in taken)
    return replace(
        host,
        tunnels=tuple(
            replace(tunnel, port=known[tunnel.peer].name if tunnel.peer in known else next(free))
            for tunnel in host.tunnels
        ),
    )


def _leads_to(tunnel: TunnelEnd, interfaces: tuple[OvsInterface, ...]) -> OvsInterface | None:
    by_remote = (port for port in interfaces if port.options.get("remote_ip") == str(tunnel.remote))
    by_mark = (port for port in interfaces if port.external_ids.get(PEER_MARK) == tunnel.peer)
    return next(by_remote, None) or next(by_mark, None)
