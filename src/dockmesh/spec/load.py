"""The way from a mesh file to a checked mesh; the only ways out are a Cluster and a SpecError."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path

from pydantic import ValidationError

from dockmesh.debian.deb import Deb
from dockmesh.model import (
    Attachment,
    Bfd,
    Cluster,
    Degree,
    Fabric,
    FullMesh,
    Host,
    Links,
    Network,
    Ring,
    Seat,
    Sites,
    Ssh,
    Star,
    Topology,
)
from dockmesh.spec.compose import compose
from dockmesh.spec.draft import draft
from dockmesh.spec.explain import explain
from dockmesh.spec.packages import read_packages
from dockmesh.spec.places import is_about_key, path_of
from dockmesh.spec.problems import Problem
from dockmesh.spec.rules.every import check
from dockmesh.spec.schema import (
    DegreeSection,
    FabricSection,
    HostSection,
    LinksSection,
    MeshFile,
    NetworkSection,
    SitesSection,
    StarSection,
    TopologySection,
)
from dockmesh.spec.source import STANDARD_INPUT, STANDARD_INPUT_NAME, decode, read_bytes
from dockmesh.spec.tree import Node, TreePath, plain


def load(path: Path) -> Cluster:
    """The mesh that the file describes.

    Raises SpecError with every problem of the file.
    """
    name = STANDARD_INPUT_NAME if path == STANDARD_INPUT else str(path)
    return parse(name, read_bytes(path), packages_beside=path.parent)


def parse(name: str, content: bytes, *, packages_beside: Path | None = None) -> Cluster:
    """The mesh that the content of a file describes; `name` is what messages call the file.

    `packages_beside` is the folder of the file, from which its packages are read; without it they are left alone.

    Raises SpecError with every problem of the content.
    """
    source = decode(name, content)
    problems: list[Problem] = []
    root = compose(source, problems)
    mesh, wrong = _validate(root, problems)
    drafted = draft(root, wrong)
    problems += check(drafted)
    debs, not_read = ((), []) if packages_beside is None else read_packages(drafted.packages, packages_beside)
    problems += not_read
    if mesh is None or problems:
        raise source.refuse(*problems)
    return _cluster(mesh, debs)


def _validate(root: Node, problems: list[Problem]) -> tuple[MeshFile | None, AbstractSet[TreePath]]:
    """The file by its schema, if it fits, and the paths of the values that do not."""
    try:
        return MeshFile.model_validate(plain(root)), frozenset()
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        problems += explain(errors, root)
        return None, {path_of(each) for each in errors if not is_about_key(each)}


def _cluster(mesh: MeshFile, debs: tuple[Deb, ...]) -> Cluster:
    return Cluster(
        name=mesh.name,
        fabric=_fabric(mesh.fabric),
        network=_network(mesh.networks[0]),
        hosts=tuple(_host(name, section, mesh.networks) for name, section in mesh.hosts.items()),
        packages=mesh.packages.from_,
        debs=debs,
        further=tuple(map(_network, mesh.networks[1:])),
        domain=mesh.domain,
        docker_api=mesh.docker_api.listen,
    )


def _network(section: NetworkSection) -> Network:
    hosts = None if section.hosts is None else tuple(section.hosts)
    attach = Attachment(**dict(section.attach)) if "attach" in section.model_fields_set else None
    prefix6 = section.prefix6
    return Network(section.name, section.prefix, section.vlan, section.internal, hosts, prefix6, attach)


def _fabric(section: FabricSection) -> Fabric:
    return Fabric(
        tunnel=section.tunnel,
        key=section.key,
        topology=_topology(section.topology),
        forwarding=section.forwarding,
        bfd=Bfd(section.bfd.interval_ms, section.bfd.multiplier),
        datapath=section.datapath,
        renderer=section.renderer,
    )


def _topology(section: TopologySection) -> Topology:
    match section:
        case DegreeSection(degree=k):
            return Degree(k)
        case StarSection(star=hub):
            return Star(hub)
        case SitesSection(sites=sites):
            return Sites(tuple((name, tuple(hosts)) for name, hosts in sites.items()))
        case LinksSection(links=links):
            return Links(tuple((one, other) for one, other in links))
        case "ring":
            return Ring()
        case "star":
            return Star()
        case _:
            return FullMesh()


def _host(name: str, section: HostSection, networks: Iterable[NetworkSection]) -> Host:
    return Host(
        name=name,
        underlay=section.underlay,
        address=section.address,
        pool=section.pool,
        underlay_mtu=section.underlay_mtu,
        ssh=Ssh(section.ssh.host, section.ssh.user, section.ssh.port),
        seats=tuple(
            Seat(network.name, seat.address, seat.pool, seat.address6, seat.pool6)
            for network in networks
            if (seat := section.networks.get(network.name)) is not None
        ),
    )
