"""Hosts that a command line names: what they are called, and what they say of their underlay."""

import asyncio
import re
import socket
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, ip_address
from pathlib import Path

from dockmesh.cli.show import show_error
from dockmesh.errors import DockmeshError, HostError, UsageError
from dockmesh.facts.link import LINKS, read_links
from dockmesh.facts.system import LOADED_MODULES, MODULE, read_kernel_datapath
from dockmesh.facts.underlay import DEFAULT_ROUTE, find_underlay, read_default_device
from dockmesh.model import Ssh, UnderlayAddress
from dockmesh.remote.fleet import fleet
from dockmesh.remote.seam import Get, Run
from dockmesh.remote.ssh import SshHost

PORT = re.compile(r"[1-9][0-9]{0,4}")


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


def target_of(text: str, number: int) -> Target:
    """`[user@]host[:port][=underlay]`. An address has no name, so such a host is called after `number`."""
    destination, _, underlay = text.partition("=")
    user, _, place = destination.rpartition("@")
    host, colon, port = place.partition(":")
    if not host or (colon and not PORT.fullmatch(port)):
        raise UsageError(
            f"{text!r} names no host" if not host else f"{text}: {port or 'nothing'} is no port",
            do="write [USER@]HOST[:PORT], or [USER@]HOST[:PORT]=UNDERLAY",
        )
    given = _address(underlay, text) if underlay else None
    reach = Ssh(user=user or None, port=int(port) if port else None)
    try:
        address = IPv4Address(host)
    except ValueError:
        short = host.split(".")[0].lower()
        return Target(short, replace(reach, host=None if host == short else host), given)
    return Target(f"host{number}", replace(reach, host=host), given or address)


def _address(text: str, where: str) -> UnderlayAddress:
    try:
        return ip_address(text)
    except ValueError as error:
        raise UsageError(f"{where}: {text} is no address", do="write it like host1=10.0.0.1") from error


def resolved(target: Target) -> IPv4Address | None:
    """What this machine's own resolver knows; it is asked, no host is."""
    try:
        address = IPv4Address(socket.gethostbyname(target.ssh.host or target.name))
    except (OSError, ValueError):
        return None
    return None if address.is_loopback else address


async def ask(targets: list[Target], ssh_config: Path | None) -> list[Found]:
    """Raises the first host's error, after having shown those of the others."""
    # An underlay address that is given is no way for SSH, as long as the host's name is one.
    async with fleet([replace(target, underlay=None) for target in targets], ssh_config) as hosts:
        results = await asyncio.gather(
            *(_ask_one(target, hosts.opened[target.name]) for target in targets if target.name in hosts.opened),
            return_exceptions=True,
        )
    errors: list[DockmeshError] = list(hosts.failed.values())
    for result in results:
        if isinstance(result, DockmeshError):
            errors.append(result)
        elif isinstance(result, BaseException):
            raise result
    if errors:
        for error in errors[1:]:
            show_error(error)
        raise errors[0]
    return [result for result in results if isinstance(result, Found)]


async def _ask_one(target: Target, host: SshHost) -> Found:
    links, route, module, loaded = await host.ask(
        Run(LINKS), Run(DEFAULT_ROUTE), Run(MODULE), Get(LOADED_MODULES), together=True
    )
    present = read_links(links.out)
    kernel_datapath = read_kernel_datapath(loaded.out, loadable=module.ok)
    at = str(target.underlay) if target.underlay else host.reached_at
    underlay = find_underlay(present, at, read_default_device(route.out), given=target.underlay is not None)
    if underlay is None or (target.underlay and underlay.address != target.underlay):
        known = ", ".join(f"{address} on {link.name}" for link in present for address in link.ips)
        raise HostError(
            f"has not the address {target.underlay}"
            if target.underlay
            else "has several addresses, and none stands out",
            host=target.name,
            answered=known or "no address at all",
            do=f"say which one the other hosts reach it at: {target.name}=ADDRESS",
        )
    return Found(underlay.address, underlay.mtu, kernel_datapath)
