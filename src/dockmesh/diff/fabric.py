"""Open vSwitch: what differs, and the one transaction that puts it right."""

from collections.abc import Iterator

from dockmesh.diff import attachments, flows, recreate, switches, tunnel_devices
from dockmesh.diff.flows import INSTALL, flow_change
from dockmesh.diff.recreate import kinds, must_be_recreated
from dockmesh.diff.settings import COSTS, UNTIL_BOTH, setting_changes
from dockmesh.diff.settings import desired as desired_setting
from dockmesh.diff.subject import FABRIC, Desired, Subject, tunnel
from dockmesh.diff.switches import stale_switches, switch_changes
from dockmesh.diff.types import Change, Step, StepName
from dockmesh.errors import ConflictError
from dockmesh.facts.types import HostFacts, OvsBridge, OvsInterface
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.plan.types import SYSTEM, TunnelEnd
from dockmesh.render import ovs
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Exec

TIMEOUT_S = 20
# What the local port of an Open vSwitch bridge is to the kernel, by datapath: system, netdev.
DEVICE_KINDS = ("openvswitch", "tun")
RECREATED = (
    "an existing bridge cannot change this: it is recreated, and its host is cut off until the tunnels are up again"
)


def desired(config: HostConfig) -> Iterator[Desired]:
    """Of all that is in Open vSwitch's database, and the flows."""
    yield recreate.desired(config)
    things = {FABRIC_BRIDGE: FABRIC, **switches.things(config)}
    for end in config.tunnels:
        yield (there := _tunnel(end))
        things[end.port] = there.subject
    yield from (desired_setting(things[setting.record], setting) for setting in config.settings)
    yield from tunnel_devices.desired(config)
    yield flows.desired(config)
    yield from switches.desired(config)


def _tunnel(end: TunnelEnd) -> Desired:
    return Desired(tunnel(end.peer, end.port), f"to {end.peer} at {end.remote}", "a link of the plan")


def fabric_step(config: HostConfig, facts: HostFacts) -> tuple[Step, bool] | None:
    """The step, and whether the bridge is created or recreated; None when all is as it should be.

    Raises ConflictError for a bridge or a device of that name which is not this mesh's.
    """
    bridge = facts.bridge(FABRIC_BRIDGE)
    if bridge is not None:
        _refuse_foreign(config, bridge)
    else:
        _refuse_foreign_device(config, facts)
    tunnel_devices.refuse_conflicts(config, facts)
    recreated = bridge is None or must_be_recreated(config, bridge)
    present = None if recreated else bridge
    changes = (
        *tunnel_devices.sink_changes(config, facts),
        *_changes(config, facts, bridge, recreated=recreated),
        *switch_changes(config, facts, fabric_recreated=recreated),
    )
    of_flows = flow_change(config, facts, recreated=recreated)
    if not changes and of_flows is not None:
        return Step(StepName.FABRIC, (of_flows,), (INSTALL,)), False
    if not changes:
        return None
    drop = [*([FABRIC_BRIDGE] if bridge is not None and recreated else []), *stale_switches(config, facts)]
    stale_ports = [] if present is None else _stale(config, present)
    stale = [port.name for port in stale_ports]
    leaving = [] if present is None else _leaving(config, facts, present)
    unwanted = [] if present is None else [(port.name, key) for port, key in _unwanted(config, present)]
    words = (
        *ovs.transaction(config.settings, config.tunnels, config.further, stale, config.attachments),
        *attachments.set_up(config, facts),
        *ovs.unset_words(unwanted),
    )
    requests = (
        # Not in one transaction with what follows: Open vSwitch would see no change and keep the old bridge's state.
        *(Exec(ovs.make_sure_argv(("--", "--if-exists", "del-br", name), TIMEOUT_S)) for name in drop),
        *(Exec(ovs.leave(port)) for port in leaving),
        *tunnel_devices.before_ports(config, facts),
        Exec(ovs.make_sure_argv(words, TIMEOUT_S)),
        *tunnel_devices.after_ports(config, facts),
        *((INSTALL,) if of_flows else ()),
    )
    return Step(StepName.FABRIC, (*changes, *((of_flows,) if of_flows else ())), requests), recreated


def _refuse_foreign(config: HostConfig, bridge: OvsBridge) -> None:
    owner = bridge.external_ids.get(ovs.MARK)
    if owner != config.mesh:
        raise ConflictError(
            f"has an Open vSwitch bridge {bridge.name} that is not of this mesh",
            host=config.host,
            answered=f"its external_ids say mesh {owner}" if owner else "it has no mark of dockmesh",
            now="nothing was changed on this host",
            do=f"if nothing needs it, remove it: ovs-vsctl del-br {bridge.name}",
        )


def _refuse_foreign_device(config: HostConfig, facts: HostFacts) -> None:
    """Many a host has its own network on a br0 of the kernel's: that one must never be put into docker0."""
    device = facts.link(FABRIC_BRIDGE)
    if device is not None and device.kind not in DEVICE_KINDS:
        raise ConflictError(
            f"has a network device {device.name} that is not Open vSwitch's",
            host=config.host,
            answered=f"a {device.kind or 'real device'} with {', '.join(map(str, device.addresses)) or 'no address'}",
            now="nothing was changed on this host",
            do=f"give it another name: {device.name} is what the fabric's bridge is called",
        )


def _leaving(config: HostConfig, facts: HostFacts, bridge: OvsBridge) -> list[str]:
    """The ports that are deleted, and may be added again.

    Without BFD there is nothing that could be told so, and a port that Open vSwitch could not make has none.
    """
    anew = (bridge.interface(end.port) for end in tunnel_devices.remade(config, facts))
    going = (*_stale(config, bridge), *(port for port in anew if port is not None))
    return [port.name for port in going if port.bfd.get("enable") == "true" and not port.error]


def _changes(config: HostConfig, facts: HostFacts, bridge: OvsBridge | None, *, recreated: bool) -> Iterator[Change]:
    living = [] if bridge is None else [port.name for port in bridge.interfaces]
    if bridge is None or recreated:
        yield from _made(config, bridge)
        yield from tunnel_devices.stale_changes(config, facts, living)
        return
    own = (setting for setting in config.settings if setting.record == FABRIC_BRIDGE)
    yield from setting_changes(config.host, FABRIC, own, bridge, bridge.interface(FABRIC_BRIDGE))
    for port in _stale(config, bridge):
        yield Change(config.host, tunnel_of(port), f"to {facts.remote_of(port)}", None, _superfluous(config, port))
    yield from tunnel_devices.stale_changes(config, facts, living)
    for end in config.tunnels:
        there, interface = _tunnel(end), bridge.interface(end.port)
        if interface is None:
            yield Change(config.host, there.subject, None, there.value, _instead(end, bridge) or there.reason)
        else:
            settings = (setting for setting in config.settings if setting.record == end.port)
            yield from setting_changes(config.host, there.subject, settings, bridge, interface)
            yield from tunnel_devices.changes(config, facts, end)
    subjects = {end.port: _tunnel(end).subject for end in config.tunnels}
    for port, key in _unwanted(config, bridge):
        yield Change(config.host, subjects[port.name].of(f"options:{key}"), port.options[key], None, COSTS[key])


def _made(config: HostConfig, bridge: OvsBridge | None) -> Iterator[Change]:
    """`bridge` is the one that it takes the place of."""
    why, found = ("the fabric's own bridge", None) if bridge is None else (RECREATED, recreate.in_record(bridge))
    yield Change(config.host, FABRIC, *kinds(config, bridge), why, found=found)
    for there in map(_tunnel, config.tunnels):
        change = Change(config.host, there.subject, None, there.value, there.reason)
        yield change.following(f"{FABRIC_BRIDGE} is recreated")


def tunnel_of(port: OvsInterface) -> Subject:
    return tunnel(port.external_ids.get(ovs.PEER_MARK), port.name)


def _unwanted(config: HostConfig, bridge: OvsBridge) -> list[tuple[OvsInterface, str]]:
    """Options of our tunnels that should not be there. Absence is no setting, so it is looked for by itself."""
    tunnels = {tunnel.port for tunnel in config.tunnels}
    wanted = {(setting.record, setting.key) for setting in config.settings}
    return [
        (port, key)
        for port in bridge.interfaces
        for key in ovs.AT_TIMES
        if port.name in tunnels and key in port.options and (port.name, key) not in wanted
    ]


def _instead(end: TunnelEnd, bridge: OvsBridge) -> str | None:
    """Of a tunnel that replaces one of another kind, what that costs."""
    marked = (port for port in bridge.interfaces if port.external_ids.get(ovs.PEER_MARK) == end.peer)
    old = next((port for port in marked if port.type != end.type), None)
    return f"in place of {old.name}, which is {_kind(old.type)}: {UNTIL_BOTH}" if old else None


def _kind(of_interface: str) -> str:
    """In words what an interface of that type is as a tunnel."""
    return "a device of the kernel's" if of_interface in ("", SYSTEM) else of_interface


def _stale(config: HostConfig, bridge: OvsBridge) -> list[OvsInterface]:
    """Not the patch of a network, which goes with that."""
    wanted = {tunnel.port for tunnel in config.tunnels}
    ours = (port for port in bridge.interfaces if ovs.MARK in port.external_ids)
    return [port for port in ours if port.name not in wanted and ovs.NETWORK_MARK not in port.external_ids]


def _superfluous(config: HostConfig, port: OvsInterface) -> str:
    peer = port.external_ids.get(ovs.PEER_MARK)
    if peer is None:
        return "it has our mark and leads to no peer of this host"
    others = [tunnel for tunnel in config.tunnels if tunnel.peer == peer]
    if not others:
        return f"{peer} is not a peer of this host"
    if others[0].type != port.type:
        now = "devices of the kernel's" if others[0].device else f"of {others[0].kind}"
        return f"{others[0].port} takes its place: the tunnels are {now} now"
    return f"{others[0].port} leads to {peer} already"
