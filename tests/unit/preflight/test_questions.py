"""The readers of the answers; what distributions say that the lab does not have is made up after their manuals."""

import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from dockmesh.facts import nftables
from dockmesh.facts.iptables import BRIDGED, Fate, Packet, walk
from dockmesh.preflight import questions
from dockmesh.preflight.docker import read_flags
from dockmesh.preflight.types import Around, DockerNetwork, Route
from dockmesh.transport.requests import Answer

GRE = Packet("br-phy", protocols=("gre", "47"), to_host=True)
FOLDER = Path(__file__).parents[2] / "cases" / "preflight"


def recorded(name: str) -> Around:
    """Of a host of the lab, by tests/cases/preflight/record.py."""
    answers = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return questions.read(tuple(Answer(*answers.get(name, (127, ""))) for name in questions.QUESTIONS))


def test_routes_of_others_are_read_and_the_hosts_own_addresses_are_not() -> None:
    rows = [
        {"dst": "default", "gateway": "192.0.2.254", "dev": "eth0"},
        {"dst": "172.17.5.0/24", "dev": "tun0"},
        {"dst": "10.0.0.7", "dev": "wg0", "table": "51820"},
        {"type": "blackhole", "dst": "10.9.0.0/16"},
        {"type": "local", "dst": "192.0.2.1", "dev": "eth0", "table": "local"},
    ]

    assert list(questions.read_routes(json.dumps(rows))) == [
        Route(IPv4Network("172.17.5.0/24"), "tun0"),
        Route(IPv4Network("10.0.0.7/32"), "wg0"),
        Route(IPv4Network("10.9.0.0/16"), ""),
    ]


def test_networks_of_docker_are_read_with_their_bridges() -> None:
    rows = [
        {"Name": "none", "Id": "a" * 64, "IPAM": {"Config": None}, "Options": None},
        {"Name": "blue", "Id": "0123456789abcdef", "IPAM": {"Config": [{"Subnet": "172.18.0.0/16"}]}, "Options": {}},
        {
            "Name": "six",
            "Id": "b" * 64,
            "IPAM": {"Config": [{"Subnet": "fd00::/64"}, {"Subnet": "10.1.0.0/24"}]},
            "Options": {"com.docker.network.bridge.name": "br-six"},
        },
    ]

    assert list(questions.read_networks(json.dumps(rows))) == [
        DockerNetwork("blue", (IPv4Network("172.18.0.0/16"),), "br-0123456789ab"),
        DockerNetwork("none", (), "br-aaaaaaaaaaaa"),
        DockerNetwork("six", (IPv4Network("10.1.0.0/24"),), "br-six"),
    ]


@pytest.mark.parametrize(
    ("answer", "version"), [("Python 3.13.5\n", (3, 13, 5)), ("Python 3.14.0rc1", (3, 14, 0)), ("", ())]
)
def test_python_says_its_version(answer: str, version: tuple[int, ...]) -> None:
    assert questions.read_python(answer) == version


def test_a_file_system_that_does_not_know_is_left_out() -> None:
    assert dict(questions.read_free("Avail File\n 123 /etc\n - /var\n")) == {"/etc": 123}


def test_network_files_are_read_in_the_order_of_their_names_and_etc_hides_usr() -> None:
    answer = (
        "/usr/lib/systemd/network/80-all.network:[Match]\n/usr/lib/systemd/network/80-all.network:Name=*\n"
        "/usr/lib/systemd/network/10-a.network:[Match]\n/etc/systemd/network/80-all.network:# nothing: here\n"
    )

    assert questions.read_network_files(answer) == (
        ("/usr/lib/systemd/network/10-a.network", "[Match]"),
        ("/etc/systemd/network/80-all.network", "# nothing: here"),
    )


def test_devices_of_network_manager_are_read_with_their_states() -> None:
    answer = "eth0:connected\ndocker0:connected (externally)\nodd\\:name:unmanaged\n"

    assert dict(questions.read_managed(answer)) == {
        "eth0": "connected",
        "docker0": "connected (externally)",
        "odd:name": "unmanaged",
    }


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("iptables v1.8.11 (nf_tables)\n", "nf_tables"), ("iptables v1.8.7 (legacy)", "legacy"), ("", "")],
)
def test_which_iptables_it_is(answer: str, kind: str) -> None:
    assert questions.read_kind(answer) == kind


def test_a_host_that_answers_nothing_is_read_all_the_same() -> None:
    around = questions.read(tuple(Answer(127) for _ in questions.QUESTIONS))

    assert around == Around()


def test_a_bare_debian_is_read_as_it_is() -> None:
    around = recorded("debian13-bare")

    assert (around.python[:2], around.iptables, around.networks, around.managed) == ((3, 13), None, (), {})
    assert {"/etc", "/var"} <= set(around.free)
    assert around.seconds is not None
    assert "docker.service" in around.units


def test_a_debian_in_a_mesh_is_read_as_it_is() -> None:
    around = recorded("debian13-host1")

    assert [network.name for network in around.networks] == ["bridge", "host", "none"]
    assert around.networks[0] == DockerNetwork("bridge", (IPv4Network("172.17.0.0/16"),), "docker0")
    assert (around.iptables_kind, around.ip_forward, around.legacy_tables) == ("nf_tables", True, ())
    assert read_flags(around.units["docker.service"]["ExecStart"], around.docker_options)[:2] == ("-H", "fd://")
    assert {route.device for route in around.routes} == {"br-phy", "docker0"}
    assert nftables.walk(around.nftables or "", "input", GRE).fate is Fate.PASSES


def test_a_debian_12_with_docker_20_is_read_as_it_is() -> None:
    around = recorded("debian12-host1")

    assert (around.python, around.iptables_kind, around.legacy_tables) == ((3, 11, 2), "nf_tables", ())
    assert around.managed["docker0"] == around.managed["br0"] == "connected (externally)"
    assert around.units["NetworkManager.service"]["ActiveState"] == "active"
    assert around.units["ufw.service"]["ActiveState"] == "active", "it is so without being enabled"
    assert not around.ufw
    assert read_flags(around.units["docker.service"]["ExecStart"], around.docker_options)[:2] == ("-H", "fd://")
    assert walk(around.iptables or "", "FORWARD", BRIDGED).fate is Fate.PASSES


def test_an_enabled_ufw_is_read_as_it_is() -> None:
    around = recorded("debian12-ufw")

    assert around.ufw
    assert walk(around.iptables or "", "INPUT", GRE).rule == "-P INPUT DROP"
