"""Hosts that a command line names: what they are called, and what they say of their underlay."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Address, ip_address
from pathlib import Path

from dockmesh.cli.show import show_error
from dockmesh.cli.work.hidden import endpoint_of
from dockmesh.errors import HostError, UsageError
from dockmesh.facts.link import LINKS, read_links
from dockmesh.facts.ovs import DATABASE, read_bridges
from dockmesh.facts.system import LOADED_MODULES, MODULE, VXLAN, read_kernel_datapath
from dockmesh.facts.underlay import DEFAULT_ROUTE, ROUTES, find_underlay, read_default_device, read_taken
from dockmesh.model.encryption import HostEndpoint
from dockmesh.model.mesh import Datapath, Ssh, UnderlayAddress
from dockmesh.transport.fanout import each
from dockmesh.transport.fleet import fleet
from dockmesh.transport.requests import Exec, Get
from dockmesh.transport.resolve import addresses_of
from dockmesh.transport.ssh import SshHost

PORT = re.compile(r"[1-9][0-9]{0,4}")
LAST_PORT = 65535
MOST_AT_ONCE = 64  # names that are looked up
PATIENCE_S = 5  # as long as a resolver waits before it asks a second time (resolv.conf(5))
WRITE = "write [USER@]HOST[:PORT], NAME=[USER@]HOST[:PORT] to name it, HOST=UNDERLAY to say its address"


@dataclass(frozen=True, slots=True)
class Target:
    """A host as the command line names it."""

    name: str
    ssh: Ssh
    underlay: UnderlayAddress | None = None


@dataclass(frozen=True, slots=True)
class Found:
    underlay: UnderlayAddress
    mtu: int
    kernel_datapath: bool
    in_bridge: bool = False  # its underlay address is on a bridge of Open vSwitch's userspace datapath
    makes_vxlan: bool = False  # its kernel makes VXLAN devices
    taken: tuple[IPv4Network, ...] = ()  # what it has routes to, and addresses in
    endpoint: HostEndpoint | None = None  # where others find it, if SSH says that it is behind a NAT


def target_of(text: str, number: int) -> Target:
    """`[NAME=][USER@]HOST[:PORT][=UNDERLAY]`. An address has no name: such a host is called after `number`.

    Of two parts, an address alone is the underlay address of the first, and all else is where the first is reached.
    """
    if "," in text:
        raise UsageError(f"{text} holds a comma", do="give one host after another, with spaces between them")
    name, destination, underlay = _parts(text)
    user, _, place = destination.rpartition("@")
    host, port = _split_port(place)
    if not host:
        raise UsageError(f"{text!r} names no host", do=WRITE)
    if port is not None and not (PORT.fullmatch(port) and int(port) <= LAST_PORT):
        raise UsageError(f"{text}: {port or 'nothing'} is not a port", do=WRITE)
    given = _address(underlay, text) if underlay is not None else None
    reach = Ssh(user=user or None, port=int(port) if port else None)
    if (address := as_address(host)) is not None:
        known = None if isinstance(address, IPv6Address) and address.scope_id else address
        return Target(name or f"host{number}", replace(reach, host=host), given or known)
    called = name or host.split(".")[0].lower()
    return Target(called, replace(reach, host=None if host == called else host), given)


def _parts(text: str) -> tuple[str | None, str, str | None]:
    """Its name, where it is reached, its underlay address."""
    match text.split("="):
        case [destination]:
            return None, destination, None
        case [first, second] if "@" not in second and (as_address(second) or not re.search("[a-zA-Z@[]", second)):
            return None, first, second
        case [name, destination]:
            return _name(name, text), destination, None
        case [name, destination, underlay]:
            return _name(name, text), destination, underlay
        case _:
            raise UsageError(f"{text}: there are too many `=`", do=WRITE)


def _name(name: str, text: str) -> str:
    if not name:
        raise UsageError(f"{text!r} gives a host no name", do=WRITE)
    return name


def _split_port(place: str) -> tuple[str, str | None]:
    """IPv6 addresses with a port, too, where they stand in brackets; without brackets all colons are the address's."""
    if place.startswith("["):
        host, _, rest = place[1:].partition("]")
        return host, rest.removeprefix(":") if rest else None
    if as_address(place) is not None or ":" not in place:
        return place, None
    host, _, port = place.partition(":")
    return host, port


def as_address(text: str | None) -> UnderlayAddress | None:
    try:
        return ip_address(text or "")
    except ValueError:
        return None


def _address(text: str, where: str) -> UnderlayAddress:
    if (address := as_address(text)) is None:
        raise UsageError(f"{where}: {text or 'nothing'} is not an address", do="write it like host1=10.0.0.1")
    return address


def all_resolved(targets: Sequence[Target]) -> list[UnderlayAddress | None]:
    """The underlay address that is given, or what this machine's own resolver knows; it is asked, no host is.

    For many names at once, for it may take its time for one that it does not know.
    """
    return asyncio.run(_all_resolved(targets))


async def _all_resolved(targets: Sequence[Target]) -> list[UnderlayAddress | None]:
    turn = asyncio.Semaphore(MOST_AT_ONCE)

    async def one(target: Target) -> UnderlayAddress | None:
        if target.underlay is not None:
            return target.underlay
        async with turn:
            return _usable(await addresses_of(target.ssh.host or target.name, PATIENCE_S))

    return await asyncio.gather(*map(one, targets))


def _usable(found: Sequence[str]) -> UnderlayAddress | None:
    """IPv4 first, for that is what most meshes go by; no address that means another host to every host."""
    addresses = [address for text in found if (address := as_address(text)) is not None]
    usable = [each for each in addresses if not (each.is_loopback or each.is_link_local)]
    return min(usable, key=lambda each: each.version, default=None)


async def ask(targets: list[Target], ssh_config: Path | None) -> list[Found]:
    """Raises the first host's error, after having shown those of the others."""
    async with fleet(targets, ssh_config) as hosts:
        gone = dict(hosts.failed)
        by_name = {target.name: target for target in targets}
        found = await each(hosts.opened, gone, lambda name: _ask_one(by_name[name], hosts.opened[name], hosts.config))
    if gone:
        first, *others = gone.values()
        for error in others:
            show_error(error)
        raise first
    return list(found.values())


async def _ask_one(target: Target, host: SshHost, config: Path) -> Found:
    links, route, module, loaded, vxlan, database, routes = await host.ask(
        *(Exec(LINKS), Exec(DEFAULT_ROUTE), Exec(MODULE), Get(LOADED_MODULES), Exec(VXLAN), DATABASE, Exec(ROUTES)),
        together=True,
    )
    present = read_links(links.out)
    kernel_datapath = read_kernel_datapath(loaded.out, loadable=module.ok)
    endpoint = await endpoint_of(target, host, config, [address for link in present for address in link.ips])
    if target.underlay and (endpoint is None or target.underlay not in (endpoint.address, as_address(target.ssh.host))):
        endpoint = None  # a person said where the others reach it
    given = None if endpoint else target.underlay
    at = str(given) if given else host.reached_at
    underlay = find_underlay(present, at, read_default_device(route.out), given=given is not None)
    if underlay is None or (given and underlay.address != given):
        known = ", ".join(f"{address} on {link.name}" for link in present for address in link.ips)
        raise HostError(
            f"has not the address {target.underlay}"
            if target.underlay
            else "has several addresses, and none is the obvious one",
            host=target.name,
            answered=known or "no address at all",
            do=f"say which one the other hosts reach it at: {target.name}=ADDRESS",
        )
    bridges = read_bridges(database.out) if database.ok else ()
    in_bridge = any(
        (bridge.name, bridge.datapath_type) == (underlay.device, str(Datapath.NETDEV)) for bridge in bridges
    )
    return Found(
        *(underlay.address, underlay.mtu, kernel_datapath, in_bridge, vxlan.ok),
        read_taken(present, routes.out),
        endpoint,
    )
