"""Further networks: what is taken apart before all hosts wait for all, and what is made at the end."""

from collections.abc import Iterator, Mapping

from dockmesh.diff.attachments import attach_apart, refuse_taken
from dockmesh.diff.linux_bridge import bridge_changes, set_right
from dockmesh.diff.subject import Desired, Subject, Thing
from dockmesh.diff.switches import is_recreated
from dockmesh.diff.types import Change, Step, StepName
from dockmesh.errors import ConflictError
from dockmesh.facts import types as facts_types
from dockmesh.facts.types import HostFacts, OvsBridge
from dockmesh.model.network import FABRIC_BRIDGE, FABRIC_PORT, NETWORK_BRIDGE, NETWORK_SWITCH
from dockmesh.plan.types import HostNetwork
from dockmesh.render import bridge, network, ovs
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Exec, Request

TIMEOUT_S = 20
NOTHING = "nothing was changed on this host"


def network_steps(config: HostConfig, facts: HostFacts) -> tuple[Step | None, Step | None]:
    """Raises ConflictError where something of the user's is in the way, or a network that must go is in use."""
    for wanted in config.further:
        _refuse_foreign(config, wanted, facts)
    refuse_taken(config, facts)
    steps = [step for step in (attach_apart(config, facts), _apart(config, facts)) if step is not None]
    changes = tuple(change for step in steps for change in step.changes)
    requests = tuple(request for step in steps for request in step.requests)
    return Step(StepName.LEAVE, changes, requests) if steps else None, _made(config, facts)


def ours(mesh: str, facts: HostFacts) -> dict[str, str]:
    """By name the networks of the mesh that a host has anything of, with the name of the Linux bridge of each."""
    found = {name: f"{NETWORK_BRIDGE}{name}" for name in switches(mesh, facts)}
    for each in facts.docker.networks if facts.docker else ():
        if each.labels.get(network.LABEL) == mesh:
            found[each.name] = each.bridge or f"{NETWORK_BRIDGE}{each.name}"
    return dict(sorted(found.items()))


def switches(mesh: str, facts: HostFacts) -> Mapping[str, OvsBridge]:
    """By network the Open vSwitch bridges with our mark, where it says what their names say."""
    marked = (each for each in facts.ovs or () if each.external_ids.get(ovs.MARK) == mesh)
    named = ((each.external_ids.get(ovs.NETWORK_MARK), each) for each in marked)
    return {name: each for name, each in named if name and each.name == f"{NETWORK_SWITCH}{name}"}


def taken_apart(facts: HostFacts, name: str, linux_bridge: str) -> tuple[Request, ...]:
    """All that a network has on a host, Docker's part first: what is left if it stops has our mark still."""
    fabric_port, switch = f"{FABRIC_PORT}{name}", f"{NETWORK_SWITCH}{name}"
    docker = facts.docker is not None and facts.docker.network(name) is not None
    link = facts.link(linux_bridge)
    words = ("--", "--if-exists", "del-port", FABRIC_BRIDGE, fabric_port, "--", "--if-exists", "del-br", switch)
    return (
        *((Exec(network.remove(name)),) if docker else ()),
        *((Exec(bridge.make_gone(linux_bridge)),) if link is not None else ()),
        *((Exec(ovs.make_sure_argv(words, TIMEOUT_S)),) if facts.ovs is not None else ()),
    )


def _apart(config: HostConfig, facts: HostFacts) -> Step | None:
    wanted = {each.name: each for each in config.further}
    changes: list[Change] = []
    requests: list[Request] = []
    for name, linux_bridge in ours(config.mesh, facts).items():
        if name not in wanted:
            refuse_in_use(config.host, facts, name, "is not in the file any more")
            changes.append(Change(config.host, subject(name), "a network of the mesh", None, "the file has it no more"))
            requests += taken_apart(facts, name, linux_bridge)
        elif unlike := differing(wanted[name], facts):
            words = ", ".join(f"{key} {actual}" for key, (actual, _) in unlike.items())
            needed = ", ".join(f"{key} {expected}" for key, (_, expected) in unlike.items())
            refuse_in_use(config.host, facts, name, f"must be recreated: {words} → {needed}")
            reason = f"recreated with {needed}"
            found = _in_record(facts, wanted[name])
            changes.append(Change(config.host, subject(name), words, "none for a moment", reason, found=found))
            requests.append(Exec(network.remove(name)))
    return Step(StepName.LEAVE, tuple(changes), tuple(requests)) if requests else None


def _made(config: HostConfig, facts: HostFacts) -> Step | None:
    changes: list[Change] = []
    requests: list[Request] = []
    for wanted in config.further:
        present = facts.docker.network(wanted.name) if facts.docker else None
        made = is_recreated(config, wanted.switch, facts)
        if on_host := tuple(bridge_changes(config, wanted, facts, member_made=made)):
            changes += on_host
            requests += set_right(config, wanted, facts)
        if present is None or differing(wanted, facts):
            actual = None if present is None else "with other settings"
            there, found = _desired(wanted), _in_record(facts, wanted)
            changes.append(Change(config.host, there.subject, actual, there.value, there.reason, found=found))
            requests.append(Exec(network.create(wanted, config.mesh)))
    return Step(StepName.NETWORKS, tuple(changes), tuple(requests)) if requests else None


def desired(config: HostConfig) -> Iterator[Desired]:
    """Of Docker's networks; the bridge of each is a matter of the kernel's."""
    return map(_desired, config.further)


def _desired(each: HostNetwork) -> Desired:
    address, six = each.address, each.address6
    words = _words(
        (str(address.ip), str(address.network), str(each.pool)),
        (str(six.ip), str(six.network), str(each.pool6)) if six else None,
        each.mtu,
        internal=each.internal,
    )
    return Desired(subject(each.name), words, "a network of the mesh")


def subject(name: str) -> Subject:
    return Subject(Thing.NETWORK, name)


def _in_record(facts: HostFacts, wanted: HostNetwork) -> str | None:
    """The network as Docker has it, in the words of `_desired`; None where it has none of that name."""
    present = facts.docker.network(wanted.name) if facts.docker else None
    if present is None:
        return None
    prefix, prefix6 = (", ".join(map(str, each)) for each in (present.prefixes, present.prefixes6))
    return _words(
        (str(present.gateway), prefix, str(present.pool)),
        (str(present.gateway6), prefix6, str(present.pool6)) if present.ipv6 else None,
        present.mtu,
        internal=present.internal,
    )


def _words(four: tuple[str, str, str], six: tuple[str, str, str] | None, mtu: int | None, *, internal: bool) -> str:
    """Each is an address, the prefix that it is of, and the pool."""
    ways = ", ".join(f"{address} of {prefix}, pool {pool}" for address, prefix, pool in (four, *([six] if six else [])))
    return f"{ways}, MTU {mtu}{', internal' if internal else ''}"


def differing(wanted: HostNetwork, facts: HostFacts) -> dict[str, tuple[object, object]]:
    """By what it is, how Docker has it and how it should; empty also where Docker has no such network."""
    present = facts.docker.network(wanted.name) if facts.docker else None
    if present is None:
        return {}
    address = wanted.address
    pairs: dict[str, tuple[object, object]] = {
        "driver": (present.driver, network.DRIVER),
        "prefix": (", ".join(map(str, present.prefixes)), str(address.network)),
        "address": (present.gateway, str(address.ip)),
        "pool": (str(present.pool), str(wanted.pool)),
        "MTU": (present.mtu, wanted.mtu),
        "bridge": (present.bridge, wanted.bridge),
        "internal": (present.internal, wanted.internal),
        **_six(wanted, present),
    }
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def _six(wanted: HostNetwork, present: facts_types.DockerNetwork) -> dict[str, tuple[object, object]]:
    address = wanted.address6
    if address is None:
        return {"IPv6": ("on", "off")} if present.ipv6 else {}
    return {
        "prefix6": (", ".join(map(str, present.prefixes6)) or None, str(address.network)),
        "address6": (present.gateway6, str(address.ip)),
        "pool6": (str(present.pool6) if present.pool6 else None, str(wanted.pool6)),
    }


def refuse_in_use(host: str, facts: HostFacts, name: str, why: str) -> None:
    """Docker removes no network that a running container is on.

    Raises ConflictError.
    """
    on_it = facts.docker.on(name) if facts.docker else ()
    if on_it:
        raise ConflictError(
            f"has running containers on the network {name}, which {why}",
            host=host,
            answered=", ".join(on_it),
            now=NOTHING,
            do=f"stop them (`docker stop {' '.join(on_it)}`) or take them off "
            f"(`docker network disconnect {name} {on_it[0]}`), then run the command again",
        )


def _refuse_foreign(config: HostConfig, wanted: HostNetwork, facts: HostFacts) -> None:
    for each in facts.docker.networks if facts.docker else ():
        owner = each.labels.get(network.LABEL)
        if each.name == wanted.name and owner != config.mesh:
            raise _foreign(
                config,
                f"has a Docker network {each.name} that is not of this mesh",
                f"its label says mesh {owner}" if owner else "it has no label of dockmesh",
                f"give one of the two another name; or, if nothing needs it, run `docker network rm {each.name}`",
            )
        overlapping = _overlapping(wanted, each)
        if overlapping and not (owner == config.mesh and each.name in ours(config.mesh, facts)):
            raise _foreign(
                config,
                f"has a Docker network {each.name} whose {overlapping[0]} overlaps {overlapping[1]}, "
                f"the {overlapping[2]} of {wanted.name}",
                "Docker makes no two networks that overlap",
                f"give {wanted.name} another prefix, or recreate {each.name} with another subnet",
            )
    switch = next((each for each in facts.ovs or () if each.name == wanted.switch), None)
    if switch is not None and switch.external_ids.get(ovs.MARK) != config.mesh:
        raise _foreign(
            config,
            f"has an Open vSwitch bridge {switch.name} that is not of this mesh",
            "it has no mark of it",
            f"if nothing needs it, remove it: ovs-vsctl del-br {switch.name}",
        )
    link = facts.link(wanted.bridge)
    # Docker makes it with a MAC address of its own, if it starts before us.
    made_by_us = link is not None and link.kind == "bridge" and (switch is not None or link.mac == wanted.bridge_mac)
    if link is not None and not made_by_us:
        raise _foreign(
            config,
            f"has a network device {link.name} that dockmesh did not make",
            f"a {link.kind or 'real device'} with {', '.join(map(str, link.addresses)) or 'no address'}",
            f"give it or the network another name; or, if nothing needs it: ip link delete {link.name}",
        )


def _overlapping(wanted: HostNetwork, other: facts_types.DockerNetwork) -> tuple[str, str, str] | None:
    """The other's prefix, ours, and what ours is called in the file."""
    four, six = wanted.address.network, wanted.address6
    for prefix in other.prefixes:
        if prefix.overlaps(four):
            return str(prefix), str(four), "prefix"
    for prefix6 in other.prefixes6:
        if six is not None and prefix6.overlaps(six.network):
            return str(prefix6), str(six.network), "prefix6"
    return None


def _foreign(config: HostConfig, what: str, answered: str, do: str) -> ConflictError:
    return ConflictError(what, host=config.host, answered=answered, now=NOTHING, do=do)
