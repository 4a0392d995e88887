"""The file: every key of it is declared here or in a module beside this one, once.

Reading, defaults, messages, the JSON Schema, the reference and what is written follow from a declaration: the type of
the key, its sentence, and what holds where it is left out. Rules between values are in `rules`.
"""

from dataclasses import replace

from dockmesh.debian.deb import Deb
from dockmesh.meshfile.keys.fabric import FABRIC, FabricSection
from dockmesh.meshfile.keys.host import HostSection
from dockmesh.meshfile.keys.network import MOST_CHARACTERS, NetworkSection
from dockmesh.meshfile.lists import ListOf, MapOf
from dockmesh.meshfile.section import Inner, Key, Keys, Section, Wrapped
from dockmesh.meshfile.types import Choice
from dockmesh.meshfile.values import DOMAIN, LABEL, PATHS
from dockmesh.model import mesh as of
from dockmesh.model.network import DOCKER_BRIDGE


class PackagesSection(Wrapped, title="`packages`", where="under `packages`"):
    """Packages of one's own, for hosts whose sources have none, or old ones, or that reach no source."""

    from_ = Key(
        PATHS,
        "A folder of .deb files, or a list of such files and folders; relative to the folder of this file.",
        examples=("debs",),
    )


class DockerApiSection(
    Wrapped, title="`docker_api`", where="under `docker_api`", otherwise="; without it nothing listens"
):
    """Docker's API over TCP, for those who have a certificate of the mesh."""

    listen = Key(
        Choice(of.Listen),
        "mesh: TCP port 2376 of each host's own address in the mesh, and nowhere else. With mutual TLS; access is "
        "controlled by `dockmesh access`.",
        examples=("mesh",),
    )


# The first is docker0, and all others have a tag.
DOCKER0_FIRST = {
    "allOf": [
        {
            "prefixItems": [{"properties": {"name": {"const": DOCKER_BRIDGE}}}],
            "items": {"required": ["vlan"], "properties": {"name": {"maxLength": MOST_CHARACTERS}}},
        }
    ]
}


class MeshSection(
    Section,
    title="The file",
    where="at the top",
    expected="a map such as `name: prod`, with networks and hosts",
    alone=True,
):
    """Docker hosts joined into one container network."""

    name = Key(LABEL, "Name of the mesh; marks what dockmesh makes.", examples=("prod",))
    fabric = Inner(FabricSection, "How the hosts are joined. Everything here has a default.", FABRIC)
    networks = Key(
        ListOf(
            Keys(NetworkSection),
            "network",
            "a list such as `- {name: docker0, prefix: 172.17.0.0/16}`",
            "list, see below",
            described=DOCKER0_FIRST,
        ),
        "The container networks: docker0 first, and those that `dockmesh network add` put there.",
    )
    domain = Key(
        DOMAIN,
        "Containers find each other by name on every host: NAME, NAME.HOST, and both with this behind them. false: no "
        "names.",
        of.DOMAIN,
        examples=("mesh", "mesh.example.com", False),
        note="behind the names",
    )
    hosts = Key(
        MapOf(
            LABEL,
            Keys(HostSection),
            "host",
            "a map such as `host1: {underlay: …, address: …, pool: …}`, one for each host",
            of_list="Write each host under its name: `host1: {underlay: …}`, without a hyphen before it.",
            least=2,
        ),
        "The hosts by name, two or more.",
    )
    packages = Inner(
        PackagesSection,
        "Packages of one's own, which apply carries to the hosts; without it the hosts' own sources serve.",
        (),
    )
    docker_api = Inner(
        DockerApiSection,
        "Docker's API over TCP with mutual TLS; without it nothing listens, and Docker is reached by SSH.",
        None,
    )

    def checked(self, debs: tuple[Deb, ...]) -> of.Mesh:
        """The mesh, where nothing in the file is wrong; `debs` are those that were found under `packages`."""
        parts = self.parts()
        order = [each.name for each in parts["networks"]]
        hosts = tuple(
            replace(
                host,
                allocations=tuple(sorted(host.allocations, key=lambda allocation: order.index(allocation.network))),
            )
            for host in parts.pop("hosts").values()
        )
        return of.Mesh(hosts=hosts, debs=debs, **parts)

    @property
    def every_network(self) -> tuple[NetworkSection, ...]:
        return self.networks.value if self.networks else ()

    @property
    def every_host(self) -> tuple[HostSection, ...]:
        return self.hosts.value if self.hosts else ()
