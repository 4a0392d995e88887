"""Addresses of containers in a real mesh: full pools, MAC addresses alike, published ports, and who reaches what."""

from ipaddress import IPv4Network
from typing import Any

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import BUILD_IMAGE, DOCKMESH, IMAGE, Mesh, run, wait_until

ANSWERS = "httpd -f -p 80 -h /bin"  # 200 for /busybox
MAC = "02:42:0a:00:00:07"
SMALL = "172.17.64.0/29"  # eight addresses, all of them for containers


def status(mesh: Mesh) -> Any:
    return mesh.dockmesh("status", "--json").json()


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    """Host1 has a small pool; a web server on host1, which is published, and one on host2, and one that only asks."""
    mesh = make_mesh("--prepared")
    text = mesh.file.read_text().splitlines()
    own = next(line for line in text if line.strip().startswith("host1:"))
    old = next(word for word in own.replace("}", " ").replace(",", " ").split() if "/" in word)
    mesh.edit(f"pool: {old}", f"pool: {SMALL}")
    mesh.apply()
    mesh.on_all(lambda host: mesh.on(host, BUILD_IMAGE))
    mesh.on("host1", f"docker run -d --name web --stop-signal KILL -p 8080:80 {IMAGE} {ANSWERS}")
    mesh.on("host2", f"docker run -d --name web --stop-signal KILL {IMAGE} {ANSWERS}")
    for host in ("host1", "host2"):
        mesh.start_container(host, "asks")
    mesh.wait_for_mesh()
    mesh.wait_for_ping("host2", mesh.container_address("host1"), "asks")
    return mesh


def reads(mesh: Mesh, host: str, address: str, container: str | None = "asks") -> bool:
    """Whether a web server answers there, to a container or, with None, to the host itself."""
    fetch = f"wget -q -T 3 -O /dev/null http://{address}/busybox"
    inside = f"docker exec {container} /bin/busybox {fetch}" if container else f"/bin/busybox {fetch}"
    return mesh.ssh(host, inside).code == 0


def underlay(mesh: Mesh, host: str) -> str:
    return next(str(each["underlay"]) for each in mesh.plan()["hosts"] if each["name"] == host)


@pytest.mark.long
def test_a_pool_is_counted_warned_of_and_told_when_it_is_full(mesh: Mesh) -> None:
    before = status(mesh)
    for number in range(5):
        mesh.start_container("host1", f"more{number}")
    nearly = status(mesh)
    mesh.start_container("host1", "last")
    full, refused = status(mesh), mesh.ssh("host1", f"docker run --rm {IMAGE} true")
    names = " ".join(f"more{number}" for number in range(5))
    mesh.on("host1", f"docker rm --force last {names}")

    used = [[host["pools"][0][key] for key in ("used", "total")] for host in before["hosts"]]
    assert used == [[2, 8], [2, 16384], [0, 16383]]
    assert before["warnings"] == []
    assert [(each["hosts"], each["what"]) for each in nearly["warnings"]] == [
        (["host1"], "its pool of docker0 is nearly full: 7 of 8 addresses are taken")
    ]
    assert nearly["right"]
    assert "its pool of docker0 is full" in full["findings"][0]["what"]
    assert "no available IPv4 addresses" in refused.err


def test_docker_itself_takes_no_fixed_address_on_docker0(mesh: Mesh) -> None:
    refused = mesh.ssh("host2", f"docker run --rm --ip 172.17.128.77 {IMAGE} true")

    assert refused.code != 0
    assert "user specified IP address is supported on user defined networks only" in refused.err


def test_two_macs_alike_are_found(mesh: Mesh) -> None:
    for host in ("host2", "host3"):
        mesh.start_container(host, "twin", f"--mac-address {MAC}")

    told, proof = status(mesh), mesh.verify()
    for host in ("host2", "host3"):
        mesh.on(host, "docker rm --force twin")

    words = f"container twin on host2 and container twin on host3 have the same MAC address {MAC}"
    assert [each["hosts"] for each in told["findings"] if words in each["what"]] == [["host2", "host3"]]
    assert [cause["fault"] for cause in proof["causes"]] == ["mac-taken"]
    wait_until(lambda: bool(status(mesh)["right"]), "all is well again")


def test_a_published_port_stays_as_docker_makes_it(mesh: Mesh) -> None:
    at_host1 = (underlay(mesh, "host1"), mesh.address("host1"))

    for address in at_host1:
        assert reads(mesh, "host2", f"{address}:8080", None), f"host2 reads at {address}"
        assert reads(mesh, "host2", f"{address}:8080"), f"a container on host2 reads at {address}"
    assert not reads(mesh, "host3", f"{mesh.address('host2')}:8080", None)


def test_what_a_container_reaches(mesh: Mesh) -> None:
    """The lines of docs/explanation/what-a-container-reaches.md."""
    other, own = mesh.container_address("host1"), mesh.container_address("host2")

    assert reads(mesh, "host2", own), "a container of its own host"
    assert reads(mesh, "host2", other), "a container of another host, at any port"
    for host in mesh.hosts:
        assert mesh.pings("host2", mesh.address(host), "asks"), f"the bridge address of {host}"
        assert mesh.pings("host2", underlay(mesh, host), "asks"), f"the underlay address of {host}"
    # Its own host hides it behind its address there, as Docker does for all that leaves.
    seen = f"timeout 10 tcpdump -c 1 -nn -i any icmp and dst {underlay(mesh, 'host1')} 2>/dev/null"
    mesh.on("host1", f"systemd-run --quiet --collect --unit=seen sh -c '{seen} > /tmp/seen'")
    wait_until(
        lambda: mesh.pings("host2", underlay(mesh, "host1"), "asks") and bool(mesh.ssh("host1", "cat /tmp/seen").out),
        "host1 sees a ping",
    )
    assert f"{underlay(mesh, 'host2')} > {underlay(mesh, 'host1')}" in mesh.on("host1", "cat /tmp/seen")


def test_what_a_container_does_not_reach(mesh: Mesh) -> None:
    """Containers in networks that Docker made on one host, from that host or another."""
    mesh.on("host2", "docker network create elsewhere")
    mesh.on("host2", f"docker run -d --name apart --network elsewhere --stop-signal KILL {IMAGE} {ANSWERS}")
    show = "docker inspect --format '{{.NetworkSettings.Networks.elsewhere.IPAddress}}' apart"
    address = mesh.on("host2", show)

    reached = [reads(mesh, "host2", address, None), reads(mesh, "host2", address), reads(mesh, "host1", address)]
    mesh.on("host2", "docker rm --force apart; docker network rm elsewhere")

    assert reached == [True, False, False]


def test_a_host_service_on_every_address_is_open_to_containers(mesh: Mesh) -> None:
    """Such as sshd, which listens everywhere: a container of any host finds it at the bridge addresses."""
    for host in mesh.hosts:
        said = mesh.on("host2", f"docker exec asks /bin/busybox nc -w 3 {mesh.address(host)} 22 </dev/null || true")
        assert said.startswith("SSH-2.0"), host


def strays(told: Any) -> list[Any]:
    return [each for each in told["findings"] if "outside this host's pool" in each["what"]]


@pytest.mark.long
def test_an_address_by_hand_is_taken_of_the_pool_and_told_outside_it(mesh: Mesh) -> None:
    """On a network beside docker0: there Docker takes `--ip`, and any address of the prefix without a word."""
    added = run(*DOCKMESH, "network", "add", "blue", "-f", str(mesh.file), "--json")
    assert added.code == 0, added.err
    mesh.apply()
    show = "docker network inspect --format '{{(index .IPAM.Config 0).Subnet}} {{(index .IPAM.Config 0).IPRange}}' blue"
    prefix, pool = map(IPv4Network, mesh.on("host2", show).split())
    inside, outside = pool[7], prefix[200]
    for host, name, ip in (
        ("host1", "there", ""),
        ("host2", "fixed", f"--ip {inside}"),
        ("host2", "stray", f"--ip {outside}"),
    ):
        mesh.start_container(host, name, f"--network blue {ip}")

    mesh.wait_for_ping("host1", str(inside), "there")
    told, proof = status(mesh), mesh.verify()
    crossed = [mesh.pings(host, str(inside), "asks") for host in ("host1", "host2")]
    mesh.on("host2", "docker rm --force stray")

    (found,) = strays(told)
    assert found["hosts"] == ["host2"]
    assert found["what"].endswith(f"another host may give out the same address: stray ({outside})")
    assert "without `--ip`" in found["do"]
    used = {pool["network"]: pool["used"] for pool in told["hosts"][1]["pools"]}
    assert (used["docker0"], used["blue"]) == (2, 1)
    assert ("outside-pool", ["host2"]) in [(cause["fault"], cause["hosts"]) for cause in proof["causes"]]
    assert crossed == [False, False], "from docker0 into another network of the mesh"
    assert strays(status(mesh)) == []
    mesh.on_all(lambda host: mesh.ssh(host, "docker rm --force there fixed"))
