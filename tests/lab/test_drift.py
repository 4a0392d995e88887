"""What was changed by hand on a real host: seen, named as drift, and put right by touching only that."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.lab.mesh import Mesh

# By what was done on host1: the command line, and the subjects that differ then.
DRIFTS = {
    "a tunnel deleted": ("ovs-vsctl del-port br0 gre1", ["tunnel gre1"]),
    "a tunnel led elsewhere": (
        "ovs-vsctl set interface gre1 options:remote_ip=192.0.2.99",
        ["gre1 options:remote_ip"],
    ),
    "a tunnel with our mark added": (
        "ovs-vsctl add-port br0 gre9"
        " -- set interface gre9 type=gre options:remote_ip=192.0.2.99 external_ids:dockmesh=lab",
        ["tunnel gre9"],
    ),
    "BFD switched off": ("ovs-vsctl set interface gre1 bfd:enable=false", ["gre1 bfd:enable"]),
    "the MTU of br0": ("ovs-vsctl set interface br0 mtu_request=1300", ["br0 mtu_request"]),
    "the MTU of docker0": ("ip link set docker0 mtu 1300", ["docker0 MTU"]),
    "the address of docker0 moved": (
        "ip address del $(ip -o -4 address show docker0 | awk '{print $4}') dev docker0;"
        "ip address add 172.17.42.99/16 dev docker0",
        ["docker0 address"],
    ),
    "the address of docker0 removed": ("ip -4 address flush dev docker0", ["docker0 address"]),
    "the MAC address of docker0": ("ip link set docker0 address 02:42:00:00:00:99", ["docker0 MAC address"]),
    "docker0 down": ("ip link set docker0 down", ["docker0 state"]),
    "br0 taken out of docker0": ("ip link set br0 nomaster", ["br0"]),
    "br0 deleted": ("ovs-vsctl del-br br0", ["bridge br0"]),
    "a key of daemon.json": ("sed -i s/1462/1500/ /etc/docker/daemon.json", ["/etc/docker/daemon.json"]),
    "a file edited": ("echo '# mine' >> /etc/dockmesh/up", ["/etc/dockmesh/up"]),
    "a file deleted": (
        "rm /etc/systemd/system/docker.service.d/dockmesh.conf",
        ["/etc/systemd/system/docker.service.d/dockmesh.conf"],
    ),
    "the mode of a file": ("chmod 600 /etc/dockmesh/up", ["/etc/dockmesh/up"]),
    "the unit disabled": ("systemctl disable dockmesh.service", ["dockmesh.service"]),
    "the unit stopped": ("systemctl stop dockmesh.service", ["dockmesh.service"]),
}
# Open vSwitch and Docker as they are, less what differs at every look. What is the operator's is in here too.
STATE = (
    "ovs-vsctl -f csv --columns=name,type,options,bfd,external_ids,mtu_request list interface | sort;"
    "ovs-vsctl -f csv --columns=name,rstp_enable,other_config,external_ids,datapath_type list bridge | sort;"
    "ip -o link show | grep -E ' (docker0|br0|mine)[:@]' | sed 's/^[0-9]*: //' | sort;"
    "ip -o -4 address show | sed 's/^[0-9]*: //' | grep -E '^(docker0|mine) ' | sort;"
    "cat /etc/docker/daemon.json; ls -l --time-style=+ /etc/dockmesh; cat /etc/dockmesh/up;"
    "systemctl is-active dockmesh docker; systemctl is-enabled dockmesh;"
    "systemctl show --property=MainPID --value docker ovs-vswitchd"
)


@pytest.fixture(scope="module")
def drifting(mesh: Mesh) -> Iterator[Mesh]:
    """The mesh with containers, and with things of the operator's on host1."""
    mesh.start_container("host2")
    mesh.start_container("host3")
    mesh.on("host1", "ovs-vsctl add-br mine -- set bridge mine datapath_type=netdev")
    yield mesh
    mesh.on("host1", "ovs-vsctl del-br mine; rm -f /root/right.json")


@pytest.fixture(scope="module")
def right(drifting: Mesh) -> dict[str, list[str]]:
    """By host how it is as long as nobody harms it."""
    return states(drifting)


def states(mesh: Mesh) -> dict[str, list[str]]:
    return {host: mesh.on(host, STATE).splitlines() for host in mesh.hosts}


def differences(mesh: Mesh) -> tuple[int, dict[str, list[tuple[str, str]]]]:
    done = mesh.dockmesh("diff", "--json", "--exit-code")
    found = {
        host["name"]: [(each["subject"], each["origin"]) for each in host["differences"]]
        for host in done.json()["hosts"]
        if host["differences"] or host["error"]
    }
    return done.code, found


# Each of them alone is in `make test-long`; here as many as can be at once, the rest of them one after the other.
AT_ONCE = (
    *("a tunnel led elsewhere", "a tunnel with our mark added", "the MTU of br0", "the MTU of docker0"),
    *("the address of docker0 moved", "the MAC address of docker0", "br0 taken out of docker0"),
    *("a key of daemon.json", "a file edited", "a file deleted", "the unit disabled"),
)


def test_drift_of_many_kinds_at_once_is_named_and_put_right_alone(drifting: Mesh, right: dict[str, list[str]]) -> None:
    for kind in AT_ONCE:
        drifting.on("host1", DRIFTS[kind][0])

    code, found = differences(drifting)
    drifting.apply()

    assert code == 1
    assert {*found["host1"]} == {(subject, "drift") for kind in AT_ONCE for subject in DRIFTS[kind][1]}
    assert differences(drifting) == (0, {})
    assert states(drifting) == right


ALONE = [pytest.param(kind, marks=[] if kind == "br0 deleted" else [pytest.mark.long]) for kind in DRIFTS]


@pytest.mark.parametrize("kind", ALONE)
def test_drift_is_named_and_put_right_alone(drifting: Mesh, right: dict[str, list[str]], kind: str) -> None:
    harm, subjects = DRIFTS[kind]
    drifting.on("host1", harm)

    found = differences(drifting)
    drifting.apply()

    assert found == (1, {"host1": [(subject, "drift") for subject in subjects]})
    assert differences(drifting) == (0, {})
    assert states(drifting) == right
    assert drifting.apply()["changed"] is False


@pytest.mark.long
def test_others_do_not_notice_what_is_put_right(drifting: Mesh) -> None:
    target = drifting.container_address("host3")
    drifting.wait_for_ping("host2", target)
    ping = f"docker exec web /bin/busybox ping -i 0.1 -q -w 30 {target} | grep loss"
    with ThreadPoolExecutor(1) as beside:
        pings = beside.submit(drifting.on, "host2", ping)
        for kind in ("the address of docker0 moved", "a file edited", "the unit disabled"):
            drifting.on("host1", DRIFTS[kind][0])
            drifting.apply()

        assert " 0% packet loss" in pings.result()


def test_docker_with_other_settings_than_its_file_is_drift(drifting: Mesh) -> None:
    daemon = json.loads(drifting.on("host1", "cat /etc/docker/daemon.json"))
    other = json.dumps({**daemon, "mtu": 1300})
    drifting.on("host1", "cp -p /etc/docker/daemon.json /root/right.json")
    drifting.on("host1", f"echo '{other}' > /etc/docker/daemon.json")
    drifting.on("host1", "systemctl reset-failed docker.service; systemctl restart docker.service")
    drifting.on("host1", "cp -p /root/right.json /etc/docker/daemon.json")

    _, found = differences(drifting)
    drifting.apply()

    assert ("docker restart", "drift") in found["host1"]
    assert differences(drifting) == (0, {})


@pytest.mark.long
def test_containers_have_their_addresses_again_after_a_restart_of_docker(drifting: Mesh) -> None:
    """Those that we start, for they have no restart policy."""
    daemon = json.loads(drifting.on("host1", "cat /etc/docker/daemon.json"))
    other = json.dumps({**daemon, "mtu": 1300})
    drifting.on("host1", "cp -p /etc/docker/daemon.json /root/right.json")
    drifting.on("host1", f"echo '{other}' > /etc/docker/daemon.json")
    drifting.on("host1", "systemctl reset-failed docker.service; systemctl restart docker.service")
    drifting.on("host1", "cp -p /root/right.json /etc/docker/daemon.json")
    before = {name: drifting.start_container("host1", name) for name in ("zoe", "ann", "mia")}

    drifting.apply()

    after = {name: drifting.container_address("host1", name) for name in before}
    drifting.on("host1", f"docker rm -f {' '.join(before)}")
    assert after == before


def test_a_change_of_the_file_is_told_from_drift(drifting: Mesh) -> None:
    text = drifting.file.read_text()
    drifting.on("host1", "ovs-vsctl set interface gre2 bfd:enable=false")
    drifting.edit("interval_ms: 100", "interval_ms: 200")

    _, found = differences(drifting)
    drifting.apply()
    drifting.file.write_text(text)
    drifting.apply()

    assert ("gre2 bfd:enable", "drift") in found["host1"]
    assert ("gre1 bfd:min_rx", "file") in found["host1"]
    assert {origin for _, origin in found["host2"]} == {"file"}


def test_what_is_not_ours_is_left_alone(drifting: Mesh) -> None:
    drifting.on(
        "host1",
        "ip address add 10.99.0.1/24 dev docker0; ovs-vsctl add-port br0 theirs -- set interface theirs type=internal",
    )
    drifting.on("host1", "ip link set docker0 mtu 1300")

    drifting.apply()

    assert "10.99.0.1/24" in drifting.on("host1", "ip -o -4 address show docker0")
    assert drifting.on("host1", "ovs-vsctl port-to-br theirs") == "br0"
    assert differences(drifting) == (0, {})
    drifting.on("host1", "ip address del 10.99.0.1/24 dev docker0; ovs-vsctl del-port br0 theirs")


@pytest.mark.long
def test_a_host_that_is_not_read_has_its_own_exit_code(drifting: Mesh) -> None:
    drifting.lab("crash", "host3")

    with ThreadPoolExecutor(2) as both:
        plain, asked = both.map(lambda option: drifting.dockmesh("diff", option), ("--json", "--exit-code"))
    drifting.lab("start", "host3")

    assert (plain.code, asked.code) == (1, 4)
    assert [host["name"] for host in plain.json()["hosts"] if host["error"]] == ["host3"]
