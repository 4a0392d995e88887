"""Each kind of tunnel on a real kernel: the planned MTU is what passes, and not a byte more."""

import pytest

from tests.lab.mesh import Mesh
from tests.lab_vm.conftest import wait_for_containers

TUNNELS = {"gre": 1462, "vxlan": 1450, "geneve": 1450}
IP_AND_ICMP = 28


@pytest.fixture(params=TUNNELS)
def tunnel(mesh: Mesh, request: pytest.FixtureRequest) -> str:
    text = mesh.file.read_text()
    for other in TUNNELS:
        text = text.replace(f"tunnel: {other}", f"tunnel: {request.param}")
    mesh.file.write_text(text)
    # New containers are to have the new MTU; that of a running one stays what it was.
    for host in mesh.hosts:
        mesh.on(host, "docker rm --force web")
    mesh.apply()
    for host in mesh.hosts:
        mesh.start_container(host, "web", "--restart always")
    wait_for_containers(mesh)
    return str(request.param)


def test_the_planned_mtu_passes_between_containers_and_no_byte_more(mesh: Mesh, tunnel: str) -> None:
    mtu = TUNNELS[tunnel]
    target = mesh.container_address("host2")
    inside = "nsenter --net=/proc/$(docker inspect --format '{{.State.Pid}}' web)/ns/net"

    assert mesh.plan()["mtu"] == mtu
    assert mesh.on("host1", f"{inside} cat /proc/net/dev >/dev/null; docker exec web /bin/busybox ip link show eth0")
    full = mesh.ssh("host1", f"{inside} ping -c 3 -W 5 -M do -s {mtu - IP_AND_ICMP} {target}")
    assert full.code == 0, full.out
    # A container with a wider MTU than the tunnel is told nothing: the frame is lost in silence.
    mesh.on("host1", f"{inside} ip link set eth0 mtu {mtu + 1}")
    over = mesh.ssh("host1", f"{inside} ping -c 2 -W 2 -M do -s {mtu + 1 - IP_AND_ICMP} {target}")
    mesh.on("host1", f"{inside} ip link set eth0 mtu {mtu}")
    assert over.code != 0, over.out


def test_verify_passes(mesh: Mesh, tunnel: str) -> None:
    report = mesh.verify()

    assert {probe["kind"]: probe["verdict"] for probe in report["probes"] if probe["verdict"] != "pass"} == {}
