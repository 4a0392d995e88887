"""The file that `init` writes."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address

import pytest

from dockmesh.meshfile.flow import text
from dockmesh.meshfile.load import parse
from dockmesh.meshfile.write import write_mesh
from dockmesh.model.encryption import Encryption, HostEndpoint
from dockmesh.model.mesh import Bfd, Degree, Fabric, Host, Links, Listen, Mesh, Ring, Sites, Ssh, Star
from dockmesh.model.network import Network
from dockmesh.model.tunnel import Tunnel
from tests.support.meshes import in_docker0

MESH = Mesh(
    name="prod",
    fabric=Fabric(),
    networks=(Network("docker0", IPv4Network("172.17.0.0/16")),),
    hosts=(
        Host(
            "host1",
            IPv4Address("1.1.1.1"),
            in_docker0("172.17.42.1", "172.17.64.0/18"),
            ssh=Ssh(user="root"),
        ),
        Host("host2", IPv4Address("2.2.2.2"), in_docker0("172.17.42.2", "172.17.128.0/18")),
        Host("host3", IPv4Address("3.3.3.3"), in_docker0("172.17.42.3", "172.17.192.0/18"), 1400),
    ),
)
WRITTEN = """\
# A mesh: the containers of these hosts share one network.
# `dockmesh plan` shows what follows from this file, `dockmesh apply` makes it real, `dockmesh verify` proves it.
name: prod

fabric:
  tunnel: gre                # gre | vxlan | geneve
  topology: full-mesh        # full-mesh | ring | star | {degree: 4} | {sites: …} | {links: …}
  forwarding: direct         # rstp | stp | direct: what keeps frames from looping
  bfd: {interval_ms: 100, multiplier: 3} # a tunnel is dead after interval × multiplier
  datapath: system           # system (kernel) | netdev (userspace)
  renderer: systemd          # systemd | ifupdown: what brings it up at boot

networks:
  - name: docker0            # Docker's default bridge
    prefix: 172.17.0.0/16    # the whole range, shared by all hosts

# underlay: where the other hosts reach this one. address: of its docker0. pool: what its containers get.
# 3 hosts more fit.
hosts:
  host1: {underlay: 1.1.1.1, address: 172.17.42.1, pool: 172.17.64.0/18,  ssh: {user: root}}
  # behind the old router
  host2: {underlay: 2.2.2.2, address: 172.17.42.2, pool: 172.17.128.0/18}
  host3: {underlay: 3.3.3.3, address: 172.17.42.3, pool: 172.17.192.0/18, underlay_mtu: 1400}
"""


def test_the_whole_file_reads_like_this() -> None:
    notes = {"hosts": "3 hosts more fit.", "hosts.host2": "behind the old router"}

    assert write_mesh(MESH, notes=notes) == WRITTEN


@pytest.mark.parametrize(
    "fabric",
    [
        Fabric(tunnel=Tunnel.VXLAN),
        Fabric(tunnel=Tunnel.GRE, key=2**32 - 1),
        Fabric(topology=Degree(2)),
        Fabric(topology=Ring()),
        Fabric(topology=Star()),
        Fabric(topology=Star("host2")),
        Fabric(topology=Sites((("here", ("host2",)), ("there", ("host3", "host1"))))),
        Fabric(topology=Links((("host1", "host2"), ("host2", "host3")))),
        Fabric(bfd=Bfd(30, 5)),
    ],
)
def test_what_is_written_loads_to_the_same_mesh(fabric: Fabric) -> None:
    written_mesh = replace(MESH, fabric=fabric)

    assert parse("mesh.yaml", write_mesh(written_mesh).encode()) == written_mesh


@pytest.mark.parametrize(
    "word", ["no", "true", "null", "1e5", "0x1f", "-a", "a: b", "ä", "~", "12", "DOMAIN\\user", ""]
)
def test_text_that_yaml_might_misread_is_quoted(word: str) -> None:
    assert text(word).startswith('"')


@pytest.mark.parametrize("word", ["host1", "host1.example.com", "192.0.2.1", "nothing"])
def test_text_that_yaml_reads_as_text_is_bare(word: str) -> None:
    assert text(word) == word


def test_a_note_of_several_lines_is_all_comment() -> None:
    written = write_mesh(MESH, notes={"fabric": "one\nname: two"})

    assert "# one\n# name: two\nfabric:" in written
    assert parse("mesh.yaml", written.encode()) == MESH


def test_packages_are_written_as_they_were_named() -> None:
    for packages in (("debs",), ("debs", "more debs/x.deb")):
        written_mesh = replace(MESH, packages=packages)

        assert parse("mesh.yaml", write_mesh(written_mesh).encode()) == written_mesh


def test_dockers_api_is_written_where_it_is_open() -> None:
    written_mesh = replace(MESH, docker_api=Listen.MESH)

    assert parse("mesh.yaml", write_mesh(written_mesh).encode()) == written_mesh


@pytest.mark.parametrize("address", ["2001:db8::1", "2001:db8::", "::2:1"])
def test_an_ipv6_underlay_is_written_in_quotes_and_read_again(address: str) -> None:
    """A colon may end a plain scalar of YAML, and `2001:db8::,` would be a key."""
    hosts = (
        replace(MESH.hosts[0], underlay=IPv6Address(address)),
        replace(MESH.hosts[1], underlay=IPv6Address("2001:db8::2")),
    )
    written_mesh = replace(MESH, hosts=hosts)

    written = write_mesh(written_mesh)

    assert f'underlay: "{address}"' in written
    assert parse("mesh.yaml", written.encode()) == written_mesh


@pytest.mark.parametrize(
    "endpoint",
    [
        HostEndpoint(),
        HostEndpoint(IPv4Address("203.0.113.7")),
        HostEndpoint(IPv4Address("203.0.113.7"), 443),
    ],
    ids=str,
)
def test_where_a_host_is_found_is_written_and_read_again(endpoint: HostEndpoint) -> None:
    first, *others = MESH.hosts
    hosts = (replace(first, endpoint=endpoint), *others)
    written_mesh = replace(MESH, hosts=hosts, fabric=replace(MESH.fabric, encryption=Encryption()))

    assert parse("mesh.yaml", write_mesh(written_mesh).encode()) == written_mesh


def test_an_ipv6_endpoint_is_written_and_read_again() -> None:
    hosts = tuple(replace(host, underlay=IPv6Address(f"fd00::{number}")) for number, host in enumerate(MESH.hosts, 1))
    for endpoint in (HostEndpoint(IPv6Address("2001:db8::7")), HostEndpoint(IPv6Address("2001:db8::7"), 443)):
        written_mesh = replace(
            MESH,
            hosts=(replace(hosts[0], endpoint=endpoint), *hosts[1:]),
            fabric=replace(MESH.fabric, encryption=Encryption()),
        )

        assert parse("mesh.yaml", write_mesh(written_mesh).encode()) == written_mesh
