"""Machines outside the mesh, joined to its networks by an interface of one host, with VLANs behind it."""

import re

import pytest

from tests.lab.attached import (
    INTERFACE,
    SWITCH,
    Machine,
    attach,
    counting,
    pings,
    plugged_in,
    send_once,
    started,
    switch_made,
    transfers,
    unplugged,
    within,
)
from tests.lab.conftest import MakeMesh
from tests.lab.hostile import arp, bpdu, frame, inside, ipv6, mac, udp
from tests.lab.mesh import Mesh, wait_until
from tests.lab.snapshots import assert_same, snapshots
from tests.lab.test_destroy import destroy
from tests.lab.test_networks import address, container, gateway, network, start, to_all

HOSTS = ("host1", "host2", "host3")
WAYS = ("direct", pytest.param("rstp", marks=pytest.mark.long))
# At host1: one in VLAN 30, which is blue's, one in another, and one without a tag, which is docker0's.
BLUE, STRANGE, PLAIN = (
    Machine("blue-pc", "10.80.0.7/16", 30),
    Machine("strange-pc", "10.80.0.8/16", 31),
    Machine("plain-pc", "172.17.0.9/16"),
)
MACHINES = (BLUE, STRANGE, PLAIN)
JOINED = {"blue": BLUE, "docker0": PLAIN}


@pytest.fixture(scope="module")
def before(make_mesh: MakeMesh) -> tuple[Mesh, dict[str, list[str]]]:
    mesh = make_mesh("--prepared")
    for host in ("host1", "host2"):
        switch_made(mesh, host)
        plugged_in(mesh, host)
    for machine in MACHINES:
        started(mesh, "host1", machine)
    return mesh, snapshots(mesh)


@pytest.fixture(scope="module")
def made(before: tuple[Mesh, dict[str, list[str]]]) -> Mesh:
    mesh, _ = before
    network(mesh, "add", "blue")
    network(mesh, "add", "green")
    attach(mesh, "blue", "host1", f"interface: {INTERFACE}, vlan: 30")
    attach(mesh, "docker0", "host1")
    mesh.apply()
    for host in HOSTS:
        for name in ("docker0", "blue", "green"):
            start(mesh, host, name)
    return mesh


@pytest.fixture(scope="module", params=WAYS)
def mesh(made: Mesh, request: pytest.FixtureRequest) -> Mesh:
    made.choose("forwarding", request.param)
    made.apply()
    wait_for_all(made)
    return made


def wait_for_all(mesh: Mesh) -> None:
    """Machines and the containers of their network reach each other."""
    for name, machine in JOINED.items():
        for host in HOSTS:
            there = address(mesh, host, name)
            wait_until(
                lambda machine=machine, there=there: pings(mesh, "host1", within(machine.name), there),  # type: ignore[misc]
                f"{machine.name} pings {container(name)} on {host} at {there}",
            )
            wait_until(
                lambda machine=machine, host=host, name=name: pings(mesh, host, inside(container(name)), machine.ip),  # type: ignore[misc]
                f"{container(name)} on {host} pings {machine.name}",
            )


def ears() -> dict[tuple[str, str], str]:
    """All containers, and all machines."""
    containers = {(host, container(name)): "eth0" for host in HOSTS for name in ("docker0", "blue", "green")}
    return containers | {("host1", machine.name): "nic0" for machine in MACHINES}


def once_in(name: str, *but: tuple[str, str]) -> dict[tuple[str, str], int]:
    """One copy for each container of a network, and for the machine that is joined to it."""
    places = [*((host, container(name)) for host in HOSTS), ("host1", JOINED[name].name)]
    return {place: 1 for place in sorted(places) if place not in but}


def dropped(mesh: Mesh, words: str) -> int:
    hosts = mesh.dockmesh("status", "--json").json()["hosts"]
    return sum(count for host in hosts for why, count in host["dropped"].items() if words in why)


def test_apply_proves_it_and_a_second_one_changes_nothing(mesh: Mesh) -> None:
    assert not mesh.apply()["changed"]
    mesh.assert_nothing_differs()
    assert mesh.verify()["verdict"] == "pass"


def test_packets_of_the_whole_mtu_and_tcp_pass_both_ways(mesh: Mesh) -> None:
    for name, mtu in (("blue", 1458), ("docker0", 1462)):
        machine = JOINED[name]
        for host in HOSTS:
            there = address(mesh, host, name)
            assert pings(mesh, "host1", within(machine.name), there, size=mtu - 28)
            assert pings(mesh, "host1", within(machine.name), gateway(mesh, host, name))
            place = inside(container(name))
            assert transfers(mesh, (host, place, there), ("host1", within(machine.name)))
            assert transfers(mesh, ("host1", within(machine.name), machine.ip), (host, place))


def test_what_is_for_all_comes_once_to_everybody_of_the_network_and_to_nobody_else(mesh: Mesh) -> None:
    with counting(mesh, ears()) as heard:
        for name, machine in JOINED.items():
            everybody = to_all(mesh, name)
            out = frame("0e:00:00:00:00:77", udp(machine.ip, everybody), f"from-machine-{name}")
            send_once(mesh, "host1", within(machine.name), "nic0", [out])
            for host in HOSTS:
                own = address(mesh, host, name)
                sent = frame(mac(own), udp(own, everybody), f"from-{host}-{name}")
                send_once(mesh, host, inside(container(name)), "eth0", [sent])
        strange = frame("0e:00:00:00:00:78", udp(STRANGE.ip, to_all(mesh, "blue")), "from-strange")
        send_once(mesh, "host1", within(STRANGE.name), "nic0", [strange])

    for name, machine in JOINED.items():
        assert heard.of(f"from-machine-{name}") == once_in(name, ("host1", machine.name))
        for host in HOSTS:
            assert heard.of(f"from-{host}-{name}") == once_in(name, (host, container(name)))
    assert heard.of("from-strange") == {}


def hostile(mesh: Mesh, name: str) -> dict[str, bytes]:
    """What a machine sends to be somebody of the mesh, or to get where it does not belong."""
    own, me = JOINED[name].ip, "0e:00:00:00:00:77"
    everybody = to_all(mesh, name)
    found = {"bpdu": bpdu("bpdu"), "foreign": frame(me, udp("192.0.2.7", everybody), "foreign")}
    for host in HOSTS:
        for what, theirs in (("gateway", gateway(mesh, host, name)), ("container", address(mesh, host, name))):
            found |= {
                f"reply-{what}-{host}": frame(me, arp(2, me, theirs, theirs), f"reply-{what}-{host}"),
                f"request-{what}-{host}": frame(me, arp(1, me, theirs, own), f"request-{what}-{host}"),
                f"source-{what}-{host}": frame(me, udp(theirs, everybody), f"source-{what}-{host}"),
                f"mac-{what}-{host}": frame(mac(theirs), udp(own, everybody), f"mac-{what}-{host}"),
            }
    found["ipv6"] = frame(me, ipv6(bytes.fromhex("fe80" + "00" * 13 + "77")), "ipv6")
    for tag in (20, 21, 30):
        found[f"tag-{tag}"] = frame(me, udp(own, everybody), f"tag-{tag}", tags=[tag])
    return found


@pytest.mark.parametrize("name", JOINED)
def test_nobody_out_there_is_somebody_of_the_mesh(mesh: Mesh, name: str) -> None:
    frames = hostile(mesh, name)
    seen = dropped(mesh, "a loop, or somebody pretends")
    listening = {place: device for place, device in ears().items() if device == "eth0"}
    root = mesh.on("host1", "ovs-vsctl --bare --columns=rstp_status list bridge br0")

    with counting(mesh, listening) as heard:
        send_once(mesh, "host1", within(JOINED[name].name), "nic0", list(frames.values()))

    assert {attack: heard.of(attack) for attack in frames if heard.of(attack)} == {}
    assert dropped(mesh, "a loop, or somebody pretends") >= seen + 8 * len(HOSTS)
    assert mesh.on("host1", "ovs-vsctl --bare --columns=rstp_status list bridge br0") == root


def test_the_trees_messages_do_not_get_out(mesh: Mesh) -> None:
    heard = mesh.ssh("host1", f"timeout 5 tcpdump -c 1 -i {INTERFACE} ether dst 01:80:c2:00:00:00")

    assert heard.code in (124, 127), heard.out


def wire(mesh: Mesh, host: str, other: str, port: str) -> None:
    underlays = {each["name"]: each["underlay"] for each in mesh.plan()["hosts"]}
    words = f"type=vxlan options:remote_ip={underlays[other]} options:dst_port=4799"
    mesh.on(host, f"ovs-vsctl --may-exist add-port {SWITCH} {port} -- set interface {port} {words}")


def test_segments_of_two_networks_that_are_wired_together_make_no_loop(mesh: Mesh) -> None:
    """A cable that nobody knows of, from what is behind host1 to what is behind host2."""
    text = mesh.file.read_text()
    attach(mesh, "green", "host2", f"interface: {INTERFACE}, vlan: 30")
    mesh.apply()
    wire(mesh, "host1", "host2", "wire")
    wire(mesh, "host2", "host1", "wire")
    try:
        with counting(mesh, ears()) as heard:
            for name in ("blue", "docker0"):
                for host in HOSTS:
                    own = address(mesh, host, name)
                    sent = frame(mac(own), udp(own, to_all(mesh, name)), f"wired-{host}-{name}")
                    send_once(mesh, host, inside(container(name)), "eth0", [sent])
                out = frame("0e:00:00:00:00:77", udp(JOINED[name].ip, to_all(mesh, name)), f"wired-machine-{name}")
                send_once(mesh, "host1", within(JOINED[name].name), "nic0", [out])

        for name in ("blue", "docker0"):
            for host in HOSTS:
                assert heard.of(f"wired-{host}-{name}") == once_in(name, (host, container(name)))
            assert heard.of(f"wired-machine-{name}") == once_in(name, ("host1", JOINED[name].name))
    finally:
        mesh.on("host1", f"ovs-vsctl del-port {SWITCH} wire")
        mesh.on("host2", f"ovs-vsctl del-port {SWITCH} wire")
        mesh.file.write_text(text)
        mesh.apply()


def test_an_interface_that_is_pulled_out_is_drift_and_comes_back(mesh: Mesh) -> None:
    mesh.on("host1", f"ovs-vsctl del-port dma-{INTERFACE} {INTERFACE}")

    seen = mesh.dockmesh("diff", "--json").json()
    mesh.apply()

    wait_for_all(mesh)
    (host1,) = (each for each in seen["hosts"] if each["name"] == "host1")
    assert [(each["subject"], each["origin"]) for each in host1["differences"]] == [(f"interface {INTERFACE}", "drift")]
    mesh.assert_nothing_differs()


def test_an_interface_that_is_set_down_is_set_up_again(mesh: Mesh) -> None:
    mesh.on("host1", f"ip link set {INTERFACE} down")

    wait_for_all(mesh)


@pytest.mark.long
def test_what_a_host_needs_for_itself_is_refused(mesh: Mesh) -> None:
    underlay = next(each["underlay"] for each in mesh.plan()["hosts"] if each["name"] == "host3")
    device = mesh.on("host3", f"ip -o -4 address | grep -F ' {underlay}/' | awk '{{print $2}}'")
    text = mesh.file.read_text()
    mesh.on("host3", "ip link add used0 type veth peer name used1 && ip address add 192.0.2.77/24 dev used0")
    mesh.on("host3", "ip link set used1 master dm-green")
    told = {}
    for name in (device, "used0", "used1", "gone0"):
        attach(mesh, "green", "host3", f"interface: {name}")
        told[name] = mesh.dockmesh("apply", "--yes", "--no-verify")
        mesh.file.write_text(text)
    mesh.on("host3", "ip link delete used0")

    assert {done.code for done in told.values()} == {1}
    assert f"has the underlay address {underlay}" in " ".join(told[device].err.split())
    assert "has addresses of this host: 192.0.2.77/24" in " ".join(told["used0"].err.split())
    assert "is a member of dm-green" in " ".join(told["used1"].err.split())
    assert "has no interface gone0" in " ".join(told["gone0"].err.split())
    mesh.assert_nothing_differs()


def test_an_interface_that_goes_and_comes_again_is_in_the_network_again(mesh: Mesh) -> None:
    unplugged(mesh, "host1")
    changed = mesh.dockmesh("diff").out
    plugged_in(mesh, "host1")

    wait_for_all(mesh)
    assert "phy0" not in changed, changed


@pytest.mark.long
def test_after_a_boot_it_comes_in_when_it_comes(mesh: Mesh) -> None:
    mesh.lab("reboot", "host1")
    # Without the interface the mesh is there all the same.
    there = address(mesh, "host3", "blue")
    wait_until(lambda: pings(mesh, "host1", inside(container("blue")), there), "blue on host1 pings host3")
    plugged_in(mesh, "host1")
    for machine in MACHINES:
        started(mesh, "host1", machine)

    wait_for_all(mesh)
    mesh.assert_nothing_differs()


def test_out_of_the_file_it_is_as_it_was_and_the_network_stays(mesh: Mesh) -> None:
    """It was down, as a veth device is made."""
    text = mesh.file.read_text()
    mesh.file.write_text(re.sub(r"^ *attach: .*\n", "", text, flags=re.MULTILINE))
    mesh.apply()
    mesh.file.write_text(text)
    state = mesh.on("host1", "ovs-vsctl show; ls /etc/dockmesh")
    flags = mesh.on("host1", f"ip -o link show {INTERFACE}").split("<")[1].split(">")[0].split(",")
    passes = pings(mesh, "host1", inside(container("blue")), address(mesh, "host3", "blue"))
    mesh.apply()

    assert not {"UP", "PROMISC"} & {*flags}
    assert not re.findall(r"dma-|dmo-|dmj-|attach", state)
    assert passes
    wait_for_all(mesh)


@pytest.mark.long
def test_destroy_leaves_the_interface_as_it_was(before: tuple[Mesh, dict[str, list[str]]], made: Mesh) -> None:
    mesh, snapshot = before
    for host in HOSTS:
        mesh.on(host, "docker ps --quiet | xargs docker rm --force; docker image rm busybox")
    destroy(mesh)

    # Another one was booted in between, which is to be seen without any mesh, too.
    kept = {host: lines for host, lines in snapshot.items() if host != "host1"}
    assert_same(kept, snapshots(mesh, kept))
    left = mesh.on("host1", f"ip -o link show {INTERFACE}; ovs-vsctl show")
    assert "PROMISC" not in left
    assert "dma-" not in left
    assert ",UP" not in left.split(">")[0]


@pytest.mark.long
def test_by_ifupdown_it_is_there_after_a_boot_too(make_mesh: MakeMesh) -> None:
    mesh = make_mesh("--prepared", hosts=2)
    switch_made(mesh, "host1")
    plugged_in(mesh, "host1")
    started(mesh, "host1", PLAIN)
    mesh.edit("renderer: systemd", "renderer: ifupdown")
    attach(mesh, "docker0", "host1")
    mesh.apply()
    there = mesh.start_container("host2", "web", "--restart always")
    wait_until(lambda: pings(mesh, "host1", within(PLAIN.name), there), f"{PLAIN.name} pings {there}")

    mesh.lab("reboot", "host1")
    plugged_in(mesh, "host1")
    started(mesh, "host1", PLAIN)

    wait_until(lambda: pings(mesh, "host1", within(PLAIN.name), there), f"{PLAIN.name} pings {there}")
    mesh.assert_nothing_differs()
