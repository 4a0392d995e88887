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
