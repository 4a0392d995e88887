"""What a host's nftables do with a packet, by `nft --json list ruleset` (libnftables-json(5)), as far as rules tell."""

import json
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

from dockmesh.facts.iptables import DEEPEST, Fate, Packet, Seen

FAMILIES = {4: ("ip", "inet"), 6: ("ip6", "inet")}
ENDS = ("accept", "drop", "reject", "return")
Item = Mapping[str, Any]


def walk(ruleset: str, hook: str, packet: Packet) -> Seen:
    """Follow a packet through all base chains of a hook: one that drops it is enough."""
    items: list[Item] = json.loads(ruleset or "{}").get("nftables", [])
    chains = [item["chain"] for item in items if "chain" in item]
    rules: dict[tuple[str, str, str], list[Item]] = {}
    for item in items:
        if "rule" in item:
            rule = item["rule"]
            rules.setdefault((rule["family"], rule["table"], rule["chain"]), []).append(rule)
    for chain in sorted(chains, key=lambda chain: str(chain.get("prio", ""))):
        if chain.get("hook") != hook or chain["family"] not in FAMILIES[_version(packet)]:
            continue
        end, rule = _follow(rules, (chain["family"], chain["table"], chain["name"]), packet, 0)
        if end in ("drop", "reject"):
            return Seen(Fate.RULE, *rule)
        if end is None and chain.get("policy") == "drop":
            where = (chain["family"], chain["table"], chain["name"])
            return Seen(Fate.POLICY, f"policy drop of {_name(*where)}", " ".join(where))
    return Seen(Fate.PASSES)


def _version(packet: Packet) -> int:
    return packet.source.version if packet.source else 4


def _follow(
    rules: Mapping[tuple[str, str, str], list[Item]], chain: tuple[str, str, str], packet: Packet, depth: int
) -> tuple[str | None, tuple[str, str]]:
    """The verdict, with the rule and its chain."""
    for rule in rules.get(chain, ()):
        target = _target(rule["expr"], packet)
        if target in ("accept", "drop", "reject"):
            return target, (f"{_text(rule['expr'])} in {_name(*chain)}", " ".join(chain))
        if target == "return":
            break
        if target is not None and depth < DEEPEST:
            end, why = _follow(rules, (chain[0], chain[1], target), packet, depth + 1)
            if end is not None:
                return end, why
    return None, ("", "")


def _target(expressions: Iterable[Item], packet: Packet) -> str | None:
    """Where a rule sends every such packet: a verdict or a chain; None if it does not, or only some."""
    for expression in expressions:
        match expression:
            case {"match": test}:
                if not _matches(test, packet):
                    return None
            case {"jump": {"target": chain}} | {"goto": {"target": chain}}:
                return str(chain)
            case {"counter": _} | {"comment": _} | {"log": _}:
                pass
            case _:
                return next((end for end in ENDS if end in expression), None)
    return None


def _matches(test: Item, packet: Packet) -> bool:
    right = test["right"]
    values = right["set"] if isinstance(right, dict) and "set" in right else [right]
    match test["left"]:
        case {"payload": {"protocol": "ip", "field": "protocol"}}:
            found = _version(packet) == 4 and any(str(value) in packet.protocols for value in values)
        case {"payload": {"protocol": "ip6", "field": "nexthdr"}}:
            found = _version(packet) == 6 and any(str(value) in packet.protocols for value in values)
        case {"meta": {"key": "l4proto"}}:
            found = any(str(value) in packet.protocols for value in values)
        case {"meta": {"key": "nfproto"}}:
            found = f"ipv{_version(packet)}" in values
        case {"payload": {"protocol": "udp" | "th", "field": "dport"}} if packet.port is not None:
            found = any(_is_among(packet.port, value) for value in values)
        case {"meta": {"key": "iifname" | "iif"}}:
            found = packet.came_in in values
        case {"meta": {"key": "oifname" | "oif"}}:
            found = packet.goes_out in values
        case {"fib": {"result": "type", "flags": ["daddr"]}}:
            found = packet.to_host and "local" in values
        case {"payload": {"protocol": "ip" | "ip6", "field": "saddr"}}:
            found = any(_contains(value, packet.source) for value in values)
        case _:
            return False
    return found if test["op"] == "==" else not found if test["op"] == "!=" else False


def _is_among(port: int, value: Any) -> bool:
    match value:
        case int():
            return port == value
        case {"range": [low, high]}:
            return bool(low <= port <= high)
    return False


def _contains(value: Any, address: IPv4Address | IPv6Address | None) -> bool:
    if address is None:
        return False
    match value:
        case str():
            return value == str(address)
        case {"prefix": {"addr": first, "len": length}}:
            return address in ip_network(f"{first}/{length}", strict=False)
    return False


def _name(family: str, table: str, chain: str) -> str:
    return f"chain {chain} of table {family} {table}"


def _text(expressions: Iterable[Item]) -> str:
    """A rule near to how nft writes it."""
    words = []
    for expression in expressions:
        match expression:
            case {"match": {"left": {"payload": {"protocol": protocol, "field": field}}, "right": right}}:
                words.append(f"{protocol} {field} {_value(right)}")
            case {"match": {"left": {"meta": {"key": key}}, "right": right}}:
                words.append(f"{'meta ' if key == 'l4proto' else ''}{key} {_value(right)}")
            case _:
                words += [end for end in ENDS if end in expression]
    return f"`{' '.join(words)}`"


def _value(right: Any) -> str:
    if isinstance(right, dict):
        if "set" in right:
            return f"{{ {', '.join(map(_value, right['set']))} }}"
        if "prefix" in right:
            return f"{right['prefix']['addr']}/{right['prefix']['len']}"
    return str(right)
