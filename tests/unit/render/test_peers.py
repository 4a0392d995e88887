"""Rules about who may send a host tunnels' packets."""

from dataclasses import replace

import pytest

from dockmesh.model.encryption import Encryption
from dockmesh.model.mesh import Fabric, Guard
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.build import build
from dockmesh.render import peers, ports
from dockmesh.render.host import render
from tests.support.meshes import KERNEL, mesh_of, with_network


def rules(fabric: Fabric, underlay: str = "10.77.0.0", guard: Guard = Guard.PEERS) -> dict[str, list[str]]:
    """By chain."""
    plan = build(mesh_of(3, fabric=replace(fabric, guard=guard), underlay=underlay))
    chains: dict[str, list[str]] = {}
    for line in (line.strip() for line in peers.rules(plan, plan.hosts[0])):
        if line.startswith("chain "):
            found = chains.setdefault(line.split()[1], [])
        elif line != "}" and not line.startswith("#"):
            found.append(line)
    return chains


@pytest.mark.parametrize(
    ("fabric", "drops"),
    [
        (
            Fabric(),
            [
                "meta l4proto gre @th,0,32 0x20006558 @th,32,32 != 0 accept",
                "meta l4proto gre @th,16,16 0x6558 counter drop",
            ],
        ),
        (
            Fabric(key=7),
            [
                "meta l4proto gre @th,0,32 0x20006558 @th,32,32 != 7 accept",
                "meta l4proto gre @th,0,32 0x00006558 accept",
                "meta l4proto gre @th,16,16 0x6558 counter drop",
            ],
        ),
        (Fabric(tunnel=Tunnel.VXLAN), ["udp dport 4789 @th,96,24 { 0 } counter drop"]),
        (Fabric(tunnel=Tunnel.GENEVE, key=7), ["udp dport 6081 @th,96,24 { 7 } counter drop"]),
        (KERNEL, ["udp dport 4789 @th,96,24 { 2, 3 } counter drop"]),
    ],
    ids=["gre", "gre with a key", "vxlan", "geneve with a VNI", "devices of the kernel's"],
)  # fmt: skip
def test_tunnels_of_the_mesh_come_from_its_hosts_and_go_there_and_others_tunnels_are_left_alone(
    fabric: Fabric, drops: list[str]
) -> None:
    mesh = "{ 10.77.0.1, 10.77.0.2, 10.77.0.3 }"

    found = rules(fabric)

    assert found["in"] == [
        "type filter hook input priority -350; policy accept;",
        f"ip saddr {mesh} accept",
        *drops,
    ]
    assert found["out"] == [
        "type filter hook output priority -350; policy accept;",
        f"ip daddr {mesh} accept",
        *drops,
    ]
    assert found["to_host"] == drops


def test_what_containers_send_out_is_not_of_the_vni_of_any_two_hosts() -> None:
    (drop,) = rules(KERNEL)["to_peers"]

    assert drop == "udp dport 4789 @th,96,24 { 1, 2, 3 } counter drop"


def test_of_an_ipv6_underlay_it_is_the_ipv6_addresses() -> None:
    found = rules(Fabric(), "fd77::")

    assert "ip6 saddr { fd77::1, fd77::2, fd77::3 } accept" in found["in"]
    assert (
        "ip6 saddr != { fd77::1, fd77::2, fd77::3 } ip6 daddr { fd77::1, fd77::2, fd77::3 } goto to_peers"
        in (found["forward"])
    )
    assert not [line for chain in found.values() for line in chain if "ip saddr" in line]


def test_no_peer_is_on_the_host_itself_or_in_its_bridges() -> None:
    plan = build(with_network(mesh_of(3)))
    lines = [line.strip() for line in peers.rules(plan, plan.hosts[0])]

    assert "iifname { lo, docker0, dm-blue } goto to_host" in lines
    assert "iifname { docker0, dm-blue } oifname != { docker0, dm-blue } goto to_peers" in lines


def test_only_devices_that_look_at_no_sender_take_from_whoever_sends_to_another_address() -> None:
    mesh = "{ 10.77.0.1, 10.77.0.2, 10.77.0.3 }"

    assert rules(KERNEL)["input"][-1] == "ip daddr != 10.77.0.1 goto to_host"
    assert rules(Fabric())["input"][-1] == f"ip saddr {mesh} ip daddr != 10.77.0.1 goto to_host"


def text_of(fabric: Fabric) -> str:
    plan = build(mesh_of(3, fabric=fabric))
    return next(file.text for file in render(plan, plan.hosts[0]).files if file.path == ports.RULES)


@pytest.mark.parametrize("guard", Guard)
def test_those_about_machines_beside_the_mesh_stand_where_the_file_asks_for_them(guard: Guard) -> None:
    text = text_of(Fabric(guard=guard))

    assert "chain forward {" in text
    assert ("chain in {" in text) is (guard is Guard.PEERS)
    assert "\t\tip saddr { 10.77.0.1, 10.77.0.2, 10.77.0.3 } counter drop" in text


def test_an_encrypted_mesh_has_none() -> None:
    text = text_of(replace(KERNEL, encryption=Encryption()))

    assert "dockmesh_peers" not in text
    assert "10.77.0.1" not in text


@pytest.mark.parametrize("prefix6", [None, "fd00:81::/64"])
def test_from_an_internal_network_nobody_asks_for_names_by_an_address_of_another(prefix6: str | None) -> None:
    mesh = with_network(mesh_of(3), "vault", "10.81.0.0/16", vlan=30, internal=True, prefix6=prefix6)
    plan = build(with_network(mesh))
    text = next(file.text for file in render(plan, plan.hosts[0]).files if file.path == ports.RULES)
    rest = "meta l4proto { tcp, udp } th dport 53 counter drop"

    assert f"iifname dm-vault ip saddr != 10.81.0.0/16 {rest}" in text
    six = "meta nfproto ipv6" if prefix6 is None else f"ip6 saddr != {prefix6}"
    assert f"iifname dm-vault {six} {rest}" in text
    assert "dm-blue ip saddr" not in text
