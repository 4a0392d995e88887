"""IPv6 in networks beside docker0, on real hosts: it carries, and nobody gets out or is somebody else."""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address
from itertools import permutations
from typing import Any

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.hostile import advertisement, behind_options, frame, hearing, inside, ipv6, mac, neighbours, router, send
from tests.lab.left import EMPTY_TABLE
from tests.lab.mesh import Mesh, wait_until
from tests.lab.snapshots import assert_same, snapshots
from tests.lab.test_destroy import destroy
from tests.lab.test_networks import HOSTS, container, network, start

ON = {"blue": HOSTS, "vault": ("host1", "host2")}
MTU = 1458
FORWARDING = "cat /proc/sys/net/ipv6/conf/all/forwarding"
RULES = "ip6tables-save | grep -v '^[#:]' | grep -e '^-' || true"
# Takes a connection, and says how much came.
TAKE = """
import socket
ear = socket.create_server(("::", 7777), family=socket.AF_INET6)
print("ready", flush=True)
stream, _ = ear.accept()
print(sum(len(part) for part in iter(lambda: stream.recv(65536), b"")), flush=True)
"""
GIVE = """
import socket, sys
with socket.create_connection((sys.argv[1], 7777), timeout=10) as stream:
    stream.sendall(bytes(1 << 20))
"""


def address6(mesh: Mesh, host: str, name: str) -> str:
    show = "{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}{{end}}"
    return mesh.on(host, f"docker inspect --format '{show}' {container(name)}")


def address4(mesh: Mesh, host: str, name: str) -> str:
    show = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return mesh.on(host, f"docker inspect --format '{show}' {container(name)}")


def allocation(mesh: Mesh, host: str, name: str) -> dict[str, Any]:
    (found,) = (each for each in mesh.plan()["hosts"] if each["name"] == host)
    return next(each for each in found["networks"] if each["name"] == name)


def link_local(mesh: Mesh, host: str, name: str) -> str:
    words = "ip -6 -o address show dev eth0 scope link | awk '{print $4}' | cut -d/ -f1"
    return mesh.on(host, inside(container(name)) + words)


def ping(mesh: Mesh, host: str, name: str, target: str, *, size: int = 56) -> bool:
    words = f"ping -6 -c 1 -W 1 -M do -s {size} {target}"
    return mesh.ssh(host, inside(container(name)) + words).code == 0


def wait_for_all(mesh: Mesh) -> None:
    for name, hosts in ON.items():
        targets = {host: (address6(mesh, host, name), allocation(mesh, host, name)["address6"]) for host in hosts}
        for host, other in permutations(hosts, 2):
            for target in targets[other]:
                wait_until(
                    lambda host=host, name=name, target=target: ping(mesh, host, name, target),  # type: ignore[misc]
                    f"{container(name)} on {host} pings {target}",
                )


@pytest.fixture(scope="module")
def before(make_mesh: MakeMesh) -> tuple[Mesh, dict[str, list[str]]]:
    mesh = make_mesh("--prepared")
    return mesh, snapshots(mesh)


@pytest.fixture(scope="module")
def made(before: tuple[Mesh, dict[str, list[str]]]) -> Mesh:
    mesh, _ = before
    network(mesh, "add", "blue", "--prefix6", "fd00:80::/64")
    network(mesh, "add", "vault", "--prefix6", "auto", "--internal", "--hosts", "host1,host2")
    mesh.apply()
    for name, hosts in ON.items():
        for host in hosts:
            start(mesh, host, name)
    return mesh


@pytest.fixture(scope="module", params=["direct", pytest.param("rstp", marks=pytest.mark.long)])
def mesh(made: Mesh, request: pytest.FixtureRequest) -> Mesh:
    made.choose("forwarding", request.param)
    made.apply()
    wait_for_all(made)
    return made


def test_apply_proves_it_and_a_second_one_changes_nothing(mesh: Mesh) -> None:
    assert not mesh.apply()["changed"]
    mesh.assert_nothing_differs()
    report = mesh.verify()

    assert report["verdict"] == "pass"
    proved = {(each["kind"], each["network"]) for each in report["probes"]}
    assert {(kind, name) for kind in ("network-ping6", "network-size6") for name in ON} <= proved


def test_a_container_has_the_prefix_on_its_link_and_its_hosts_address_as_gateway(mesh: Mesh) -> None:
    for host in HOSTS:
        routes = mesh.on(host, f"{inside(container('blue'))}ip -6 route")

        assert "fd00:80::/64 dev eth0" in routes
        assert f"default via {allocation(mesh, host, 'blue')['address6']} dev eth0" in routes
        assert "default" not in mesh.on("host1", f"{inside(container('vault'))}ip -6 route")


def test_packets_of_the_whole_mtu_pass_and_larger_ones_are_refused_at_once(mesh: Mesh) -> None:
    target = address6(mesh, "host2", "blue")

    assert ping(mesh, "host1", "blue", target, size=MTU - 48)
    refused = mesh.ssh("host1", f"{inside(container('blue'))}ping -6 -c 1 -W 1 -M do -s {MTU - 47} {target}")
    assert "message too long" in (refused.out + refused.err).lower()


def test_a_connection_carries(mesh: Mesh) -> None:
    target = address6(mesh, "host3", "blue")
    mesh.on("host3", f"{inside(container('blue'))}python3 -c {shlex.quote(TAKE)} >/tmp/took 2>&1 </dev/null &")
    wait_until(lambda: "ready" in mesh.on("host3", "cat /tmp/took"), "somebody listens")

    mesh.on("host1", f"{inside(container('blue'))}python3 -c {shlex.quote(GIVE)} {target}")

    wait_until(lambda: mesh.on("host3", "cat /tmp/took").split()[-1] == str(1 << 20), "all of it came")


@contextmanager
def with_a_route(mesh: Mesh, host: str, name: str) -> Iterator[None]:
    """A way out by its host's bridge, where Docker gives none."""
    by = allocation(mesh, host, name)["address6"]
    route = f"{inside(container(name))}ip -6 route %s default via {by}"
    mesh.on(host, route % "replace")
    yield
    mesh.on(host, route % "del")


def test_two_networks_do_not_mix(mesh: Mesh) -> None:
    blue, vault = address6(mesh, "host1", "blue"), address6(mesh, "host1", "vault")
    underlay = mesh.on("host1", "ip -6 -o address show dev docker0 scope global | wc -l")

    with with_a_route(mesh, "host1", "vault"), with_a_route(mesh, "host2", "vault"):
        assert not ping(mesh, "host1", "vault", blue)
        assert not ping(mesh, "host1", "blue", vault)
        assert not ping(mesh, "host2", "vault", blue)
        assert not ping(mesh, "host2", "blue", vault)
    assert underlay == "0"


def test_nothing_that_a_hostile_container_sends_crosses(mesh: Mesh) -> None:
    me, own = mac(address4(mesh, "host1", "blue")), address6(mesh, "host1", "blue")
    local, theirs = link_local(mesh, "host1", "blue"), allocation(mesh, "host2", "blue")["address6"]
    other = address6(mesh, "host2", "blue")
    packed = {each: IPv6Address(each).packed for each in (own, theirs, other)}
    hostile = {
        "source-of-gateway": frame(me, ipv6(packed[theirs]), "source-of-gateway"),
        "source-of-container": frame(me, ipv6(packed[other]), "source-of-container"),
        "advertises-gateway": advertisement(me, own, theirs, "advertises-gateway"),
        "advertises-gateway-by-link": advertisement(me, local, theirs, "advertises-gateway-by-link"),
        "advertises-container": advertisement(me, local, other, "advertises-container"),
        "advertises-as-gateway": advertisement(me, theirs, theirs, "advertises-as-gateway"),
        "router": router(me, local, "2001:db8:bad::", "router"),
        "router-behind-options": behind_options(router(me, local, "2001:db8:bad::", "router-behind-options")),
        "gateway-behind-options": behind_options(advertisement(me, local, theirs, "gateway-behind-options")),
        "redirect": neighbours(me, local, 137, bytes(4) + packed[theirs] + packed[other], "redirect"),
    }
    honest = {
        "honest": frame(me, ipv6(packed[own]), "honest"),
        "advertises-itself": advertisement(me, local, own, "advertises-itself"),
    }
    places = [(host, container(name)) for name, hosts in ON.items() for host in hosts if host != "host1"]

    with hearing(mesh, [*places, ("host2", ""), ("host3", "")]) as heard:
        for each in (*hostile.values(), *honest.values()):
            send(mesh, "host1", container("blue"), [each])

    in_it = [(host, container("blue")) for host in ("host2", "host3")]
    assert {name: [place for place in heard.at(name) if place[1]] for name in honest} == dict.fromkeys(honest, in_it)
    assert {name: heard.at(name) for name in hostile if heard.at(name)} == {}
    known = mesh.on("host3", f"{inside(container('blue'))}ip -6 neigh show {theirs}; true")
    assert me not in known


def test_nobody_on_another_host_takes_a_container_for_a_router(mesh: Mesh) -> None:
    me, local = mac(address4(mesh, "host1", "blue")), link_local(mesh, "host1", "blue")

    send(mesh, "host1", container("blue"), [router(me, local, "2001:db8:bad::", "router")])

    for host in HOSTS:
        assert "2001:db8:bad" not in mesh.on(host, "ip -6 address; ip -6 route")
        if host != "host1":
            assert "2001:db8:bad" not in mesh.on(host, f"{inside(container('blue'))}ip -6 address")


def test_names_have_addresses_of_ipv6_and_addresses_names(mesh: Mesh) -> None:
    gateway = allocation(mesh, "host1", "blue")["address"]
    far = address6(mesh, "host3", "blue")
    asking = f"{inside(container('blue'))}python3 -c {shlex.quote(ASK)} {gateway}"

    def asked(*words: str) -> str:
        return mesh.on("host1", f"{asking} {' '.join(words)}")

    assert asked(f"{container('blue')}.host3.mesh", "AAAA") == far
    assert asked("host2.mesh", "AAAA") == allocation(mesh, "host2", "blue")["address6"]
    assert asked(far, "PTR") == f"{container('blue')}.host3.mesh"
    assert asked(allocation(mesh, "host2", "blue")["address6"], "PTR") == "host2.mesh"
    assert container("vault") not in asked(address6(mesh, "host1", "vault"), "PTR")


ASK = """
import ipaddress, socket, sys
from dnslib import DNSRecord
server, name, kind = sys.argv[1:]
name = ipaddress.ip_address(name).reverse_pointer if kind == "PTR" else name
answer = DNSRecord.parse(DNSRecord.question(name, kind).send(server, 53, timeout=5))
for row in answer.rr:
    text = str(row.rdata).rstrip(".")
    print(ipaddress.ip_address(text) if kind == "AAAA" else text)
"""


def test_status_shows_how_much_of_the_pools_is_taken(mesh: Mesh) -> None:
    (host1,) = (each for each in mesh.dockmesh("status", "--json").json()["hosts"] if each["name"] == "host1")

    six = {each["network"]: each["used"] for each in host1["pools"] if each.get("version") == 6}
    assert six == {"blue": 1, "vault": 1}


@pytest.mark.long
def test_an_address_that_somebody_took_away_is_told_and_comes_back(mesh: Mesh) -> None:
    lost = allocation(mesh, "host2", "blue")["address6"]
    mesh.on("host2", f"ip address del {lost}/64 dev dm-blue")

    report = mesh.verify()
    seen = mesh.dockmesh("diff", "--json").json()
    mesh.apply()

    assert report["verdict"] == "fail"
    assert any(f"dm-blue has no IPv6 address, planned is {lost}/64" in each["seen"] for each in report["causes"])
    (host2,) = (each for each in seen["hosts"] if each["name"] == "host2")
    found = [(each["subject"], each["origin"]) for each in host2["differences"]]
    assert found == [("dm-blue address6", "drift")]
    assert mesh.verify()["verdict"] == "pass"


@pytest.mark.long
def test_after_a_boot_all_of_it_is_there(mesh: Mesh) -> None:
    mesh.lab("reboot", "host2")

    wait_for_all(mesh)
    mesh.assert_nothing_differs()


def test_without_its_last_network_with_ipv6_a_host_is_as_before(made: Mesh) -> None:
    for name, hosts in ON.items():
        for host in hosts:
            made.on(host, f"docker rm --force {container(name)}")
        network(made, "remove", name)
    made.apply()

    for host in HOSTS:
        assert made.on(host, RULES) == ""
        assert made.on(host, FORWARDING) == "0"
        assert "fd00:80" not in made.on(host, "ip -6 address; cat /etc/docker/daemon.json; docker network ls")
        assert "ip6tables" not in made.on(host, "cat /etc/docker/daemon.json")
    made.assert_nothing_differs()
    assert not made.apply()["changed"]


@pytest.mark.long
def test_destroy_leaves_nothing_of_it(before: tuple[Mesh, dict[str, list[str]]], made: Mesh) -> None:
    mesh, snapshot = before
    mesh.on_all(lambda host: mesh.ssh(host, "docker ps --all --quiet | xargs --no-run-if-empty docker rm --force"))
    if "blue" not in mesh.file.read_text():
        network(mesh, "add", "blue", "--prefix6", "fd00:80::/64")
    mesh.apply()
    assert mesh.on("host1", FORWARDING) == "1"

    destroy(mesh)
    for host in HOSTS:
        mesh.on(host, "docker image rm busybox; true")
        assert mesh.on(host, FORWARDING) == "0"

    # Another one was booted in between, which is to be seen without any mesh, too.
    kept = {host: lines for host, lines in snapshot.items() if host != "host2"}
    after = snapshots(mesh, kept)
    assert_same(kept, {host: without_empty_tables(lines, kept[host]) for host, lines in after.items()})


def without_empty_tables(lines: list[str], before: list[str]) -> list[str]:
    """Where Docker once had rules for IPv6 the tables are left, with nothing in them."""
    empty = re.compile(rf"{EMPTY_TABLE}|ip6tables-save (\*.*|:[A-Z]+ ACCEPT |COMMIT)$")
    return [line for line in lines if line in before or not empty.match(line)]
