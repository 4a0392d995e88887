"""The shape of a mesh file: what may stand where, of which type.

The loader and `dockmesh schema` both come from it.
"""

from typing import Annotated, Any, Literal

from dockmesh import model
from dockmesh.spec import fields
from dockmesh.spec.section import Forms, Section, field
from dockmesh.spec.shape import Definitions, ListOf, MapOf

FABRIC = model.Fabric()


class BfdSection(Section, title="BFD"):
    """How fast a dead tunnel is noticed (BFD, RFC 5880): after interval × multiplier."""

    interval_ms: fields.BfdIntervalField = field(
        default=FABRIC.bfd.interval_ms,
        description="Milliseconds between two hellos on a tunnel.",
        examples=[30, 100, 300],
    )
    multiplier: fields.BfdMultiplierField = field(
        default=FABRIC.bfd.multiplier, description="So many hellos missing in a row make a tunnel dead.", examples=[3]
    )


class DegreeSection(Section, title="Topology by degree"):
    """This many links at every host, at some one or a few more, chosen by the plan."""

    degree: fields.DegreeField = field(
        description="Links at every host: at least 2, less than there are hosts.", examples=[4]
    )


class StarSection(Section, title="Topology star around a host"):
    """Every host linked to this one."""

    star: fields.LabelField = field(
        description="The host in the middle; `topology: star` takes the one with the lowest address.",
        examples=["host1"],
    )


class SitesSection(Section, title="Topology by sites"):
    """Hosts in groups: a link between every two of a site, and two links between every two sites."""

    sites: Annotated[dict[str, list[str]], MapOf(fields.NAME, ListOf(fields.NAME, 1))] = field(
        description="Lists of host names by site. The first two of each list hold the links to the other sites.",
        examples=[{"berlin": ["host1", "host2"], "paris": ["host3", "host4"]}],
        json={"minProperties": 2},
    )


class LinksSection(Section, title="Topology by links"):
    """These links and no others."""

    links: Annotated[list[list[str]], ListOf(ListOf(fields.NAME, 2, 2), 1)] = field(
        description="Pairs of host names. Together they must connect all hosts.",
        examples=[[["host1", "host2"], ["host2", "host3"]]],
    )


NAMES = ("full-mesh", "ring", "star")
# The forms that are maps, each by its one key.
FORMS: dict[str, type[Section]] = {
    "degree": DegreeSection,
    "star": StarSection,
    "sites": SitesSection,
    "links": LinksSection,
}

TopologySection = Literal["full-mesh", "ring", "star"] | DegreeSection | StarSection | SitesSection | LinksSection
TopologyField = Annotated[TopologySection, Forms("Topology by name", NAMES, FORMS)]


class FabricSection(Section, title="Fabric"):
    """How the hosts are joined. Everything here has a default."""

    tunnel: fields.TunnelField = field(default=FABRIC.tunnel, description="What carries frames between hosts.")
    key: fields.KeyField = field(
        default=None,
        description="GRE key, or VNI of vxlan and geneve (at most 16777215): tells this mesh's packets from others'.",
        examples=[4711],
    )
    topology: TopologyField = field(
        default="full-mesh",
        description="Which hosts have a tunnel to which: full-mesh, ring, star, or a map of one of the forms below.",
        examples=[
            "full-mesh",
            "ring",
            "star",
            {"degree": 4},
            {"star": "host1"},
            {"sites": {"berlin": ["host1", "host2"], "paris": ["host3", "host4"]}},
            {"links": [["host1", "host2"], ["host2", "host3"]]},
        ],
    )
    forwarding: fields.ForwardingField = field(
        default=FABRIC.forwarding,
        description="What keeps frames from looping: a spanning tree, which heals a cut link within a second (rstp) or "
        "a minute (stp), or rules for each pair of hosts, which use every link (direct).",
    )
    bfd: BfdSection = field(
        factory=BfdSection,
        description="How fast a dead tunnel is noticed; stp does not look at it.",
        examples=[{"interval_ms": 100, "multiplier": 3}],
    )
    datapath: fields.DatapathField = field(
        default=FABRIC.datapath,
        description="Where Open vSwitch moves frames: system (its kernel module) or netdev (userspace).",
    )
    renderer: fields.RendererField = field(
        default=FABRIC.renderer, description="What brings the network up at boot: systemd or ifupdown (Debian)."
    )


class NetworkSection(Section, title="Network"):
    """One container network that spans all hosts."""

    name: fields.LabelField = field(
        description="docker0, Docker's default bridge.",
        examples=[model.DOCKER_BRIDGE],
        json={"const": model.DOCKER_BRIDGE},
    )
    prefix: fields.NetworkField = field(
        description="The whole range of addresses, shared by all hosts.", examples=["172.17.0.0/16"]
    )


class SshSection(Section, title="SSH"):
    """How to reach a host, where ssh_config does not say it under the host's name."""

    host: fields.SshHostField = field(
        default=None,
        description="Host name, address or a Host of ssh_config.",
        examples=["host1.example.com"],
    )
    user: fields.SshUserField = field(
        default=None,
        description="User to log in as: root, or one who may use sudo.",
        examples=["root"],
    )
    port: fields.PortField = field(default=None, description="TCP port of sshd.", examples=[22])


class HostSection(Section, title="Host"):
    """One host that runs Docker."""

    underlay: fields.AddressField = field(
        description="The address at which the other hosts reach this one; tunnels end there.", examples=["192.0.2.1"]
    )
    address: fields.AddressField = field(
        description="The address of this host's docker0, inside the prefix and outside the other hosts' pools.",
        examples=["172.17.42.1"],
    )
    pool: fields.NetworkField = field(
        description="The part of the prefix that this host's dockerd gives to containers.",
        examples=["172.17.64.0/18"],
    )
    underlay_mtu: fields.UnderlayMtuField = field(
        default=model.ETHERNET_MTU,
        description="MTU of the interface that has the underlay address, in bytes.",
        examples=[1500],
    )
    ssh: SshSection = field(
        factory=SshSection,
        description="How to reach the host, where ssh_config does not say it under the host's name.",
        examples=[{"user": "root"}],
    )


class PackagesSection(Section, title="Packages"):
    """Packages of one's own, for hosts whose sources have none, or old ones, or that reach no source."""

    # `from` is a word of Python.
    from_: fields.PathsField = field(
        named="from",
        description="A folder of .deb files, or a list of such files and folders; relative to the folder of this file.",
        examples=["debs"],
    )


class MeshFile(Section, title="dockmesh mesh file"):
    """Docker hosts joined into one container network."""

    name: fields.LabelField = field(description="Name of the mesh; marks what dockmesh makes.", examples=["prod"])
    fabric: FabricSection = field(
        factory=FabricSection, description="How the hosts are joined. Everything here has a default."
    )
    networks: Annotated[list[NetworkSection], ListOf(NetworkSection)] = field(
        description="The container networks: in this version docker0 alone.",
        json={"minItems": 1, "maxItems": 1},
        examples=[[{"name": "docker0", "prefix": "172.17.0.0/16"}]],
    )
    hosts: Annotated[dict[str, HostSection], MapOf(fields.NAME, HostSection)] = field(
        description="The hosts by name, two or more.", json={"minProperties": 2}
    )
    packages: PackagesSection = field(
        factory=lambda: PackagesSection(from_=()),
        description="Packages of one's own, which apply carries to the hosts; without it the hosts' own sources serve.",
        examples=[{"from": "debs"}],
    )


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a mesh file, as `dockmesh schema` prints it and editors use it."""
    definitions: Definitions = {}
    body = MeshFile.body(definitions)
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "$defs": dict(sorted(definitions.items())), **body}
