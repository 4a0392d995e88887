"""No container and no user of a host puts a frame into the fabric of a clear mesh, whatever packets it sends.

Each packet that is tried comes through where the rules are taken away: else that it does not would prove nothing.
"""

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dockmesh.model.mesh import Datapath
from dockmesh.model.tunnel import Tunnel
from tests.lab.conftest import MakeMesh
from tests.lab.hostile import hearing, inside, mac
from tests.lab.mesh import BUILD_IMAGE, IMAGE, Mesh, wait_until
from tests.lab.quiet_changes import settled
from tests.lab.resolving import put
from tests.lab.test_networks import network
from tests.lab.tunnel_packets import (
    TIMES,
    Forged,
    address,
    asked,
    counted,
    forge,
    plan_of,
    question,
    send,
    send_as_user,
)

HOSTS = ("host1", "host2", "host3")
FROM = "host2"
EAR = "ear"
# A container in docker0, in an internal network, and in a network of Docker's own beside the mesh.
NETWORKS = {"mouth": "bridge", "inner": "vault", "beside": "beside"}
BRIDGES = {"mouth": "docker0", "inner": "dm-vault", "beside": "beside0"}
OPEN = "systemctl stop dockmesh-ports; nft delete table inet dockmesh_peers; nft delete table bridge dockmesh"


def made(make_mesh: MakeMesh, *options: str, tunnel: str | None = None) -> Mesh:
    mesh = make_mesh("--prepared", *options)
    if tunnel is not None:
        mesh.choose("tunnel", tunnel)
    network(mesh, "add", "vault", "--internal", "--hosts", "host1,host2")
    mesh.apply()
    populate(mesh)
    return mesh


def populate(mesh: Mesh) -> None:
    mesh.on(FROM, "docker network create --subnet 192.168.200.0/24 -o com.docker.network.bridge.name=beside0 beside")
    mesh.on_all(lambda host: mesh.on(host, f"{BUILD_IMAGE}; docker run -d --name {EAR} {IMAGE} sleep 1000000"))
    for name, where in NETWORKS.items():
        mesh.on(FROM, f"docker run --detach --network {where} --name {name} {IMAGE} sleep 1000000")
    wait_until(lambda: settled(mesh, mesh.hosts), "all tunnels are up")
    mesh.wait_for_containers(EAR)


@pytest.fixture(scope="module")
def kernel(make_mesh: MakeMesh) -> Mesh:
    """Tunnels that are the kernel's."""
    return made(make_mesh, "--underlay", "device")


@pytest.fixture(
    scope="module",
    params=["kernel", *(pytest.param(each, marks=pytest.mark.long) for each in ("gre", "vxlan", "geneve"))],
)
def mesh(make_mesh: MakeMesh, request: pytest.FixtureRequest) -> Mesh:
    """Those too, and Open vSwitch's own in its userspace datapath."""
    if request.param == "kernel":
        kernel: Mesh = request.getfixturevalue("kernel")
        return kernel
    return made(make_mesh, tunnel=request.param)


def packets(mesh: Mesh, mouth: str) -> Iterator[Forged]:
    plan = plan_of(mesh)
    at = {host.name: str(host.underlay) for host in plan.hosts}
    bridge = {host.name: str(host.address.ip) for host in plan.hosts}
    here = {"mouth": bridge[FROM], "inner": str(plan.host(FROM).networks[1].address.ip), "beside": "192.168.200.1"}
    for fragments in (False, True):
        more = "-in-fragments" if fragments else ""
        # Docker's MASQUERADE makes the source that of a peer.
        yield Forged(f"{mouth}-to-peer{more}", "host1", FROM, at["host1"], None, fragments)
        # In the name of a third host, to which it has nothing to do with.
        yield Forged(f"{mouth}-as-third{more}", "host1", "host3", at["host1"], at["host3"], fragments)
        # With the VNI of a tunnel between two others.
        yield Forged(f"{mouth}-of-others{more}", "host1", "host3", at["host1"], None, fragments)
        yield Forged(f"{mouth}-to-own-host-as-peer{more}", FROM, "host1", at[FROM], at["host1"], fragments)
        yield Forged(f"{mouth}-to-own-host{more}", FROM, "host1", at[FROM], None, fragments)
        yield Forged(f"{mouth}-to-own-bridge{more}", FROM, "host1", here[mouth], None, fragments)
        if mouth == "mouth":
            yield Forged(f"{mouth}-to-bridge-of-peer{more}", "host1", FROM, bridge["host1"], None, fragments)


def comes_through(mesh: Mesh, name: str) -> bool:
    """Whether it does without our rules. Docker's own let nothing out of an internal network.

    The kernel's devices look at a packet's VNI alone, Open vSwitch at its source. In its userspace datapath it does not
    see what a host itself is sent; in the kernel's it does. There conntrack passes no GRE between two addresses that
    have a tunnel of their own, so MASQUERADE makes none.
    """
    fabric = plan_of(mesh).fabric
    if name.startswith("inner-") and "-own-" not in name:
        return False
    if fabric.kernel_devices:
        return True
    if fabric.datapath is Datapath.NETDEV:
        return "-own-" not in name and "-of-others" not in name and "-bridge-" not in name
    forged = "-as-third" in name or "-as-peer" in name
    masqueraded = "-to-peer" in name or "-of-others" in name
    return forged or (masqueraded and fabric.tunnel is not Tunnel.GRE)


def arrived(mesh: Mesh) -> set[str]:
    """The names of the packets whose frame a container of the victim got."""
    with hearing(mesh, [(host, EAR) for host in HOSTS]) as heard:
        for mouth in NETWORKS:
            send(mesh, FROM, mouth, BRIDGES[mouth], list(packets(mesh, mouth)))
    return {name for marks in heard.marks.values() for name in marks}


@contextmanager
def without_rules(mesh: Mesh) -> Iterator[None]:
    mesh.on_all(lambda host: mesh.on(host, OPEN))
    try:
        yield
    finally:
        mesh.on_all(lambda host: mesh.on(host, "systemctl start dockmesh-ports"))


def test_no_container_puts_a_frame_into_the_fabric(mesh: Mesh) -> None:
    assert_none_comes_through(mesh)


def assert_none_comes_through(mesh: Mesh) -> None:
    before = counted(mesh, FROM)
    kept = arrived(mesh)
    after = counted(mesh, FROM)
    with without_rules(mesh):
        without = arrived(mesh)

    names = {packet.name for mouth in NETWORKS for packet in packets(mesh, mouth)}
    assert kept == set()
    # What Docker drops is not counted, so it is not asked that all were.
    assert all(after[chain] > before[chain] + TIMES for chain in ("sent", "to_host", "to_peers"))
    assert without == {name for name in names if comes_through(mesh, name)}


def test_no_user_of_a_host_sends_to_the_host_itself_what_its_tunnels_take(kernel: Mesh) -> None:
    plan = plan_of(kernel)
    own = ("127.0.0.1", str(plan.host(FROM).underlay), str(plan.host(FROM).address.ip))
    forged = [Forged(f"user-{number}", FROM, "host1", to) for number, to in enumerate(own)]

    with hearing(kernel, [(FROM, EAR)]) as kept:
        send_as_user(kernel, FROM, forged)
    with without_rules(kernel), hearing(kernel, [(FROM, EAR)]) as without:
        send_as_user(kernel, FROM, forged)

    assert kept.marks[FROM, EAR] == {}
    assert set(without.marks[FROM, EAR]) == {packet.name for packet in forged}


def test_what_a_user_sends_to_a_peer_comes_in_as_its_page_says(kernel: Mesh) -> None:
    """docs/explanation/encryption.md names it among what stays open; whoever closes it changes the page."""
    plan = plan_of(kernel)

    with hearing(kernel, [("host1", EAR)]) as heard:
        send_as_user(kernel, FROM, [Forged("user", "host1", FROM, str(plan.host("host1").underlay))])

    assert set(heard.marks["host1", EAR]) == {"user"}


def test_no_name_gets_out_of_an_internal_network_by_a_forged_source(kernel: Mesh) -> None:
    plan = plan_of(kernel)
    outside, bridge = str(plan.host("host3").underlay), str(plan.host(FROM).address.ip)
    put(kernel, FROM, "/etc/resolv.conf", f"nameserver {outside}\n")
    sources = {"beside-it": address(kernel, FROM, "mouth"), "of-nobody": str(plan.host(FROM).pool[-2])}

    def names() -> set[str]:
        with asked(kernel, "host3", outside) as found:
            for fragments in (False, True):
                for number, (whose, source) in enumerate(sources.items(), 1 + 10 * fragments):
                    name = f"secret-{whose}{'-in-fragments' if fragments else ''}.example.com"
                    packet = question(name, source, bridge, number, fragments=fragments)
                    forge(kernel, FROM, "inner", "dm-vault", [packet])
            # It stands in line behind them: when it is there, they would be, too.
            honest = f"docker exec mouth /bin/busybox nslookup -type=a asked.example.com {bridge} || true"
            kernel.on(FROM, honest)
        return found

    kept = names()
    with without_rules(kernel):
        without = names()

    assert kept == {"asked.example.com"}
    assert len(without - kept) == 2 * len(sources)


# An entrypoint that forgets nothing: it takes the address of the bridge and announces it.
FIRST_ACT = "ip address add {address}/32 dev eth0; arping -U -I eth0 -c 2 -w 1 {address}"
WATCH = """
import json, select, socket, sys
bridge, mac = socket.inet_aton(sys.argv[1]), bytes.fromhex(sys.argv[2].replace(":", ""))
ear, heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)), 0
print("ready", flush=True)
while True:
    ready, _, _ = select.select([ear, 0], [], [])
    if ear in ready:
        frame, (_, _, kind, *_) = ear.recvfrom(2000)
        heard += kind != socket.PACKET_OUTGOING and frame[28:32] == bridge and frame[6:12] != mac
    elif 0 in ready:
        print(heard, flush=True)
        sys.exit()
"""


def announced(mesh: Mesh, times: int) -> int:
    """How many announcements of the bridge's address a container heard, of as many containers that begin by them."""
    bridge = str(plan_of(mesh).host(FROM).address.ip)
    words = f"{inside(EAR)}python3 -c {shlex.quote(WATCH)} {bridge} {mac(bridge)}"
    with subprocess.Popen(
        ("ssh", "-F", str(mesh.ssh_config), "-T", FROM, words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as watch:
        assert watch.stdout is not None
        assert watch.stdout.readline() == "ready\n"
        act = f"docker run --rm --cap-add NET_ADMIN {IMAGE} sh -c {shlex.quote(FIRST_ACT.format(address=bridge))}"
        mesh.on(FROM, f"for number in $(seq {times}); do {act}; done")
        return int(watch.communicate("", timeout=60)[0])


@pytest.mark.parametrize("times", [3, pytest.param(40, marks=pytest.mark.long)])
def test_a_container_that_begins_as_its_bridge_is_not_heard_by_those_beside_it(kernel: Mesh, times: int) -> None:
    """Measured with the rules for known ports alone: 5 of 20 announcements were."""
    kept = announced(kernel, times)
    with without_rules(kernel):
        without = announced(kernel, 2)

    assert kept == 0
    assert without == 2 * 2


def test_the_rules_stand_while_what_keeps_them_is_stopped_and_started(kernel: Mesh) -> None:
    tables = "nft list table bridge dockmesh >/dev/null && nft list table inet dockmesh_peers >/dev/null"
    watch = f"while [ ! -e /run/enough ]; do {tables} || touch /run/gone; done"
    start = f"rm -f /run/enough /run/gone; ({watch}) >/dev/null 2>&1 &"
    kernel.on(FROM, f"{start} systemctl restart dockmesh-ports; systemctl stop dockmesh-ports; touch /run/enough; wait")
    gone = kernel.ssh(FROM, "test -e /run/gone").code == 0
    kernel.on(FROM, f"{tables}; systemctl start dockmesh-ports")

    assert not gone
