"""Interfaces that join what is behind them to networks: what stands in the way, what goes, and what comes."""

from collections.abc import Iterator

from dockmesh.diff.subject import Desired, Subject, Thing
from dockmesh.diff.types import Change, Step, StepName
from dockmesh.errors import ConflictError, HostError
from dockmesh.facts.types import HostFacts, LinuxLink, OvsBridge
from dockmesh.model.mesh import Datapath
from dockmesh.model.network import ATTACH_SWITCH, FABRIC_ATTACH, FABRIC_BRIDGE
from dockmesh.render import ovs
from dockmesh.render.paths import ATTACH_UNIT
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Exec, Request

TIMEOUT_S = 20
NOTHING = "nothing was changed on this host"
UP, DOWN = "up", "down"
# Whose master an interface has while Open vSwitch's kernel datapath has it.
KERNEL_DATAPATH = "ovs-system"
ON_TOP = ("vlan", "macvlan", "macvtap", "ipvlan", "ipvtap")
GOES = "the file has it no more"
STOP = Exec(("systemctl", "stop", ATTACH_UNIT))


def refuse_taken(config: HostConfig, facts: HostFacts) -> None:
    """Nothing that a host needs for itself becomes the mesh's. What is the mesh's already stays so, whatever it got.

    Raises ConflictError, or HostError for an interface that is not there and never was.
    """
    for name, switch in _interfaces(config).items():
        link = facts.link(name)
        if link is None:
            if not _is_in(facts, name, switch):
                there = ", ".join(each.name for each in facts.links if each.kind != "veth" and each.name != "lo")
                raise HostError(
                    f"has no interface {name}, which the file attaches to {_of(config, name)}",
                    host=config.host,
                    answered=f"it has {there}",
                    now=NOTHING,
                    do="plug it in, or write the name that `ip link` shows",
                )
        elif (not _is_in(facts, name, switch) or link.has(config.underlay)) and (why := _taken(config, link, facts)):
            what, do = why
            raise ConflictError(
                f"{name}, which the file attaches to {_of(config, name)}, {what}", host=config.host, now=NOTHING, do=do
            )


def _taken(config: HostConfig, link: LinuxLink, facts: HostFacts) -> tuple[str, str] | None:
    """What the interface is used for, and what to do."""
    name = link.name
    other = (
        f"attach another interface; or, for one VLAN of it, a device of its own for that, without an address "
        f"(`ip link add link {name} name {name}.30 type vlan id 30`, and the same in the host's own network "
        f"configuration), with `interface: {name}.30` and no vlan"
    )
    if link.kind == "bridge":
        other = "attach another interface, or one end of a pair of veth devices whose other end is in that bridge"
    if link.has(config.underlay):
        return f"has the underlay address {config.underlay}: the mesh itself goes over it", other
    # Those of link-local kind are nobody's; and any other may be what SSH and the default route go by.
    if addresses := [*map(str, link.addresses), *map(str, link.addresses6)]:
        do = f"take them away if nobody needs them (`ip address del {addresses[0]} dev {name}`); else {other}"
        return f"has addresses of this host: {', '.join(addresses)}", do
    if link.master not in (None, KERNEL_DATAPATH):
        return f"is a member of {link.master}", f"attach {link.master} itself, if it has no address; or {other}"
    bridge = next((each.name for each in facts.ovs or () if each.interface(name)), None)
    if bridge not in (None, _interfaces(config)[name]):
        return (
            f"is a port of the Open vSwitch bridge {bridge}",
            f"take it out (`ovs-vsctl del-port {name}`), or {other}",
        )
    if above := [each.name for each in facts.links if each.parent == name and each.kind in ON_TOP]:
        return f"has devices of this host on it: {', '.join(above)}", other
    return None


def attach_apart(config: HostConfig, facts: HostFacts) -> Step | None:
    """What the file has no more: bridges of interfaces, interfaces in them, and patches."""
    changes: list[Change] = []
    requests: list[Request] = []
    wanted = _interfaces(config)
    patches = {each.network: each.switch for each in config.attachments}
    for switch in switches(config.mesh, facts):
        if switch.name not in wanted.values():
            changes.append(Change(config.host, Subject(Thing.INTERFACE, _interface(switch)), "attached", None, GOES))
            requests += taken_apart(switch, facts)
            continue
        gone = [
            port
            for port in switch.interfaces
            if (name := port.external_ids.get(ovs.NETWORK_MARK)) and patches.get(name) != switch.name
        ]
        for port in gone:
            name = port.external_ids[ovs.NETWORK_MARK]
            changes.append(Change(config.host, Subject(Thing.PATCH, port.name), f"for {name}", None, GOES))
            # A patch of the same name to another bridge is made after this.
            here = ("--", "--if-exists", "del-port", switch.name, port.name)
            requests.append(_vsctl(*_without(f"{FABRIC_ATTACH}{name}"), *here))
    return Step(StepName.LEAVE, tuple(changes), tuple(requests)) if requests else None


def taken_apart(switch: OvsBridge, facts: HostFacts) -> tuple[Request, ...]:
    """The interface becomes what it was."""
    names = [name for port in switch.interfaces if (name := port.external_ids.get(ovs.NETWORK_MARK))]
    patches = [word for name in names for word in _without(f"{FABRIC_ATTACH}{name}")]
    name = _interface(switch)
    was_down = switch.external_ids.get(ovs.WAS_MARK) == DOWN
    return (
        # It would set the interface up again.
        STOP,
        _vsctl(*patches, "--", "--if-exists", "del-br", switch.name),
        *((Exec(("ip", "link", "set", "dev", name, "down")),) if was_down and facts.link(name) is not None else ()),
    )


def set_up(config: HostConfig, facts: HostFacts) -> tuple[str, ...]:
    """For the transaction that makes the bridges of interfaces: what these were before."""
    words: list[str] = []
    for name, switch in _interfaces(config).items():
        link, bridge = facts.link(name), facts.bridge(switch)
        was = None if link is None else UP if link.up else DOWN
        if bridge is not None:
            was = bridge.external_ids.get(ovs.WAS_MARK)
            if (bridge.datapath_type or Datapath.SYSTEM) == config.datapath:
                continue  # it stays, and so does what is kept there
        if was is not None:
            words += ["--", "set", "bridge", switch, f"external_ids:{ovs.WAS_MARK}={was}"]
    return tuple(words)


def undone(config: HostConfig, facts: HostFacts) -> Iterator[Request]:
    """What the run did to interfaces that were in no bridge of ours before it: after the bridges are gone."""
    for name, switch in _interfaces(config).items():
        link = facts.link(name)
        if link is not None and not link.up and not _is_in(facts, name, switch):
            yield Exec(("ip", "link", "set", "dev", name, "down"))


def switches(mesh: str, facts: HostFacts) -> Iterator[OvsBridge]:
    """The bridges of attached interfaces, with our mark and the name that it fits to."""
    for each in facts.ovs or ():
        marked = each.external_ids.get(ovs.MARK) == mesh and ovs.INTERFACE_MARK in each.external_ids
        if marked and each.name.startswith(ATTACH_SWITCH):
            yield each


def desired(config: HostConfig, interface: str) -> Desired:
    tags = ((each.network, each.vlan) for each in config.attachments if each.interface == interface)
    networks = ", ".join(f"{name}{f' (VLAN {tag})' if tag else ''}" for name, tag in tags)
    reason = "it joins what is behind it to the network"
    return Desired(Subject(Thing.INTERFACE, interface), f"attached to {networks}", reason)


def _interface(switch: OvsBridge) -> str:
    return switch.external_ids[ovs.INTERFACE_MARK]


def _interfaces(config: HostConfig) -> dict[str, str]:
    """With the bridge of each."""
    return {each.interface: each.switch for each in config.attachments}


def _of(config: HostConfig, interface: str) -> str:
    return " and ".join(each.network for each in config.attachments if each.interface == interface)


def _is_in(facts: HostFacts, interface: str, switch: str) -> bool:
    bridge = facts.bridge(switch)
    return bridge is not None and bridge.interface(interface) is not None


def _without(port: str) -> tuple[str, ...]:
    return ("--", "--if-exists", "del-port", FABRIC_BRIDGE, port)


def _vsctl(*words: str) -> Exec:
    return Exec(ovs.make_sure_argv(words, TIMEOUT_S))
