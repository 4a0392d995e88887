"""The shape of a mesh file: what may stand where, of which type.

The loader and `dockmesh schema` both come from it.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic.fields import FieldInfo

from dockmesh import model
from dockmesh.spec import fields

# Names of the forms of a topology; they turn up in pydantic's error locations, between keys.
NAME_FORM = "<name>"
DEGREE_FORM, STAR_FORM, SITES_FORM, LINKS_FORM = "<degree>", "<star>", "<sites>", "<links>"

FABRIC = model.Fabric()


def _key(name: str, _: object) -> str:
    return name


def _no_default(schema: dict[str, Any]) -> None:
    # "default: null" would tell editors that null may be written.
    schema.pop("default")


def _list_alone(schema: dict[str, Any]) -> None:
    """Nor that null may be written in place of a list."""
    schema.pop("default")
    (given,) = (each for each in schema.pop("anyOf") if each.get("type") == "array")
    schema.update(given)


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, field_title_generator=_key)


def keys_of(section: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields by the names that they have in the file."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


class BfdSection(Section):
    """How fast a dead tunnel is noticed (BFD, RFC 5880): after interval × multiplier."""

    model_config = ConfigDict(title="BFD")

    interval_ms: fields.BfdIntervalField = Field(
        default=FABRIC.bfd.interval_ms,
        description="Milliseconds between two hellos on a tunnel.",
        examples=[30, 100, 300],
    )
    multiplier: fields.BfdMultiplierField = Field(
        default=FABRIC.bfd.multiplier, description="So many hellos missing in a row make a tunnel dead.", examples=[3]
    )


class DegreeSection(Section):
    """This many links at every host, at some one or a few more, chosen by the plan."""

    model_config = ConfigDict(title="Topology by degree")

    degree: fields.DegreeField = Field(
        description="Links at every host: at least 2, less than there are hosts.", examples=[4]
    )


class StarSection(Section):
    """Every host linked to this one."""

    model_config = ConfigDict(title="Topology star around a host")

    star: fields.LabelField = Field(
        description="The host in the middle; `topology: star` takes the one with the lowest address.",
        examples=["host1"],
    )


def _site_map(schema: dict[str, Any]) -> None:
    ((pattern, site),) = schema.pop("patternProperties").items()
    schema.update(minProperties=2, propertyNames={"pattern": pattern}, additionalProperties=site)


class SitesSection(Section):
    """Hosts in groups: a link between every two of a site, and two links between every two sites."""

    model_config = ConfigDict(title="Topology by sites")

    sites: dict[fields.LabelField, Annotated[list[fields.LabelField], Field(min_length=1)]] = Field(
        description="Lists of host names by site. The first two of each list hold the links to the other sites.",
        examples=[{"berlin": ["host1", "host2"], "paris": ["host3", "host4"]}],
        json_schema_extra=_site_map,
    )


class LinksSection(Section):
    """These links and no others."""

    model_config = ConfigDict(title="Topology by links")

    links: list[Annotated[list[fields.LabelField], Field(min_length=2, max_length=2)]] = Field(
        min_length=1,
        description="Pairs of host names. Together they must connect all hosts.",
        examples=[[["host1", "host2"], ["host2", "host3"]]],
    )


def topology_form(value: object) -> str | None:
    match value:
        case str():
            return NAME_FORM
        case {"links": _}:
            return LINKS_FORM
        case {"sites": _}:
            return SITES_FORM
        case {"star": _}:
            return STAR_FORM
        case {"degree": _}:
            return DEGREE_FORM
        case _:
            return None


# The forms that are maps, each by its tag and its one key.
FORMS: dict[str, tuple[str, type[Section]]] = {
    DEGREE_FORM: ("degree", DegreeSection),
    STAR_FORM: ("star", StarSection),
    SITES_FORM: ("sites", SitesSection),
    LINKS_FORM: ("links", LinksSection),
}
NAMES = ("full-mesh", "ring", "star")

TopologyName = Annotated[Literal["full-mesh", "ring", "star"], Field(title="Topology by name"), Tag(NAME_FORM)]
TopologySection = Literal["full-mesh", "ring", "star"] | DegreeSection | StarSection | SitesSection | LinksSection
TopologyField = Annotated[
    TopologyName
    | Annotated[DegreeSection, Tag(DEGREE_FORM)]
    | Annotated[StarSection, Tag(STAR_FORM)]
    | Annotated[SitesSection, Tag(SITES_FORM)]
    | Annotated[LinksSection, Tag(LINKS_FORM)],
    Discriminator(topology_form, custom_error_type="topology_form", custom_error_message="no form of a topology"),
]


class FabricSection(Section):
    """How the hosts are joined. Everything here has a default."""

    model_config = ConfigDict(title="Fabric")

    tunnel: fields.TunnelField = Field(default=FABRIC.tunnel, description="What carries frames between hosts.")
    key: fields.KeyField = Field(
        default=None,
        description="GRE key, or VNI of vxlan and geneve (at most 16777215): tells this mesh's packets from others'.",
        examples=[4711],
        json_schema_extra=_no_default,
    )
    topology: TopologyField = Field(
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
    forwarding: fields.ForwardingField = Field(
        default=FABRIC.forwarding,
        description="What keeps frames from looping: a spanning tree, which heals a cut link within a second (rstp) or "
        "a minute (stp), or rules for each pair of hosts, which use every link (direct).",
    )
    bfd: BfdSection = Field(
        default_factory=BfdSection,
        description="How fast a dead tunnel is noticed; stp does not look at it.",
        examples=[{"interval_ms": 100, "multiplier": 3}],
    )
    datapath: fields.DatapathField = Field(
        default=FABRIC.datapath,
        description="Where Open vSwitch moves frames: system (its kernel module) or netdev (userspace).",
    )
    renderer: fields.RendererField = Field(
        default=FABRIC.renderer, description="What brings the network up at boot: systemd or ifupdown (Debian)."
    )


class AttachSection(Section):
    """What joins machines outside the mesh to a network: an interface of one host, with all that is behind it."""

    model_config = ConfigDict(title="Attached interface")

    host: fields.LabelField = Field(
        description="The host that has the interface; it must be on the network.", examples=["host1"]
    )
    interface: fields.InterfaceField = Field(
        description="A network card, a bond, a VLAN device or a bridge of that host. The mesh has it for itself: "
        "it must have no address and be in nothing else.",
        examples=["eth1"],
    )
    vlan: fields.OthersVlanField = Field(
        default=None,
        description="The tag of its frames on that interface, another one for each network that is attached there. "
        "Without it: the frames that have no tag.",
        examples=[30],
        json_schema_extra=_no_default,
    )
    addresses: fields.OptionalNetworkField = Field(
        default=None,
        description="The part of the network's prefix that is out there: no host's pool and address. "
        "Without it: all of the prefix that are no host's.",
        examples=["10.80.0.0/19"],
        json_schema_extra=_no_default,
    )
    dhcp: fields.TruthField = Field(
        default=False,
        description="Whether DHCP passes between containers of the network and machines out there. Without it no "
        "container gives those addresses, or takes some of theirs away.",
    )


class NetworkSection(Section):
    """One container network that spans the hosts. The first is docker0."""

    model_config = ConfigDict(title="Network")

    name: fields.LabelField = Field(
        description="docker0, Docker's default bridge, for the first; any other for those after it, which Docker has "
        "under that name: at most 11 characters.",
        examples=[model.DOCKER_BRIDGE, "blue"],
    )
    prefix: fields.NetworkField = Field(
        description="The whole range of addresses, shared by all hosts.", examples=["172.17.0.0/16"]
    )
    vlan: fields.VlanField = Field(
        default=None,
        description="The tag of its frames between hosts (IEEE 802.1Q), another for each network. docker0 has none.",
        examples=[20],
        json_schema_extra=_no_default,
    )
    internal: fields.TruthField = Field(
        default=False, description="Whether its containers reach nothing but each other. docker0 is never internal."
    )
    hosts: Annotated[list[fields.LabelField], Field(min_length=1)] | None = Field(
        default=None,
        description="The hosts that are on it, if not all are. docker0 is on all.",
        examples=[["host1", "host2"]],
        json_schema_extra=_list_alone,
    )
    prefix6: fields.Network6Field = Field(
        default=None,
        description="A range of IPv6 addresses beside `prefix`: then each host has an address6 and a pool6 in the "
        "network. docker0 has none.",
        examples=["fd00:80::/64"],
        json_schema_extra=_no_default,
    )
    attach: AttachSection = Field(
        default_factory=lambda: AttachSection.model_construct(host=""),
        description="An interface of one host that joins what is behind it, a VLAN or another bridge, to the network.",
        examples=[{"host": "host1", "interface": "eth1", "vlan": 30}],
    )


class SeatSection(Section):
    """What a host has in one of the networks after docker0."""

    model_config = ConfigDict(title="A host's part of a network")

    address: fields.AddressField = Field(
        description="The address of this host's bridge in that network: its containers' gateway.",
        examples=["10.80.42.1"],
    )
    pool: fields.NetworkField = Field(
        description="The part of that network's prefix which this host's dockerd gives to containers.",
        examples=["10.80.64.0/18"],
    )
    address6: fields.Address6Field = Field(
        default=None,
        description="The IPv6 address of this host's bridge, where the network has a prefix6.",
        examples=["fd00:80::1"],
        json_schema_extra=_no_default,
    )
    pool6: fields.Network6Field = Field(
        default=None,
        description="The part of prefix6 which this host's dockerd gives to containers.",
        examples=["fd00:80:0:0:1::/80"],
        json_schema_extra=_no_default,
    )


class SshSection(Section):
    """How to reach a host, where ssh_config does not say it under the host's name."""

    model_config = ConfigDict(title="SSH")

    host: fields.SshHostField = Field(
        default=None,
        description="Host name, address or a Host of ssh_config.",
        examples=["host1.example.com"],
        json_schema_extra=_no_default,
    )
    user: fields.SshUserField = Field(
        default=None,
        description="User to log in as: root, or one who may use sudo.",
        examples=["root"],
        json_schema_extra=_no_default,
    )
    port: fields.PortField = Field(
        default=None, description="TCP port of sshd.", examples=[22], json_schema_extra=_no_default
    )


def _by_name(schema: dict[str, Any]) -> None:
    ((pattern, seat),) = schema.pop("patternProperties").items()
    schema.update(propertyNames={"pattern": pattern}, additionalProperties=seat)


class HostSection(Section):
    """One host that runs Docker."""

    model_config = ConfigDict(title="Host")

    underlay: fields.UnderlayField = Field(
        description="The address at which the other hosts reach this one; tunnels end there. "
        "IPv4 at all hosts, or IPv6 at all.",
        examples=["192.0.2.1"],
    )
    address: fields.AddressField = Field(
        description="The address of this host's docker0, inside the prefix and outside the other hosts' pools.",
        examples=["172.17.42.1"],
    )
    pool: fields.NetworkField = Field(
        description="The part of the prefix that this host's dockerd gives to containers.",
        examples=["172.17.64.0/18"],
    )
    underlay_mtu: fields.UnderlayMtuField = Field(
        default=model.ETHERNET_MTU,
        description="MTU of the interface that has the underlay address, in bytes.",
        examples=[1500],
    )
    ssh: SshSection = Field(
        default_factory=SshSection,
        description="How to reach the host, where ssh_config does not say it under the host's name.",
        examples=[{"user": "root"}],
    )
    networks: dict[fields.LabelField, SeatSection] = Field(
        default_factory=dict,
        description="What it has in each of the networks after docker0 that it is on, by their names; "
        "`dockmesh network add` writes it.",
        examples=[{"blue": {"address": "10.80.42.1", "pool": "10.80.64.0/18"}}],
        json_schema_extra=_by_name,
    )


class PackagesSection(Section):
    """Packages of one's own, for hosts whose sources have none, or old ones, or that reach no source."""

    model_config = ConfigDict(title="Packages")

    # `from` is a word of Python.
    from_: fields.PathsField = Field(
        alias="from",
        description="A folder of .deb files, or a list of such files and folders; relative to the folder of this file.",
        examples=["debs"],
    )


class DockerApiSection(Section):
    """Docker's API over TCP, for those who have a certificate of the mesh."""

    model_config = ConfigDict(title="Docker's API")

    listen: fields.ListenField = Field(
        description="mesh: TCP port 2376 of each host's own address in the mesh, and nowhere else. "
        "With TLS on both sides; who may come in is in the hands of `dockmesh access`.",
        examples=["mesh"],
    )


def _network_list(schema: dict[str, Any]) -> None:
    """The first is docker0, and all others have a tag."""
    network = schema["items"]
    docker0, other = {"const": model.DOCKER_BRIDGE}, {"maxLength": 11}
    schema.update(
        minItems=1,
        prefixItems=[{"allOf": [network, {"properties": {"name": docker0}}]}],
        items={"allOf": [network, {"required": ["vlan"], "properties": {"name": other}}]},
    )


def _host_map(schema: dict[str, Any]) -> None:
    # pydantic writes patternProperties, under which a name that does not fit is free to hold anything.
    ((pattern, host),) = schema.pop("patternProperties").items()
    schema.update(minProperties=2, propertyNames={"pattern": pattern}, additionalProperties=host)


class MeshFile(Section):
    """Docker hosts joined into one container network."""

    model_config = ConfigDict(title="dockmesh mesh file")

    name: fields.LabelField = Field(description="Name of the mesh; marks what dockmesh makes.", examples=["prod"])
    fabric: FabricSection = Field(
        default_factory=FabricSection, description="How the hosts are joined. Everything here has a default."
    )
    networks: list[NetworkSection] = Field(
        description="The container networks: docker0 first, and those that `dockmesh network add` put there.",
        json_schema_extra=_network_list,
        examples=[[{"name": "docker0", "prefix": "172.17.0.0/16"}]],
    )
    domain: fields.DomainField = Field(
        default=model.DOMAIN,
        description="Containers find each other by name on every host: NAME, NAME.HOST, and both with this behind "
        "them. false: no names.",
        examples=["mesh", "mesh.example.com", False],
    )
    hosts: dict[fields.LabelField, HostSection] = Field(
        description="The hosts by name, two or more.", json_schema_extra=_host_map
    )
    packages: PackagesSection = Field(
        default_factory=lambda: PackagesSection.model_construct(from_=()),
        description="Packages of one's own, which apply carries to the hosts; without it the hosts' own sources serve.",
        examples=[{"from": "debs"}],
    )
    docker_api: DockerApiSection = Field(
        default_factory=lambda: DockerApiSection.model_construct(listen=None),
        description="Docker's API over TCP with mutual TLS; without it nothing listens, and Docker is reached by SSH.",
        examples=[{"listen": "mesh"}],
    )


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a mesh file, as `dockmesh schema` prints it and editors use it."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **MeshFile.model_json_schema()}
