"""Rules about interfaces that join machines outside the mesh to a network."""

from collections.abc import Iterator

from dockmesh.model import ATTACH_SWITCH, DOCKER_BRIDGE, FABRIC_BRIDGE, NETWORK_BRIDGE, NETWORK_SWITCH
from dockmesh.spec.draft import Draft, DraftAttachment, DraftNetwork
from dockmesh.spec.excerpt import clipped, listed
from dockmesh.spec.nearest import did_you_mean
from dockmesh.spec.problems import Problem

OURS = (NETWORK_BRIDGE, NETWORK_SWITCH, ATTACH_SWITCH)


def check_attached_hosts(draft: Draft) -> Iterator[Problem]:
    names = [host.name.value for host in draft.hosts]
    for network, attach in _attachments(draft):
        if attach.host is None:
            continue
        host, shown = attach.host.value, clipped(network.name.value)
        if names and host not in names:
            what = f"attach of {shown} names {clipped(host)}, and there is no such host"
            yield Problem(what, f"The hosts are {listed(names)}.{did_you_mean(host, names)}", attach.host.span)
        elif network.hosts is not None and host not in {each.value for each in network.hosts}:
            hint = f"Its hosts are {listed([each.value for each in network.hosts])}."
            yield Problem(f"attach of {shown} names {clipped(host)}, which is not on it", hint, attach.host.span)


def check_attached_interfaces(draft: Draft) -> Iterator[Problem]:
    """Two networks behind one interface would be one network there."""
    seen: list[tuple[DraftNetwork, DraftAttachment]] = []
    for network, attach in _attachments(draft):
        if attach.host is None or attach.interface is None:
            continue
        name = attach.interface.value
        if name in (DOCKER_BRIDGE, FABRIC_BRIDGE, "lo") or name.startswith(OURS):
            what = f"interface of attach is {clipped(name)}, which is not the host's own"
            yield Problem(what, "Expected a network card, a bond or a bridge that is there.", attach.interface.span)
            continue
        for other, earlier in seen:
            if _where(attach) == _where(earlier):
                of_other = clipped(other.name.value)
                what = f"attach of {clipped(network.name.value)} is also the attach of {of_other}"
                hint = f"{of_other} is in line {other.name.span.line}. Give each a vlan, or an interface, of its own."
                yield Problem(what, hint, attach.interface.span)
        seen.append((network, attach))


def _where(attach: DraftAttachment) -> tuple[object, ...]:
    return tuple(found and found.value for found in (attach.host, attach.interface, attach.vlan))


def check_attached_addresses(draft: Draft) -> Iterator[Problem]:
    """Of one network, with its hosts: no address is at a host and out there."""
    name = draft.within or DOCKER_BRIDGE
    for network, attach in _attachments(draft):
        if network.name.value != name or attach.addresses is None or draft.prefix is None:
            continue
        outside, prefix, shown = attach.addresses, draft.prefix.value, clipped(name)
        if not outside.value.subnet_of(prefix):
            hint = f"The prefix is {prefix} (line {draft.prefix.span.line}). Who is out there has an address in it."
            yield Problem(f"addresses of attach of {shown} are not in its prefix", hint, outside.span)
            continue
        for host in draft.hosts:
            if host.pool is not None and host.pool.value.overlaps(outside.value):
                what = f"addresses of attach of {shown} overlap the pool of {host.shown}"
                hint = f"{host.pool.value} is in line {host.pool.span.line}: containers get these addresses."
                yield Problem(what, hint, outside.span)
            elif host.address is not None and host.address.value in outside.value:
                what = f"addresses of attach of {shown} hold the address of {host.shown}"
                hint = f"{host.address.value} is in line {host.address.span.line}. Choose a part without it."
                yield Problem(what, hint, outside.span)


def _attachments(draft: Draft) -> Iterator[tuple[DraftNetwork, DraftAttachment]]:
    return ((network, network.attach) for network in draft.networks if network.attach is not None)
