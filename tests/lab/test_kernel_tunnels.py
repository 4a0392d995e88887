"""Tunnels that are VXLAN devices of the kernel's, on hosts whose network card keeps the underlay address."""

import pytest

from dockmesh.meshfile.load import load
from dockmesh.model.mesh import Datapath
from dockmesh.model.tunnel import Tunnel
from tests.lab.conftest import MakeMesh
from tests.lab.mesh import DOCKMESH, Mesh, run, wait_until
from tests.lab.silence import assert_cut_is_gone_round
from tests.lab.snapshots import assert_same, snapshots

MTU, ICMP_HEADERS = 1450, 28
DEVICES = "ip -oneline link | grep --only-matching 'dmt-[a-z0-9]*' | sort --unique"
HOSTS = ("host1", "host2", "host3")


@pytest.fixture(scope="module")
def bare(make_mesh: MakeMesh) -> tuple[Mesh, dict[str, list[str]]]:
    """Hosts of which a mesh will be made, and what they are before."""
    made = make_mesh("--prepared", "--underlay", "device")
    return made, snapshots(made)


@pytest.fixture(scope="module")
def mesh(bare: tuple[Mesh, dict[str, list[str]]]) -> Mesh:
    made, _ = bare
    made.apply()
    made.wait_for_mesh()
    return made


def settled(mesh: Mesh, hosts: tuple[str, ...]) -> bool:
    """All tunnels of these hosts up, by BFD."""
    show = "ovs-vsctl --bare --columns=bfd_status find interface bfd:enable=true"
    return all("state=up" in line for host in hosts for line in mesh.on(host, show).splitlines() if line)


def test_it_is_proven_and_the_card_keeps_the_address(mesh: Mesh) -> None:
    probes = mesh.verify()["probes"]

    assert [probe for probe in probes if probe["verdict"] != "pass"] == []
    assert str(mesh.plan()["hosts"][0]["underlay"]) in mesh.on("host1", "ip -4 -oneline address show dev eth0")
    assert mesh.on("host1", "ovs-vsctl list-br") == "br0"


def test_init_writes_this_form_for_such_hosts_and_says_so(mesh: Mesh) -> None:
    file = mesh.directory / "by-init.yaml"

    done = run(
        *DOCKMESH, "init", *HOSTS, "--encryption", "off", "--file", str(file), "--ssh-config", str(mesh.ssh_config)
    )

    fabric = load(file).fabric
    assert (fabric.datapath, fabric.tunnel, fabric.kernel_devices) == (Datapath.NETDEV, Tunnel.VXLAN, True)
    assert "VXLAN devices of the kernel's" in " ".join(done.out.split())


def test_a_second_apply_changes_nothing(mesh: Mesh) -> None:
    assert mesh.apply()["changed"] is False


def test_only_the_host_that_has_an_address_answers_for_it(mesh: Mesh) -> None:
    """What comes in at a device must not go to its host beside Open vSwitch."""
    target = mesh.address("host2")

    answers = mesh.ssh("host1", f"arping -c 3 -w 3 -I docker0 {target}").out

    macs = {line.partition("[")[2].partition("]")[0] for line in answers.splitlines() if "reply from" in line}
    assert len(macs) == 1, answers


def test_a_full_size_packet_passes_and_one_byte_more_is_refused(mesh: Mesh) -> None:
    target, most = mesh.address("host2"), MTU - ICMP_HEADERS

    assert mesh.ssh("host1", f"ping -c 1 -W 2 -M do -s {most} {target}").code == 0
    refused = mesh.ssh("host1", f"ping -c 1 -W 2 -M do -s {most + 1} {target}")
    assert refused.code != 0
    assert "message too long" in (refused.err + refused.out).lower()


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param("ip link delete dmt-vxlan1", id="deleted"),
        pytest.param(
            "ip link set dmt-vxlan1 type vxlan id 3 remote 10.0.0.1", id="another remote", marks=pytest.mark.long
        ),
        pytest.param(
            "ip link delete dmt-vxlan1; ip link add dmt-vxlan1 up type vxlan id 99 remote 10.0.0.1 dstport 4789",
            id="another VNI",
            marks=pytest.mark.long,
        ),
        pytest.param("ip link set dmt-vxlan1 mtu 1400", id="another MTU", marks=pytest.mark.long),
        pytest.param("ethtool -K dmt-vxlan1 gro on", id="GRO on", marks=pytest.mark.long),
        pytest.param("ip link delete dmt-sink", id="no bridge that is down", marks=pytest.mark.long),
    ],
)
def test_what_somebody_does_to_a_device_is_drift_and_apply_mends_it(mesh: Mesh, harm: str) -> None:
    mesh.on("host1", harm)

    drift = mesh.dockmesh("diff", "--json").json()["hosts"]
    changed = mesh.apply()

    assert [host["name"] for host in drift if host["differences"]] == ["host1"], drift
    assert changed["changed"] is True
    wait_until(lambda: settled(mesh, HOSTS), "all tunnels are up")
    mesh.wait_for_mesh()
    assert mesh.apply()["changed"] is False


def test_a_cut_is_gone_round_within_the_time_of_bfd(mesh: Mesh) -> None:
    wait_until(lambda: settled(mesh, HOSTS), "all tunnels are up")

    assert_cut_is_gone_round(mesh)


@pytest.mark.long
def test_the_mesh_comes_back_after_a_power_cut_of_all(mesh: Mesh) -> None:
    mesh.on_all(lambda host: mesh.lab("crash", host))
    mesh.on_all(lambda host: mesh.lab("start", host))

    mesh.wait_for_mesh()
    assert mesh.on("host1", DEVICES).split() == ["dmt-sink", "dmt-vxlan1", "dmt-vxlan2"]
    mesh.assert_nothing_differs()


@pytest.mark.long
def test_each_way_of_forwarding_goes_by_them(mesh: Mesh) -> None:
    """From stp to direct it goes by rstp only."""
    for forwarding in ("rstp", "stp", "rstp", "direct"):
        mesh.choose("forwarding", forwarding)
        mesh.apply()

        mesh.wait_for_mesh()
        mesh.assert_proven()


@pytest.mark.long
def test_tunnels_of_open_vswitch_are_refused_on_such_hosts_with_the_way_out(mesh: Mesh) -> None:
    mesh.choose("tunnel_devices", "openvswitch")

    refused = mesh.dockmesh("apply", "--yes")
    mesh.choose("tunnel_devices", "kernel")

    assert refused.code != 0
    assert "tunnel_devices: kernel" in refused.err
    assert mesh.apply()["changed"] is False


@pytest.mark.long
def test_ifupdown_makes_them_at_boot(mesh: Mesh) -> None:
    mesh.choose("renderer", "ifupdown")
    mesh.apply()
    mesh.wait_for_mesh()

    mesh.lab("reboot", "host2")

    mesh.wait_for_mesh()
    assert mesh.apply()["changed"] is False
    mesh.choose("renderer", "systemd")


@pytest.mark.long
def test_a_host_that_is_removed_leaves_no_device(mesh: Mesh) -> None:
    assert run(*DOCKMESH, "host", "remove", "host3", "--file", str(mesh.file)).code == 0
    mesh.apply()

    assert mesh.on("host1", DEVICES).split() == ["dmt-sink", "dmt-vxlan1"]
    assert mesh.on("host2", DEVICES).split() == ["dmt-sink", "dmt-vxlan1"]


def test_at_the_end_all_hosts_are_as_before(mesh: Mesh, bare: tuple[Mesh, dict[str, list[str]]]) -> None:
    assert mesh.dockmesh("destroy", "--yes").code == 0

    assert_same(bare[1], snapshots(mesh))
    for host in mesh.hosts:
        assert mesh.ssh(host, DEVICES).out == ""
        assert mesh.on(host, "ip -all netns; ovs-vsctl list-br") == ""
