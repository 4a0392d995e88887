"""Rules about the addresses of hosts: underlay, bridge address, and where SSH goes."""

from collections.abc import Callable, Hashable, Iterable, Iterator

from dockmesh.model import DOMAIN
from dockmesh.spec.blocks import Blocks, reserved_use
from dockmesh.spec.draft import Draft, DraftHost, Located
from dockmesh.spec.excerpt import clipped
from dockmesh.spec.problems import Problem


def _repeated(
    hosts: Iterable[DraftHost], of: Callable[[DraftHost], Located[Hashable] | None]
) -> Iterator[tuple[DraftHost, DraftHost]]:
    """Each host whose value a host before it has, with the first of those."""
    first: dict[Hashable, DraftHost] = {}
    for host in hosts:
        found = of(host)
        if found is None:
            continue
        if found.value in first:
            yield host, first[found.value]
        else:
            first[found.value] = host


def check_same_underlay(draft: Draft) -> Iterator[Problem]:
    for host, first in _repeated(draft.hosts, lambda host: host.underlay):
        if host.underlay is not None:
            what = f"underlay of {host.shown} is also the underlay of {first.shown}"
            hint = f"{first.shown} (line {first.name.span.line}) is reached at that address. Every host has its own."
            yield Problem(what, hint, host.underlay.span)


def check_same_address(draft: Draft) -> Iterator[Problem]:
    for host, first in _repeated(draft.hosts, lambda host: host.address):
        if host.address is not None:
            what = f"address of {host.shown} is also the address of {first.shown}"
            where = f"{first.shown} is in line {first.name.span.line}."
            hint = f"{where} Two {draft.bridge} with one address answer for each other."
            yield Problem(what, hint, host.address.span)


def check_names_differ(draft: Draft) -> Iterator[Problem]:
    """Names equal but for case are one name to DNS; names that are quite equal are one key, and never come here."""
    for host, first in _repeated(draft.hosts, lambda host: Located(host.name.value.lower(), host.name.span)):
        what = f"{host.shown} differs from {first.shown} only in upper and lower case"
        hint = f"{first.shown} is in line {first.name.span.line}. To DNS both are one name."
        yield Problem(what, hint, host.name.span)


def check_same_ssh(draft: Draft) -> Iterator[Problem]:
    for host, first in _repeated(draft.hosts, lambda host: host.ssh_target):
        what = f"ssh of {host.shown} goes where the ssh of {first.shown} goes"
        where = f"{first.shown} is in line {first.name.span.line}."
        hint = f"{where} Both would be set up on one host, one over the other."
        yield Problem(what, hint, host.ssh_target.span)


def check_ssh_users(draft: Draft) -> Iterator[Problem]:
    """Some directories have users with an @ in their names; nobody is called after a host of this file, or root."""
    names = {name for host in draft.hosts for name in (host.name.value, host.ssh_target.value[0])}
    for host in draft.hosts:
        if host.ssh_user is None or "@" not in host.ssh_user.value:
            continue
        user, _, behind = host.ssh_user.value.rpartition("@")
        if user == "root" or behind in names:
            hint = f"Write {{user: {clipped(user)}, host: {clipped(behind)}}}."
            yield Problem(f"ssh user of {host.shown} holds a host", hint, host.ssh_user.span)


def check_domain(draft: Draft) -> Iterator[Problem]:
    """NAME.HOST of one and NAME of another would be one name."""
    for host in draft.hosts:
        if draft.domain is not None and draft.domain.value == host.name.value:
            hint = (
                f"{host.shown} is in line {host.name.span.line}. Take another, such as {DOMAIN}, or false for no names."
            )
            yield Problem(f"domain is the name of the host {host.shown}", hint, draft.domain.span)


def check_underlay_range(draft: Draft) -> Iterator[Problem]:
    for host in draft.hosts:
        if host.underlay is not None and (use := reserved_use(host.underlay.value)):
            what = f"underlay of {host.shown} is {use.article_name}"
            hint = f"{use.shown} is {use.why}. Expected the address at which the other hosts reach {host.shown}."
            yield Problem(what, hint, host.underlay.span)


def check_underlay_family(draft: Draft) -> Iterator[Problem]:
    given = [(host, host.underlay) for host in draft.hosts if host.underlay is not None]
    for host, underlay in given[1:]:
        first, of_first = given[0]
        if underlay.value.version != of_first.value.version:
            what = f"underlay of {host.shown} is IPv{underlay.value.version}, and that of {first.shown} is not"
            hint = (
                f"{first.shown} has {of_first.value} (line {of_first.span.line}). All tunnels of a mesh run over one "
                "family: give every host an address of the same."
            )
            yield Problem(what, hint, underlay.span)


def check_addresses_in_prefix(draft: Draft) -> Iterator[Problem]:
    if draft.prefix is None:
        return
    prefix = draft.prefix.value
    for host in draft.hosts:
        if host.address is None:
            continue
        address, name = host.address.value, host.shown
        if address not in prefix:
            hint = (
                f"The prefix is {prefix} (line {draft.prefix.span.line}); every {draft.bridge} has its address in it."
            )
            yield Problem(f"address of {name} is outside {draft.the_prefix}", hint, host.address.span)
        elif prefix.prefixlen < 31 and address in (prefix.network_address, prefix.broadcast_address):
            which = "network" if address == prefix.network_address else "broadcast"
            whole = f"all of {prefix} (line {draft.prefix.span.line})"
            hint = f"{address} stands for {whole}. Expected any other address in it."
            yield Problem(f"address of {name} is the {which} address of {draft.the_prefix}", hint, host.address.span)


def check_addresses_against_pools(draft: Draft) -> Iterator[Problem]:
    pools = Blocks.of_pools(draft.hosts)
    for host in draft.hosts:
        if host.address is None:
            continue
        owners = [owner for owner in pools.owners_of(host.address.value) if owner is not host]
        if not owners or owners[0].pool is None:
            continue
        owner = owners[0]
        what = f"address of {host.shown} lies in the pool of {owner.shown}"
        hint = (
            f"{owner.shown} gives {owners[0].pool.value} (line {owners[0].pool.span.line}) to its containers, "
            f"and one of them would get {host.address.value}."
        )
        yield Problem(what, hint, host.address.span)
