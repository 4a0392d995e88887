"""Tunnels of each kind over IPv4 and IPv6, on the wire: captured, read by hand, and met by the kernel's own."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from dockmesh.lab import store
from dockmesh.lab.model import Lab
from dockmesh.lab.underlay import SWITCH
from dockmesh.meshfile.load import load
from dockmesh.meshfile.write import write_mesh
from dockmesh.model.tunnel import Tunnel, overlay_mtu
from tests.lab.conftest import MakeMesh
from tests.lab.mesh import Mesh, run
from tests.support.tunnel_headers import packets, read_outer

KEY = 4711
UNDERLAY_MTU = 1500
IP_AND_ICMP = 28
# Each kind, each family, with a key and without.
COVER = [
    (Tunnel.GRE, KEY, 4),
    (Tunnel.VXLAN, None, 4),
    (Tunnel.GENEVE, KEY, 6),
    pytest.param(Tunnel.GRE, None, 6, marks=pytest.mark.long),
]


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    """Two hosts that have an IPv4 and an IPv6 address each, with a container on each."""
    mesh = make_mesh("--prepared", "--ipv6", hosts=2)
    mesh.apply()
    for host in mesh.hosts:
        mesh.start_container(host, "web")
        add_nearer_address(mesh, host)
    return mesh


def add_nearer_address(mesh: Mesh, host: str) -> None:
    """A second IPv6 address, nearer to the peer's than the host's own: by itself a host sends from such (RFC 6724)."""
    lab = lab_of(mesh)
    nearer = lab.subnet6[{"host1": 13, "host2": 10}[host]]  # to 12 and to 11
    device = mesh.on(host, f"ip -oneline -6 address show to {address_of(lab, host, 6)} | awk '{{print $2}}'")
    mesh.on(host, f"ip address add {nearer}/{lab.subnet6.prefixlen} dev {device} nodad")


def lab_of(mesh: Mesh) -> Lab:
    return store.load(mesh.directory)


def address_of(lab: Lab, host: str, version: int) -> str:
    return str(replace(lab, ipv6=version == 6).underlay_of(lab.host(host)))


def write_file(mesh: Mesh, tunnel: Tunnel, key: int | None, version: int) -> None:
    """The same mesh of other tunnels."""
    lab, model = replace(lab_of(mesh), ipv6=version == 6), load(mesh.file)
    hosts = tuple(replace(host, underlay=lab.underlay_of(lab.host(host.name))) for host in model.hosts)
    fabric = replace(model.fabric, tunnel=tunnel, key=key)
    mesh.file.write_text(write_mesh(replace(model, hosts=hosts, fabric=fabric)))


@contextmanager
def captured(mesh: Mesh, host: str, device: str = "eth0") -> Iterator[list[bytes]]:
    """The frames that come in and go out on a device of the host, filled in at the end."""
    file = f"/tmp/capture-{device}"
    mesh.on(
        host,
        f"tcpdump -i {device} -s 0 -U -w {file} </dev/null >/dev/null 2>{file}.said & echo $! >{file}.pid; "
        f"for i in $(seq 100); do grep -q listening {file}.said && exit 0; sleep 0.1; done; exit 1",
    )
    found: list[bytes] = []
    yield found
    ended = f"pid=$(cat {file}.pid); kill $pid; tail -f --pid=$pid /dev/null"
    found += packets(base64.b64decode(mesh.on(host, f"{ended}; base64 -w0 {file}")))


def ping_from_container(mesh: Mesh, size: int) -> str:
    """One ping with DF that makes an IP packet of `size` bytes, from container to container; what ping said."""
    target = mesh.container_address("host2")
    inside = "nsenter --net=/proc/$(docker inspect --format '{{.State.Pid}}' web)/ns/net"
    done = mesh.ssh("host1", f"{inside} ping -c 1 -W 2 -M do -s {size - IP_AND_ICMP} {target}")
    return done.out + done.err


@pytest.mark.parametrize(("tunnel", "key", "version"), COVER)
def test_the_largest_packet_fills_the_underlay_and_one_byte_more_is_refused(
    mesh: Mesh, tunnel: Tunnel, key: int | None, version: int
) -> None:
    """The mesh lives while its tunnels become others."""
    write_file(mesh, tunnel, key, version)
    mesh.apply()
    mesh.wait_for_ping("host1", mesh.container_address("host2"))
    mtu = overlay_mtu(UNDERLAY_MTU, tunnel, version, key=key is not None).mtu

    with captured(mesh, "host2") as seen:
        whole, larger = ping_from_container(mesh, mtu), ping_from_container(mesh, mtu + 1)

    assert " 0% packet loss" in whole
    assert "message too long" in larger.lower()
    assert not mesh.apply()["changed"]
    packets_of_tunnels = [packet for frame in seen if (packet := read_outer(frame))]
    full = [packet for packet in packets_of_tunnels if packet.inner_size == mtu]
    addresses = [address_of(lab_of(mesh), host, version) for host in mesh.hosts]
    assert {(str(packet.source), str(packet.target)) for packet in full} == {
        tuple(addresses),
        tuple(reversed(addresses)),
    }
    assert {packet.size for packet in full} == {UNDERLAY_MTU}
    assert {packet.kind for packet in packets_of_tunnels} == {str(tunnel)}
    assert {packet.key for packet in packets_of_tunnels} == {key or (None if tunnel is Tunnel.GRE else 0)}
    assert all(packet.whole and packet.checksum_right for packet in packets_of_tunnels)


@pytest.mark.long
def test_another_key_on_one_host_cuts_it_off_and_is_named(mesh: Mesh) -> None:
    write_file(mesh, Tunnel.VXLAN, KEY, 4)
    mesh.apply()
    mesh.wait_for_mesh()
    mesh.on("host2", "ovs-vsctl set interface vxlan1 options:key=4712")

    report, status = mesh.verify(), mesh.dockmesh("status", "--json").json()

    assert not mesh.pings("host1", mesh.address("host2"), None)
    assert "its VNI is 4712, not 4711" in {cause["fault"]: cause["seen"] for cause in report["causes"]}["tunnel-wrong"]
    assert any("its VNI is 4712, not 4711" in finding["what"] for finding in status["findings"])
    assert [change["subject"] for host in mesh.apply()["hosts"] for change in host["changes"]] == ["vxlan1 options:key"]
    mesh.wait_for_mesh()


@pytest.mark.long
def test_a_second_mesh_between_the_same_addresses_hears_nothing_of_the_first(mesh: Mesh) -> None:
    """The other one is made by hand, of the same kind with another VNI."""
    lab = lab_of(mesh)
    for number, (host, peer) in enumerate((("host1", "host2"), ("host2", "host1")), start=1):
        tunnel = f"type=vxlan options:remote_ip={address_of(lab, peer, 4)} options:key=9"
        mesh.on(
            host,
            "ovs-vsctl add-br other -- set bridge other datapath_type=netdev "
            f"-- add-port other other0 -- set interface other0 {tunnel}; "
            f"ip address add 10.5.5.{number}/24 dev other; ip link set other up",
        )
    mesh.wait_for_ping("host1", "10.5.5.2", None)
    ours, others = (mac_of(mesh, "host1", device) for device in ("docker0", "other"))

    with captured(mesh, "host2", "br0") as in_mesh, captured(mesh, "host2", "other") as in_other:
        mesh.ssh("host1", "ping -b -c 3 -i 0.3 -W 1 10.5.5.255; ping -b -c 3 -i 0.3 -W 1 172.17.255.255")

    assert ours in sources(in_mesh)
    assert ours not in sources(in_other)
    assert others in sources(in_other)
    assert others not in sources(in_mesh)
    for host in mesh.hosts:
        mesh.on(host, "ovs-vsctl del-br other")


def mac_of(mesh: Mesh, host: str, device: str) -> str:
    return mesh.on(host, f"cat /sys/class/net/{device}/address")


def sources(frames: list[bytes]) -> set[str]:
    return {frame[6:12].hex(":") for frame in frames}


@pytest.mark.long
@pytest.mark.parametrize(("tunnel", "version", "protocol"), [(Tunnel.GENEVE, 4, "udp"), (Tunnel.GRE, 6, "gre")])
def test_a_filter_for_that_kind_is_found_before_anything_is_changed(
    mesh: Mesh, tunnel: Tunnel, version: int, protocol: str
) -> None:
    write_file(mesh, tunnel, None, version)
    fine = mesh.dockmesh("preflight", "--json")

    mesh.lab("cut", "host1", "host2", "--protocol", protocol)
    try:
        report = mesh.dockmesh("preflight", "--json").json()
    finally:
        mesh.lab("heal")

    assert fine.code == 0, fine.out
    (found,) = (finding for finding in report["findings"] if finding["level"] != "fine")
    assert (found["check"], found["level"], found["hosts"]) == ("tunnel", "blocker", ["host1", "host2"])
    assert f"{tunnel.encapsulation} does not pass, a ping does" in found["what"]


def test_a_port_that_a_device_of_the_kernels_has_is_found_with_its_name(mesh: Mesh) -> None:
    write_file(mesh, Tunnel.VXLAN, None, 4)
    device = (
        "ip link add mine type vxlan id 5 dstport 4789 local 127.0.0.1 remote 127.0.0.1 dev lo; ip link set mine up"
    )
    mesh.on("host2", device)
    try:
        report = mesh.dockmesh("preflight", "--json").json()
    finally:
        mesh.on("host2", "ip link delete mine")

    (found,) = (finding for finding in report["findings"] if finding["level"] != "fine")
    assert (found["check"], found["level"], found["hosts"]) == ("tunnel", "blocker", ["host2"])
    assert "UDP port 4789 is used already, by mine" in found["what"]


# How iproute2 is told, with a key or VNI.
KERNELS = {
    (Tunnel.GRE, 4): "type gretap key 4711",
    (Tunnel.GRE, 6): "type ip6gretap key 4711 encaplimit none",
    (Tunnel.VXLAN, 4): "type vxlan id 4711 dstport 4789 dev underlay",
    (Tunnel.VXLAN, 6): "type vxlan id 4711 dstport 4789 dev underlay",
    (Tunnel.GENEVE, 4): "type geneve id 4711",
}


FEW_KERNELS = [
    pytest.param(*kind, marks=[] if kind in ((Tunnel.GRE, 4), (Tunnel.VXLAN, 6)) else [pytest.mark.long])
    for kind in KERNELS
]


@pytest.mark.parametrize(("tunnel", "version"), FEW_KERNELS)
def test_the_kernels_own_tunnel_and_open_vswitchs_understand_each_other(
    mesh: Mesh, tunnel: Tunnel, version: int
) -> None:
    """One end on a host, of the settings that a mesh has, the other in the namespace of the lab's switch."""
    lab = lab_of(mesh)
    here, host = str(lab.switch_address if version == 4 else lab.subnet6[1]), address_of(lab, "host1", version)
    local = "" if tunnel is Tunnel.GENEVE else f"local {here}"
    mtu = overlay_mtu(UNDERLAY_MTU, tunnel, version, key=True).mtu

    def on_switch(words: str) -> str:
        done = run("ip", "-n", lab.switch_netns, *words.split())
        if "Unknown device type" in done.err:
            pytest.skip(f"this kernel has no module {tunnel.encapsulation.modules[version == 6]}")
        assert done.code == 0, done.err
        return done.out

    if version == 6:
        on_switch(f"address replace {here}/64 dev {SWITCH} nodad")
    on_switch(f"link add reference {KERNELS[tunnel, version]} remote {host} {local}")
    try:
        on_switch(f"link set reference mtu {mtu} up")
        on_switch("address add 10.5.6.1/24 dev reference")
        mesh.on(
            "host1",
            f"ovs-vsctl add-br ours -- set bridge ours datapath_type=netdev -- set interface ours mtu_request={mtu} "
            f"-- add-port ours ours0 -- set interface ours0 type={tunnel} options:remote_ip={here} options:key={KEY}; "
            "ip address add 10.5.6.2/24 dev ours; ip link set ours up",
        )
        mesh.wait_for_ping("host1", "10.5.6.1", None)

        assert mesh.ssh("host1", f"ping -c 1 -W 2 -M do -s {mtu - IP_AND_ICMP} 10.5.6.1").code == 0
    finally:
        mesh.ssh("host1", "ovs-vsctl --if-exists del-br ours")
        on_switch("link delete reference")
