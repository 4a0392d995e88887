"""Tunnels that are the kernel's devices: what of them is not as it should be, and what makes it so."""

from collections.abc import Iterator, Sequence

from dockmesh.diff.subject import MTU, STATE, Desired, Subject, Thing, tunnel
from dockmesh.diff.types import Change
from dockmesh.errors import ConflictError
from dockmesh.facts.types import HostFacts, LinuxLink
from dockmesh.model.network import FABRIC_BRIDGE, TUNNEL_DEVICE, TUNNEL_SINK
from dockmesh.model.vxlan import VxlanDevice
from dockmesh.plan.types import TunnelEnd
from dockmesh.render import ovs, tunnel_device
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Exec, Request

TIMEOUT_S = 20
KIND = "vxlan"
DEVICE, GRO, ALIAS, MASTER = "device", "generic receive offload", "alias", "bridge"
TWICE = "else this host itself would take what comes in, and answer beside Open vSwitch"
LOST = "larger frames would be lost in the tunnels"
MERGED = "Open vSwitch does not read merged packets: pings would pass, and TCP hardly"


def desired(config: HostConfig) -> Iterator[Desired]:
    if config.kernel_devices:
        yield _sink()
    for end in config.tunnels:
        yield from _of(config, end)


def _of(config: HostConfig, end: TunnelEnd) -> Iterator[Desired]:
    if end.device is None:
        return
    own = subject(end)
    yield Desired(own.of(DEVICE), str(end.device), "no frame passes this tunnel until both ends have it so")
    yield Desired(own.of(MTU), str(config.docker0.mtu), LOST)
    yield Desired(own.of(GRO), "off", MERGED)
    yield Desired(own.of(STATE), "up", "a link of the plan")
    yield Desired(own.of(MASTER), TUNNEL_SINK, TWICE)
    yield Desired(own.of(ALIAS), tunnel_device.alias(config.mesh), "dockmesh knows its own by it")


def _sink() -> Desired:
    return Desired(Subject(Thing.DEVICE, TUNNEL_SINK), "down", TWICE)


def sink_changes(config: HostConfig, facts: HostFacts) -> Iterator[Change]:
    """Of the bridge that the devices are in."""
    link, wanted = facts.link(TUNNEL_SINK), _sink()
    actual = None if link is None else "up" if link.up else "down"
    if config.kernel_devices and actual != wanted.value:
        yield Change(config.host, wanted.subject, actual, wanted.value, wanted.reason)
    if not config.kernel_devices and link is not None and tunnel_device.is_ours(link.alias):
        yield Change(config.host, wanted.subject, actual, None, "no tunnel is a device of the kernel's")


def subject(end: TunnelEnd) -> Subject:
    return tunnel(end.peer, end.port)


def ours(mesh: str, facts: HostFacts) -> list[LinuxLink]:
    """The devices of a mesh's tunnels, by alias or by the port's mark; with the name alone one may be anybody's."""
    mark, bridge = tunnel_device.alias(mesh), facts.bridge(FABRIC_BRIDGE)
    marked = {port.name for port in bridge.interfaces if port.external_ids.get(ovs.MARK) == mesh} if bridge else set()
    named = (link for link in facts.links if link.name.startswith(TUNNEL_DEVICE) and link.name != TUNNEL_SINK)
    return [link for link in named if link.alias == mark or link.name in marked]


def differing(config: HostConfig, facts: HostFacts, end: TunnelEnd) -> Iterator[tuple[Desired, str | None]]:
    """What of a tunnel's device is not as desired, each with what there is instead; None: there is no device.

    Without a device, and of one that must be made again, nothing else is told.
    """
    link = facts.link(end.port)
    found: dict[str, str | None] = {DEVICE: None}
    if link is not None:
        found = {DEVICE: str(link.vxlan) if link.vxlan else link.kind or "a real device"}
    if link is not None and link.vxlan == end.device:
        found |= {MTU: str(link.mtu), STATE: "up" if link.up else "down", ALIAS: link.alias or "none"}
        found |= {MASTER: link.master or "none"}
        # Where nobody could say, nothing is known to be wrong.
        found |= {} if link.gro is None else {GRO: "on" if link.gro else "off"}
    for each in _of(config, end):
        actual = found.get(each.subject.aspect, each.value)
        if actual != each.value:
            yield each, actual


def changes(config: HostConfig, facts: HostFacts, end: TunnelEnd) -> Iterator[Change]:
    for each, actual in differing(config, facts, end):
        yield Change(config.host, each.subject, actual, each.value, each.reason)


def stale(config: HostConfig, facts: HostFacts) -> list[LinuxLink]:
    """Devices of ours that no tunnel of the plan is."""
    wanted = {end.port for end in config.tunnels if end.device}
    return [link for link in ours(config.mesh, facts) if link.name not in wanted]


def stale_changes(config: HostConfig, facts: HostFacts, ports: Sequence[str]) -> Iterator[Change]:
    """Of those that are no port any more; `ports` are told already."""
    for link in stale(config, facts):
        if link.name not in ports:
            there = str(link.vxlan) if link.vxlan else "a device of ours"
            yield Change(config.host, tunnel(None, link.name).of(DEVICE), there, None, "no tunnel of this host is it")


def remade(config: HostConfig, facts: HostFacts) -> list[TunnelEnd]:
    """Those whose device is missing, or another than it should be: it is deleted and made, and so is its port."""
    return [
        end
        for end in config.tunnels
        if end.device is not None and ((link := facts.link(end.port)) is None or link.vxlan != end.device)
    ]


def before_ports(config: HostConfig, facts: HostFacts) -> tuple[Request, ...]:
    """What comes before the transaction that adds the ports: those of devices that are made again go first."""
    anew = remade(config, facts)
    names = [end.port for end in anew]
    bridge = facts.bridge(FABRIC_BRIDGE)
    living = [name for name in names if bridge is not None and bridge.interface(name) is not None]
    differ = [end for end in config.tunnels if any(differing(config, facts, end))]
    sink = tunnel_device.sink(config.mesh) if differ or any(sink_changes(config, facts)) else ()
    return (
        *map(Exec, sink if config.kernel_devices else ()),
        *((del_ports(living),) if living else ()),
        *(Exec(tunnel_device.delete(name)) for name in names if facts.link(name) is not None),
        *(Exec(tunnel_device.make(end.port, end.device)) for end in anew if end.device),
        *(Exec(argv) for end in differ for argv in tunnel_device.set_up(end.port, config.mesh, config.docker0.mtu)),
    )


def del_ports(names: Sequence[str]) -> Exec:
    """In a transaction of its own; a port that is not there is no error."""
    words = [word for name in names for word in ("--", "--if-exists", "del-port", FABRIC_BRIDGE, name)]
    return Exec(ovs.make_sure_argv(tuple(words), TIMEOUT_S))


def after_ports(config: HostConfig, facts: HostFacts) -> tuple[Request, ...]:
    """What comes after the transaction that deletes the ports of devices which are not wanted."""
    names = [link.name for link in stale(config, facts)]
    names += [TUNNEL_SINK] if not config.kernel_devices and any(sink_changes(config, facts)) else []
    return tuple(Exec(tunnel_device.delete(name)) for name in names)


def refuse_conflicts(config: HostConfig, facts: HostFacts) -> None:
    """Raises ConflictError where the kernel would refuse a device beside one of somebody else's."""
    if conflict := next(conflicts(config.mesh, config.tunnels, facts), None):
        end, link = conflict
        raise ConflictError(
            what_excludes(end, link),
            host=config.host,
            answered=f"{link.name}: {link.vxlan}",
            now="nothing was changed on this host",
            do=INSTEAD,
        )


INSTEAD = "set another `key` under `fabric`, which every VNI of the mesh moves by; or end what uses that device"


def what_excludes(end: TunnelEnd, link: LinuxLink) -> str:
    """Half a sentence about the host."""
    if link.vxlan is None or end.device is None:
        raise ValueError(f"{end.port} and {link.name} are not both VXLAN devices")
    why = "takes all that comes to" if link.vxlan.external else f"has VNI {end.device.vni} of"
    return f"has a VXLAN device {link.name}, which {why} UDP port {end.device.port}: the tunnel to {end.peer} needs it"


def conflicts(mesh: str, tunnels: Sequence[TunnelEnd], facts: HostFacts) -> Iterator[tuple[TunnelEnd, LinuxLink]]:
    """Tunnels that cannot be made, each beside whose device; our own give way, and so does what a tunnel is called."""
    own = {link.name for link in ours(mesh, facts)} | {end.port for end in tunnels}
    others = [(link, link.vxlan) for link in facts.links if link.vxlan and link.name not in own]
    for end in tunnels:
        wanted: VxlanDevice | None = end.device
        for link, there in others:
            if wanted is not None and there.excludes(wanted):
                yield end, link
