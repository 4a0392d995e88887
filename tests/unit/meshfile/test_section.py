"""What was read of a map of keys: right beside wrong, given and left out."""

from ipaddress import IPv4Address

from dockmesh.meshfile.compose import compose
from dockmesh.meshfile.explain import Place
from dockmesh.meshfile.keys.fabric import FabricSection
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.source import Source
from dockmesh.model.mesh import Bfd, Fabric, Forwarding, Sites
from dockmesh.model.tunnel import Tunnel


def read(text: str) -> tuple[MeshSection, list[Problem]]:
    problems: list[Problem] = []
    return MeshSection.read(compose(Source("mesh.yaml", text), problems), Place("the file"), problems), problems


def test_what_is_right_is_kept_beside_what_is_wrong() -> None:
    mesh, problems = read("hosts: {host1: {underlay: 1.1.1, address: 172.17.42.1, pool: here}}\nname: prod")

    (host,) = mesh.every_host
    assert (host.underlay, host.pool) == (None, None)
    assert host.address
    assert (host.address.value, host.address.line) == (IPv4Address("172.17.42.1"), 1)
    assert (host.whole, mesh.whole, mesh.name and mesh.name.value) == (False, False, "prod")
    assert len(problems) == 3


def test_a_value_knows_what_it_is_called() -> None:
    mesh, _ = read("hosts: {a: {pool: 10.0.0.0/24, ssh: {user: root}, networks: {blue: {pool: 10.1.0.0/24}}}}")

    (host,) = mesh.every_host
    found = [host.pool, host.ssh.user, host.allocations[0].pool]
    assert [each.subject for each in found if each] == ["pool of a", "ssh user of a", "pool of a in blue"]


def test_a_key_that_is_left_out_has_its_default_and_is_not_given() -> None:
    mesh, _ = read("fabric: {tunnel: vxlan}")

    fabric = mesh.fabric
    assert fabric.tunnel
    assert fabric.forwarding
    assert (fabric.tunnel.value, fabric.tunnel.given) == (Tunnel.VXLAN, True)
    assert (fabric.forwarding.value, fabric.forwarding.given) == (Forwarding.DIRECT, False)
    assert (fabric.bfd.given, fabric.bfd.interval_ms and fabric.bfd.interval_ms.value) == (False, Bfd().interval_ms)


def test_of_a_map_that_is_none_nothing_is_known_not_even_defaults() -> None:
    mesh, _ = read("fabric: rstp")

    assert (mesh.fabric.given, mesh.fabric.tunnel, mesh.fabric.topology) == (False, None, None)


def test_what_is_told_of_a_value_is_what_differs_from_the_default() -> None:
    fabric = Fabric(bfd=Bfd(30), topology=Sites((("here", ("host1",)), ("there", ("host2",)))))

    assert FabricSection.told(fabric) == {
        "topology": {"sites": {"here": ["host1"], "there": ["host2"]}},
        "bfd": {"interval_ms": 30},
    }
