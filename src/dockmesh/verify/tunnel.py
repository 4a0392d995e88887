"""The tunnels as the hosts have them: each end of each link of the plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dockmesh.facts.types import HostFacts, OvsInterface
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.plan.types import Plan, TunnelEnd
from dockmesh.render.ovs import KEY, PEER_MARK

APPLY = "run `dockmesh apply`: it sets this right"


class TunnelState(StrEnum):
    UP = "up"
    DOWN = "down"  # there, but BFD does not hear the other end
    NO_BFD = "no BFD"  # there, but nobody looks whether the other end hears
    BROKEN = "broken"  # Open vSwitch says that it cannot make it
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class End:
    """One end as it is. `port` is its name in Open vSwitch, whatever the plan calls it."""

    host: str
    peer: str
    state: TunnelState
    port: str
    wrong: str = ""  # what of it is not as planned
    hears: bool = False  # BFD hears the other end, whether that one hears us or not
    do: str = APPLY  # where it is not up for a reason of this host's


def find_port(facts: HostFacts, wanted: TunnelEnd) -> OvsInterface | None:
    """The port that leads to the peer; or the one that should, by its mark, or without a mark by its name."""
    bridge = facts.bridge(FABRIC_BRIDGE)
    if bridge is None:
        return None
    remote = str(wanted.remote)
    by_remote = (port for port in bridge.interfaces if port.options.get("remote_ip") == remote)
    by_mark = (port for port in bridge.interfaces if port.external_ids.get(PEER_MARK) == wanted.peer)
    by_name = bridge.interface(wanted.port)
    return next(by_remote, None) or next(by_mark, None) or (by_name if by_name and not _is_marked(by_name) else None)


def _is_marked(port: OvsInterface) -> bool:
    return PEER_MARK in port.external_ids


def read_end(plan: Plan, facts: HostFacts, wanted: TunnelEnd) -> End:
    host, found = facts.name, find_port(facts, wanted)
    if found is None:
        return End(host, wanted.peer, TunnelState.MISSING, wanted.port)
    remote = found.options.get("remote_ip")
    key, wanted_key = found.options.get(KEY), None if plan.fabric.key is None else str(plan.fabric.key)
    wire = plan.fabric.tunnel.encapsulation
    no_key = "none" if wire.key_header else "0"
    differences = [
        *([f"its type is {found.type}, not {plan.fabric.tunnel}"] if found.type != plan.fabric.tunnel else []),
        *([f"it leads to {remote}, not to {wanted.remote}"] if remote != str(wanted.remote) else []),
        *([f"its {wire.key_name} is {key or no_key}, not {wanted_key or no_key}"] if key != wanted_key else []),
    ]
    if differences:
        return End(host, wanted.peer, TunnelState.BROKEN, found.name, "; ".join(differences))
    if found.error:
        wrong = f"Open vSwitch says: {found.error}"
        return End(host, wanted.peer, TunnelState.BROKEN, found.name, wrong, do=_make_room(facts, found))
    if found.bfd.get("enable") != "true":
        return End(host, wanted.peer, TunnelState.NO_BFD, found.name)
    heard = found.bfd_status.get("state")
    up = heard == "up" and found.bfd_status.get("forwarding") == "true"
    return End(host, wanted.peer, TunnelState.UP if up else TunnelState.DOWN, found.name, hears=heard in ("init", "up"))


def _make_room(facts: HostFacts, port: OvsInterface) -> str:
    """For a tunnel that is as planned and that Open vSwitch cannot make. It makes one to each address, in one bridge.

    Measured with Open vSwitch 3.5.0: as soon as the other one goes, it makes ours.
    """
    for bridge in facts.ovs or ():
        for other in bridge.interfaces:
            alike = (other.type, other.options.get("remote_ip")) == (port.type, port.options.get("remote_ip"))
            if alike and other.name != port.name:
                return (
                    f"run `ovs-vsctl del-port {bridge.name} {other.name}` on {facts.name}: it leads to the same address"
                )
    return f"look at `journalctl -u ovs-vswitchd` on {facts.name} for why it cannot be made"


def read_ends(plan: Plan, facts: Mapping[str, HostFacts]) -> dict[tuple[str, str], End]:
    """By host and peer, for the hosts that answered."""
    return {
        (host.name, wanted.peer): read_end(plan, facts[host.name], wanted)
        for host in plan.hosts
        if host.name in facts
        for wanted in host.tunnels
    }


def coming_up(plan: Plan, facts: Mapping[str, HostFacts]) -> bool:
    """Whether there is a link that is there at both ends and not up yet."""
    ends = read_ends(plan, facts)
    there = (TunnelState.UP, TunnelState.DOWN)
    return any(
        end.state is TunnelState.DOWN and (peer, host) in ends and ends[peer, host].state in there
        for (host, peer), end in ends.items()
    )
