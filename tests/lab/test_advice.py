"""An advice is a promise: every harm of the table is made, what is advised is done to the letter, and it is gone."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.lab.advising import assert_advice_ends_it, look, named
from tests.lab.attached import attach, plugged_in, switch_made
from tests.lab.conftest import MakeMesh
from tests.lab.mesh import BUILD_IMAGE, Mesh
from tests.lab.test_networks import network
from tests.support.advice import VERBS, Made, World, made

WELL_S = 60
BLUE = ("--prefix", "10.80.0.0/16")
# What is left of harms that advice only makes harmless.
CLEAN = (
    "docker rm -f twin stray thief full1 full2 full3 full4; docker network rm six inside;"
    "ovs-vsctl --if-exists del-br mine; systemctl stop listens;"
    "for verdict in DROP ACCEPT; do iptables -D INPUT -i docker0 -p udp --dport 53 -j $verdict;"
    " iptables -D INPUT -p udp --dport 51820 -j $verdict; done;"
    "for device in strange0 NEW dmw-1 theirs; do ip link delete $device; done;"
    "ip route del 198.18.5.0/24; ip address del 198.18.9.1/32 dev lo; ip -6 route del fd98::/64;"
    "ip link set eth0 mtu 1500;"
    "sysctl -q -w net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0; true"
)
# The world before the first apply would be at its end with an apply.
APPLIED = {world for world in World if world is not World.NEW}


def cases(*worlds: World) -> list[object]:
    """By world, for to change it costs an apply."""
    return [
        pytest.param(verb, case, id=f"{verb}: {case.name}", marks=pytest.mark.long)
        for world in worlds
        for verb, table in VERBS
        for entries in table.values()
        for entry in entries
        for case in made(entry)
        if case.world is world
    ]


COMMON = [
    pytest.param(verb, case, id=f"{verb}: {case.name}")
    for verb, table in VERBS
    for entries in table.values()
    for entry in entries
    for case in made(entry)
    if case.common
]


@pytest.mark.parametrize(("verb", "case"), COMMON)
def test_what_is_advised_of_the_most_common_causes_ends_them(mesh: Mesh, verb: str, case: Made) -> None:
    try:
        assert_advice_ends_it(mesh, verb, case)
    finally:
        mesh.lab("heal")
        mesh.on_all(lambda host: mesh.ssh(host, CLEAN))


def open_api(mesh: Mesh) -> None:
    mesh.file.write_text(f"{mesh.file.read_text()}\ndocker_api: {{listen: mesh}}\n")


class Worlds:
    """One lab whose mesh is changed from one world to another; every harm begins and ends in one that is whole."""

    def __init__(self, mesh: Mesh, texts: dict[World, str]) -> None:
        self.mesh = mesh
        self._texts = texts
        self._applied: World | None = None

    def enter(self, world: World) -> None:
        self.mesh.file.write_text(self._texts[world])
        if world in APPLIED:
            if self._applied is not world:
                self.mesh.apply()
                self._applied = world
            end = time.monotonic() + WELL_S
            while wrong := look(self.mesh, "status"):
                assert time.monotonic() < end, f"not well before the harm: {wrong}"
                time.sleep(0.5)

    def leave(self, world: World) -> None:
        self.mesh.lab("heal")
        for host, done in self.mesh.on_all(lambda host: self.mesh.ssh(host, CLEAN)).items():
            if done.code:  # it is down
                self.mesh.lab("start", host)
        self.mesh.file.write_text(self._texts[world])
        if world in APPLIED:
            self.mesh.apply()


def texts_of(mesh: Mesh, *edits: Callable[[], None]) -> Iterator[str]:
    """The file as it is, and after each of the edits."""
    yield mesh.file.read_text()
    for edit in edits:
        edit()
        yield mesh.file.read_text()


@pytest.fixture(scope="module")
def bridged(make_mesh: MakeMesh) -> Worlds:
    """Three hosts in the mesh, with a network beside docker0."""
    mesh = make_mesh("--prepared")

    def open_outside() -> None:
        mesh.choose("forwarding", "direct")
        network(mesh, "remove", "blue")
        network(mesh, "add", "blue", *BLUE, "--prefix6", "fd42:80::/64")
        attach(mesh, "blue", "host2")
        open_api(mesh)

    mesh.choose("forwarding", "direct")
    network(mesh, "add", "blue", *BLUE)
    switch_made(mesh, "host2")
    plugged_in(mesh, "host2")
    names = (World.DIRECT, World.RSTP, World.OUTSIDE)
    texts = texts_of(mesh, lambda: mesh.choose("forwarding", "rstp"), open_outside)
    worlds = Worlds(mesh, dict(zip(names, texts, strict=True)))
    worlds.enter(World.DIRECT)
    mesh.on_all(lambda host: mesh.on(host, BUILD_IMAGE))
    return worlds


@pytest.fixture(scope="module")
def carded(make_mesh: MakeMesh) -> Worlds:
    """Three prepared hosts whose card keeps the underlay address."""
    mesh = make_mesh("--prepared", "--underlay", "device")
    clear = mesh.file.read_text()
    mesh.edit("\nfabric:\n", "\nfabric:\n  encryption: wireguard\n")
    encrypted = mesh.file.read_text()
    network(mesh, "add", "blue", *BLUE, "--prefix6", "fd42:80::/64")
    open_api(mesh)
    return Worlds(mesh, {World.NEW: mesh.file.read_text(), World.ENCRYPTED: encrypted, World.DEVICES: clear})


@pytest.mark.parametrize(("verb", "case"), cases(World.DIRECT, World.OUTSIDE, World.RSTP))
def test_what_is_advised_ends_it(bridged: Worlds, verb: str, case: Made) -> None:
    bridged.enter(case.world)
    try:
        assert_advice_ends_it(bridged.mesh, verb, case)
    finally:
        bridged.leave(case.world)


@pytest.mark.parametrize(("verb", "case"), cases(World.NEW, World.ENCRYPTED, World.DEVICES))
def test_what_is_advised_ends_it_on_hosts_whose_card_keeps_the_address(carded: Worlds, verb: str, case: Made) -> None:
    carded.enter(case.world)
    try:
        assert_advice_ends_it(carded.mesh, verb, case)
    finally:
        carded.leave(case.world)


@pytest.mark.long
def test_a_pool_that_is_full(bridged: Worlds) -> None:
    """Its advice has two ways; the second is that of the mesh file, here as it was before."""
    mesh = bridged.mesh
    bridged.enter(World.DIRECT)
    text = mesh.file.read_text()
    mesh.edit("pool: 172.17.128.0/18", "pool: 172.17.128.0/30")
    mesh.apply()
    for number in range(1, 5):
        mesh.start_container("host2", f"full{number}")
    full = Made("", (), "is full")

    told = [named(mesh, verb, full) for verb in ("verify", "status")]
    mesh.on("host2", "docker rm -f full4")
    gone = [named(mesh, verb, full) for verb in ("verify", "status")]
    mesh.start_container("host2", "full4")
    mesh.file.write_text(text)
    mesh.apply()

    assert [each and each["do"] for each in told] == [
        "remove containers that nobody needs, or write a larger pool into the mesh file and run `dockmesh apply`"
    ] * 2
    assert gone == [None, None]
    assert [named(mesh, verb, full) for verb in ("verify", "status")] == [None, None]
    bridged.leave(World.DIRECT)
