"""Rules about interfaces that join machines outside the mesh to a network."""

from collections.abc import Iterator

from dockmesh.meshfile.blocks import within
from dockmesh.meshfile.excerpt import clipped, listed
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.keys.network import AttachSection, NetworkSection
from dockmesh.meshfile.nearest import did_you_mean
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.rules.view import NetworkView
from dockmesh.model.network import ATTACH_SWITCH, DOCKER_BRIDGE, FABRIC_BRIDGE, NETWORK_BRIDGE, NETWORK_SWITCH

OURS = (NETWORK_BRIDGE, NETWORK_SWITCH, ATTACH_SWITCH)


def check_hosts(mesh: MeshSection) -> Iterator[Problem]:
    names = [host.label.value for host in mesh.every_host]
    for network in mesh.every_network:
        if (host := network.attach.host) is None:
            continue
        what = f"attach of {clipped(network.label.value)} names {clipped(host.value)}"
        if names and host.value not in names:
            hint = f"The hosts are {listed(names)}.{did_you_mean(host.value, names)}"
            yield Problem(f"{what}, and there is no such host", hint, host.span)
        elif not network.has(host.value) and network.hosts:
            hint = f"Its hosts are {listed([each.value for each in network.hosts.value])}."
            yield Problem(f"{what}, which is not on it", hint, host.span)


def check_interfaces(mesh: MeshSection) -> Iterator[Problem]:
    """Two networks behind one interface would be one network there."""
    seen: list[NetworkSection] = []
    for network in mesh.every_network:
        interface = network.attach.interface
        if network.attach.host is None or interface is None:
            continue
        if interface.value in (DOCKER_BRIDGE, FABRIC_BRIDGE, "lo") or interface.value.startswith(OURS):
            what = f"interface of attach is {clipped(interface.value)}, which dockmesh or Docker makes"
            yield Problem(what, "Expected a network card, a bond or a bridge that is there.", interface.span)
            continue
        for other in (each for each in seen if _where(each.attach) == _where(network.attach)):
            of_other = clipped(other.label.value)
            what = f"attach of {clipped(network.label.value)} is also the attach of {of_other}"
            hint = f"{of_other} is in line {other.label.line}. Give each a vlan, or an interface, of its own."
            yield Problem(what, hint, interface.span)
        seen.append(network)


def _where(attach: AttachSection) -> tuple[object, ...]:
    return tuple(found and found.value for found in (attach.host, attach.interface, attach.vlan))


def check_addresses(view: NetworkView) -> Iterator[Problem]:
    """No address is at a host and out there."""
    outside, prefix = view.section.attach.addresses, view.prefix
    if outside is None or view.version == 6:
        return
    what = f"addresses of attach of {view.section.shown}"
    if not within(outside.value, prefix.value):
        hint = f"The prefix is {prefix.value} (line {prefix.line}). Who is out there has an address in it."
        yield Problem(f"{what} are not in its prefix", hint, outside.span)
        return
    for member in view.members:
        if member.pool and member.pool.value.overlaps(outside.value):
            hint = f"{member.pool.value} is in line {member.pool.line}: containers get these addresses."
            yield Problem(f"{what} overlap the pool of {member.shown}", hint, outside.span)
        elif member.address and member.address.value in outside.value:
            hint = f"{member.address.value} is in line {member.address.line}. Choose a part without it."
            yield Problem(f"{what} hold the address of {member.shown}", hint, outside.span)


RULES = (check_hosts, check_interfaces)
