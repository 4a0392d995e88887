"""Rules about who may send a host tunnels' packets."""

from dataclasses import replace

import pytest

from dockmesh.model.mesh import Fabric, Guard
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.build import build
from dockmesh.render import peers, ports
from dockmesh.render.host import render
from tests.support.meshes import KERNEL, mesh_of


def rules(fabric: Fabric, underlay: str = "10.77.0.0") -> list[str]:
    plan = build(mesh_of(3, fabric=replace(fabric, guard=Guard.PEERS), underlay=underlay))
    return [line.strip() for line in peers.rules(plan, plan.hosts[0])]


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

    assert rules(fabric) == [
        "chain in {",
        "type filter hook input priority -350; policy accept;",
        f"ip saddr {mesh} accept",
        *drops,
        "}",
        "chain out {",
        "type filter hook output priority -350; policy accept;",
        f"ip daddr {mesh} accept",
        *drops,
        "}",
    ]


def test_of_an_ipv6_underlay_it_is_the_ipv6_addresses() -> None:
    assert "ip6 saddr { fd77::1, fd77::2, fd77::3 } accept" in rules(Fabric(), "fd77::")


@pytest.mark.parametrize("guard", Guard)
def test_they_stand_with_the_rules_at_ports_where_the_file_asks_for_them(guard: Guard) -> None:
    plan = build(mesh_of(3, fabric=Fabric(guard=guard)))

    text = next(file.text for file in render(plan, plan.hosts[0]).files if file.path == ports.RULES)

    assert ("table inet dockmesh_peers {" in text) is (guard is Guard.PEERS)
