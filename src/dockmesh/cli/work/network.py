"""`dockmesh network`: networks into the mesh file and out of it."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from itertools import chain, islice
from pathlib import Path

from dockmesh.cli.work.edits import carry_out, edited
from dockmesh.errors import UsageError
from dockmesh.meshfile.edit.networks import add_network, remove_network
from dockmesh.meshfile.load import parse
from dockmesh.meshfile.slots6 import LARGEST, SMALLEST
from dockmesh.meshfile.source import read_bytes
from dockmesh.meshfile.values import VLAN
from dockmesh.model.mesh import Mesh
from dockmesh.model.network import Allocation, Network
from dockmesh.plan.address import assign, free_slots6

# Where a prefix is looked for: neither Docker's own pools nor the first blocks that everybody takes.
SECOND_BYTES = (*range(80, 128), *range(128, 256), *range(16, 80))
FIRST_VLAN = 20
AUTO = "auto"
LOCAL = IPv6Network("fd00::/8")  # RFC 4193: locally assigned


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """What the command line asked for of a new network."""

    prefix: str | None
    prefix6: str | None
    internal: bool
    hosts: str | None
    vlan: int | None
    max_hosts: int | None


def add(name: str, file: Path, opts: NetworkOptions, *, dry_run: bool, json: bool) -> None:
    content = read_bytes(file)
    mesh = parse(str(file), content)
    on = _hosts(opts.hosts, mesh)
    network = Network(
        name,
        _prefix(opts.prefix) if opts.prefix else _free_prefix(mesh),
        opts.vlan or _free_vlan(mesh),
        internal=opts.internal,
        hosts=None if opts.hosts is None else on,
        prefix6=_prefix6(opts.prefix6, mesh) if opts.prefix6 else None,
    )
    slots = assign(network.prefix, len(on), opts.max_hosts).slots
    slots6 = islice(free_slots6(network, ()), len(on))
    allocations = {
        host: Allocation(name, slot.address, slot.pool, *slot6)
        for host, slot, slot6 in zip(on, slots, slots6, strict=True)
    }
    edit = edited(file, content, add_network(str(file), content, network, allocations))
    carry_out(edit, None, dry_run=dry_run, json=json)


def remove(name: str, file: Path, *, dry_run: bool, json: bool) -> None:
    content = read_bytes(file)
    edit = edited(file, content, remove_network(str(file), content, name))
    carry_out(edit, None, dry_run=dry_run, json=json)


def _hosts(text: str | None, mesh: Mesh) -> tuple[str, ...]:
    """In the order of the file."""
    known = [host.name for host in mesh.hosts]
    if text is None:
        return tuple(known)
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"--hosts {text}: there is no host {unknown[0]!r}", do=f"the hosts are {', '.join(known)}")
    return tuple(name for name in known if name in names)


def _prefix(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise UsageError(f"--prefix {text}: {error}", do="write it like 10.80.0.0/16") from error


def _prefix6(text: str, mesh: Mesh) -> IPv6Network:
    """Raises UsageError for one that hosts have no room in; the others are found with the whole file."""
    if text == AUTO:
        return _drawn(mesh)
    try:
        prefix = IPv6Network(text)
    except ValueError as error:
        raise UsageError(f"--prefix6 {text}: {error}", do=f"write it like fd00:80::/64, or {AUTO}") from error
    if not LARGEST <= prefix.prefixlen <= SMALLEST:
        raise UsageError(
            f"--prefix6 {text}: its length is not between /{LARGEST} and /{SMALLEST}",
            do=f"a /{LARGEST} is what others expect of a link",
        )
    return prefix


def _drawn(mesh: Mesh) -> IPv6Network:
    """RFC 4193: 40 bits by chance, so that two meshes that ever meet differ; all networks of a mesh share them."""
    present = [network.prefix6 for network in mesh.further if network.prefix6 is not None]
    drawn = [prefix for prefix in present if prefix.subnet_of(LOCAL)]
    first = drawn[0].supernet(new_prefix=48) if drawn else _drawn_site()
    return next(prefix for prefix in first.subnets(new_prefix=LARGEST) if not any(map(prefix.overlaps, present)))


def _drawn_site() -> IPv6Network:
    return IPv6Network((IPv6Address(bytes([0xFD, *secrets.token_bytes(5), *bytes(10)])), 48))


def _free_prefix(mesh: Mesh) -> IPv4Network:
    """One that overlaps no other network of the mesh, and holds nobody's underlay address."""
    underlays = [host.underlay for host in mesh.hosts]
    for prefix in _candidates():
        taken = any(prefix.overlaps(network.prefix) for network in mesh.networks)
        if not taken and not any(underlay in prefix for underlay in underlays):
            return prefix
    raise UsageError("no /16 of 10.0.0.0/8 is free of this mesh's networks and hosts", do="give it a --prefix")


def _candidates() -> Iterator[IPv4Network]:
    return (IPv4Network(f"10.{number}.0.0/16") for number in SECOND_BYTES)


def _free_vlan(mesh: Mesh) -> int:
    taken = {network.vlan for network in mesh.further}
    numbers = chain(range(FIRST_VLAN, VLAN.high + 1), range(VLAN.low, FIRST_VLAN))
    return next(number for number in numbers if number not in taken)
