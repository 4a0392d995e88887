"""`dockmesh lab`: hosts on this machine to try things on."""

import json
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from dockmesh.errors import UsageError
from dockmesh.lab import cut as cutting
from dockmesh.lab import down as ending
from dockmesh.lab import power, ssh, store
from dockmesh.lab import up as starting
from dockmesh.lab.cache import OFFERED_PACKAGES
from dockmesh.lab.model import Accelerator, HostKind, Lab, hash_of
from dockmesh.lab.requirements import check_root

app = typer.Typer(
    no_args_is_help=True,
    help="""Real hosts on this machine to try a mesh on: systemd-nspawn machines with sshd, in a network of their own;
    or virtual machines, with a kernel of their own.

    Hosts start bare, as a server after its installation, and install from a package source of the lab's. Nothing that
    they send leaves this machine. The first `up` builds their image; later ones take seconds. Needs root.""",
)

DEFAULT_FOLDER = Path(".dockmesh-lab")

Name = Annotated[str, typer.Option("--name", metavar="LAB", help="Which lab; several can run side by side.")]
Directory = Annotated[
    Path | None,
    typer.Option("--dir", metavar="DIR", help="Where it keeps its files.", show_default=f"{DEFAULT_FOLDER}/LAB"),
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
HostArgument = Annotated[str, typer.Argument(metavar="HOST")]


def _directory(name: str, directory: Path | None) -> Path:
    return directory or DEFAULT_FOLDER / name


def _load(name: str, directory: Path | None) -> Lab:
    check_root()
    return store.load(_directory(name, directory))


def _described(lab: Lab) -> dict[str, Any]:
    return {
        "name": lab.name,
        "hash": lab.hash,
        "directory": str(lab.directory),
        "prepared": lab.prepared,
        "kind": str(lab.kind),
        "accelerator": lab.accelerator and str(lab.accelerator),
        "datapath": str(lab.datapath),
        "ssh_config": str(lab.ssh_config),
        "file": str(lab.mesh_file),
        "hosts": [
            {
                "name": host.name,
                "underlay": str(lab.underlay_of(host)),
                "mtu": host.mtu,
                "running": power.is_running(lab, host),
            }
            for host in lab.hosts
        ],
    }


def _parse_mtu(text: str) -> tuple[str, int]:
    host, equals, mtu = text.partition("=")
    if not (host and equals and mtu.isascii() and mtu.isdigit() and 576 <= int(mtu) <= 1500):
        raise UsageError(
            f"--mtu {text}: not HOST=MTU with an MTU from 576 to 1500", do="write it like --mtu host2=1400"
        )
    return host, int(mtu)


@app.command()
def up(
    *,
    hosts: Annotated[
        int | None, typer.Option(min=1, help="How many hosts.", show_default="3, or as many as it has")
    ] = None,
    name: Name = "lab",
    directory: Directory = None,
    prepared: Annotated[
        bool | None,
        typer.Option(
            "--prepared/--bare", help="With Open vSwitch and Docker installed, or without.", show_default="bare"
        ),
    ] = None,
    mtu: Annotated[
        list[str] | None, typer.Option(metavar="HOST=MTU", help="Underlay MTU of one host, if not 1500; repeatable.")
    ] = None,
    prefix: Annotated[str, typer.Option(help="Prefix of the mesh in the file that it writes.")] = "172.17.0.0/16",
    vm: Annotated[
        bool | None,
        typer.Option(
            "--vm/--container",
            help="Virtual machines with Debian's own kernel, or systemd-nspawn machines on this one's.",
            show_default="container",
        ),
    ] = None,
    accel: Annotated[
        Accelerator | None,
        typer.Option(
            envvar="DOCKMESH_LAB_ACCEL",
            help="How virtual machines run: with the processor's help, or emulated.",
            show_default="kvm where a guest boots with it",
        ),
    ] = None,
    ipv6: Annotated[
        bool | None,
        typer.Option("--ipv6/--ipv4", help="What the mesh goes by; SSH goes by IPv4 in both.", show_default="ipv4"),
    ] = None,
    offer: Annotated[
        list[str] | None,
        typer.Option(metavar="PACKAGE", help="Of Debian, to be had by apt on the hosts of a new lab; repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring a lab up: make it, or start what of it doesn't run. More hosts can be added to one that runs.

    It leaves an SSH configuration (users root and admin, who may sudo) and a mesh file, and prints where.
    """
    console = Console(stderr=True, highlight=False, emoji=False)
    wish = starting.Wish(
        name=name,
        directory=_directory(name, directory),
        hosts=hosts,
        prepared=prepared,
        mtus=dict(map(_parse_mtu, mtu or ())),
        prefix=_parse_prefix(prefix),
        ipv6=ipv6,
        kind=None if vm is None else HostKind.VM if vm else HostKind.CONTAINER,
        accelerator=accel,
        offers=(*OFFERED_PACKAGES, *offer) if offer else None,
    )
    if console.is_terminal:
        with console.status("looking at this machine") as status:
            lab = starting.up(wish, say=status.update)
    else:
        lab = starting.up(wish, say=partial(typer.echo, err=True))
    if as_json:
        typer.echo(json.dumps(_described(lab), indent=2))
        return
    for host in lab.hosts:
        typer.echo(f"{host.name}  {lab.underlay_of(host)}")
    if lab.accelerator:
        typer.echo(f"machines    {_described_accelerator(lab.accelerator)}")
    typer.echo(f"mesh file   {_short(lab.mesh_file)}")
    typer.echo(f"ssh config  {_short(lab.ssh_config)}")
    typer.echo(f"try         dockmesh apply -f {_short(lab.mesh_file)} --ssh-config {_short(lab.ssh_config)}")


def _described_accelerator(accelerator: Accelerator) -> str:
    match accelerator:
        case Accelerator.KVM:
            return "virtual, by KVM"
        case Accelerator.TCG:
            return "virtual, emulated (TCG): right, and slow; no guest boots with KVM here, or it was asked for so"


def _parse_prefix(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise UsageError(f"--prefix {text}: {error}", do="write it like --prefix 172.17.0.0/16") from None


def _short(path: Path) -> Path:
    """As one would type it from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


@app.command()
def down(name: Name = "lab", directory: Directory = None) -> None:
    """End a lab and remove all of it, disks included; also what a killed one left behind. The image stays cached."""
    check_root()
    ending.down(_directory(name, directory))
    typer.echo(f"nothing is left of the lab in {_directory(name, directory)}")


@app.command("list")
def list_labs(as_json: Json = False) -> None:
    """Show the labs of this machine."""
    found = store.registered()
    labs = [store.load(directory) for directory in found if (directory / store.FILE).exists()]
    lost = [directory for directory in found if not (directory / store.FILE).exists()]
    if as_json:
        lost_ones = [{"hash": hash_of(directory), "directory": str(directory)} for directory in lost]
        typer.echo(json.dumps({"labs": [_described(lab) for lab in labs], "lost": lost_ones}, indent=2))
        return
    if not found:
        typer.echo("no labs")
    for lab in labs:
        typer.echo(
            f"{lab.name}  {lab.hash}  {'prepared' if lab.prepared else 'bare'}  {_kind(lab)}  {_short(lab.directory)}"
        )
        for host in lab.hosts:
            typer.echo(f"  {host.name}  {host.address}  {'running' if power.is_running(lab, host) else 'stopped'}")
    for directory in lost:
        typer.echo(f"{hash_of(directory)}  its directory is gone: dockmesh lab down --dir {directory}")


def _kind(lab: Lab) -> str:
    return f"{lab.kind} ({lab.accelerator})" if lab.accelerator else str(lab.kind)


@app.command("ssh", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def ssh_to(
    host: HostArgument,
    command: Annotated[list[str] | None, typer.Argument(metavar="[COMMAND…]", show_default=False)] = None,
    name: Name = "lab",
    directory: Directory = None,
) -> None:
    """Log in to a host, or run a command there. Options of ours go before HOST."""
    lab = _load(name, directory)
    ssh.become_ssh(lab, lab.host(host), command or ())


@app.command()
def cut(
    a: Annotated[str, typer.Argument(metavar="A")],
    b: Annotated[str, typer.Argument(metavar="B")],
    *,
    name: Name = "lab",
    directory: Directory = None,
    one_way: Annotated[bool, typer.Option("--one-way", help="Only what goes from A to B.")] = False,
    protocol: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this IP protocol, as a firewall would: gre, icmp, tcp, 47.")
    ] = None,
) -> None:
    """Let nothing pass between two hosts."""
    cutting.cut(_load(name, directory), a, b, protocol=protocol, one_way=one_way)


@app.command()
def heal(
    pair: Annotated[list[str] | None, typer.Argument(metavar="[A B]", show_default=False)] = None,
    name: Name = "lab",
    directory: Directory = None,
) -> None:
    """Undo the cuts between two hosts, or all of them."""
    lab = _load(name, directory)
    if not pair:
        cutting.heal_all(lab)
    elif len(pair) == 2:
        cutting.heal(lab, *pair)
    else:
        raise UsageError("heal takes two hosts, or none for all", do="dockmesh lab heal host1 host2")


@app.command()
def crash(host: HostArgument, name: Name = "lab", directory: Directory = None) -> None:
    """Cut a host's power: it ends at once, and its disk stays as it is."""
    power.crash(_load(name, directory), host)


@app.command()
def start(host: HostArgument, name: Name = "lab", directory: Directory = None) -> None:
    """Switch a host on that crashed or was powered off, and wait until it is up."""
    power.start(_load(name, directory), host)


@app.command()
def reboot(host: HostArgument, name: Name = "lab", directory: Directory = None) -> None:
    """Reboot a host properly, and wait until it is up again."""
    power.reboot(_load(name, directory), host)
