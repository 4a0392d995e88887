from dataclasses import replace

import pytest

from dockmesh.drill import drop
from dockmesh.drill.drop import Drop
from dockmesh.drill.types import Fault, FaultKind
from dockmesh.model.encryption import Encryption, HostEndpoint
from dockmesh.model.mesh import Links
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.types import Plan
from dockmesh.transport.requests import Exec
from tests.unit.drill.worlds import plan_of

CUT = Fault(FaultKind.CUT, ("host1", "host2"))


def of(plan: Plan, bridge: str | None = None) -> Drop:
    return Drop(plan.host("host2"), (plan.host("host1"),), bridge)


def test_a_cut_makes_both_ends_deaf_and_one_way_the_far_one() -> None:
    plan = plan_of()

    assert drop.deaf(plan, CUT) == {"host1": ("host2",), "host2": ("host1",)}
    assert drop.deaf(plan, Fault(FaultKind.ONE_WAY, ("host1", "host2"))) == {"host2": ("host1",)}


def test_a_partition_makes_linked_hosts_of_both_sides_deaf() -> None:
    chain = plan_of(4, Links((("host1", "host2"), ("host2", "host3"), ("host3", "host4"))))

    assert drop.deaf(chain, Fault(FaultKind.PARTITION, ("host1", "host2"))) == {
        "host2": ("host3",),
        "host3": ("host2",),
    }


def test_in_the_kernel_a_table_of_ours_drops_what_the_tunnel_brings() -> None:
    (request,) = drop.inject(plan_of(), CUT, of(plan_of()))

    assert request.argv == ("nft", "-f", "-")
    assert request.stdin == (
        "table inet dockmesh_drill {\n"
        "  chain input {\n"
        "    type filter hook input priority -300; policy accept;\n"
        "    ip saddr 10.77.0.1 meta l4proto 47 counter drop\n"
        "  }\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("fault", "share"),
    [
        (Fault(FaultKind.LOSSY, ("host1", "host2"), 5), "numgen random mod 100 < 5 counter drop"),
        (
            Fault(FaultKind.SLOW, ("host1", "host2"), 64),
            "limit rate over 8000 bytes/second burst 3000 bytes counter drop",
        ),
    ],
)
def test_an_impaired_link_drops_a_share(fault: Fault, share: str) -> None:
    (request,) = drop.inject(plan_of(), fault, of(plan_of()))

    assert f"ip saddr 10.77.0.1 meta l4proto 47 {share}\n" in request.stdin


def test_in_userspace_a_flow_of_ours_drops_it() -> None:
    (request,) = drop.inject(plan_of(), CUT, of(plan_of(), "br-phy"))

    assert request.argv == (
        *("ovs-ofctl", "add-flow", "br-phy"),
        "cookie=0xd0c4d711,priority=65535,ip,nw_src=10.77.0.1,nw_proto=47,actions=drop",
    )


def test_every_kind_of_tunnel_is_told_by_its_protocol_or_port() -> None:
    plan = plan_of()
    vxlan = replace(plan, fabric=replace(plan.fabric, tunnel=Tunnel("vxlan")))

    (request,) = drop.inject(vxlan, CUT, of(vxlan))

    assert "ip saddr 10.77.0.1 udp dport 4789 counter drop\n" in request.stdin


@pytest.mark.parametrize("bridge", [None, "br-phy"])
def test_the_host_heals_itself_by_the_same_command_that_heals_it(bridge: str | None) -> None:
    alone = drop.dead_man(bridge, 14.2)

    assert alone.argv[-len(drop.heal(bridge).argv) :] == drop.heal(bridge).argv
    assert "--on-active=14" in alone.argv


def test_packets_that_were_dropped_are_counted() -> None:
    assert drop.counted("  ip saddr 1.1.1.1 counter packets 41 bytes 5 drop\n  counter packets 1 bytes 2 drop") == 42
    assert drop.counted(" cookie=0xd0c4d711, duration=2.1s, table=0, n_packets=7, n_bytes=9 actions=drop") == 7
    assert drop.counted("") == 0


class Host:
    """What nft and ovs-ofctl keep, as far as a drill uses them."""

    def __init__(self) -> None:
        self.tables: set[str] = set()
        self.flows: set[str] = set()

    def carry_out(self, request: Exec) -> None:
        match request.argv:
            case ("nft", "-f", "-"):
                self.tables.add(request.stdin)
            case ("nft", "add table inet dockmesh_drill; delete table inet dockmesh_drill"):
                self.tables.clear()
            case ("ovs-ofctl", "add-flow", _, flow):
                self.flows.add(flow)
            case ("ovs-ofctl", "del-flows", _, cookie):
                self.flows = {flow for flow in self.flows if not flow.startswith(cookie.removesuffix("/-1"))}
            case _:
                raise AssertionError(request)


def hosts(plan: Plan) -> dict[str, Host]:
    return {host.name: Host() for host in plan.hosts}


def test_what_a_hidden_host_sends_is_dropped_inside_the_encryption() -> None:
    """Outside, nobody knows which address it has there."""
    plan = plan_of()
    plan = replace(plan, fabric=replace(plan.fabric, encryption=Encryption()))
    peer = replace(plan.host("host1"), endpoint=HostEndpoint(), inside=Encryption().prefix[1])

    (request,) = drop.inject(plan, CUT, Drop(plan.host("host2"), (peer,), None))

    assert "ip saddr 198.18.0.1 meta l4proto 47 counter drop" in request.stdin
