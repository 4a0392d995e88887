"""`dockmesh init`."""

import asyncio
import re
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from rich.markup import escape

from dockmesh.cli import options
from dockmesh.cli.ask import said_yes
from dockmesh.cli.show import err, out, print_json
from dockmesh.cli.work.mesh_file import flag
from dockmesh.cli.work.new_hosts import Found, Target, all_resolved, ask, target_of
from dockmesh.errors import UsageError
from dockmesh.meshfile.load import parse
from dockmesh.meshfile.problems import MeshFileError
from dockmesh.meshfile.rules.topology import MOST_DIRECT
from dockmesh.meshfile.write import write_mesh
from dockmesh.model.encryption import Encryption, EncryptionChoice
from dockmesh.model.mesh import (
    ETHERNET_MTU,
    Datapath,
    Degree,
    Fabric,
    Forwarding,
    FullMesh,
    Host,
    Mesh,
    Topology,
    TunnelDevices,
)
from dockmesh.model.network import DOCKER_BRIDGE, Allocation, Network
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.address import assign
from dockmesh.plan.inner_prefix import choose
from dockmesh.plan.remarks import remarks
from dockmesh.plan.room import Room, room_of

# RFC 5737: addresses for documentation, which belong to nobody.
STAND_INS = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
# Beyond, a link between every two is more than anybody reads: 190 for 20 hosts. Four at a host lose none by any three.
MOST_FULL_MESH, LATER_DEGREE = 20, 4
NO_MODULE = "The kernel of these hosts has no openvswitch module, so: netdev, the datapath in userspace."
NEEDS_BRIDGE = "It reaches the underlay only if the underlay address is on an Open vSwitch bridge of the same kind."
KERNEL_DEVICES = "The tunnels are VXLAN devices of the kernel's, which need no bridge around the underlay address."

ENCRYPTED = "What goes between hosts is encrypted by WireGuard; their UDP port 51820 must be open to each other."


@dataclass(frozen=True, slots=True)
class InitOptions:
    """What the command line asked for."""

    name: str
    prefix: str
    max_hosts: int | None
    offline: bool
    ssh_config: Path | None
    encryption: EncryptionChoice | None = None  # None: as the underlay is


def init(hosts: list[str], file: Path, opts: InitOptions, *, json: bool) -> None:
    if file.exists():
        raise UsageError(f"{file} is there already", do="give another name with -f, or move it away")
    targets = _targets(hosts)
    prefix = _prefix(opts.prefix)
    slots = assign(prefix, len(targets), opts.max_hosts).slots
    found, stand_ins = _offline(targets) if opts.offline else (asyncio.run(ask(targets, opts.ssh_config)), [])
    encryption = _encryption(found, prefix) if _choice(found, opts.encryption, json=json) else None
    mesh = Mesh(
        name=opts.name,
        fabric=_fabric(found, encryption),
        networks=(Network(DOCKER_BRIDGE, prefix),),
        hosts=tuple(
            Host(
                target.name,
                each.underlay,
                (Allocation(DOCKER_BRIDGE, slot.address, slot.pool),),
                each.mtu,
                target.ssh,
                each.endpoint if encryption else None,
            )
            for target, each, slot in zip(targets, found, slots, strict=True)
        ),
    )
    room = room_of(mesh)
    text = write_mesh(mesh, notes=_notes(mesh, stand_ins, room))
    _refuse_what_does_not_load(file, text)
    _create(file, text)
    if json:
        print_json(
            {
                "file": str(file),
                "hosts": [host.name for host in mesh.hosts],
                "room": room.hosts,
                "room_pools": list(room.pools),
                "stand_ins": stand_ins,
            }
        )
    else:
        _show(file, mesh, room)
    _show_hidden(mesh, found)
    if stand_ins:
        err.print(
            f"[bold yellow]![/] Nobody was asked for the underlay address of {', '.join(stand_ins)}: "
            "addresses for documentation (RFC 5737), which no host has, are in their place.\n"
            f"   do  put the right ones into {escape(str(file))}, where it says FIXME, before you apply it",
        )
    if not json:
        _show_next(file, opts.ssh_config)


def _choice(found: list[Found], asked: EncryptionChoice | None, *, json: bool) -> bool:
    """Whether to encrypt: what was asked for; else yes where others can read it, and a person says it elsewhere."""
    if asked is not None:
        return asked is EncryptionChoice.WIREGUARD
    if any(each.underlay.is_global or each.endpoint for each in found):
        return True
    if json or not sys.stdin.isatty():
        raise UsageError(
            "no underlay address is public, and nobody can be asked whether to encrypt what goes between hosts",
            now="nothing was written",
            do="add --encryption wireguard; or --encryption off, if the network between them is yours alone",
        )
    return asyncio.run(said_yes("No underlay address is public. Encrypt what goes between the hosts all the same?"))


def _encryption(found: list[Found], prefix: IPv4Network) -> Encryption:
    underlays = [IPv4Network(each.underlay) for each in found if isinstance(each.underlay, IPv4Address)]
    free = choose((*(network for each in found for network in each.taken), *underlays, prefix))
    if free is None:
        raise UsageError(
            "the hosts have routes to all ranges that the encryption could take",
            now="nothing was written",
            do="add --encryption off, and write `encryption: {kind: wireguard, prefix: …}` into the file: a free /16",
        )
    return Encryption(prefix=free)


def _fabric(found: list[Found], encryption: Encryption | None) -> Fabric:
    netdev = any(not each.kernel_datapath for each in found)
    # Open vSwitch's own tunnels leave only by its bridges, past all encryption; the kernel's devices by whatever has
    # the address.
    needed = encryption is not None or not all(each.in_bridge for each in found)
    devices = netdev and needed and all(each.makes_vxlan for each in found)
    topology: Topology = FullMesh() if len(found) <= MOST_FULL_MESH else Degree(LATER_DEGREE)
    return Fabric(
        tunnel=Tunnel.VXLAN if devices else Tunnel.GRE,
        tunnel_devices=TunnelDevices.KERNEL if devices else TunnelDevices.OPENVSWITCH,
        topology=topology,
        datapath=Datapath.NETDEV if netdev else Datapath.SYSTEM,
        forwarding=Forwarding.DIRECT if len(found) <= MOST_DIRECT else Forwarding.RSTP,
        encryption=encryption,
    )


def _show(file: Path, mesh: Mesh, room: Room) -> None:
    hosts = len(mesh.hosts)
    out.print(f"[bold]{escape(str(file))}[/]: {hosts} hosts in {mesh.docker0.prefix}.")
    out.print(room.text, markup=False)
    if len(set(room.pools)) > 1 or not room.hosts:
        out.print("For equal pools and more room start again with --max-hosts NUMBER, or a larger --prefix.")
    if text := _few_links(mesh):
        out.print(text, markup=False)
    if mesh.fabric.encryption:
        out.print(ENCRYPTED, markup=False)
    if mesh.fabric.kernel_devices:
        out.print(f"{NO_MODULE} {KERNEL_DEVICES}", markup=False)
    for text in remarks(mesh.networks):
        err.print(f"[bold yellow]![/] {text}")


def _show_hidden(mesh: Mesh, found: list[Found]) -> None:
    """On standard error: a person may have to do something about it."""
    for host, each in zip(mesh.hosts, found, strict=True):
        if each.endpoint and host.endpoint:
            at = each.endpoint.address or "another port"
            means = "learned from what it sends" if each.endpoint.is_learned else "mapped to it one to one"
            err.print(
                f"[bold yellow]![/] {host.name} is behind a NAT: SSH goes to {at} and arrives at {each.underlay}. So "
                f"`endpoint: {each.endpoint}`: where it is found is {means}; `dockmesh preflight` tries it."
            )
        elif each.endpoint:
            err.print(
                f"[bold yellow]![/] {host.name} is behind a NAT, where tunnels in clear seldom reach it.\n"
                "   do  take --encryption wireguard, which finds it"
            )


def _few_links(mesh: Mesh) -> str | None:
    """That not every host has a link to every other, where it is so."""
    if not isinstance(mesh.fabric.topology, Degree):
        return None
    hosts = len(mesh.hosts)
    return (
        f"Beyond {MOST_FULL_MESH} hosts not each has a link to each other, which would be "
        f"{hosts * (hosts - 1) // 2:,} links: `topology: {{degree: {LATER_DEGREE}}}` gives each {LATER_DEGREE}."
    )


def _show_next(file: Path, ssh_config: Path | None) -> None:
    named = None if file == options.DEFAULT_FILE else file
    out.print(
        f"Next: `dockmesh plan{flag('-f', named)}` shows what follows from it, "
        f"`dockmesh apply{flag('-f', named)}{flag('--ssh-config', ssh_config)}` makes it real."
    )


def _prefix(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise UsageError(f"--prefix {text}: {error}", do="write it like 172.17.0.0/16") from error


def _targets(hosts: list[str]) -> list[Target]:
    targets = [target_of(text, number) for number, text in enumerate(hosts, start=1)]
    names = [target.name for target in targets]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(
            f"{', '.join(twice)} is given twice",
            do=f"give each host once, under a name of its own: {_named_apart(targets, twice[0])}",
        )
    if len(targets) < 2:
        raise UsageError("a mesh has at least two hosts", do="name the others too: dockmesh init host1 host2 host3")
    return targets


def _named_apart(targets: list[Target], name: str) -> str:
    alike = [target for target in targets if target.name == name]
    return " ".join(f"{name}{number}={_place(target)}" for number, target in enumerate(alike, start=1))


def _place(target: Target) -> str:
    """As it stood on the command line, without its name."""
    host = target.ssh.host or target.name
    user = f"{target.ssh.user}@" if target.ssh.user else ""
    port = f":{target.ssh.port}" if target.ssh.port else ""
    return f"{user}{f'[{host}]' if ':' in host else host}{port}"


def _offline(targets: list[Target]) -> tuple[list[Found], list[str]]:
    """And the names of those whose addresses nobody knows."""
    known = all_resolved(targets)
    stand_ins = (address for net in STAND_INS for address in net.hosts() if address not in known)
    found = [Found(address, ETHERNET_MTU, True) for each in known if (address := each or next(stand_ins, None))]
    if len(found) < len(targets):
        raise UsageError(
            f"{known.count(None)} hosts have no underlay address, and there are too few placeholders for them",
            do="say theirs as HOST=UNDERLAY, or leave out --offline to ask them",
        )
    return found, [target.name for target, address in zip(targets, known, strict=True) if address is None]


def _notes(mesh: Mesh, stand_ins: list[str], room: Room) -> dict[str, str]:
    notes = {f"hosts.{name}": "FIXME: a stand-in; put this host's own address here" for name in stand_ins}
    notes["networks"] = room.text
    fabric = [text] if (text := _few_links(mesh)) else []
    if mesh.fabric.datapath is Datapath.NETDEV:
        fabric.append(f"{NO_MODULE}\n{KERNEL_DEVICES if mesh.fabric.kernel_devices else NEEDS_BRIDGE}")
    return {**notes, "fabric": "\n".join(fabric)} if fabric else notes


def _refuse_what_does_not_load(file: Path, text: str) -> None:
    """Without the lines of a file that is not there. Raises UsageError."""
    try:
        parse(str(file), text.encode())
    except MeshFileError as error:
        problems = [
            f"{problem.what}: {_without_lines(problem.hint)}" if error.more + len(error.problems) > 1 else problem.what
            for problem in error.problems
        ]
        first = error.problems[0]
        raise UsageError(
            f"no mesh can be made of these hosts: {first.what}"
            if len(problems) == 1
            else "no mesh can be made of these hosts",
            answered=None if len(problems) == 1 else "\n".join(problems),
            now="nothing was written",
            do=_without_lines(first.hint) if len(problems) == 1 else "correct the command line",
        ) from None


def _without_lines(hint: str) -> str:
    return re.sub(r"\S+ is in line \d+\. ?| \(line \d+\)", "", hint)


def _create(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}", do="give another name with -f") from error
