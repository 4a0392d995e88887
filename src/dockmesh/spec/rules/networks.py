"""Rules about the list of networks, and about what each host has of it."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations, islice

from dockmesh.model import DOCKER_BRIDGE
from dockmesh.spec.blocks import free_blocks
from dockmesh.spec.draft import Draft, DraftHost, DraftNetwork
from dockmesh.spec.excerpt import clipped, listed
from dockmesh.spec.nearest import did_you_mean
from dockmesh.spec.problems import Problem

# A Linux interface's name has 15 characters (linux/if.h, IFNAMSIZ), and four of them say whose it is: `dmv-`.
MOST_CHARACTERS = 11
# Networks that Docker makes itself, and a name that it takes for one of them.
DOCKERS = ("bridge", "host", "none", "default")
EXAMPLE = "10.80.0.0/16"


def check_list(draft: Draft) -> Iterator[Problem]:
    if draft.networks_span is not None and not draft.networks:
        example = f"Expected `- {{name: {DOCKER_BRIDGE}, prefix: 172.17.0.0/16}}`."
        yield Problem("networks is empty", example, draft.networks_span)
    for network in draft.networks[:1]:
        if network.name.value not in ("", DOCKER_BRIDGE):
            what = f"the first network is not {DOCKER_BRIDGE}"
            hint = f"{DOCKER_BRIDGE}, Docker's default bridge, comes first: `- {{name: {DOCKER_BRIDGE}, prefix: …}}`."
            yield Problem(what, hint, network.name.span)
        else:
            yield from _plain(network)


def _plain(network: DraftNetwork) -> Iterator[Problem]:
    if network.vlan is not None:
        yield Problem(f"{DOCKER_BRIDGE} has a vlan", "Its frames have no tag: leave `vlan` out.", network.vlan.span)
    if network.internal is not None and network.internal.value:
        hint = "Docker's default bridge has a way out: leave `internal` out, or make a network that is internal."
        yield Problem(f"{DOCKER_BRIDGE} is internal", hint, network.internal.span)
    if network.hosts_span is not None:
        yield Problem(f"{DOCKER_BRIDGE} has hosts", "It is on all hosts: leave `hosts` out.", network.hosts_span)


def check_names(draft: Draft) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for place, network in enumerate(draft.networks):
        name, line = network.name.value, network.name.span.line
        if not name:
            continue
        shown = clipped(name)
        if name in seen:
            what = f"there are two networks {shown}"
            hint = f"The other is in line {seen[name]}. "
            hint += (
                "Docker has one default bridge: give this one another name, such as blue, with a vlan, and an entry "
                "at each host."
                if name == DOCKER_BRIDGE
                else "Give each a name of its own."
            )
            yield Problem(what, hint, network.name.span)
        elif place and name in DOCKERS:
            hint = "Docker has one of that name, and makes no other. Choose another name."
            yield Problem(f"{shown} is a network of Docker's own", hint, network.name.span)
        elif place and len(name) > MOST_CHARACTERS:
            hint = (
                f"It has {len(name)} characters, and at most {MOST_CHARACTERS} fit: its bridge is called dm-{shown}, "
                "what joins that to the fabric dmv- and the name, and Linux takes 15 characters."
            )
            yield Problem(f"the name of the network {shown} is too long", hint, network.name.span)
        seen.setdefault(name, line)


def check_vlans(draft: Draft) -> Iterator[Problem]:
    seen: dict[int, DraftNetwork] = {}
    for network in _once(draft):
        shown = _shown(network)
        if network.vlan is None:
            if network.whole:
                hint = f"Its frames need a tag between hosts, another one than other networks': vlan: {_free(draft)}"
                yield Problem(f"{shown} has no vlan", hint, network.name.span)
        elif network.vlan.value in seen:
            other = seen[network.vlan.value]
            what = f"vlan of {shown} is also the vlan of {_shown(other)}"
            hint = f"{_shown(other)} is in line {other.name.span.line}. Free is {_free(draft)}."
            yield Problem(what, hint, network.vlan.span)
        else:
            seen[network.vlan.value] = network


def _free(draft: Draft) -> int:
    taken = {network.vlan.value for network in draft.networks if network.vlan is not None}
    return next(number for number in range(20, 4095) if number not in taken)


def check_prefixes_apart(draft: Draft) -> Iterator[Problem]:
    for first, second in combinations(draft.networks, 2):
        if first.prefix is None or second.prefix is None or not first.prefix.value.overlaps(second.prefix.value):
            continue
        what = f"prefix of {_shown(second)} overlaps the prefix of {_shown(first)}"
        hint = (
            f"{first.prefix.value} is in line {first.prefix.span.line}. "
            f"Each network has addresses of its own, such as {EXAMPLE}."
        )
        yield Problem(what, hint, second.prefix.span)


def check_hosts_of_networks(draft: Draft) -> Iterator[Problem]:
    names = [host.name.value for host in draft.hosts]
    for network in draft.networks[1:]:
        seen = set()
        for host in network.hosts or ():
            if host.value not in names:
                what = f"{_shown(network)} names {clipped(host.value)}, and there is no such host"
                hint = f"The hosts are {listed(names)}.{did_you_mean(host.value, names)}"
                yield Problem(what, hint, host.span)
            elif host.value in seen:
                yield Problem(f"{_shown(network)} names {clipped(host.value)} twice", "Once is enough.", host.span)
            seen.add(host.value)


def check_seats(draft: Draft) -> Iterator[Problem]:
    """Each host has an entry for the networks that it is on, and for no other."""
    networks = {network.name.value: network for network in _once(draft)}
    complete = all(network.whole for network in draft.networks)
    for host in draft.hosts:
        for seat in host.seats:
            name = seat.network.value
            network = networks.get(name)
            if name == DOCKER_BRIDGE:
                hint = f"Those in {DOCKER_BRIDGE} stand at the host itself: `address` and `pool`."
                yield Problem(f"{host.shown} has an entry for {DOCKER_BRIDGE}", hint, seat.network.span)
            elif network is None and complete:
                known = f"The networks are {listed([*networks])}." if networks else f"There is {DOCKER_BRIDGE} alone."
                what = f"{host.shown} has an entry for {clipped(name)}, and there is no such network"
                yield Problem(what, f"{known}{did_you_mean(name, [*networks])}", seat.network.span)
            elif network is not None and not _is_on(network, host):
                what = f"{host.shown} has an entry for {clipped(name)}, and is not among its hosts"
                hint = "Take the entry away, or name the host under `hosts` of the network."
                yield Problem(what, hint, seat.network.span)
    for network in networks.values():
        yield from _lacking(draft, network)


def _once(draft: Draft) -> Iterator[DraftNetwork]:
    """The networks after docker0, each name once: that it stands there twice is told by itself."""
    seen = {"", DOCKER_BRIDGE}
    for network in draft.networks[1:]:
        if network.name.value not in seen:
            seen.add(network.name.value)
            yield network


def _lacking(draft: Draft, network: DraftNetwork) -> Iterator[Problem]:
    """Where no host has an entry, that is one mistake: the network was put in by hand."""
    name = network.name.value
    if not network.whole or name in DOCKERS or len(name) > MOST_CHARACTERS:
        return  # told by itself, and to be named anew first
    on = [host for host in draft.hosts if _is_on(network, host)]
    lacking = [host for host in on if host.whole and name not in {seat.network.value for seat in host.seats}]
    if len(lacking) == len(on) > 1 and network.attach is None:
        hint = (
            f"Each needs `networks: {{{clipped(name)}: {{address: …, pool: …}}}}`. Take the network out of `networks` "
            f"here; then `dockmesh network add {clipped(name)}{_options(network)}` writes it, with an address and a "
            "pool for each host."
        )
        yield Problem(f"no host has an entry for the network {clipped(name)}", hint, network.name.span)
        return
    for host, entry in zip(lacking, _entries(draft, network, len(lacking)), strict=True):
        hint = f"Put at {host.shown}: `networks: {{{clipped(name)}: {entry}}}`."
        yield Problem(f"{host.shown} has no entry for the network {clipped(name)}", hint, host.name.span)


def _options(network: DraftNetwork) -> str:
    """With which `network add` makes the same."""
    return "".join(
        (
            f" --prefix {network.prefix.value}" if network.prefix else "",
            f" --prefix6 {network.prefix6.value}" if network.prefix6 else "",
            f" --vlan {network.vlan.value}" if network.vlan else "",
            " --internal" if network.internal and network.internal.value else "",
            f" --hosts {','.join(host.value for host in network.hosts)}" if network.hosts else "",
        )
    )


def _entries(draft: Draft, network: DraftNetwork, count: int) -> list[str]:
    """An address and a pool for each host that has none, of what is free."""
    seats = [seat for host in draft.hosts for seat in host.seats if seat.network.value == network.name.value]
    taken = [seat.address.value for seat in seats if seat.address]
    pools = [seat.pool.value for seat in seats if seat.pool]
    if network.prefix is None or not taken or not pools or network.prefix6 is not None:
        return ["{address: …, pool: …}"] * count
    prefix, size = network.prefix.value, max(pool.prefixlen for pool in pools)
    addresses = (
        address
        for number in range(1, prefix.num_addresses)
        if (
            address := IPv4Address(
                (int(max(taken)) - int(prefix.network_address) + number) % prefix.num_addresses
                + int(prefix.network_address)
            )
        )
        not in (*taken, prefix.network_address, prefix.broadcast_address)
        and not any(address in pool for pool in pools)
    )
    own = [IPv4Network((int(address), max(24, prefix.prefixlen)), strict=False) for address in taken]
    free = (
        part
        for block in free_blocks(prefix, [*pools, *own], count=count)
        for part in (block.subnets(new_prefix=size) if block.prefixlen < size else [block])
    )
    found = list(islice(zip(addresses, free, strict=False), count))
    return [
        *(f"{{address: {address}, pool: {pool}}}" for address, pool in found),
        *["{address: …, pool: …}"] * (count - len(found)),
    ]


def _is_on(network: DraftNetwork, host: DraftHost) -> bool:
    return network.hosts is None or host.name.value in {each.value for each in network.hosts}


def _shown(network: DraftNetwork) -> str:
    return clipped(network.name.value) or "the network"
