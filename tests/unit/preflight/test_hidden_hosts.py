"""What preflight asks of hosts behind a NAT, and how it notices one."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from dockmesh.model.encryption import Encryption, HostEndpoint
from dockmesh.model.mesh import Fabric
from dockmesh.plan.build import build
from dockmesh.preflight.collect import _not_arrived, _peer
from dockmesh.preflight.types import Check, Level, PeerReach, Reach
from tests.support.meshes import mesh_of
from tests.unit.preflight import worlds

MESH = mesh_of(3, fabric=Fabric(encryption=Encryption()))
FIXED = HostEndpoint(IPv4Address("203.0.113.7"), 443)
HOSTS = tuple(
    replace(host, endpoint=endpoint) for host, endpoint in zip(MESH.hosts, (None, HostEndpoint(), FIXED), strict=True)
)
PLAN = build(replace(MESH, hosts=HOSTS))
READY = worlds.ready(PLAN)
IN_SIGHT = build(MESH)
DEAF = PeerReach()


def test_nobody_sends_to_a_host_whose_place_is_learned_and_it_waits_for_nobody() -> None:
    one, two, three = PLAN.hosts

    assert _peer(PLAN, one, two) == {
        "name": "host2", "address": None, "port": 51820, "size": 1500, "finds_us": True,
    }  # fmt: skip
    assert _peer(PLAN, two, three) == {
        "name": "host3", "address": "203.0.113.7", "port": 443, "size": 1500, "finds_us": False,
    }  # fmt: skip


def test_only_the_direction_that_can_be_is_judged() -> None:
    unheard = {name: Reach(dict.fromkeys(("host1", "host3"), DEAF)) for name in ("host2",)}
    evidence = worlds.with_heard(worlds.with_heard(READY, "host2", "host1", DEAF), "host2", "host3", DEAF)

    assert worlds.trouble(PLAN, evidence) == []
    assert _not_arrived(PLAN, {"host2": ("host1",)}, {**READY.reach, **unheard}) == {"host2": ()}


def test_what_a_hidden_host_sends_and_nobody_hears_is_a_blocker() -> None:
    evidence = worlds.with_heard(READY, "host1", "host2", DEAF)

    finding = worlds.only(PLAN, evidence)

    assert (finding.check, finding.level) == (Check.TUNNEL, Level.BLOCKER)
    assert "host2 → host1" in finding.what


def test_a_host_that_is_heard_and_not_reached_looks_like_one_behind_a_nat() -> None:
    evidence = worlds.with_heard(worlds.ready(IN_SIGHT), "host2", "host1", worlds.DEAF)
    heard = replace(worlds.HEARD, ping_ms=None, errors={"small": "ENETUNREACH"})
    evidence = worlds.with_heard(evidence, "host1", "host2", heard)

    finding = worlds.only(IN_SIGHT, evidence)

    assert (finding.level, finding.hosts) == (Level.BLOCKER, ("host2",))
    assert "WireGuard from it arrives at host1, and nothing from there here" in finding.what
    assert "set `endpoint: dynamic` for it" in str(finding.do)


@pytest.mark.parametrize(("host", "level"), [("host2", Level.FINE), ("host1", Level.WARNING)])
def test_an_underlay_address_that_no_device_has_is_nothing_of_a_host_whose_address_changes(
    host: str, level: Level
) -> None:
    links = READY.hosts[host].facts.links
    evidence = worlds.with_facts(READY, host, links=tuple(link for link in links if link.name != "eth0"))

    assert [each.level for each in worlds.trouble(PLAN, evidence)] == ([] if level is Level.FINE else [level])


def test_a_firewall_that_drops_what_comes_from_anywhere_is_opened_for_anywhere() -> None:
    evidence = worlds.with_around(READY, "host1", iptables="-P INPUT DROP\n-P FORWARD ACCEPT\n")
    evidence = worlds.with_heard(evidence, "host1", "host2", replace(worlds.HEARD, raw=frozenset()))

    finding = next(each for each in worlds.trouble(PLAN, evidence) if each.check is Check.TUNNEL)

    assert "`iptables -I INPUT -p udp --dport 51820 -j ACCEPT`" in str(finding.do)
