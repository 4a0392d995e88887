"""`dockmesh lab`: hosts on this machine to try things on."""

from pathlib import Path
from typing import Annotated

import typer

from dockmesh.cli import options
from dockmesh.cli.command import Command, group

app = group(
    """Start hosts on this machine to try a mesh on.

    They are systemd-nspawn machines with sshd, in a network of their own; or virtual machines, with a kernel of
    their own. Hosts start bare, as a server after its installation, and install from a package source of the lab's.
    Nothing that
    they send leaves this machine. The first `up` builds their image; later ones take seconds. Needs root."""
)

Name = Annotated[str, typer.Option("--name", metavar="LAB", help="Which lab; several can run side by side.")]
Directory = Annotated[
    Path | None,
    typer.Option("--dir", metavar="DIR", help="Where it keeps its files.", show_default=".dockmesh-lab/LAB"),
]
HostArgument = Annotated[str, typer.Argument(metavar="HOST")]
Accel = Annotated[
    str | None,
    typer.Option(
        envvar="DOCKMESH_LAB_ACCEL",
        metavar="KIND",
        help="How virtual machines run: kvm, with the processor's help, or tcg, emulated.",
        show_default="kvm if a guest boots with it",
    ),
]
Release = Annotated[
    str | None,
    typer.Option(
        metavar="RELEASE",
        help="Debian's release: bookworm, trixie or forky; or that of single hosts: host1=bookworm,host2=forky.",
        show_default="trixie",
    ),
]


@app.command(cls=Command)
def up(
    *,
    hosts: Annotated[
        int | None,
        typer.Option(min=1, metavar="NUMBER", help="How many hosts.", show_default="3, or as many as it has"),
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
    accel: Accel = None,
    ipv6: Annotated[
        bool | None,
        typer.Option(
            "--ipv6/--ipv4", help="Address family of the underlay; SSH uses IPv4 either way.", show_default="ipv4"
        ),
    ] = None,
    underlay: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="What has a host's underlay address, if this machine's kernel has no openvswitch module: bridge, one "
            "of Open vSwitch's, or device, the network card.",
            show_default="bridge",
        ),
    ] = None,
    offer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PACKAGE", help="A Debian package that the hosts of a new lab can install with apt; repeatable."
        ),
    ] = None,
    release: Release = None,
    nat: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST[,HOST]",
            help="Hosts that are each behind a NAT of their own, all with the same address there; their mesh is "
            "encrypted. Not for virtual machines.",
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Create a lab, or start those of its hosts that are not running. More hosts can be added to a running lab.

    It leaves an SSH configuration (users root and admin, who may sudo) and a mesh file, and prints where.
    """
    from dockmesh.cli.work import lab as work

    asked = work.Asked(
        *(name, directory, hosts, prepared, tuple(mtu or ()), prefix, vm, accel, ipv6, underlay, tuple(offer or ())),
        *(release, tuple(nat or ())),
    )
    work.up(asked, json=json)


@app.command(cls=Command)
def down(name: Name = "lab", directory: Directory = None, yes: options.NeverAsks = False) -> None:
    """End a lab and remove all of it, disks included; also what a killed one left behind. The image stays cached."""
    from dockmesh.cli.work import lab as work

    work.down(name, directory)


@app.command("list", cls=Command)
def list_labs(json: options.Json = False) -> None:
    """Show the labs of this machine."""
    from dockmesh.cli.work import lab as work

    work.list_labs(json=json)


@app.command("ssh", cls=Command, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def ssh_to(
    host: HostArgument,
    command: Annotated[list[str] | None, typer.Argument(metavar="COMMAND", show_default=False)] = None,
    name: Name = "lab",
    directory: Directory = None,
) -> None:
    """Log in to a host, or run a command there. Options of dockmesh go before HOST."""
    from dockmesh.cli.work import lab as work

    work.ssh_to(name, directory, host, command or ())


@app.command(cls=Command)
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
    """Block all traffic between two hosts."""
    from dockmesh.cli.work import lab as work

    work.cut(name, directory, a, b, protocol=protocol, one_way=one_way)


@app.command(cls=Command)
def heal(
    pair: Annotated[list[str] | None, typer.Argument(metavar="A B", show_default=False)] = None,
    name: Name = "lab",
    directory: Directory = None,
) -> None:
    """Undo the cuts between two hosts, or all of them."""
    from dockmesh.cli.work import lab as work

    work.heal(name, directory, pair or [])


@app.command(cls=Command)
def crash(host: HostArgument, name: Name = "lab", directory: Directory = None) -> None:
    """Cut a host's power: it ends at once, and its disk stays as it is."""
    from dockmesh.cli.work import lab as work

    work.crash(name, directory, host)


@app.command(cls=Command)
def start(host: HostArgument, name: Name = "lab", directory: Directory = None) -> None:
    """Start a host that crashed or was powered off, and wait until it is up."""
    from dockmesh.cli.work import lab as work

    work.start(name, directory, host)


@app.command(cls=Command)
def reboot(host: HostArgument, name: Name = "lab", directory: Directory = None) -> None:
    """Reboot a host properly, and wait until it is up again."""
    from dockmesh.cli.work import lab as work

    work.reboot(name, directory, host)
