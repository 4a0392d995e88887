"""Open vSwitch: what differs, and the one transaction that puts it right."""

from collections.abc import Iterator

from dockmesh.diff import attachments
from dockmesh.diff.anew import kinds, must_be_new
from dockmesh.diff.flows import INSTALL, flow_change
from dockmesh.diff.settings import COSTS, UNTIL_BOTH, setting_changes
from dockmesh.diff.switches import stale_switches, switch_changes
from dockmesh.diff.types import Change, Step, StepName
from dockmesh.errors import ConflictError
from dockmesh.facts.types import HostFacts, OvsBridge, OvsInterface
from dockmesh.model import FABRIC_BRIDGE
from dockmesh.plan.types import TunnelEnd
from dockmesh.remote.seam import Run
from dockmesh.render import ovs
from dockmesh.render.types import HostConfig

TIMEOUT_S = 20
# What the local port of an Open vSwitch bridge is to the kernel, by datapath: system, netdev.
DEVICE_KINDS = ("openvswitch", "tun")
ANEW = "a living bridge cannot change this: made anew, and its host is cut off until the tunnels are up again"


def fabric_step(config: HostConfig, facts: HostFacts) -> tuple[Step, bool] | None:
    """The step, and whether the bridge is made (anew); None when all is as it should be.

    Raises ConflictError for a bridge or a device of that name which is not this mesh's.
    """
    bridge = facts.bridge(FABRIC_BRIDGE)
    if bridge is not None:
        _refuse_foreign(config, bridge)
    else:
        _refuse_foreign_device(config, facts)
    anew = bridge is None or must_be_new(config, bridge)
    present = None if anew else bridge
    changes = (*_changes(config, bridge, anew=anew), *switch_changes(config, facts, fabric_anew=anew))
    flows = flow_change(config, facts, anew=anew)
    if not changes and flows is not None:
        return Step(StepName.FABRIC, (flows,), (INSTALL,)), False
    if not changes:
        return None
    drop = [*([FABRIC_BRIDGE] if bridge is not None and anew else []), *stale_switches(config, facts)]
    stale_ports = [] if present is None else _stale(config, present)
    stale = [port.name for port in stale_ports]
    # Without BFD there is nothing that could be told so, and a port that Open vSwitch could not make has none.
    leaving = [port.name for port in stale_ports if port.bfd.get("enable") == "true" and not port.error]
    unwanted = [] if present is None else [(port.name, key) for port, key in _unwanted(config, present)]
    words = (
        *ovs.transaction(config.settings, config.tunnels, config.networks, stale, config.attachments),
        *attachments.set_up(config, facts),
        *ovs.unset_words(unwanted),
    )
    requests = (
        # Not in one transaction with what follows: Open vSwitch would see no change and keep the old bridge's state.
        *(Run(ovs.make_sure_argv(("--", "--if-exists", "del-br", name), TIMEOUT_S)) for name in drop),
        *(Run(ovs.leave(port)) for port in leaving),
        Run(ovs.make_sure_argv(words, TIMEOUT_S)),
        *((INSTALL,) if flows else ()),
    )
    return Step(StepName.FABRIC, (*changes, *((flows,) if flows else ())), requests), anew


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


def _changes(config: HostConfig, bridge: OvsBridge | None, *, anew: bool) -> Iterator[Change]:
    host = config.host
    if anew:
        yield Change(
            host,
            f"bridge {FABRIC_BRIDGE}",
            *kinds(config, bridge),
            "the fabric's own bridge" if bridge is None else ANEW,
        )
    elif bridge is not None:
        for record in (setting for setting in config.settings if setting.record == FABRIC_BRIDGE):
            yield from setting_changes(host, record, bridge, bridge.interface(FABRIC_BRIDGE))
        for port in _stale(config, bridge):
            yield Change(
                host,
                f"tunnel {port.name}",
                f"to {port.options.get('remote_ip')}",
                None,
                _superfluous(config, port),
            )
    for tunnel in config.tunnels:
        interface = None if anew or bridge is None else bridge.interface(tunnel.port)
        if interface is None:
            reason = _instead(tunnel, None if anew else bridge)
            yield Change(host, f"tunnel {tunnel.port}", None, f"to {tunnel.peer} at {tunnel.remote}", reason)
        else:
            for setting in ovs.settings_of(config.settings, "interface", tunnel.port):
                yield from setting_changes(host, setting, bridge, interface)
    for port, key in () if anew or bridge is None else _unwanted(config, bridge):
        yield Change(host, f"{port.name} options:{key}", port.options[key], None, COSTS[key])


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


def _instead(tunnel: TunnelEnd, bridge: OvsBridge | None) -> str:
    """Why a tunnel is made; where it replaces one of another kind, what that costs."""
    present = bridge.interfaces if bridge else ()
    old = [port for port in present if port.external_ids.get(ovs.PEER_MARK) == tunnel.peer and port.type != tunnel.kind]
    return f"in place of {old[0].name}, which is {old[0].type}: {UNTIL_BOTH}" if old else "a link of the plan"


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
        return f"{peer} is no peer of this host"
    if others[0].kind != port.type:
        return f"{others[0].port} takes its place: the tunnels are of {others[0].kind} now"
    return f"{others[0].port} leads to {peer} already"
