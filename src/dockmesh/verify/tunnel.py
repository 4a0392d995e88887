"""The tunnels as the hosts have them: each end of each link of the plan."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from dockmesh.facts.types import HostFacts, OvsInterface
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.model.vxlan import VxlanDevice
from dockmesh.plan.types import SYSTEM, Plan, TunnelEnd
from dockmesh.render.ovs import KEY, PEER_MARK
from dockmesh.verify import encryption

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
    hampers: str = ""  # what of it lets only a part of its frames through
    hears: bool = False  # BFD hears the other end, whether that one hears us or not
    do: str = APPLY  # where it is not up for a reason of this host's


def find_port(facts: HostFacts, wanted: TunnelEnd) -> OvsInterface | None:
    """The port that leads to the peer; or the one that should, by its mark, or without a mark by its name."""
    bridge = facts.bridge(FABRIC_BRIDGE)
    if bridge is None:
        return None
    remote = str(wanted.remote)
    by_remote = (port for port in bridge.interfaces if facts.remote_of(port) == remote)
    by_mark = (port for port in bridge.interfaces if port.external_ids.get(PEER_MARK) == wanted.peer)
    by_name = bridge.interface(wanted.port)
    return next(by_remote, None) or next(by_mark, None) or (by_name if by_name and not _is_marked(by_name) else None)


def _is_marked(port: OvsInterface) -> bool:
    return PEER_MARK in port.external_ids


def read_end(plan: Plan, facts: HostFacts, wanted: TunnelEnd) -> End:
    host, found = facts.name, find_port(facts, wanted)
    if found is None:
        return End(host, wanted.peer, TunnelState.MISSING, wanted.port)
    differences = (
        _of_device(facts, wanted, wanted.device, found) if wanted.device else _of_port(plan, facts, wanted, found)
    )
    if differences:
        return End(host, wanted.peer, TunnelState.BROKEN, found.name, "; ".join(differences))
    if found.error:
        wrong = f"Open vSwitch says: {found.error}"
        return End(host, wanted.peer, TunnelState.BROKEN, found.name, wrong, do=_make_room(facts, found))
    if found.bfd.get("enable") != "true":
        return End(host, wanted.peer, TunnelState.NO_BFD, found.name)
    heard = found.bfd_status.get("state")
    up = heard == "up" and found.bfd_status.get("forwarding") == "true"
    if not up and plan.fabric.encryption is not None and (kept := encryption.keeps_down(facts, wanted)):
        return End(host, wanted.peer, TunnelState.BROKEN, found.name, kept[0], do=kept[1])
    return End(
        host,
        wanted.peer,
        TunnelState.UP if up else TunnelState.DOWN,
        found.name,
        hampers=_hampers(plan, facts, found),
        hears=heard in ("init", "up"),
    )


def _of_port(plan: Plan, facts: HostFacts, wanted: TunnelEnd, found: OvsInterface) -> list[str]:
    """What is not as planned of a tunnel that Open vSwitch makes."""
    remote = facts.remote_of(found)
    key, wanted_key = found.options.get(KEY), None if plan.fabric.key is None else str(plan.fabric.key)
    wire = plan.fabric.tunnel.encapsulation
    no_key = "none" if wire.key_header else "0"
    return [
        *([f"its type is {found.type}, not {wanted.type}"] if found.type != wanted.type else []),
        *([f"it leads to {remote}, not to {wanted.remote}"] if remote != str(wanted.remote) else []),
        *([f"its {wire.key_name} is {key or no_key}, not {wanted_key or no_key}"] if key != wanted_key else []),
    ]


def _of_device(facts: HostFacts, wanted: TunnelEnd, device: VxlanDevice, found: OvsInterface) -> list[str]:
    """The same where the tunnel is a device of the kernel's; what `diff` compares, in sentences.

    What only costs its frames their size or speed is no failure of the tunnel: probes of sizes and of TCP tell that.
    """
    link = facts.link(found.name)
    if link is None:
        return ["its device is not there"]
    there = link.vxlan
    if there is None:
        return [f"its device is {link.kind or 'a real one'}, not VXLAN's"]
    alike = replace(there, vni=device.vni, local=device.local, remote=device.remote) == device
    return [
        *([f"its type is {found.type or SYSTEM}, not {wanted.type}"] if found.type not in ("", wanted.type) else []),
        *([f"it leads to {there.remote}, not to {wanted.remote}"] if there.remote != device.remote else []),
        *([f"it sends from {there.local}, not from {device.local}"] if there.local != device.local else []),
        *([f"its VNI is {there.vni}, not {device.vni}"] if there.vni != device.vni else []),
        *([] if alike else [f"its device is another than planned: {there}"]),
        *([] if link.up else ["its device is down"]),
    ]


def _hampers(plan: Plan, facts: HostFacts, found: OvsInterface) -> str:
    """Of a device that is up: pings pass, and full-size packets or TCP do not."""
    link = facts.link(found.name) if plan.fabric.kernel_devices else None
    if link is None:
        return ""
    small = [f"its device has MTU {link.mtu}, not {plan.mtu}"] if link.mtu != plan.mtu else []
    return "; ".join((*small, *(["generic receive offload is on at its device"] if link.gro else [])))


def _make_room(facts: HostFacts, port: OvsInterface) -> str:
    """For a tunnel that is as planned and that Open vSwitch cannot make. It makes one to each address, in one bridge.

    Measured with Open vSwitch 3.5.0: as soon as the other one goes, it makes ours.
    """
    for bridge in facts.ovs or ():
        for other in bridge.interfaces:
            alike = (other.type, other.options.get("remote_ip")) == (port.type, port.options.get("remote_ip"))
            if alike and "remote_ip" in port.options and other.name != port.name:
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
