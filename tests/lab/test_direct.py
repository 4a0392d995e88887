"""`forwarding: direct` on real hosts: what flows carry, what fails, who puts flows back, and one copy of everything."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import pytest

from dockmesh.drill.rule import FLOWS_UP
from dockmesh.lab.pings import Pinging, pinging
from dockmesh.lab.store import load as load_lab
from dockmesh.pings.log import PingStats
from tests.lab.conftest import MakeMesh
from tests.lab.copies import copies
from tests.lab.drills import pair, passing
from tests.lab.mesh import Mesh, wait_until
from tests.lab.quiet import answered
from tests.lab.silence import assert_cut_was_healed_in_time, silence_ms
from tests.lab.silence import lost as lost_of
from tests.lab.snapshots import assert_same, snapshots
from tests.lab.test_destroy import destroy

HOSTS = ("host1", "host2", "host3")
FOUR = (*HOSTS, "host4")
DIAGONALS = {frozenset(("host1", "host3")), frozenset(("host2", "host4"))}  # of the ring of four: no links there
KILL = "kill -9 $(cat /run/openvswitch/{}.pid)"
# What is done on host1, one after the other. Until flows are back nothing passes; how long that is, counts.
KILLS = (KILL.format("ovs-vswitchd"), KILL.format("ovsdb-server"), "systemctl reload ovs-vswitchd")
EDITS = (
    "ovs-ofctl del-flows br0",
    "ovs-ofctl -O OpenFlow15 del-groups br0",
    "for group in $(ovs-ofctl -O OpenFlow15 dump-groups br0 | grep -o 'group_id=[0-9]*'); do"
    " ovs-ofctl -O OpenFlow15 mod-group br0 $group,type=all,bucket=actions=drop; done",
    "ovs-ofctl -O OpenFlow15 add-flow br0 priority=60000,actions=drop",
    "systemctl restart dockmesh-flows",
    "systemctl kill --signal=KILL dockmesh-flows",
)
# By peer the OpenFlow port that leads to it.
PORTS = "ovs-vsctl --bare --columns=external_ids,ofport find interface bfd:enable=true | sort"
# What it takes to put back flows that somebody changes: docs/explanation/flows-on-a-host.md has 47 to 81 ms.
EDIT_MS = 100
# What the switch has of flows and groups, but for counters.
THERE = (
    "{ ovs-ofctl -O OpenFlow15 --no-stats dump-flows br0; ovs-ofctl -O OpenFlow15 dump-groups br0; } | sort | md5sum"
)


@pytest.fixture(scope="module")
def before(make_mesh: MakeMesh) -> tuple[Mesh, dict[str, list[str]]]:
    """Four hosts, of which three are in the file, and what they were before any apply."""
    mesh = make_mesh("--prepared", hosts=4)
    whole = mesh.file.read_text()
    (mesh.directory / "whole.yaml").write_text(whole)
    lines = mesh.file.read_text().splitlines(keepends=True)
    mesh.file.write_text("".join(line for line in lines if "host4:" not in line))
    return mesh, snapshots(mesh, HOSTS)


@pytest.fixture(scope="module")
def mesh(before: tuple[Mesh, dict[str, list[str]]]) -> Mesh:
    made, _ = before
    made.apply()
    for host in HOSTS:
        made.start_container(host, "web", "--restart always")
    wait_for_all(made)
    return made


def wait_for_all(mesh: Mesh, hosts: tuple[str, ...] = HOSTS) -> None:
    """Every container of these hosts reaches every other's."""
    addresses = {host: mesh.container_address(host) for host in hosts}
    for host in hosts:
        for other, address in addresses.items():
            if other != host:
                mesh.wait_for_ping(host, address)


@contextlib.contextmanager
def all_pinging(mesh: Mesh, hosts: tuple[str, ...] = HOSTS) -> Iterator[Mapping[tuple[str, str], PingStats]]:
    """Every container pings every other for the block; the pairs are known at its end."""
    lab = load_lab(mesh.directory)
    found: dict[tuple[str, str], PingStats] = {}
    with contextlib.ExitStack() as stack:
        running: dict[tuple[str, str], Pinging] = {}
        for host in hosts:
            for other in hosts:
                if host != other:
                    address = mesh.container_address(other)
                    running[host, other] = stack.enter_context(pinging(lab, lab.host(host), address, "web"))
        assert answered(running, 20) == list(running)
        yield found
        assert answered(running, 50) == list(running)
        found.update({pair: pings.heard() for pair, pings in running.items()})


Pairs = Mapping[tuple[str, str], PingStats]


def lost(found: Pairs) -> int:
    return max(map(lost_of, found.values()))


def between(found: Pairs, *links: tuple[str, str]) -> list[PingStats]:
    """The pairs, both ways, whose link is one of these."""
    wanted = {frozenset(link) for link in links}
    return [pings for pair, pings in found.items() if frozenset(pair) in wanted]


def others(found: Pairs, *links: tuple[str, str]) -> list[PingStats]:
    wanted = {frozenset(link) for link in links}
    return [pings for pair, pings in found.items() if frozenset(pair) not in wanted]


def assert_gone_round(mesh: Mesh, found: Pairs, *links: tuple[str, str]) -> None:
    """These links were cut, and the pairs of all other links are the control."""
    assert_cut_was_healed_in_time(mesh, between(found, *links), others(found, *links))


def assert_flows_came_back(found: Pairs, within_ms: float) -> None:
    """Flows of host1 were gone; host2 and host3 are the control."""
    control = between(found, ("host2", "host3"))
    longest, noise = max(map(silence_ms, found.values())), max(map(silence_ms, control))

    assert longest <= within_ms + noise, f"silent for {longest:.0f} ms, of which noise may be {noise:.0f} ms"


def settled(mesh: Mesh, hosts: tuple[str, ...] = HOSTS) -> bool:
    """All tunnels of all hosts up, by BFD."""
    show = "ovs-vsctl --bare --columns=bfd_status find interface bfd:enable=true"
    return all("state=up" in line for host in hosts for line in mesh.on(host, show).splitlines() if line)


@pytest.fixture(autouse=True)
def well(mesh: Mesh) -> None:
    wait_until(lambda: settled(mesh), "all tunnels are up")
    wait_for_all(mesh)


def test_a_second_apply_changes_nothing_and_diff_sees_nothing(mesh: Mesh) -> None:
    assert not mesh.apply()["changed"]
    mesh.assert_nothing_differs()


def test_what_is_for_all_arrives_once_at_each_host(mesh: Mesh) -> None:
    with copies(mesh, "host1", ("host2", "host3")) as found:
        found.wait_for(50)

    assert found.most == 1
    for host in ("host2", "host3"):
        assert {"broadcast 1", "multicast 1"} <= set(found.heard[host])


def test_verify_proves_it_and_status_counts_what_was_dropped(mesh: Mesh) -> None:
    inside = 'nsenter --net=/proc/$(docker inspect --format "{{.State.Pid}}" web)/ns/net'
    target = mesh.container_address("host2")
    mesh.on("host1", f"{inside} ip address add 172.17.255.9/16 dev eth0")
    mesh.ssh("host1", f"{inside} ping -c 2 -W 1 -I 172.17.255.9 {target}")
    mesh.on("host1", f"{inside} ip address del 172.17.255.9/16 dev eth0")

    report, status = mesh.verify(), mesh.dockmesh("status", "--json").json()

    assert report["verdict"] == "pass", [each for each in report["probes"] if each["verdict"] != "pass"]
    assert {probe["kind"] for probe in report["probes"]} >= {"flows"}
    assert status["root"] is None
    assert all(len(way["hosts"]) == 2 for way in status["ways"])
    assert status["hosts"][0]["dropped"].get("with a source address of another host", 0) > 0


def test_a_cut_link_is_gone_round_by_every_pair_without_a_second_copy(mesh: Mesh) -> None:
    with copies(mesh, "host1", ("host2", "host3")) as found, all_pinging(mesh) as pings:
        mesh.lab("cut", "host1", "host2")

    assert_gone_round(mesh, pings, ("host1", "host2"))
    assert found.most == 1
    assert sum(each.twice for each in pings.values()) == 0
    with all_pinging(mesh) as pings:
        mesh.lab("heal")
        wait_until(lambda: settled(mesh), "all tunnels are up")
    assert lost(pings) == 0


@pytest.mark.long
def test_a_link_that_is_cut_one_way_only_is_gone_round(mesh: Mesh) -> None:
    with copies(mesh, "host1", ("host2", "host3")) as found, all_pinging(mesh) as pings:
        mesh.lab("cut", "host1", "host2", "--one-way")

    mesh.lab("heal")
    assert_gone_round(mesh, pings, ("host1", "host2"))
    assert found.most == 1


def test_the_death_of_a_host_is_no_matter_of_the_others(mesh: Mesh) -> None:
    with all_pinging(mesh, ("host1", "host3")) as pings:
        mesh.lab("crash", "host2")

    assert lost(pings) == 0
    with all_pinging(mesh, ("host1", "host3")) as pings:
        mesh.lab("start", "host2")
        wait_until(lambda: settled(mesh), "all tunnels are up")
    assert lost(pings) == 0
    wait_for_all(mesh)
    assert not mesh.apply()["changed"]


@pytest.mark.long
def test_a_bridge_that_was_a_plain_switch_for_a_moment_has_its_flows_again(mesh: Mesh) -> None:
    """Without its fail mode Open vSwitch floods what it does not know: for that moment a frame may come twice."""
    there = mesh.on("host1", THERE)
    with all_pinging(mesh) as pings:
        mesh.on("host1", "ovs-vsctl del-fail-mode br0; ovs-vsctl set-fail-mode br0 secure")
        wait_until(lambda: mesh.ssh("host1", THERE).out.strip() == there, "flows and groups are back")
        wait_until(lambda: settled(mesh), "all tunnels are up")

    assert_flows_came_back(pings, EDIT_MS)
    mesh.assert_nothing_differs()


@pytest.mark.parametrize(
    ("harms", "within_ms"),
    [
        pytest.param(KILLS, FLOWS_UP.most, id="daemons killed"),
        pytest.param(EDITS, EDIT_MS, id="flows and groups edited", marks=pytest.mark.long),
    ],
)
def test_flows_that_are_gone_are_back_at_once(mesh: Mesh, harms: tuple[str, ...], within_ms: int) -> None:
    there = mesh.on("host1", THERE)
    with copies(mesh, "host2", ("host1", "host3")) as found, all_pinging(mesh) as pings:
        for harm in harms:
            mesh.on("host1", harm)
            wait_until(lambda: mesh.ssh("host1", THERE).out.strip() == there, f"flows and groups after: {harm}")
            wait_until(lambda: settled(mesh), f"all tunnels are up after: {harm}")

    assert_flows_came_back(pings, within_ms)
    assert found.most == 1
    assert sum(each.twice for each in pings.values()) == 0
    mesh.assert_nothing_differs()


@pytest.mark.long
def test_lost_flows_are_drift_and_apply_touches_nothing_else(mesh: Mesh) -> None:
    """With the guard stopped, or it would be faster."""
    state = "systemctl show --property=MainPID --value docker ovs-vswitchd; ovs-vsctl show"
    was = mesh.on("host1", state)
    mesh.on("host1", "systemctl stop dockmesh-flows; ovs-ofctl del-flows br0 table=5; ovs-ofctl del-flows br0 table=4")
    mesh.on("host1", "ovs-ofctl -O OpenFlow15 add-flow br0 table=4,actions=drop")

    shown = mesh.dockmesh("diff", "--json").json()

    (host,) = (each for each in shown["hosts"] if each["name"] == "host1")
    subjects = {change["subject"]: change for change in host["differences"]}
    assert set(subjects) == {"br0 flows", "dockmesh-flows.service"}
    assert "flows missing" in subjects["br0 flows"]["actual"]
    assert subjects["br0 flows"]["origin"] == "drift"
    mesh.apply()
    assert mesh.on("host1", state) == was
    mesh.assert_nothing_differs()


@pytest.mark.long
def test_another_kind_of_tunnel_takes_the_place_of_the_old_one(mesh: Mesh) -> None:
    """Both request the same OpenFlow port, by which the flows know the peer."""
    ports = {host: mesh.on(host, PORTS) for host in HOSTS}
    kinds = ("gre", "vxlan", "geneve", "gre")  # between the two in the middle the MTU stays, and so does Docker
    for old, new in pairwise(kinds):
        hears = contextlib.nullcontext() if "gre" in (old, new) else copies(mesh, "host1", ("host2", "host3"))
        with hears as found:
            mesh.edit(f"tunnel: {old}", f"tunnel: {new}")
            mesh.apply()
            wait_until(lambda: settled(mesh), f"all tunnels of {new} are up")
            wait_for_all(mesh)
        assert found is None or found.most == 1
        assert {host: mesh.on(host, PORTS) for host in HOSTS} == ports, f"{old} → {new}"
        assert not mesh.apply()["changed"]
    mesh.assert_nothing_differs()


@pytest.mark.long
def test_to_a_spanning_tree_and_back_there_is_no_second_copy(mesh: Mesh) -> None:
    for old, new in (("direct", "rstp"), ("rstp", "direct")):
        with copies(mesh, "host1", ("host2", "host3")) as found:
            mesh.edit(f"forwarding: {old}", f"forwarding: {new}")
            mesh.apply()
            wait_for_all(mesh)
            found.wait_for(20)
        assert found.most == 1, f"{old} → {new}"
        assert not mesh.apply()["changed"]


@pytest.mark.long
def test_a_host_that_is_left_behind_with_a_spanning_tree_is_alone_and_harms_nobody(mesh: Mesh) -> None:
    plan = mesh.plan()
    underlay = {host["name"]: host["underlay"] for host in plan["hosts"]}
    bfd = "ovs-vsctl --bare --columns=bfd_status find interface type=gre"
    words = [
        f"add-br br0 -- set bridge br0 datapath_type=netdev rstp_enable=true external_ids:dockmesh={plan['name']}",
        *(
            f"add-port br0 {host} -- set interface {host} type=gre options:remote_ip={underlay[host]} bfd:enable=true"
            f" bfd:min_rx=100 bfd:min_tx=100 external_ids:dockmesh-peer={host}"
            for host in ("host1", "host2")
        ),
    ]
    mesh.on("host3", "systemctl stop dockmesh-flows; ovs-vsctl del-br br0")
    with copies(mesh, "host1", ("host2",)) as found, all_pinging(mesh, ("host1", "host2")) as pings:
        mesh.on("host3", f"ovs-vsctl {' -- '.join(words)} && ip link set br0 master docker0 up")
        # Both hear the other one's packets by now, if they ever do: it takes a tunnel that comes up a second.
        found.wait_for(200)
        states = mesh.on("host3", bfd)

    assert "state=up" not in states.replace("remote_state", "")
    assert found.most == 1
    assert lost(pings) == 0
    assert not mesh.pings("host1", mesh.container_address("host3"))
    mesh.apply()


@pytest.fixture(scope="class")
def four(mesh: Mesh) -> Iterator["Four"]:
    """The fourth host in the mesh, with a container."""
    small = mesh.file.read_text()
    with copies(mesh, "host1", ("host2", "host3")) as found, all_pinging(mesh) as pings:
        mesh.file.write_text((mesh.directory / "whole.yaml").read_text())
        mesh.apply()
    mesh.start_container("host4", "web")
    four = Four(mesh.directory, FOUR, small, found.most, lost(pings))
    yield four
    four.leave()


@dataclass(frozen=True, slots=True)
class Four(Mesh):
    """The mesh of four, and what the fourth cost the others when it joined."""

    small: str
    most_copies: int
    lost: int

    def leave(self) -> None:
        """The mesh of three again."""
        if self.file.read_text() != self.small:
            self.on("host4", "docker rm --force web")
            self.dockmesh("destroy", "--yes", "--host", "host4")
            self.file.write_text(self.small)
            self.apply()


def wait_for_four(four: Four) -> None:
    wait_until(lambda: settled(four, FOUR), "all tunnels are up")
    wait_for_all(four, FOUR)


@pytest.mark.long
class TestFourHosts:
    @pytest.fixture(autouse=True)
    def all_well(self, four: Four) -> None:
        wait_for_four(four)

    def test_a_host_that_joins_costs_the_others_nothing(self, four: Four) -> None:
        assert four.most_copies == 1
        assert four.lost == 0

    def test_two_links_that_are_dead_in_one_direction_each_are_gone_round(self, four: Four) -> None:
        with copies(four, "host1", FOUR[1:]) as found, all_pinging(four, FOUR) as pings:
            four.lab("cut", "host1", "host2", "--one-way")
            four.lab("cut", "host3", "host1", "--one-way")

        four.lab("heal")
        assert_gone_round(four, pings, ("host1", "host2"), ("host1", "host3"))
        assert found.most == 1
        assert sum(each.twice for each in pings.values()) == 0

    def test_another_topology_costs_the_pairs_whose_link_stays_nothing(self, four: Four) -> None:
        for old, new in (("full-mesh", "ring"), ("ring", "full-mesh")):
            with copies(four, "host1", FOUR[1:]) as found, all_pinging(four, FOUR) as pings:
                four.edit(f"topology: {old}", f"topology: {new}")
                four.apply()
                wait_until(lambda: settled(four, FOUR), "all tunnels are up")
            assert found.most == 1, f"{old} → {new}"
            assert sum(each.twice for each in pings.values()) == 0
            stays = [pair for pair in pings if frozenset(pair) not in DIAGONALS]
            assert lost({pair: pings[pair] for pair in stays}) == 0, f"{old} → {new}"
            assert not four.apply()["changed"]

    def test_a_drill_of_the_full_mesh_measures_what_was_predicted(self, four: Four) -> None:
        made = passing(four, "cut:host1,host2", "crash:host2")

        assert pair(made, "host1", "host2")["during"]["gap_ms"] > 100
        assert pair(made, "host1", "host3")["during"]["gap_ms"] < 200  # what a busy machine misses; BFD takes longer

    def test_a_drill_of_a_ring_measures_what_was_predicted(self, four: Four) -> None:
        four.edit("topology: full-mesh", "topology: ring")
        four.apply()
        wait_for_four(four)

        made = passing(four, "cut:host1,host2", "crash:host2", "partition:host1,host2")

        four.edit("topology: ring", "topology: full-mesh")
        four.apply()
        assert pair(made, "host1", "host2")["during"]["gap_ms"] > 100
        assert pair(made, "host1", "host3", fault=1)["expected"] == "connected"
        assert pair(made, "host1", "host3", fault=2)["expected"] == "apart"

    def test_a_host_that_leaves_costs_the_others_nothing(self, four: Four) -> None:
        with all_pinging(four) as pings:
            four.leave()

        assert lost(pings) == 0


def test_destroy_leaves_each_host_as_it_was(mesh: Mesh, before: tuple[Mesh, dict[str, list[str]]]) -> None:
    for host in HOSTS:
        mesh.on(host, "docker rm --force web")

    destroy(mesh)

    assert_same(before[1], snapshots(mesh, HOSTS))
