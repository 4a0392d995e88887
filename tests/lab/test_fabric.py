"""The fabric itself: failing links and daemons, other topologies, address plans and spanning trees."""

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.hostile import frame, hearing, mac, send, udp
from tests.lab.mesh import Mesh, wait_until

PORT_30 = "vlan30"


def test_cut_link_is_routed_around_and_nothing_crosses_it(mesh: Mesh) -> None:
    underlay = {host["name"]: host["underlay"] for host in mesh.plan()["hosts"]}

    mesh.lab("cut", "host1", "host2")

    assert not mesh.pings("host1", underlay["host2"], None)
    mesh.wait_for_ping("host1", mesh.address("host2"), None)
    mesh.lab("heal")
    mesh.wait_for_ping("host1", underlay["host2"], None)


def test_killed_switch_daemon_comes_back_with_the_mesh(mesh: Mesh) -> None:
    mesh.on("host2", "kill -9 $(cat /run/openvswitch/ovs-vswitchd.pid)")

    wait_until(lambda: "master docker0" in mesh.on("host2", "ip -oneline link show br0 || true"), "br0 in docker0")
    mesh.wait_for_mesh()


def test_restarted_switch_comes_back_with_the_mesh(mesh: Mesh) -> None:
    mesh.on("host2", "systemctl restart openvswitch-switch")

    wait_until(lambda: "master docker0" in mesh.on("host2", "ip -oneline link show br0 || true"), "br0 in docker0")
    mesh.wait_for_mesh()
    assert not mesh.apply()["changed"]


def test_container_cannot_reach_another_vlan_by_a_tag(mesh: Mesh) -> None:
    """Both hosts have a port of VLAN 30 in the switch, which hears nothing of what a container tags with it."""
    both = ("host1", "host2")
    own = mesh.start_container("host1", "sender")
    mesh.start_container("host2", "hearer")
    add = f"ovs-vsctl add-port br0 {PORT_30} tag=30 -- set interface {PORT_30} type=internal"
    for host in both:
        mesh.on(host, f"{add} && ip link set {PORT_30} up")
    packet = udp(own, "255.255.255.255")
    tags = {"untagged": [], "tag-30": [30], "tag-0-30": [0, 30], "tag-30-30": [30, 30]}
    with hearing(mesh, [("host1", ""), ("host2", ""), ("host2", "hearer")]) as heard:
        send(mesh, "host1", "sender", [frame(mac(own), packet, name, tags=each) for name, each in tags.items()])
        wait_until(lambda: mesh.pings("host1", mesh.container_address("host2", "hearer"), "sender"), "frames arrived")
    for host in both:
        mesh.on(host, f"ovs-vsctl del-port br0 {PORT_30}")

    tagged = [name for name in tags if name != "untagged"]
    assert ("host2", "hearer") in heard.at("untagged")  # else the test proves nothing
    assert not [name for name in tagged for host, _ in heard.at(name) if host == "host2"]
    assert not [name for name, devices in heard.marks["host1", ""].items() if PORT_30 in devices]


@pytest.mark.long
def test_narrow_underlay_of_one_host_counts_for_all(make_mesh: MakeMesh) -> None:
    mesh = make_mesh("--prepared", "--mtu", "host2=1400")
    mesh.file.unlink()
    assert mesh.dockmesh("init", *mesh.hosts, "--encryption", "off").code == 0

    mesh.apply()
    mesh.wait_for_mesh()

    assert mesh.plan()["mtu"] == 1362
    assert mesh.plan()["mtu_decided_by"] == ["host2"]
    for host in mesh.hosts:
        assert mesh.on(host, "cat /sys/class/net/docker0/mtu") == "1362"
    full = f"ping -c 1 -W 2 -M do -s {1362 - 28} {mesh.address('host2')}"
    assert mesh.ssh("host1", full).code == 0
    over = mesh.ssh("host1", full.replace(str(1362 - 28), str(1362 - 27)))
    assert "message too long" in (over.out + over.err).lower()
    mesh.lab("down")


def test_chain_with_classic_spanning_tree_on_another_prefix(make_mesh: MakeMesh) -> None:
    """The tree of a chain has no link to spare; its middle is the root."""
    mesh = make_mesh("--prepared", "--prefix", "10.99.0.0/20")
    mesh.edit("topology: full-mesh", "topology: {links: [[host1, host2], [host2, host3]]}")
    mesh.choose("forwarding", "stp")

    mesh.apply()

    assert mesh.plan()["root"] == "host2"
    mesh.wait_for_ping("host1", mesh.address("host3"), None, 90)
    mesh.lab("crash", "host2")
    wait_until(lambda: not mesh.pings("host1", mesh.address("host3"), None), "the chain is broken")
    mesh.lab("down")


@pytest.mark.long
def test_change_of_the_spanning_tree_on_a_living_mesh(make_mesh: MakeMesh) -> None:
    mesh = make_mesh("--prepared")
    mesh.choose("forwarding", "stp")
    mesh.apply()
    mesh.choose("forwarding", "rstp")

    mesh.apply()

    mesh.wait_for_mesh()
    for host in mesh.hosts:
        assert mesh.on(host, "ovs-vsctl get bridge br0 rstp_enable stp_enable") == "true\nfalse"
    mesh.lab("down")


@pytest.mark.long
def test_host_added_to_the_file_moves_nobody(make_mesh: MakeMesh) -> None:
    mesh = make_mesh("--prepared", hosts=4)
    whole = mesh.file.read_text()
    mesh.file.write_text("".join(line for line in whole.splitlines(keepends=True) if "host4:" not in line))
    mesh.apply()
    started = mesh.on("host1", "systemctl show -p InvocationID docker")
    mesh.file.write_text(whole)

    changed = mesh.apply()

    by_host = {host["name"]: [change["subject"] for change in host["changes"]] for host in changed["hosts"]}
    # What names another host's addresses is written again with it, and disturbs nobody.
    lists = {
        "/etc/dockmesh/flows",
        "/etc/dockmesh/names.conf",
        "/etc/dockmesh/ports",
        "br0 flows",
        "br0 flows of before",
    }
    for host in ("host1", "host2", "host3"):
        assert {*by_host[host]} - lists == {"/etc/dockmesh/up", "tunnel gre3"}
    assert mesh.on("host1", "systemctl show -p InvocationID docker") == started
    mesh.wait_for_mesh()
    mesh.lab("down")


@pytest.mark.long
def test_ring_of_four_bears_a_cut_and_becomes_two_sites_while_it_lives(make_mesh: MakeMesh) -> None:
    """host1 and host3 have no tunnel to each other in the ring, host1 and host4 none with sites."""
    mesh = make_mesh("--prepared", "--hosts", "4")
    mesh.edit("topology: full-mesh", "topology: ring")

    mesh.apply()
    mesh.wait_for_mesh()

    mesh.lab("cut", "host1", "host2")
    mesh.wait_for_ping("host1", mesh.address("host2"), None)
    mesh.wait_for_ping("host1", mesh.address("host3"), None)
    mesh.lab("heal")
    mesh.wait_for_mesh()
    mesh.edit("topology: ring", "topology: {sites: {here: [host1, host2], there: [host3, host4]}}")
    mesh.apply()
    mesh.wait_for_mesh()
    mesh.lab("crash", "host3")
    mesh.wait_for_ping("host1", mesh.address("host4"), None)
    mesh.lab("down")
