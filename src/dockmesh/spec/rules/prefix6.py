"""Rules about a network's IPv6: its prefix6, and each host's address6 and pool6 there."""

from collections.abc import Iterator
from ipaddress import IPv6Network
from itertools import combinations

from dockmesh.model import DOCKER_BRIDGE, NETWORK_BRIDGE
from dockmesh.spec.blocks import RESERVED_6
from dockmesh.spec.draft import Draft, DraftHost, DraftNetwork, DraftSeat, Located
from dockmesh.spec.excerpt import clipped, listed
from dockmesh.spec.problems import Problem
from dockmesh.spec.slots6 import LARGEST, SMALLEST, Slot6, free_slots

PRIVATE = "Expected a range that nothing else uses, such as a /64 of an fd… prefix drawn by chance (RFC 4193)."
Seats = list[tuple[DraftHost, DraftSeat]]


def check_docker0_has_none(draft: Draft) -> Iterator[Problem]:
    for network in draft.networks[:1]:
        if network.prefix6 is not None:
            hint = (
                "Docker takes no pool within a prefix for its default bridge in IPv6, so two hosts would give out the "
                "same addresses. Take it out here, and give it to a network beside docker0: "
                "dockmesh network add NAME --prefix6 auto"
            )
            yield Problem(f"{DOCKER_BRIDGE} has a prefix6", hint, network.prefix6.span)


def check_prefixes6(draft: Draft) -> Iterator[Problem]:
    for network in draft.networks[1:]:
        if network.prefix6 is None:
            continue
        prefix, span, shown = network.prefix6.value, network.prefix6.span, clipped(network.name.value)
        if overlapped := [use for use in RESERVED_6 if prefix.overlaps(use.network)]:
            what = f"prefix6 of {shown} overlaps {listed([use.shown for use in overlapped], limit=5)}"
            whys = " ".join(f"{use.shown} is {use.why}." for use in overlapped)
            yield Problem(what, f"{whys} {PRIVATE}", span)
        if not LARGEST <= prefix.prefixlen <= SMALLEST:
            size = "large" if prefix.prefixlen < LARGEST else "small"
            hint = f"Expected a prefix length from {LARGEST} to {SMALLEST}; /{LARGEST} is what others expect of a link."
            yield Problem(f"prefix6 of {shown} is too {size}", hint, span)
        if inside := [host for host in draft.hosts if host.underlay is not None and host.underlay.value in prefix]:
            hint = f"The way to the other hosts would lead into {NETWORK_BRIDGE}{shown}. {PRIVATE}"
            names = listed([host.name.value for host in inside])
            yield Problem(f"prefix6 of {shown} contains the underlay of {names}", hint, span)


def check_prefixes6_apart(draft: Draft) -> Iterator[Problem]:
    for first, second in combinations(draft.networks[1:], 2):
        if first.prefix6 is None or second.prefix6 is None or not first.prefix6.value.overlaps(second.prefix6.value):
            continue
        what = f"prefix6 of {clipped(second.name.value)} overlaps the prefix6 of {clipped(first.name.value)}"
        hint = f"{first.prefix6.value} is in line {first.prefix6.span.line}. Each network has addresses of its own."
        yield Problem(what, hint, second.prefix6.span)


def check_seats6(draft: Draft) -> Iterator[Problem]:
    """Each host has both in the networks with a prefix6, and neither in others."""
    for network in draft.networks[1:]:
        seats = _seats(draft, network)
        taken = [(seat.address6.value, seat.pool6.value) for _, seat in seats if seat.address6 and seat.pool6]
        free = _free(network.prefix6, taken)
        for host, seat in seats:
            where = f"{host.shown} in {clipped(network.name.value)}"
            if network.prefix6 is None:
                for key, value in (("address6", seat.address6), ("pool6", seat.pool6)):
                    if value is not None and network.whole:
                        hint = "The network has no prefix6: give it one, or take this away."
                        yield Problem(f"{where} has {'an' if key[0] == 'a' else 'a'} {key}", hint, value.span)
            elif host.whole and (missing := _missing(seat)):
                address, pool = next(free, (None, None))
                free_ones = f" Free are address6: {address}, pool6: {pool}" if address else ""
                hint = f"The network has the prefix6 {network.prefix6.value} (line {network.prefix6.span.line})."
                yield Problem(f"{where} has no {' and no '.join(missing)}", hint + free_ones, seat.network.span)


def _free(prefix: Located[IPv6Network] | None, taken: list[Slot6]) -> Iterator[Slot6]:
    if prefix is not None and LARGEST <= prefix.value.prefixlen <= SMALLEST:
        yield from free_slots(prefix.value, taken)


def _missing(seat: DraftSeat) -> list[str]:
    return [key for key, value in (("address6", seat.address6), ("pool6", seat.pool6)) if value is None]


def _seats(draft: Draft, network: DraftNetwork) -> Seats:
    name = network.name.value
    return [(host, seat) for host in draft.hosts for seat in host.seats if name and seat.network.value == name]


def check_addresses6(draft: Draft) -> Iterator[Problem]:
    for network in draft.networks[1:]:
        if network.prefix6 is None:
            continue
        prefix, line = network.prefix6.value, network.prefix6.span.line
        shown, seats = clipped(network.name.value), _seats(draft, network)
        first: dict[object, DraftHost] = {}
        for host, seat in seats:
            if seat.address6 is None:
                continue
            address, span, where = seat.address6.value, seat.address6.span, f"address6 of {host.shown} in {shown}"
            if address not in prefix:
                yield Problem(f"{where} is outside prefix6", f"The prefix6 is {prefix} (line {line}).", span)
            elif address == prefix.network_address:
                hint = f"{address} stands for any router of {prefix} (RFC 4291). Expected any other address in it."
                yield Problem(f"{where} is the address of all routers", hint, span)
            if address in first:
                hint = f"{first[address].shown} is in line {first[address].name.span.line}. Every host has its own."
                yield Problem(f"{where} is also the address6 of {first[address].shown}", hint, span)
            first.setdefault(address, host)
            for other, theirs in seats:
                if other is not host and theirs.pool6 is not None and address in theirs.pool6.value:
                    hint = (
                        f"{other.shown} gives {theirs.pool6.value} (line {theirs.pool6.span.line}) to its containers, "
                        f"and one of them would get {address}."
                    )
                    yield Problem(f"{where} lies in the pool6 of {other.shown}", hint, span)


def check_pools6(draft: Draft) -> Iterator[Problem]:
    for network in draft.networks[1:]:
        if network.prefix6 is None:
            continue
        prefix, shown = network.prefix6.value, clipped(network.name.value)
        owned = [(host, seat, seat.pool6) for host, seat in _seats(draft, network) if seat.pool6 is not None]
        for host, seat, pool in owned:
            where = f"pool6 of {host.shown} in {shown}"
            if not pool.value.subnet_of(prefix):
                reaches = "reaches beyond" if pool.value.overlaps(prefix) else "is outside"
                hint = f"The prefix6 is {prefix} (line {network.prefix6.span.line})."
                yield Problem(f"{where} {reaches} prefix6", hint, pool.span)
                continue
            kept = {prefix.network_address, *([seat.address6.value] if seat.address6 else [])}
            if pool.value.num_addresses <= sum(address in pool.value for address in kept):
                hint = f"{pool.value} holds nothing that Docker gives to a container."
                yield Problem(f"{where} is too small for a container", hint, pool.span)
        # Blocks that overlap stand side by side in this order, the larger one first.
        order = {id(pool): place for place, (_, _, pool) in enumerate(owned)}
        largest = None
        for each in sorted(owned, key=lambda one: (int(one[2].value.network_address), one[2].value.prefixlen)):
            if largest is None or not each[2].value.subnet_of(largest[2].value):
                largest = each
                continue
            early, late = sorted((largest, each), key=lambda one: order[id(one[2])])
            what = f"pool6 of {late[0].shown} in {shown} overlaps the pool6 of {early[0].shown}"
            hint = f"{early[2].value} is in line {early[2].span.line}: two hosts would give out the same addresses."
            yield Problem(what, hint, late[2].span)
