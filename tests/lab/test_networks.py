"""Several networks on real hosts: in every way of forwarding they carry, and nothing gets out of one."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Network
from itertools import permutations

import pytest

from dockmesh.lab.pings import pinging
from dockmesh.lab.store import load as load_lab
from dockmesh.pings.log import PingStats
from tests.lab.conftest import MakeMesh
from tests.lab.hostile import arp, bpdu, frame, hearing, inside, ipv6, mac, send, sending, udp
from tests.lab.mesh import BUILD_IMAGE, DOCKMESH, IMAGE, Mesh, run, wait_until
from tests.lab.quiet import answered
from tests.lab.silence import silence_ms
from tests.lab.snapshots import assert_same, snapshots
from tests.lab.test_destroy import destroy

HOSTS = ("host1", "host2", "host3")
# Two on all hosts, and one without a way out on two of them.
ON = {"docker0": HOSTS, "blue": HOSTS, "vault": ("host1", "host2")}
# Less than it takes to find a dead tunnel twice, and to go round it.
SILENCE_MS = 1000
# Each way of forwarding once, in an order in which one can go from each to the next.
WAYS = ("direct", *(pytest.param(way, marks=pytest.mark.long) for way in ("rstp", "stp")))


def network(mesh: Mesh, verb: str, name: str, *options: str) -> None:
    done = run(*DOCKMESH, "network", verb, name, "-f", str(mesh.file), *options)
    assert done.code == 0, done.err


def container(name: str) -> str:
    """Its one container on each host."""
    return f"in-{name}"


def start(mesh: Mesh, host: str, name: str) -> None:
    on = "" if name == "docker0" else f"--network {name}"
    mesh.on(host, f"docker image inspect {IMAGE} >/dev/null 2>&1 || {BUILD_IMAGE}")
    options = f"--detach --restart always --stop-signal KILL --name {container(name)} {on}"
    mesh.on(host, f"docker run {options} {IMAGE} sleep 1000000")


def address(mesh: Mesh, host: str, name: str) -> str:
    show = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return mesh.on(host, f"docker inspect --format '{show}' {container(name)}")


def gateway(mesh: Mesh, host: str, name: str) -> str:
    return mesh.on(host, f"ip -4 -o address show dev {bridge(name)} | awk '{{print $4}}' | cut -d/ -f1")


def bridge(name: str) -> str:
    return name if name == "docker0" else f"dm-{name}"


def ping(mesh: Mesh, host: str, name: str, target: str, *, size: int = 56) -> bool:
    words = f"ping -c 1 -W 1 -M do -s {size} {target}"
    return mesh.ssh(host, inside(container(name)) + words).code == 0


def wait_for_all(mesh: Mesh, on: Mapping[str, tuple[str, ...]] = ON) -> None:
    """Every container reaches every other of its network, and the bridges of the other hosts there."""
    for name, hosts in on.items():
        targets = {host: (address(mesh, host, name), gateway(mesh, host, name)) for host in hosts}
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
    network(mesh, "add", "blue")
    network(mesh, "add", "vault", "--internal", "--hosts", "host1,host2")
    mesh.apply()
    for name, hosts in ON.items():
        for host in hosts:
            start(mesh, host, name)
    return mesh


@pytest.fixture(scope="module", params=WAYS)
def mesh(made: Mesh, request: pytest.FixtureRequest) -> Mesh:
    made.choose("forwarding", request.param)
    made.apply()
    wait_for_all(made)
    return made


def test_apply_proves_it_and_a_second_one_changes_nothing(mesh: Mesh) -> None:
    assert not mesh.apply()["changed"]
    mesh.assert_nothing_differs()
    assert mesh.verify()["verdict"] == "pass"


def test_packets_of_the_whole_mtu_pass_and_larger_ones_are_refused_at_once(mesh: Mesh) -> None:
    for name, mtu in (("docker0", 1462), ("blue", 1458), ("vault", 1458)):
        target = address(mesh, "host2", name)

        assert ping(mesh, "host1", name, target, size=mtu - 28)
        refused = mesh.ssh("host1", f"{inside(container(name))}ping -c 1 -W 1 -M do -s {mtu - 27} {target}")
        assert "message too long" in (refused.out + refused.err).lower()


def test_a_container_on_an_internal_network_reaches_nothing_outside(mesh: Mesh) -> None:
    outside = mesh.plan()["hosts"][1]["underlay"]

    assert not ping(mesh, "host1", "vault", outside)
    assert ping(mesh, "host1", "blue", outside)


def to_all(mesh: Mesh, name: str) -> str:
    """The broadcast address of a network: to any other Docker lets nothing through where there is no way out."""
    return next(str(IPv4Network(each["prefix"])[-1]) for each in mesh.plan()["networks"] if each["name"] == name)


def attacks(mesh: Mesh, host: str, name: str) -> dict[str, bytes]:
    """What a container on this host sends to take an address of another host's, or to get out of its network."""
    own, other = address(mesh, host, name), address(mesh, "host2", name)
    theirs, me = gateway(mesh, "host2", name), mac(own)
    everybody = to_all(mesh, name)
    found = {
        "reply-for-gateway": frame(me, arp(2, me, theirs, theirs), "reply-for-gateway"),
        "request-as-gateway": frame(me, arp(1, me, theirs, own), "request-as-gateway"),
        "reply-for-container": frame(me, arp(2, me, other, other), "reply-for-container"),
        "answer-to-probe": frame(me, arp(2, me, "0.0.0.0", theirs), "answer-to-probe"),  # noqa: S104 — an address of nobody
        "source-of-container": frame(me, udp(other, everybody), "source-of-container"),
        "source-of-gateway": frame(me, udp(theirs, everybody), "source-of-gateway"),
        "source-of-nobody": frame(me, udp("192.0.2.7", everybody), "source-of-nobody"),
        "mac-of-gateway": frame(mac(theirs), udp(own, everybody), "mac-of-gateway"),
        "mac-of-container": frame(mac(other), udp(own, everybody), "mac-of-container"),
        "ipv6-of-nobody": frame(me, ipv6(bytes.fromhex("fd00" + "00" * 13 + "01")), "ipv6-of-nobody"),
        "bpdu": bpdu("bpdu"),
    }
    tags = {each["vlan"] for each in mesh.plan()["networks"] if each["vlan"]}
    for tag in sorted({0, *tags}):
        found[f"tag-{tag}"] = frame(me, udp(own, everybody), f"tag-{tag}", tags=[tag])
        for second in sorted(tags):
            name_of = f"tags-{tag}-{second}"
            found[name_of] = frame(me, udp(own, everybody), name_of, tags=[tag, second])
    return found


@pytest.mark.parametrize("name", ON)
def test_nothing_that_a_hostile_container_sends_crosses(mesh: Mesh, name: str) -> None:
    others = [(host, container(each)) for each, hosts in ON.items() for host in hosts if host != "host1"]
    own = address(mesh, "host1", name)
    honest = frame(mac(own), udp(own, to_all(mesh, name)), "honest")
    hostile = attacks(mesh, "host1", name)
    root = mesh.on("host1", "ovs-vsctl --bare --columns=rstp_status,status list bridge br0")

    with hearing(mesh, [*others, ("host2", ""), ("host3", "")]) as heard:
        for each in hostile.values():
            send(mesh, "host1", container(name), [each])
        send(mesh, "host1", container(name), [honest])

    in_it = sorted((host, container(name)) for host in ON[name] if host != "host1")
    assert [place for place in heard.at("honest") if place[1]] == in_it
    # Tag 0 means no VLAN (IEEE 802.1Q): what has it and nothing else wrong may pass, as what has none.
    harmless = [place for place in heard.at("tag-0") if place[1]]
    assert harmless in ([], in_it)
    assert {attack: heard.at(attack) for attack in hostile if heard.at(attack) and attack != "tag-0"} == {}
    assert mesh.on("host1", "ovs-vsctl --bare --columns=rstp_status,status list bridge br0") == root


@pytest.mark.parametrize("name", ["docker0", "blue"])
def test_the_others_go_on_and_believe_nothing_while_one_is_hostile(mesh: Mesh, name: str) -> None:
    target, theirs = address(mesh, "host2", name), gateway(mesh, "host2", name)
    lab = load_lab(mesh.directory)

    with sending(mesh, "host1", container(name), list(attacks(mesh, "host1", name).values())), ExitStack() as stack:
        running = [
            stack.enter_context(pinging(lab, lab.host(host), to, container(name)))
            for host, to in (("host3", target), ("host3", theirs), ("host2", theirs))
        ]
        assert all(pings.wait_for_answers(100, 60) for pings in running)
        heard = [pings.heard() for pings in running]

    assert [(each.sent - each.answered, each.twice) for each in heard] == [(0, 0)] * 3
    for host in ("host2", "host3"):
        known = mesh.on(host, f"{inside(container(name))}ip neigh show {theirs} | grep -o 'lladdr [0-9a-f:]*'")
        assert known == f"lladdr {mac(theirs)}"


def test_status_counts_what_was_dropped(mesh: Mesh) -> None:
    send(mesh, "host1", container("blue"), list(attacks(mesh, "host1", "blue").values()))

    (host1,) = (each for each in mesh.dockmesh("status", "--json").json()["hosts"] if each["name"] == "host1")

    assert host1["dropped"]["with a source address of another host"] > 0


@contextmanager
def undisturbed(mesh: Mesh, *names: str) -> Iterator[None]:
    """PingStats on these networks between all hosts do not fall silent while the block runs.

    On an idle machine none is lost; on a busy one the userspace datapath loses some at any time.
    """
    lab = load_lab(mesh.directory)
    with ExitStack() as stack:
        running = {
            (name, host, other): stack.enter_context(
                pinging(lab, lab.host(host), address(mesh, other, name), container(name))
            )
            for name in names
            for host, other in permutations(ON[name], 2)
        }
        assert answered(running, 20) == list(running)
        yield
        assert answered(running, 50) == list(running)
        heard: dict[tuple[str, str, str], PingStats] = {pair: pings.heard() for pair, pings in running.items()}
    silent = {pair: each for pair, each in heard.items() if silence_ms(each) > SILENCE_MS or each.twice}
    assert not silent, "\n".join(f"{' '.join(pair)}: {each}" for pair, each in silent.items())


@pytest.mark.long
def test_a_network_comes_and_goes_and_no_other_notices(mesh: Mesh) -> None:
    before = mesh.file.read_bytes()
    with undisturbed(mesh, "docker0", "blue"):
        network(mesh, "add", "green")
        mesh.apply()
        for host in HOSTS:
            start(mesh, host, "green")
        wait_for_all(mesh, {"green": HOSTS})
        network(mesh, "remove", "green")
        refused = mesh.dockmesh("apply", "--yes", "--no-verify")
        mesh.on_all(lambda host: mesh.on(host, f"docker rm --force {container('green')}"))
        mesh.apply()

    assert refused.code == 1
    assert "running containers on the network green, which is not in the file any more" in refused.err
    assert mesh.file.read_bytes() == before
    for host in HOSTS:
        left = mesh.on(host, "ip -o link; ovs-vsctl show; docker network ls")
        assert "green" not in left
    mesh.assert_nothing_differs()


@pytest.mark.long
def test_a_network_that_was_pruned_is_drift_and_comes_back(mesh: Mesh) -> None:
    mesh.on("host2", f"docker rm --force {container('vault')}")
    mesh.on("host2", "docker network prune --force")

    seen = mesh.dockmesh("diff", "--json").json()
    with undisturbed(mesh, "docker0", "blue"):
        mesh.apply()

    start(mesh, "host2", "vault")
    wait_for_all(mesh, {"vault": ON["vault"]})
    (host2,) = (each for each in seen["hosts"] if each["name"] == "host2")
    assert [(each["subject"], each["origin"]) for each in host2["differences"]] == [("network vault", "drift")]


def test_a_network_that_is_not_ours_is_in_the_way(mesh: Mesh) -> None:
    before = mesh.file.read_text()
    mesh.on("host3", "docker network create theirs")
    network(mesh, "add", "theirs")

    done = mesh.dockmesh("apply", "--yes", "--no-verify", "--host", "host3")

    mesh.file.write_text(before)
    mesh.on("host3", "docker network rm theirs")
    assert done.code == 1
    assert "has a Docker network theirs that is not of this mesh" in done.err


@pytest.mark.long
def test_after_a_boot_all_networks_are_there(mesh: Mesh) -> None:
    mesh.lab("reboot", "host2")

    wait_for_all(mesh)
    mesh.assert_nothing_differs()


@pytest.mark.long
def test_destroy_leaves_nothing_of_them(before: tuple[Mesh, dict[str, list[str]]], made: Mesh) -> None:
    mesh, snapshot = before
    shown, refused = mesh.dockmesh("destroy", "--dry-run"), mesh.dockmesh("destroy", "--yes")
    assert (shown.code, "a network of the mesh" in shown.out, "could not be done" in shown.out) == (1, True, True)
    assert refused.code == 1
    assert "running containers on the network blue, which goes with the mesh" in refused.err

    for host in HOSTS:
        mesh.on(host, "docker ps --quiet | xargs docker rm --force")
    destroy(mesh)
    for host in HOSTS:
        mesh.on(host, f"docker image rm {IMAGE}")

    # Another one was booted in between, which is to be seen without any mesh, too.
    kept = {host: lines for host, lines in snapshot.items() if host != "host2"}
    assert_same(kept, snapshots(mesh, kept))
