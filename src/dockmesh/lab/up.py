"""A whole lab brought up, in whatever state it was left."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from pathlib import Path

from dockmesh.errors import LabError
from dockmesh.lab import cgroup, store, underlay
from dockmesh.lab.cache import locked, offered_packages
from dockmesh.lab.cut import ensure_firewall
from dockmesh.lab.image import ensure_offers
from dockmesh.lab.keys import make_key
from dockmesh.lab.kinds import MACHINES, Machines, machines_of
from dockmesh.lab.mesh_file import mesh_file_text
from dockmesh.lab.model import Accelerator, HostKind, Image, Lab, LabHost, UnderlayPlace, check_name, make_hosts
from dockmesh.lab.package_server import ensure_package_server
from dockmesh.lab.power import power_on, wait_until_booted
from dockmesh.lab.release import Release
from dockmesh.lab.requirements import check_directory, check_machine, check_root
from dockmesh.lab.ssh import write_ssh_files

DEFAULT_HOSTS = 3
DEFAULT_PREFIX = IPv4Network("172.17.0.0/16")
LOCK = "lab.lock"


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What a lab is asked to be. None: as it is already, or the default of a new one."""

    name: str
    directory: Path
    hosts: int | None = None
    prepared: bool | None = None
    mtus: dict[str, int] = field(default_factory=dict)
    prefix: IPv4Network = DEFAULT_PREFIX
    ipv6: bool | None = None
    kind: HostKind | None = None
    accelerator: Accelerator | None = None
    place: UnderlayPlace | None = None
    offers: tuple[str, ...] = ()  # packages that a new lab's hosts may install beside the usual ones
    release: Release | Mapping[str, Release] | None = None  # of all hosts, or of some by name
    nats: tuple[str, ...] | None = None  # hosts behind a NAT of their own


def up(opts: UpOptions, say: Callable[[str], None]) -> Lab:
    """Make the lab, or what is missing of it: hosts that run are left alone, others start from the disks they have."""
    check_name(opts.name)
    check_root()
    _check_nats(opts)
    directory = opts.directory.resolve()
    old = store.load(directory) if (directory / store.FILE).exists() else None
    check_machine(opts.kind or (old.kind if old else HostKind.CONTAINER))
    directory.mkdir(parents=True, exist_ok=True)
    check_directory(directory)
    with locked(directory / LOCK):
        lab = _settle(opts, directory, say)
        store.register(lab)
        store.save(lab)
        if not underlay.netns_exists(lab.switch_netns):
            # Machines on a switch that is gone are a killed run's.
            cgroup.kill(cgroup.root_of(lab.mark))
        underlay.make_switch(lab)
        ensure_firewall(lab)
        ensure_package_server(lab)
        if not lab.key.exists():
            make_key(lab.key, comment=f"dockmesh lab {lab.name}")
        for host in lab.hosts:
            machines_of(lab).ensure_disk(lab, host)
        write_ssh_files(lab)
        say(f"starting {', '.join(host.name for host in lab.hosts)}")
        with ThreadPoolExecutor(len(lab.hosts)) as pool:
            tuple(pool.map(lambda host: _boot(lab, host), lab.hosts))
        if not lab.mesh_file.exists():
            lab.mesh_file.write_text(mesh_file_text(lab, opts.prefix))
    return lab


def _check_nats(opts: UpOptions) -> None:
    """A host behind a NAT takes part in an encrypted mesh only."""
    if not opts.nats:
        return
    if opts.kind is HostKind.VM or opts.ipv6:
        what = "virtual machines" if opts.kind is HostKind.VM else "an IPv6 underlay"
        raise LabError(f"a lab with {what} has no NAT", do="leave --nat out, or the other")
    if opts.place is UnderlayPlace.BRIDGE:
        raise LabError(
            "a mesh with hosts behind a NAT is encrypted, and an Open vSwitch bridge around its underlay is not",
            do="say --underlay device, or leave --underlay out",
        )


def _boot(lab: Lab, host: LabHost) -> None:
    power_on(lab, host)
    wait_until_booted(lab, host)


def _settle(opts: UpOptions, directory: Path, say: Callable[[str], None]) -> Lab:
    """The lab that shall be: a new one, or the one in the directory under its old name, perhaps with more hosts."""
    old = store.load(directory) if (directory / store.FILE).exists() else None
    if old is None:
        return _new(opts, directory, say)
    if opts.hosts is not None and opts.hosts < len(old.hosts):
        raise LabError(f"the lab in {directory} has {len(old.hosts)} hosts already", do="run `dockmesh lab down` first")
    mtus = {host.name: host.mtu for host in old.hosts} | opts.mtus
    releases = {host.name: host.release for host in old.hosts}
    nats = [host.name for host in old.hosts if host.nat] if opts.nats is None else opts.nats
    hosts = make_hosts(directory, opts.hosts or len(old.hosts), mtus, opts.release, releases, nats=nats)
    changed = [
        *(["another kind of hosts"] if opts.kind not in (None, old.kind) else []),
        *(["another accelerator"] if old.accelerator and opts.accelerator not in (None, old.accelerator) else []),
        *(["another image"] if opts.prepared is not None and opts.prepared != old.prepared else []),
        *(["other packages to install"] if opts.offers else []),
        *(["another family of its underlay"] if opts.ipv6 is not None and opts.ipv6 != old.ipv6 else []),
        *(["another place of its underlay addresses"] if opts.place not in (None, old.place) else []),
        *(["another MTU of a host"] if _differ(hosts, old.hosts, "mtu") else []),
        *(["other hosts behind a NAT"] if _differ(hosts, old.hosts, "nat") else []),
        *(["another release of a host"] if _differ(hosts, old.hosts, "release") else []),
    ]
    if changed:
        raise LabError(
            f"the lab in {directory} cannot become one with {' and '.join(changed)}", do="run `dockmesh lab down` first"
        )
    paths = [path for image in old.images.values() for path in (image.root, image.packages)]
    if missing := [path for path in paths if not path.exists()]:
        raise LabError(f"the image of this lab is gone: {missing[0]}", do="run `dockmesh lab down`, then up again")
    new = {host.release for host in hosts} - set(old.images)
    images = {release: _image(MACHINES[old.kind], release, opts, old.prepared, say) for release in sorted(new)}
    return replace(old, directory=directory, hosts=hosts, images={**old.images, **images})


def _differ(hosts: tuple[LabHost, ...], old: tuple[LabHost, ...], field: str) -> bool:
    return any(getattr(host, field) != getattr(was, field) for host, was in zip(hosts, old, strict=False))


def _image(machines: Machines, release: Release, opts: UpOptions, prepared: bool, say: Callable[[str], None]) -> Image:
    image = machines.ensure_image(release, prepared=prepared, say=say)
    if not opts.offers:
        return image
    return replace(image, packages=ensure_offers(image.root, (*offered_packages(release), *opts.offers), say))


def _new(opts: UpOptions, directory: Path, say: Callable[[str], None]) -> Lab:
    kind = opts.kind or HostKind.CONTAINER
    machines = MACHINES[kind]
    hosts = make_hosts(directory, opts.hosts or DEFAULT_HOSTS, opts.mtus, opts.release, nats=opts.nats or ())
    place = opts.place or (UnderlayPlace.DEVICE if opts.nats else UnderlayPlace.BRIDGE)
    releases = sorted({host.release for host in hosts})
    images = {release: _image(machines, release, opts, bool(opts.prepared), say) for release in releases}
    return Lab(
        name=opts.name,
        directory=directory,
        prepared=bool(opts.prepared),
        datapath=machines.datapath(),
        images=images,
        hosts=hosts,
        ipv6=bool(opts.ipv6),
        kind=kind,
        place=place,
        accelerator=machines.choose_accelerator(images[hosts[0].release], opts.accelerator, say),
    )
