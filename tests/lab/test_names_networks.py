"""Names in several networks: each container finds those of its own, on every host, and no others."""

import pytest
from dnslib import RCODE, DNSRecord

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import DOCKMESH, Mesh, run, wait_until
from tests.lab.resolving import Allocation, prepare, start

ON = {"bridge": ("host1", "host2", "host3"), "blue": ("host1", "host2", "host3"), "vault": ("host1", "host2")}
# Of a bridge.
ADDRESS = "ip -4 -o address show dev {} | awk '{{print $4}}' | cut -d/ -f1"


def name_in(network: str, host: str) -> str:
    return f"{network}-{host}"


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    """Docker's default bridge, one network beside it, and one without a way out on two hosts; a container in each."""
    mesh = make_mesh("--prepared")
    for words in (("blue",), ("vault", "--internal", "--hosts", "host1,host2")):
        assert run(*DOCKMESH, "network", "add", words[0], "-f", str(mesh.file), *words[1:]).code == 0
    mesh.apply()
    prepare(mesh)
    for network, hosts in ON.items():
        for host in hosts:
            alias = () if network == "bridge" else ("--network-alias", "service")
            start(mesh, host, name_in(network, host), "--network", network, *alias)
    return mesh


@pytest.fixture(scope="module")
def addresses(mesh: Mesh) -> dict[str, str]:
    """By container."""
    show = "docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'"
    names = [(name_in(network, host), host) for network, hosts in ON.items() for host in hosts]
    return {name: mesh.on(host, f"{show} {name}") for name, host in names}


@pytest.mark.parametrize("network", ON)
def test_in_each_network_its_containers_find_each_other_by_every_resolver(
    mesh: Mesh, addresses: dict[str, str], network: str
) -> None:
    for host in ON[network]:
        allocation = Allocation(mesh, host, name_in(network, host))
        for other in ON[network]:
            name = name_in(network, other)
            for end in ("", ".mesh", f".{other}.mesh"):
                allocation.until_finds(f"{name}{end}", addresses[name])
            assert allocation.busybox_finds(f"{name}.mesh") == [addresses[name]]
            if other != host:
                assert allocation.name_of(addresses[name]) == f"{name}.{other}.mesh"


def test_an_alias_is_found_with_all_that_have_it(mesh: Mesh, addresses: dict[str, str]) -> None:
    others = [addresses[name_in("blue", host)] for host in ("host2", "host3")]
    start(mesh, "host1", "asks", "--network", "blue")
    allocation = Allocation(mesh, "host1", "asks")
    mesh.on("host1", f"docker rm --force {name_in('blue', 'host1')}")

    allocation.until_finds("service", *others)
    assert allocation.busybox_finds("service.mesh") == sorted(others)


def test_two_networks_do_not_see_each_others_names(mesh: Mesh, addresses: dict[str, str]) -> None:
    for network, other in (("bridge", "blue"), ("blue", "bridge"), ("blue", "vault"), ("vault", "blue")):
        allocation = Allocation(mesh, "host2", name_in(network, "host2"))
        for host in ("host1", "host2"):
            foreign = name_in(other, host)
            assert allocation.finds(f"{foreign}.mesh") == []
            assert allocation.finds(f"{foreign}.{host}.mesh") == []
            assert allocation.name_of(addresses[foreign]) == ""


def test_who_is_on_two_networks_finds_the_names_of_both(mesh: Mesh, addresses: dict[str, str]) -> None:
    start(mesh, "host3", "both", "--network", "blue")
    mesh.on("host3", "docker network connect bridge both")
    allocation = Allocation(mesh, "host3", "both")

    allocation.until_finds(f"{name_in('blue', 'host2')}.mesh", addresses[name_in("blue", "host2")])
    allocation.until_finds(f"{name_in('bridge', 'host1')}.mesh", addresses[name_in("bridge", "host1")])

    mesh.on("host3", "docker network disconnect bridge both")
    wait_until(
        lambda: allocation.finds(f"{name_in('bridge', 'host1')}.mesh") == [], "the other network's names are gone"
    )


def test_a_question_leaves_no_internal_network(mesh: Mesh) -> None:
    question = bytes(DNSRecord.question("secret.tunnel.example.com").pack())
    answers = {
        network: Allocation(mesh, "host1", name_in(network, "host1")).ask_raw(
            question, mesh.on("host1", ADDRESS.format(bridge))
        )
        for network, bridge in (("vault", "dm-vault"), ("bridge", "docker0"))
    }

    # Nobody is outside of this lab: who may ask there hears that no server answers.
    assert {network: RCODE[DNSRecord.parse(each).header.rcode] for network, each in answers.items()} == {
        "vault": "REFUSED",
        "bridge": "SERVFAIL",
    }


def test_hosts_are_found_at_their_address_in_the_network_that_asks(mesh: Mesh) -> None:
    for network, bridge in (("bridge", "docker0"), ("blue", "dm-blue"), ("vault", "dm-vault")):
        Allocation(mesh, "host1", name_in(network, "host1") if network != "blue" else "asks").until_finds(
            "host2.mesh", mesh.on("host2", ADDRESS.format(bridge))
        )
