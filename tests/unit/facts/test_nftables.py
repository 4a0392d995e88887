"""A packet through rules as `nft --json list ruleset` tells them; recorded with nftables 1.1.3, but for its handles."""

import json
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

from dockmesh.facts.iptables import Fate, Packet
from dockmesh.facts.nftables import walk

GRE = Packet("eth0", protocols=("gre", "47"), source=IPv4Address("192.0.2.2"))
IS_GRE = {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "protocol"}}, "right": "gre"}}
DROP = {"drop": None}


def base(policy: str = "accept", **more: Any) -> dict[str, Any]:
    return {
        "chain": {"family": "inet", "table": "t", "name": "in", "hook": "input", "prio": 0, "policy": policy} | more
    }


def rule(*expressions: dict[str, Any], chain: str = "in") -> dict[str, Any]:
    return {"rule": {"family": "inet", "table": "t", "chain": chain, "expr": list(expressions)}}


def ruleset(*items: dict[str, Any]) -> str:
    return json.dumps({"nftables": [{"metainfo": {"version": "1.1.3"}}, *items]})


def match(key: str, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": {"meta": {"key": key}}, "right": right}}


def source(right: Any) -> dict[str, Any]:
    return {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": right}}


@pytest.mark.parametrize(
    "expressions",
    [
        (IS_GRE, DROP),
        (match("l4proto", 47), {"counter": {"packets": 1, "bytes": 2}}, DROP),
        (match("l4proto", {"set": ["gre", "esp"]}), {"reject": None}),
        (match("iifname", "eth0"), source({"prefix": {"addr": "192.0.2.0", "len": 24}}), DROP),
        (match("iifname", "eth1", "!="), DROP),
        (source({"set": ["192.0.2.2"]}), DROP),
    ],
)
def test_a_rule_that_drops_every_such_packet_is_found(expressions: tuple[dict[str, Any], ...]) -> None:
    assert walk(ruleset(base(), rule(*expressions)), "input", GRE).fate is Fate.RULE


@pytest.mark.parametrize(
    "expressions",
    [
        (match("l4proto", "tcp"), DROP),
        (match("iifname", "eth1"), DROP),
        (source("192.0.2.3"), DROP),
        ({"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "invalid"}}, DROP),
        (IS_GRE, {"limit": {"rate": 1}}, DROP),
        (IS_GRE, {"accept": None}),
    ],
)
def test_a_rule_about_other_or_only_some_packets_is_passed_over(expressions: tuple[dict[str, Any], ...]) -> None:
    assert walk(ruleset(base(), rule(*expressions)), "input", GRE).fate is Fate.PASSES


def udp(right: Any) -> dict[str, Any]:
    return {"match": {"op": "==", "left": {"payload": {"protocol": "udp", "field": "dport"}}, "right": right}}


@pytest.mark.parametrize(
    ("right", "fate"),
    [(4789, Fate.RULE), ({"range": [4000, 5000]}, Fate.RULE), ({"set": [53, 4789]}, Fate.RULE), (6081, Fate.PASSES)],
)
def test_ports_are_told_apart(right: Any, fate: Fate) -> None:
    vxlan = Packet("eth0", protocols=("udp", "17"), port=4789, source=IPv4Address("192.0.2.2"))

    assert walk(ruleset(base(), rule(udp(right), DROP)), "input", vxlan).fate is fate
    assert walk(ruleset(base(), rule(udp(right), DROP)), "input", GRE).fate is Fate.PASSES


def test_an_ipv6_packet_meets_rules_of_its_own_family_only() -> None:
    packet = Packet("eth0", protocols=("gre", "47"), source=IPv6Address("fd00::2"))
    next_header = {"match": {"op": "==", "left": {"payload": {"protocol": "ip6", "field": "nexthdr"}}, "right": "gre"}}
    from_6 = {"match": {"op": "==", "left": {"payload": {"protocol": "ip6", "field": "saddr"}}, "right": "fd00::2"}}

    assert walk(ruleset(base(), rule(IS_GRE, DROP)), "input", packet).fate is Fate.PASSES
    assert walk(ruleset(base(), rule(next_header, DROP)), "input", packet).fate is Fate.RULE
    assert walk(ruleset(base(), rule(from_6, DROP)), "input", packet).fate is Fate.RULE
    assert walk(ruleset(base(), rule(match("nfproto", "ipv4"), DROP)), "input", packet).fate is Fate.PASSES
    assert walk(ruleset(base("drop", family="ip")), "input", packet).fate is Fate.PASSES


def test_the_rule_is_shown_as_nft_writes_it_and_with_its_place() -> None:
    found = walk(ruleset(base(), rule(match("iifname", "eth0"), IS_GRE, DROP)), "input", GRE)

    assert found.rule == "`iifname eth0 ip protocol gre drop` in chain in of table inet t"
    assert found.chain == "inet t in"


def test_a_policy_drops_what_no_rule_accepts() -> None:
    open_to_gre = rule(IS_GRE, {"accept": None})

    assert walk(ruleset(base("drop")), "input", GRE).fate is Fate.POLICY
    assert walk(ruleset(base("drop"), open_to_gre), "input", GRE).fate is Fate.PASSES


def test_what_one_chain_accepts_the_next_may_drop() -> None:
    second = base("drop", name="late")

    assert walk(ruleset(base(), rule(IS_GRE, {"accept": None}), second), "input", GRE).fate is Fate.POLICY


def test_chains_are_followed_and_return_ends_them() -> None:
    jump = rule({"jump": {"target": "mine"}})

    assert walk(ruleset(base(), jump, rule(IS_GRE, DROP, chain="mine")), "input", GRE).fate is Fate.RULE
    assert walk(
        ruleset(base(), jump, rule({"return": None}, chain="mine"), rule(IS_GRE, DROP, chain="mine")), "input", GRE
    ).fate is (Fate.PASSES)


def test_other_hooks_and_families_do_not_matter() -> None:
    assert walk(ruleset(base("drop", hook="forward")), "input", GRE).fate is Fate.PASSES
    assert walk(ruleset(base("drop", family="bridge")), "input", GRE).fate is Fate.PASSES
    assert walk("", "input", GRE).fate is Fate.PASSES
