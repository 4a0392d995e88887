"""What passes between hosts, and who is to be looked at where it does not."""

from dataclasses import replace

import pytest

from dockmesh.model.mesh import Datapath
from dockmesh.model.tunnel import Tunnel
from dockmesh.preflight.types import Check, Level, PeerReach, Reach
from dockmesh.preflight.underlay import FULL, SMALL, blame
from tests.unit.preflight import worlds

PLAN = worlds.plan()
READY = worlds.ready(PLAN)
NETDEV = worlds.plan(datapath=Datapath.NETDEV)
ONLY_SMALL = frozenset({SMALL})
DROPS_GRE = (
    '{"nftables": [{"chain": {"family": "inet", "table": "guard", "name": "in", "hook": "input", "prio": 0, '
    '"policy": "accept"}}, {"rule": {"family": "inet", "table": "guard", "chain": "in", "expr": [{"match": '
    '{"op": "==", "left": {"payload": {"protocol": "ip", "field": "protocol"}}, "right": "gre"}}, {"drop": null}]}}]}'
)


def test_gre_that_is_lost_between_two_hosts_while_pings_pass() -> None:
    finding = worlds.only(PLAN, worlds.filtered(READY, ("host1", "host2")))

    assert (finding.check, finding.level, finding.hosts) == (Check.TUNNEL, Level.BLOCKER, ("host1", "host2"))
    assert "a ping does: host1 ↔ host2" in finding.what
    assert "protocol 47" in str(finding.do)


def test_a_host_that_gre_reaches_from_nobody_is_named_alone() -> None:
    finding = worlds.only(PLAN, worlds.filtered(READY, ("host1", "host2"), ("host3", "host2")))

    assert finding.hosts == ("host2",)
    assert set(finding.pairs) == {(a, b) for a, b in (*_both("host1", "host2"), *_both("host3", "host2"))}


def _both(a: str, b: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (a, b), (b, a)


def test_one_direction_is_told_from_two() -> None:
    finding = worlds.only(PLAN, worlds.with_heard(READY, "host2", "host1", worlds.DEAF))

    assert "host1 → host2" in finding.what


def test_a_dead_underlay_is_told_from_filtered_gre() -> None:
    dead = PeerReach()
    evidence = worlds.with_heard(worlds.with_heard(READY, "host1", "host2", dead), "host2", "host1", dead)

    assert "not even a ping" in worlds.only(PLAN, evidence).what


def test_a_rule_of_the_host_that_drops_gre_is_named_with_what_to_put_before_it() -> None:
    arrived = replace(worlds.HEARD, raw=frozenset())
    evidence = worlds.with_around(READY, "host2", nftables=DROPS_GRE)
    for peer in ("host1", "host3"):
        evidence = worlds.with_heard(evidence, "host2", peer, arrived)

    finding = worlds.only(PLAN, evidence)

    assert (finding.level, finding.hosts) == (Level.BLOCKER, ("host2",))
    assert "GRE from host1, host3 arrives" in finding.what
    assert "`ip protocol gre drop` in chain in of table inet guard" in finding.what
    assert "insert rule inet guard in ip saddr { 10.77.0.1, 10.77.0.3 } ip protocol gre accept" in str(finding.do)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ufw": True}, "ufw allow proto gre from 10.77.0.1"),
        ({"units": {"firewalld.service": {"ActiveState": "active"}}}, "firewall-cmd"),
        ({}, "iptables -I INPUT -p gre -s 10.77.0.1 -j ACCEPT"),
    ],
    ids=["ufw", "firewalld", "iptables"],
)
def test_the_fix_is_in_the_words_of_who_manages_the_rules(changes: dict[str, object], words: str) -> None:
    evidence = worlds.with_around(READY, "host2", iptables="-P INPUT DROP\n-P FORWARD ACCEPT\n", **changes)
    evidence = worlds.with_heard(evidence, "host2", "host1", replace(worlds.HEARD, raw=frozenset()))

    finding = worlds.only(replace(PLAN, domain=None), evidence)

    assert "-P INPUT DROP" in finding.what
    assert words in str(finding.do)


def test_a_port_of_udp_that_is_dropped_is_named_with_what_opens_it() -> None:
    planned = worlds.plan(tunnel=Tunnel.VXLAN)
    rules = "-P INPUT ACCEPT\n-A INPUT -p udp -m udp --dport 4789 -j DROP\n"
    evidence = worlds.with_around(worlds.ready(planned), "host2", iptables=rules)
    evidence = worlds.with_heard(evidence, "host2", "host1", replace(worlds.HEARD, raw=frozenset()))

    finding = worlds.only(planned, evidence)

    assert "VXLAN from host1 arrives, and its own firewall drops it: -A INPUT -p udp" in finding.what
    assert "iptables -I INPUT -p udp --dport 4789 -s 10.77.0.1 -j ACCEPT" in str(finding.do)


def test_geneve_that_is_lost_on_the_way_is_a_port_to_open() -> None:
    planned = worlds.plan(tunnel=Tunnel.GENEVE)

    finding = worlds.only(planned, worlds.filtered(worlds.ready(planned), ("host1", "host2")))

    assert finding.what.startswith("Geneve (UDP port 6081) does not pass, a ping does")
    assert str(finding.do).startswith("open UDP port 6081 both ways")


def test_the_userspace_datapath_hears_what_the_hosts_firewall_drops() -> None:
    arrived = replace(worlds.HEARD, raw=frozenset())
    evidence = worlds.with_heard(worlds.ready(NETDEV), "host2", "host1", arrived)

    assert worlds.trouble(NETDEV, evidence) == []


def test_a_firewall_on_the_way_out_is_the_senders() -> None:
    evidence = worlds.with_heard(READY, "host2", "host1", worlds.DEAF)
    evidence = worlds.with_heard(evidence, "host1", "host2", replace(worlds.HEARD, errors={SMALL: "EPERM"}))

    finding = worlds.only(PLAN, evidence)

    assert (finding.hosts, finding.level) == (("host1",), Level.BLOCKER)
    assert "OUTPUT" in str(finding.do)


def test_a_path_with_a_smaller_mtu_is_told_with_what_passes() -> None:
    small = replace(worlds.HEARD, raw=ONLY_SMALL, wire=ONLY_SMALL, largest=1400)
    evidence = READY
    for peer in ("host1", "host2"):
        evidence = worlds.with_heard(worlds.with_heard(evidence, "host3", peer, small), peer, "host3", small)

    finding = worlds.only(PLAN, evidence)

    assert (finding.check, finding.level, finding.hosts) == (Check.PATH_MTU, Level.BLOCKER, ("host3",))
    assert "the largest that passes has 1400" in finding.what
    assert "underlay_mtu: 1400" in str(finding.do)


def test_the_smaller_of_two_ways_counts() -> None:
    one, other = (replace(worlds.HEARD, raw=ONLY_SMALL, largest=size) for size in (1404, 1400))
    evidence = worlds.with_heard(worlds.with_heard(READY, "host1", "host3", one), "host3", "host1", other)

    assert "underlay_mtu: 1400" in str(worlds.only(PLAN, evidence).do)


def test_links_that_let_pass_unlike_sizes_are_still_the_one_hosts_that_they_share() -> None:
    evidence = READY
    for peer, size in (("host1", 1404), ("host2", 1400)):
        small = replace(worlds.HEARD, raw=ONLY_SMALL, largest=size)
        evidence = worlds.with_heard(worlds.with_heard(evidence, "host3", peer, small), peer, "host3", small)

    finding = worlds.only(PLAN, evidence)

    assert finding.hosts == ("host3",)
    assert "underlay_mtu: 1400" in str(finding.do)


def test_a_full_gre_packet_that_is_lost_where_a_ping_of_its_size_is_not() -> None:
    evidence = worlds.with_heard(READY, "host2", "host1", replace(worlds.HEARD, raw=ONLY_SMALL))

    assert "compare the MTU" in str(worlds.only(PLAN, evidence).do)


def test_a_host_that_could_not_measure_is_unknown_not_fine() -> None:
    evidence = replace(READY, reach={**READY.reach, "host2": Reach(error="Operation not permitted")})

    finding = worlds.only(PLAN, evidence)

    assert (finding.level, finding.hosts) == (Level.UNKNOWN, ("host2",))


@pytest.mark.parametrize(
    ("pairs", "hosts"),
    [
        ([], []),
        ([("a", "b"), ("b", "a")], [("a", "b")]),
        ([("a", "b"), ("c", "b")], [("b",)]),
        ([("a", "b"), ("c", "b"), ("d", "e")], [("b",), ("d", "e")]),
    ],
)
def test_blame_finds_the_host_that_is_part_of_it_all(pairs: list[tuple[str, str]], hosts: list[object]) -> None:
    found = list(blame(pairs))

    assert [each for each, _ in found] == hosts
    assert sorted(pair for _, group in found for pair in group) == sorted(pairs)


def test_both_kinds_are_what_the_agent_sends() -> None:
    from dockmesh.agent import reach

    assert (SMALL, FULL) == (reach.SMALL, reach.FULL)
