"""`dockmesh host`: hosts into the mesh file and out of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from dockmesh.cli.work.edits import carry_out, edited
from dockmesh.cli.work.new_hosts import Found, Target, all_resolved, ask, target_of
from dockmesh.errors import UsageError
from dockmesh.meshfile.edit.hosts import add_hosts, places_of_hosts, remove_hosts
from dockmesh.meshfile.load import parse
from dockmesh.meshfile.source import read_bytes
from dockmesh.model.mesh import ETHERNET_MTU, Datapath, Host, Links, Mesh, Sites
from dockmesh.model.network import Allocation, Network
from dockmesh.plan.address import Slot, free_slots6, later_slots, outside_of, slots_in


@dataclass(frozen=True, slots=True)
class HostOptions:
    """What the command line asked for of new hosts."""

    names: list[str]
    links: list[str]
    site: str | None
    networks: list[str]
    offline: bool
    ssh_config: Path | None


def add(hosts: list[str], file: Path, opts: HostOptions, *, dry_run: bool, json: bool) -> None:
    content = read_bytes(file)
    mesh = parse(str(file), content)
    targets = _named(hosts, opts.names, mesh, places_of_hosts(str(file), content))
    links = _new_links(targets, opts.links, mesh, file)
    site = _known_site(opts.site, mesh, file)
    networks = _known_networks(opts.networks, mesh, file)
    allocations = [_free_allocations(each, mesh, len(targets), file) for each in (mesh.docker0, *networks)]
    found = _offline(targets) if opts.offline else asyncio.run(ask(targets, opts.ssh_config))
    _refuse_other_datapath(mesh, targets, found)
    new = [
        Host(
            target.name,
            each.underlay,
            tuple(free[place] for free in allocations),
            each.mtu,
            target.ssh,
            each.endpoint if mesh.fabric.encryption else None,
        )
        for place, (target, each) in enumerate(zip(targets, found, strict=True))
    ]
    lists = [each.name for each in networks if each.hosts is not None]
    edit = edited(file, content, add_hosts(str(file), content, new, links, site=site, networks=lists))
    carry_out(edit, opts.ssh_config, dry_run=dry_run, json=json)


def remove(names: list[str], file: Path, *, dry_run: bool, json: bool) -> None:
    content = read_bytes(file)
    edit = edited(file, content, remove_hosts(str(file), content, list(dict.fromkeys(names))))
    carry_out(edit, None, dry_run=dry_run, json=json)


def _named(hosts: list[str], names: list[str], mesh: Mesh, places: Mapping[str, str]) -> list[Target]:
    known = {host.name for host in mesh.hosts}
    if len(names) > len(hosts):
        raise UsageError("there are more names than hosts", do="give --name once for each HOST, in their order")
    targets: list[Target] = []
    for place, text in enumerate(hosts):
        free = next(number for number in range(len(known) + 1, 10**6) if f"host{number}" not in known)
        target = target_of(text, free)
        if place < len(names):
            target = _called(target, names[place])
        if target.name in known:
            raise UsageError(
                f"there is a host {target.name} already",
                answered=f"in {places[target.name]}" if target.name in places else None,
                do="give the new one another name, with --name NAME",
            )
        known.add(target.name)
        targets.append(target)
    return targets


def _called(target: Target, name: str) -> Target:
    """Under another name, SSH still goes where the command line said."""
    host = target.ssh.host or (target.name if target.name != name else None)
    return Target(name, type(target.ssh)(host, target.ssh.user, target.ssh.port), target.underlay)


def _new_links(targets: list[Target], peers: list[str], mesh: Mesh, file: Path) -> list[tuple[str, str]]:
    listed = isinstance(mesh.fabric.topology, Links)
    if peers and not listed:
        raise UsageError("--link is for a file that lists its links", do=f"{file} does not: leave --link out")
    if listed and not peers:
        raise UsageError(
            f"{file} lists its links, and no link leads to the new host",
            do="say which hosts it is linked to: --link PEER, once for each",
        )
    known = [*(host.name for host in mesh.hosts), *(target.name for target in targets)]
    if unknown := [peer for peer in peers if peer not in known]:
        raise UsageError(f"--link {unknown[0]}: there is no such host", do=f"the hosts are {', '.join(known)}")
    pairs = [(peer, target.name) for target in targets for peer in dict.fromkeys(peers) if peer != target.name]
    return list({frozenset(pair): pair for pair in pairs}.values())


def _known_site(site: str | None, mesh: Mesh, file: Path) -> str | None:
    topology = mesh.fabric.topology
    if not isinstance(topology, Sites):
        if site is not None:
            raise UsageError("--site is for a file that has sites", do=f"{file} has none: leave --site out")
        return None
    names = [name for name, _ in topology.groups]
    if site is None:
        raise UsageError(
            f"{file} has sites, and the new host is in none of them",
            do=f"say in which it is: --site {' or --site '.join(names)}",
        )
    if site not in names:
        raise UsageError(f"--site {site}: there is no such site", do=f"the sites are {', '.join(names)}")
    return site


def _known_networks(names: list[str], mesh: Mesh, file: Path) -> list[Network]:
    """Those that the new hosts are on: all that list no hosts, and these."""
    listing = [network.name for network in mesh.further if network.hosts is not None]
    for name in names:
        if name not in listing:
            known = f"those that do are {', '.join(listing)}" if listing else f"{file} has none"
            raise UsageError(f"--network {name}: there is no such network that lists its hosts", do=known)
    return [network for network in mesh.further if network.hosts is None or network.name in names]


def _free_allocations(network: Network, mesh: Mesh, count: int, file: Path) -> list[Allocation]:
    slots = _free_slots(network, slots_in(mesh, network.name), count, file)
    present = [
        allocation for host in mesh.hosts for allocation in host.allocations if allocation.network == network.name
    ]
    slots6 = list(islice(free_slots6(network, present), count))
    if len(slots6) < count:
        raise UsageError(
            f"{network.prefix6} has no room for {count} more in {network.name}",
            do="give the network a larger prefix6, or take a host out that is gone: dockmesh host remove NAME",
        )
    return [
        Allocation(network.name, slot.address, slot.pool, *slot6) for slot, slot6 in zip(slots, slots6, strict=True)
    ]


def _free_slots(network: Network, taken: dict[str, Slot], count: int, file: Path) -> list[Slot]:
    prefix = network.prefix
    slots = list(islice(later_slots(prefix, taken.values(), outside_of(network)), count))
    if len(slots) == count:
        return slots
    owner, largest = min(taken.items(), key=lambda item: item[1].pool.prefixlen)
    half = next(largest.pool.subnets()) if largest.pool.prefixlen < 30 else None
    ways = [
        f"enlarge the prefix to {prefix.supernet()}: every address and pool stays, Docker restarts once on every host"
        if network.vlan is None
        else f"enlarge the prefix to {prefix.supernet()}: every address and pool stays, and the network is recreated",
        f"halve a pool, such as that of {owner} to {half}: Docker restarts there, and its containers get addresses in "
        "that half"
        if half
        else "",
        "take a host out that is gone: dockmesh host remove NAME",
    ]
    raise UsageError(
        f"{prefix} has no room for {'another host' if count == 1 else f'{count} more hosts'} beside those of {file}",
        answered=f"{len(slots)} would fit without changing others",
        do="one of these:\n" + "\n".join(f"- {way}" for way in ways if way),
    )


def _offline(targets: list[Target]) -> list[Found]:
    found = []
    for target, underlay in zip(targets, all_resolved(targets), strict=True):
        if underlay is None:
            raise UsageError(
                f"{target.name} has no underlay address, and the host is not asked for it",
                do=f"say it as {target.name}=ADDRESS, or leave out --offline",
            )
        found.append(Found(underlay, ETHERNET_MTU, kernel_datapath=True))
    return found


def _refuse_other_datapath(mesh: Mesh, targets: list[Target], found: list[Found]) -> None:
    for target, each in zip(targets, found, strict=True):
        if mesh.fabric.datapath is Datapath.SYSTEM and not each.kernel_datapath:
            raise UsageError(
                f"the kernel of {target.name} has no openvswitch module, and the file says `datapath: system`",
                now="the file is as it was",
                do="install a kernel that has it on the new host",
            )
