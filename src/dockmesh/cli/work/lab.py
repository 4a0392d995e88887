"""`dockmesh lab`: hosts on this machine to try things on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network
from json import dumps
from pathlib import Path

import typer
from rich.console import Console

from dockmesh.cli.json.lab import lab_json
from dockmesh.errors import UsageError
from dockmesh.lab import cut as cutting
from dockmesh.lab import down as ending
from dockmesh.lab import power, ssh, store
from dockmesh.lab import up as starting
from dockmesh.lab.model import Accelerator, HostKind, Lab, UnderlayPlace, hash_of
from dockmesh.lab.release import parse_releases
from dockmesh.lab.requirements import check_root

DEFAULT_FOLDER = Path(".dockmesh-lab")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line said of a lab to bring up; None: as it is, or as a new one is."""

    name: str
    directory: Path | None
    hosts: int | None
    prepared: bool | None
    mtus: tuple[str, ...]
    prefix: str
    vm: bool | None
    accelerator: str | None
    ipv6: bool | None
    underlay: str | None
    offers: tuple[str, ...]
    release: str | None
    nats: tuple[str, ...] = ()


def _directory(name: str, directory: Path | None) -> Path:
    return directory or DEFAULT_FOLDER / name


def _load(name: str, directory: Path | None) -> Lab:
    check_root()
    return store.load(_directory(name, directory))


def _parse_mtu(text: str) -> tuple[str, int]:
    host, equals, mtu = text.partition("=")
    if not (host and equals and mtu.isascii() and mtu.isdigit() and 576 <= int(mtu) <= 1500):
        raise UsageError(
            f"--mtu {text}: not HOST=MTU with an MTU from 576 to 1500", do="write it like --mtu host2=1400"
        )
    return host, int(mtu)


def up(asked: Asked, *, json: bool) -> None:
    console = Console(stderr=True, highlight=False, emoji=False)
    opts = starting.UpOptions(
        name=asked.name,
        directory=_directory(asked.name, asked.directory),
        hosts=asked.hosts,
        prepared=asked.prepared,
        mtus=dict(map(_parse_mtu, asked.mtus)),
        prefix=_parse_prefix(asked.prefix),
        ipv6=asked.ipv6,
        kind=None if asked.vm is None else HostKind.VM if asked.vm else HostKind.CONTAINER,
        accelerator=_parse_accelerator(asked.accelerator),
        place=_parse_underlay(asked.underlay),
        offers=asked.offers,
        release=parse_releases(asked.release) if asked.release else None,
        nats=tuple(name for text in asked.nats for name in text.split(",") if name) or None,
    )
    if console.is_terminal:
        with console.status("looking at this machine") as status:
            lab = starting.up(opts, say=status.update)
    else:
        lab = starting.up(opts, say=partial(typer.echo, err=True))
    if json:
        typer.echo(dumps(lab_json(lab), indent=2))
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


def _parse_accelerator(text: str | None) -> Accelerator | None:
    if text is not None and text not in list(Accelerator):
        raise UsageError(f"--accel {text}: there is no such accelerator", do=f"say {' or '.join(Accelerator)}")
    return Accelerator(text) if text else None


def _parse_underlay(text: str | None) -> UnderlayPlace | None:
    if text is not None and text not in list(UnderlayPlace):
        raise UsageError(f"--underlay {text}: there is no such form", do=f"say {' or '.join(UnderlayPlace)}")
    return UnderlayPlace(text) if text else None


def _parse_prefix(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise UsageError(f"--prefix {text}: {error}", do="write it like --prefix 172.17.0.0/16") from None


def _short(path: Path) -> Path:
    """As one would type it from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def down(name: str, directory: Path | None) -> None:
    check_root()
    ending.down(_directory(name, directory))
    typer.echo(f"nothing is left of the lab in {_directory(name, directory)}")


def list_labs(*, json: bool) -> None:
    found = store.registered()
    labs = [store.load(directory) for directory in found if (directory / store.FILE).exists()]
    lost = [directory for directory in found if not (directory / store.FILE).exists()]
    if json:
        lost_ones = [{"hash": hash_of(directory), "directory": str(directory)} for directory in lost]
        typer.echo(dumps({"labs": [lab_json(lab) for lab in labs], "lost": lost_ones}, indent=2))
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


def ssh_to(name: str, directory: Path | None, host: str, command: Sequence[str]) -> None:
    lab = _load(name, directory)
    ssh.become_ssh(lab, lab.host(host), command)


def cut(name: str, directory: Path | None, a: str, b: str, *, protocol: str | None, one_way: bool) -> None:
    cutting.cut(_load(name, directory), a, b, protocol=protocol, one_way=one_way)


def heal(name: str, directory: Path | None, pair: list[str]) -> None:
    lab = _load(name, directory)
    if not pair:
        cutting.heal_all(lab)
    elif len(pair) == 2:
        cutting.heal(lab, *pair)
    else:
        raise UsageError("heal takes two hosts, or none for all", do="dockmesh lab heal host1 host2")


def crash(name: str, directory: Path | None, host: str) -> None:
    power.crash(_load(name, directory), host)


def start(name: str, directory: Path | None, host: str) -> None:
    power.start(_load(name, directory), host)


def reboot(name: str, directory: Path | None, host: str) -> None:
    power.reboot(_load(name, directory), host)
