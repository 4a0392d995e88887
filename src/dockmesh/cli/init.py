"""`dockmesh init`."""

import asyncio
import socket
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer
from rich.markup import escape

from dockmesh.cli import options
from dockmesh.cli.show import err, out, print_json, show_error
from dockmesh.errors import DockmeshError, HostError, UsageError
from dockmesh.facts.link import LINKS, read_links
from dockmesh.facts.system import LOADED_MODULES, MODULE, read_kernel_datapath
from dockmesh.facts.underlay import DEFAULT_ROUTE, find_underlay, read_default_device
from dockmesh.model import ETHERNET_MTU, Cluster, Datapath, Fabric, Host, Network, Ssh
from dockmesh.plan.address import assign
from dockmesh.remote.fleet import fleet
from dockmesh.remote.seam import Get, Run
from dockmesh.remote.ssh import SshHost
from dockmesh.spec.load import parse
from dockmesh.spec.write import write_cluster

DEFAULT_PREFIX = "172.17.0.0/16"
# RFC 5737: addresses for documentation, which belong to nobody.
STAND_INS = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))


@dataclass(frozen=True, slots=True)
class Target:
    """A host as the command line names it."""

    name: str
    ssh: Ssh
    underlay: IPv4Address | None = None


@dataclass(frozen=True, slots=True)
class Found:
    underlay: IPv4Address
    mtu: int
    kernel_datapath: bool


def init(
    hosts: Annotated[
        list[str],
        typer.Argument(metavar="[USER@]HOST[=UNDERLAY]", help="As you would give it to ssh.", show_default=False),
    ],
    *,
    file: options.File = options.DEFAULT_FILE,
    name: Annotated[str, typer.Option(help="What to call the mesh.")] = "mesh",
    prefix: Annotated[str, typer.Option(help="The containers' address range, of all hosts together.")] = DEFAULT_PREFIX,
    max_hosts: Annotated[
        int | None, typer.Option(min=1, help="Leave room for so many hosts with equal pools.", show_default=False)
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no host for its underlay address and MTU.")] = False,
    ssh_config: options.SshConfig = None,
    json: options.Json = False,
) -> None:
    """Write a mesh file for these hosts, with comments; never over an existing one.

    Asks each host over SSH for the address that the others reach it at, and for its MTU. HOST=UNDERLAY says the address
    beforehand.
    """
    if file.exists():
        raise UsageError(f"{file} is there already", do="give another name with -f, or move it away")
    targets = _targets(hosts)
    network = _prefix(prefix)
    addresses = assign(network, len(targets), max_hosts)
    found = _offline(targets) if offline else asyncio.run(_ask(targets, ssh_config))
    netdev = any(not each.kernel_datapath for each in found)
    cluster = Cluster(
        name=name,
        fabric=Fabric(datapath=Datapath.NETDEV if netdev else Datapath.SYSTEM),
        network=Network("docker0", network),
        hosts=tuple(
            Host(target.name, each.underlay, slot.address, slot.pool, each.mtu, target.ssh)
            for target, each, slot in zip(targets, found, addresses.slots, strict=True)
        ),
    )
    stand_ins = [host.name for host in cluster.hosts if any(host.underlay in net for net in STAND_INS)]
    text = write_cluster(cluster, notes=_notes(stand_ins, addresses.room, netdev=netdev))
    parse(str(file), text.encode())  # what could not be loaded is not written
    _create(file, text)
    if json:
        print_json({"file": str(file), "hosts": [host.name for host in cluster.hosts], "room": addresses.room})
        return
    out.print(f"[bold]{escape(str(file))}[/]: {len(targets)} hosts in {network}. {_room(addresses.room)}", markup=True)
    if stand_ins:
        err.print(
            f"[bold yellow]![/] Nobody was asked for the underlay address of {', '.join(stand_ins)}: "
            "addresses for documentation stand in for them. Put the right ones into the file.",
        )
    named = None if file == options.DEFAULT_FILE else file
    out.print(
        f"Next: `dockmesh plan{_flag('-f', named)}` shows what follows from it, "
        f"`dockmesh apply{_flag('-f', named)}{_flag('--ssh-config', ssh_config)}` makes it real."
    )


def _flag(option: str, file: Path | None) -> str:
    return escape(f" {option} {quote(str(file))}") if file else ""


def _room(room: int) -> str:
    if room == 0:
        return "No more hosts fit without moving one; --max-hosts leaves room."
    return f"{room} more {'host fits' if room == 1 else 'hosts fit'} without moving one of them."


def _prefix(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise UsageError(f"--prefix {text}: {error}", do=f"write it like {DEFAULT_PREFIX}") from error


def _targets(hosts: list[str]) -> list[Target]:
    targets = [_target(text, number) for number, text in enumerate(hosts, start=1)]
    names = [target.name for target in targets]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"{', '.join(twice)} stands there twice", do="give each host once, under a name of its own")
    if len(targets) < 2:
        raise UsageError("a mesh has at least two hosts", do="name the others too: dockmesh init host1 host2 host3")
    return targets


def _target(text: str, number: int) -> Target:
    """`[user@]host[=underlay]`. An address has no name, so such a host is called after its place in the list."""
    destination, _, underlay = text.partition("=")
    user, _, host = destination.rpartition("@")
    if not host:
        raise UsageError(f"{text!r} names no host", do="write [USER@]HOST, or [USER@]HOST=UNDERLAY")
    given = _address(underlay, text) if underlay else None
    try:
        address = IPv4Address(host)
    except ValueError:
        short = host.split(".")[0].lower()
        ssh = Ssh(host=None if host == short else host, user=user or None)
        return Target(short, ssh, given)
    return Target(f"host{number}", Ssh(host=host, user=user or None), given or address)


def _address(text: str, where: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except ValueError as error:
        raise UsageError(f"{where}: {text} is no IPv4 address", do="write it like host1=10.0.0.1") from error


def _offline(targets: list[Target]) -> list[Found]:
    known = [target.underlay or _resolved(target) for target in targets]
    stand_ins = (address for net in STAND_INS for address in net.hosts() if address not in known)
    found = [Found(address, ETHERNET_MTU, True) for each in known if (address := each or next(stand_ins, None))]
    if len(found) < len(targets):
        raise UsageError(
            f"{known.count(None)} hosts have no underlay address, and there are too few to stand in for them",
            do="say theirs as HOST=UNDERLAY, or leave out --offline to ask them",
        )
    return found


def _resolved(target: Target) -> IPv4Address | None:
    """What this machine's own resolver knows; it is asked, no host is."""
    try:
        address = IPv4Address(socket.gethostbyname(target.ssh.host or target.name))
    except (OSError, ValueError):
        return None
    return None if address.is_loopback else address


async def _ask(targets: list[Target], ssh_config: Path | None) -> list[Found]:
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
    underlay = find_underlay(present, at, read_default_device(route.out))
    if underlay is None or (target.underlay and underlay.address != target.underlay):
        known = ", ".join(f"{address.ip} on {link.name}" for link in present for address in link.addresses)
        raise HostError(
            f"has not the address {target.underlay}"
            if target.underlay
            else "has several addresses, and none stands out",
            host=target.name,
            answered=known or "no IPv4 address at all",
            do=f"say which one the other hosts reach it at: {target.name}=ADDRESS",
        )
    return Found(underlay.address, underlay.mtu, kernel_datapath)


def _notes(stand_ins: list[str], room: int, *, netdev: bool) -> dict[str, str]:
    notes = {f"hosts.{name}": "FIXME: a stand-in; put this host's own address here" for name in stand_ins}
    notes["networks"] = _room(room)
    if netdev:
        notes["fabric"] = (
            "The kernel of these hosts has no openvswitch module, so: netdev, the datapath in userspace.\n"
            "It reaches the underlay only if the underlay address is on an Open vSwitch bridge of the same kind."
        )
    return notes


def _create(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}", do="give another name with -f") from error
