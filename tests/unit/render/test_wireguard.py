"""The settings of a host's WireGuard device."""

import json
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from dockmesh.model.encryption import Encryption, HostEndpoint
from dockmesh.plan.build import build
from dockmesh.plan.secrets import MeshKeys
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.render import wireguard
from dockmesh.render.host import render
from tests.support.meshes import KERNEL, mesh_of

PUBLIC = {f"host{number}": f"{number}" * 43 + "=" for number in (1, 2, 3)}


def planned(keys: MeshKeys, underlay: str = "10.77.0.0") -> tuple[Plan, HostPlan]:
    fabric = replace(KERNEL, encryption=Encryption(prefix=IPv4Network("198.19.0.0/16"), port=4711))
    plan = replace(build(mesh_of(3, fabric=fabric, underlay=underlay)), keys=keys)
    return plan, plan.hosts[0]


def test_its_settings_name_each_peer_and_where_it_is() -> None:
    told = json.loads(wireguard.settings(*planned(MeshKeys(PUBLIC))) or "")

    assert {**told, "peers": None} == {
        "device": "dmw-1",
        "alias": "dockmesh=prod",
        "port": 4711,
        "mtu": 1440,
        "address": "198.19.42.1",
        "prefix": "198.19.0.0/16",
        "vxlan": {"port": 4789, "vnis": [3, 2]},
        "peers": None,
    }
    assert told["peers"][0] == {
        "name": "host2",
        "public": PUBLIC["host2"],
        "endpoint": "10.77.0.2:4711",
        "address": "198.19.42.2",
    }


def test_a_peer_behind_a_nat_is_where_that_maps_it_or_nowhere_yet() -> None:
    fabric = replace(KERNEL, encryption=Encryption(port=4711))
    mesh = mesh_of(3, fabric=fabric)
    places = (None, HostEndpoint(IPv4Address("203.0.113.7")), HostEndpoint())
    hosts = tuple(replace(host, endpoint=place) for host, place in zip(mesh.hosts, places, strict=True))
    plan = replace(build(replace(mesh, hosts=hosts)), keys=MeshKeys(PUBLIC))

    told = json.loads(wireguard.settings(plan, plan.hosts[0]) or "")

    assert [peer.get("endpoint") for peer in told["peers"]] == ["203.0.113.7:4711", None]


def test_over_ipv6_less_is_left_and_endpoints_have_brackets() -> None:
    told = json.loads(wireguard.settings(*planned(MeshKeys(PUBLIC), underlay="2001:db8::")) or "")

    assert (told["mtu"], told["peers"][0]["endpoint"]) == (1420, "[2001:db8::2]:4711")


def test_a_peer_whose_key_nobody_knows_is_left_out() -> None:
    told = json.loads(wireguard.settings(*planned(MeshKeys({"host2": PUBLIC["host2"]}))) or "")

    assert [peer["name"] for peer in told["peers"]] == ["host2"]


def test_where_no_key_is_known_the_settings_are_not_judged() -> None:
    plan, host = planned(MeshKeys())

    config = render(plan, host)

    assert wireguard.SETTINGS in config.unknown
    assert wireguard.UNIT in config.units


def test_a_host_that_knows_nobody_is_locked_all_the_same() -> None:
    told = json.loads(wireguard.settings(*planned(MeshKeys())) or "")

    assert (told["prefix"], told["address"], told["peers"]) == ("198.19.0.0/16", "198.19.42.1", [])


def test_a_host_gets_the_keys_of_its_own_pairs_and_no_text_or_repr_has_them() -> None:
    secret, others = "U2VjcmV0", "b3RoZXJz"
    preshared = {frozenset(("host1", "host2")): secret, frozenset(("host2", "host3")): others}
    plan, host = planned(MeshKeys(PUBLIC, preshared))

    config = render(plan, host)

    assert config.preshared == {"host2": secret}
    assert secret not in repr(config) + repr(plan) + "".join(file.text for file in config.files)
