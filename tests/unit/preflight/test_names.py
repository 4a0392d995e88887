"""The resolver's port, before the resolver is there."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from dockmesh.preflight.run import judge
from dockmesh.preflight.types import Check, Level, Listener
from dockmesh.render.names import UNIT
from tests.unit.preflight import worlds

PLAN = worlds.plan()
READY = worlds.ready(PLAN)
OWN = PLAN.host("host2").address.ip


@pytest.mark.parametrize("address", ["0.0.0.0", "::", str(OWN)])  # noqa: S104 — to be found, not to be bound
def test_another_dns_server_on_the_meshs_addresses_is_a_blocker(address: str) -> None:
    taken = frozenset({Listener(ip_address(address), 53)})

    finding = worlds.only(PLAN, worlds.with_around(READY, "host2", tcp_listeners=taken))

    assert (finding.check, finding.level, finding.hosts) == (Check.NAMES, Level.BLOCKER, ("host2",))
    assert str(Listener(ip_address(address), 53)) in finding.what


def test_one_on_other_addresses_is_fine_as_systemd_resolveds_is() -> None:
    elsewhere = frozenset({Listener(ip_address("127.0.0.53"), 53), Listener(ip_address("192.0.2.1"), 53)})

    assert worlds.trouble(PLAN, worlds.with_around(READY, "host2", tcp_listeners=elsewhere)) == []


def test_our_own_is_fine() -> None:
    evidence = worlds.with_around(READY, "host2", tcp_listeners=frozenset({Listener(OWN, 53)}))
    evidence = worlds.with_facts(evidence, "host2", units={UNIT: {"ActiveState": "active"}})

    assert worlds.trouble(PLAN, evidence) == []


def test_without_names_nobody_wants_the_port() -> None:
    plan = replace(PLAN, domain=None)
    evidence = worlds.with_around(worlds.ready(plan), "host2", tcp_listeners=frozenset({Listener(OWN, 53)}))

    assert [each for each in judge(plan, evidence) if each.check is Check.NAMES] == []


SHUT = "-P INPUT DROP\n-P FORWARD ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"


@pytest.mark.parametrize(
    ("more", "protocol"), [("", "udp"), ("-A INPUT -i docker0 -p udp -m udp --dport 53 -j ACCEPT\n", "tcp")]
)
def test_a_firewall_that_keeps_containers_from_the_resolver_is_a_blocker(more: str, protocol: str) -> None:
    evidence = worlds.with_around(READY, "host2", iptables=SHUT + more)

    found = [each for each in judge(PLAN, evidence) if each.check is Check.NAMES and each.level is Level.BLOCKER]

    (finding,) = found
    assert finding.hosts == ("host2",)
    assert f"{protocol} port 53: -P INPUT DROP" in finding.what
    assert finding.do is not None
    assert "iptables -I INPUT -i docker0" in finding.do


def test_with_ufw_it_is_told_in_its_words() -> None:
    evidence = worlds.with_around(READY, "host2", iptables=SHUT, ufw=True)

    (finding,) = [each for each in judge(PLAN, evidence) if each.check is Check.NAMES and each.level is Level.BLOCKER]

    assert finding.do == "`ufw allow in on docker0 to any port 53`"


def test_a_firewall_that_lets_them_in_is_fine() -> None:
    rules = SHUT + "-A INPUT -i docker0 -j ACCEPT\n"

    evidence = worlds.with_around(READY, "host2", iptables=rules)

    assert all(each.level is Level.FINE for each in judge(PLAN, evidence) if each.check is Check.NAMES)
