"""`dockmesh init`."""

import asyncio
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from dockmesh.cli import options
from dockmesh.cli.mesh_file import flag, room_text
from dockmesh.cli.new_hosts import Found, Target, ask, resolved, target_of
from dockmesh.cli.show import err, out, print_json
from dockmesh.errors import UsageError
from dockmesh.model import ETHERNET_MTU, Cluster, Datapath, Fabric, Forwarding, Host, Network
from dockmesh.plan.address import assign
from dockmesh.spec.check_topology import MOST_DIRECT
from dockmesh.spec.load import parse
from dockmesh.spec.write import write_cluster

DEFAULT_PREFIX = "172.17.0.0/16"
# RFC 5737: addresses for documentation, which belong to nobody.
STAND_INS = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))


def init(
    hosts: Annotated[
        list[str],
        typer.Argument(
            metavar="[USER@]HOST[:PORT][=UNDERLAY]", help="As you would give it to ssh.", show_default=False
        ),
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
    found = _offline(targets) if offline else asyncio.run(ask(targets, ssh_config))
    netdev = any(not each.kernel_datapath for each in found)
    cluster = Cluster(
        name=name,
        fabric=Fabric(
            datapath=Datapath.NETDEV if netdev else Datapath.SYSTEM,
            forwarding=Forwarding.DIRECT if len(targets) <= MOST_DIRECT else Forwarding.RSTP,
        ),
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
    out.print(
        f"[bold]{escape(str(file))}[/]: {len(targets)} hosts in {network}. {room_text(addresses.room)}", markup=True
    )
    if stand_ins:
        err.print(
            f"[bold yellow]![/] Nobody was asked for the underlay address of {', '.join(stand_ins)}: "
            "addresses for documentation stand in for them. Put the right ones into the file.",
        )
    named = None if file == options.DEFAULT_FILE else file
    out.print(
        f"Next: `dockmesh plan{flag('-f', named)}` shows what follows from it, "
        f"`dockmesh apply{flag('-f', named)}{flag('--ssh-config', ssh_config)}` makes it real."
    )


def _prefix(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise UsageError(f"--prefix {text}: {error}", do=f"write it like {DEFAULT_PREFIX}") from error


def _targets(hosts: list[str]) -> list[Target]:
    targets = [target_of(text, number) for number, text in enumerate(hosts, start=1)]
    names = [target.name for target in targets]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"{', '.join(twice)} stands there twice", do="give each host once, under a name of its own")
    if len(targets) < 2:
        raise UsageError("a mesh has at least two hosts", do="name the others too: dockmesh init host1 host2 host3")
    return targets


def _offline(targets: list[Target]) -> list[Found]:
    known = [target.underlay or resolved(target) for target in targets]
    stand_ins = (address for net in STAND_INS for address in net.hosts() if address not in known)
    found = [Found(address, ETHERNET_MTU, True) for each in known if (address := each or next(stand_ins, None))]
    if len(found) < len(targets):
        raise UsageError(
            f"{known.count(None)} hosts have no underlay address, and there are too few to stand in for them",
            do="say theirs as HOST=UNDERLAY, or leave out --offline to ask them",
        )
    return found


def _notes(stand_ins: list[str], room: int, *, netdev: bool) -> dict[str, str]:
    notes = {f"hosts.{name}": "FIXME: a stand-in; put this host's own address here" for name in stand_ins}
    notes["networks"] = room_text(room)
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
