"""A container that sends what it likes: nobody else notices, on its own host or on others, in any network.

Not only what crosses is looked at, but what others believe after it: neighbours, routes, addresses; and their pings.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import IPv6Address

import pytest

from dockmesh.lab.pings import pinging
from dockmesh.lab.store import load as load_lab
from dockmesh.render.neighbours import link_local
from tests.lab.conftest import MakeMesh
from tests.lab.hostile import advertisement, arp, behind_options, frame, inside, neighbours, router, sending, udp
from tests.lab.hostile import mac as made_of
from tests.lab.mesh import BUILD_IMAGE, IMAGE, Mesh, wait_until
from tests.lab.quiet import answered
from tests.lab.test_networks import bridge, container, gateway, network, start, to_all

NETWORKS = ("docker0", "blue")
HOSTS = ("host1", "host2", "host3")
BAD, NEAR = "bad", "near"  # beside the one that each host has in each network; both on host1
# Made of no address, as from Docker 28 on containers have them by chance.
CHOSEN = "0a:77:00:00:00:22"
# Of the pings beside an attack. One that works silences a target for as long as it lasts.
LOST = 0.02
TABLE = "nft list table bridge dockmesh"


def run_in(mesh: Mesh, host: str, name: str, words: str) -> str:
    return mesh.on(host, inside(name) + words if name else words)


def start_more(mesh: Mesh, name: str) -> None:
    on = "" if name == "docker0" else f"--network {name}"
    options = f"--detach --restart always --stop-signal KILL {on}"
    for each in (BAD, NEAR):
        mesh.on("host1", f"docker run {options} --name {each}-{name} {IMAGE} sleep 1000000")
    mesh.on("host2", f"docker run {options} --mac-address {CHOSEN} --name chosen-{name} {IMAGE} sleep 1000000")


def shown(mesh: Mesh, host: str, name: str, what: str) -> str:
    return run_in(mesh, host, name, f"ip -o {what} show dev eth0 | awk '{{print $4}}' | cut -d/ -f1 | head -n 1")


def mac_of(mesh: Mesh, host: str, name: str) -> str:
    return run_in(mesh, host, name, "ip -o link show dev eth0").split("link/ether ")[1].split()[0]


MakeWorld = Callable[[str], Mesh]


@pytest.fixture(scope="module")
def world_of(make_mesh: MakeMesh) -> MakeWorld:
    """The mesh with its containers, on hosts of a release; one lab each."""
    worlds: dict[str, Mesh] = {}

    def world(release: str) -> Mesh:
        if release not in worlds:
            worlds[release] = make_world(make_mesh("--prepared", "--release", release))
        return worlds[release]

    return world


def make_world(mesh: Mesh) -> Mesh:
    network(mesh, "add", "blue", "--prefix6", "fd00:80::/64")
    mesh.apply()
    for host in HOSTS:
        mesh.on(host, f"docker image inspect {IMAGE} >/dev/null 2>&1 || {BUILD_IMAGE}")
        for name in NETWORKS:
            start(mesh, host, name)
    for name in NETWORKS:
        start_more(mesh, name)
    return mesh


@pytest.fixture(
    scope="module",
    params=["trixie-direct", *(pytest.param(each, marks=pytest.mark.long) for each in ("trixie-rstp", "forky-direct"))],
)
def mesh(world_of: MakeWorld, request: pytest.FixtureRequest) -> Mesh:
    """Docker 28, which forky has, gives containers MAC addresses by chance."""
    release, forwarding = request.param.split("-")
    mesh = world_of(release)
    near = container("docker0")
    by_address = made_of(shown(mesh, "host1", near, "-4 address"))
    assert (mac_of(mesh, "host1", near) == by_address) == (release != "forky")
    if forwarding != "direct":
        mesh.choose("forwarding", forwarding)
        mesh.apply()
    return mesh


def attacks(mesh: Mesh, name: str) -> Iterator[bytes]:
    """What `bad` sends to be its own host, another one, a container of another one, a router; each as it may pass."""
    bad = f"{BAD}-{name}"
    me, own = mac_of(mesh, "host1", bad), shown(mesh, "host1", bad, "-4 address")
    bridges = [gateway(mesh, host, name) for host in HOSTS]
    other = shown(mesh, "host2", container(name), "-4 address")
    chosen = shown(mesh, "host2", f"chosen-{name}", "-4 address")
    near = shown(mesh, "host1", f"{NEAR}-{name}", "-4 address")
    for victim in (*bridges, other, chosen, near):
        for told in (arp(1, me, victim, victim), arp(2, me, victim, victim), arp(1, me, victim, own)):
            yield frame(me, told, "arp")
            yield frame(me, told, "arp", tags=[0])
            yield frame(made_of(victim), told, "arp-by-its-mac")
        yield frame(me, udp(victim, to_all(mesh, name)), "udp")
    for sender in (*map(made_of, (*bridges, other, near)), CHOSEN):
        yield frame(sender, arp(1, sender, own, own), "mac")
        yield frame(sender, udp(own, to_all(mesh, name)), "mac")
        yield frame(sender, udp(own, to_all(mesh, name)), "mac", tags=[0])
    yield frame(me, udp(own, to_all(mesh, name), (67, 68)), "dhcp")
    local = "fe80::bad"
    six = [str(link_local(made_of(each))) for each in bridges]
    if name == "blue":
        six += [
            run_in(mesh, host, "", "ip -6 -o address show dev dm-blue scope global").split()[3][:-3] for host in HOSTS
        ]
        six.append(
            run_in(mesh, "host2", container(name), "ip -6 -o address show dev eth0 scope global").split()[3][:-3]
        )
        local = shown(mesh, "host1", bad, "-6 address")
    for victim in six:
        for source in (local, victim):
            yield advertisement(me, source, victim, "na")
            yield behind_options(advertisement(me, source, victim, "na"))
        yield neighbours(me, victim, 135, bytes(4) + IPv6Address(six[0]).packed, "ns")
        yield neighbours(me, victim, 133, bytes(4), "rs")
        both = IPv6Address(local).packed + IPv6Address("2001:db8:bad::1").packed
        yield neighbours(me, victim, 137, bytes(4) + both, "redirect")
    for source in (local, *six):
        yield router(me, source, "2001:db8:bad::", "ra")
        yield behind_options(router(me, source, "2001:db8:bad::", "ra"))


def places(name: str) -> list[tuple[str, str]]:
    """Where somebody might believe it: hosts, and containers of the network."""
    return [
        *((host, "") for host in HOSTS),
        *((host, container(name)) for host in HOSTS),
        ("host1", f"{NEAR}-{name}"),
        ("host2", f"chosen-{name}"),
    ]


def believed(mesh: Mesh, name: str) -> dict[tuple[str, str], tuple[list[str], list[str]]]:
    """By place its routes and addresses, and its neighbours with their MAC addresses."""
    found = {}
    for host, inside_of in places(name):
        routes = run_in(mesh, host, inside_of, "ip route show default")
        routes += run_in(mesh, host, inside_of, "ip -6 route show") + run_in(mesh, host, inside_of, "ip -6 -o address")
        neighbours_there = run_in(mesh, host, inside_of, "ip neigh show") + "\n"
        neighbours_there += run_in(mesh, host, inside_of, "ip -6 neigh show")
        # How long they are valid counts down, where something gave them a time.
        lines = [line.split(" expires ")[0].split(" valid_lft ")[0].strip() for line in routes.splitlines()]
        known = [
            f"{words[0]} {words[words.index('lladdr') + 1]}"
            for line in neighbours_there.splitlines()
            if "lladdr" in (words := line.split())
        ]
        found[host, inside_of] = sorted(lines), sorted(known)
    return found


@pytest.mark.parametrize("name", ["docker0", pytest.param("blue", marks=pytest.mark.long)])
def test_nobody_else_notices_what_a_container_sends(mesh: Mesh, name: str) -> None:
    bad = f"{BAD}-{name}"
    me, chosen = mac_of(mesh, "host1", bad), shown(mesh, "host2", f"chosen-{name}", "-4 address")
    lab = load_lab(mesh.directory)
    near = shown(mesh, "host1", f"{NEAR}-{name}", "-4 address")
    victims = [gateway(mesh, "host1", name), gateway(mesh, "host2", name), chosen]
    pairs = [(host, target, container(name)) for host in HOSTS for target in (*victims, near)]
    pairs += [("host1", target, f"{NEAR}-{name}") for target in victims]
    hostile = list(attacks(mesh, name))

    with ExitStack() as stack:
        running = {pair: stack.enter_context(pinging(lab, lab.host(pair[0]), *pair[1:])) for pair in pairs}
        assert answered(running, 20) == pairs
        before = believed(mesh, name)
        with sending(mesh, "host1", bad, hostile):
            well = answered(running, 500)
        after = believed(mesh, name)
        heard = {pair: pings.heard() for pair, pings in running.items()}

    assert well == pairs
    lost = {pair: each for pair, each in heard.items() if each.sent - each.answered > LOST * each.sent or each.twice}
    assert lost == {}
    assert {place: routes for place, (routes, _) in after.items()} == {
        place: routes for place, (routes, _) in before.items()
    }
    own = {shown(mesh, "host1", bad, "-4 address"), *run_in(mesh, "host1", bad, "ip -6 -o address").split()}
    own |= {each.split("/")[0] for each in own}
    wrong = {
        place: [line for line in known if line.endswith(me) and line.split()[0] not in own]
        for place, (_, known) in after.items()
    }
    assert {place: lines for place, lines in wrong.items() if lines} == {}
    for (host, inside_of), (_, known) in after.items():
        told = dict(line.split() for line in known)
        for other in HOSTS:
            there = gateway(mesh, other, name)
            assert told.get(there, made_of(there)) == made_of(there), (host, inside_of)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_container_with_a_mac_address_of_its_own_choice_is_heard_from_its_first_packet(mesh: Mesh, name: str) -> None:
    on = "" if name == "docker0" else f"--network {name}"
    target = shown(mesh, "host2", f"chosen-{name}", "-4 address")

    for number in range(3):
        options = f"--rm {on} --mac-address 0a:77:00:00:01:0{number}"
        done = mesh.ssh("host1", f"docker run {options} {IMAGE} ping -c 1 -W 1 {target}")
        assert done.code == 0, done.out + done.err


def test_a_bridge_takes_no_routes_from_anybody(mesh: Mesh) -> None:
    for host in HOSTS:
        for name in NETWORKS:
            assert mesh.on(host, f"cat /proc/sys/net/ipv6/conf/{bridge(name)}/accept_ra") == "0"


def test_the_rules_come_back_when_somebody_flushes_them(mesh: Mesh) -> None:
    before = mesh.on("host1", TABLE.replace("nft", "nft --stateless"))
    mesh.on("host1", "nft delete table bridge dockmesh")

    wait_until(lambda: mesh.ssh("host1", TABLE).code == 0, "the rules are there again", 10)

    after = mesh.on("host1", TABLE.replace("nft", "nft --stateless"))
    assert sorted(after.split()) == sorted(before.split())
    assert before.count('"veth') == 4 * 6, "six ports: as members, as known, with their MAC addresses, their addresses"


@pytest.mark.long
def test_after_a_boot_and_a_restart_of_docker_each_container_has_its_own_address_again(mesh: Mesh) -> None:
    mesh.on("host3", "systemctl restart docker")
    mesh.lab("reboot", "host2")

    for host in ("host2", "host3"):
        for name in NETWORKS:
            wait_for_guard(mesh, host, container(name))


def wait_for_guard(mesh: Mesh, host: str, name: str) -> None:
    wait_until(lambda: guarded(mesh, host, name), f"{name} on {host} is guarded")


def guarded(mesh: Mesh, host: str, name: str) -> bool:
    """Whether the rules know it, by the address that it has."""
    found = mesh.ssh(host, f"{inside(name)}ip -o link show dev eth0")
    table = mesh.ssh(host, TABLE)
    return found.code == table.code == 0 and found.out.split("link/ether ")[-1].split()[0] in table.out
