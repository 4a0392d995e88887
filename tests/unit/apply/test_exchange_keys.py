"""Which keys hosts get: a public one that they make, and a preshared one for each pair that has none in common."""

import asyncio
from collections.abc import Mapping

import pytest

from dockmesh.apply.exchange_keys import exchange
from dockmesh.diff.keys import PRESHARED, keys_step
from dockmesh.diff.types import Step
from dockmesh.errors import ConflictError, ConnectError
from dockmesh.facts.types import HostKeys
from dockmesh.inspect.host import config_of, inquiry
from dockmesh.plan.build import build
from dockmesh.plan.types import Plan
from dockmesh.render import wireguard
from dockmesh.transport.requests import Answer, Request
from tests.support.fake_host import FakeHost, applied
from tests.support.fake_keys import public_key
from tests.support.meshes import ENCRYPTED, mesh_of
from tests.support.plans import configs

MESH = mesh_of(3, fabric=ENCRYPTED)
PLAN = build(MESH)
NAMES = ("host1", "host2", "host3")


def hosts() -> dict[str, FakeHost]:
    return {name: applied(config) for name, config in configs(MESH).items()}


def exchanged(there: Mapping[str, FakeHost], kept: Mapping[str, str] | None = None, *, make: bool = True) -> Plan:
    return asyncio.run(exchange(PLAN, there, kept or {}, make=make))


def pair(a: str, b: str) -> frozenset[str]:
    return frozenset((a, b))


def give(plan: Plan, host: FakeHost) -> Step | None:
    """Carry out what the host gets."""
    asked = inquiry(plan, host.name)
    facts = asked.read(host.name, tuple(map(host.answer, asked.requests)))
    step = keys_step(config_of(plan, facts, asked.bundle), facts)
    for request in step.requests if step else ():
        assert host.answer(request).ok
    return step


def test_each_host_makes_a_key_and_each_pair_gets_one_of_its_own() -> None:
    there = hosts()

    plan = exchanged(there)

    assert plan.keys.public == {name: public_key(name) for name in NAMES}
    assert set(plan.keys.preshared) == {pair("host1", "host2"), pair("host1", "host3"), pair("host2", "host3")}
    assert len(set(plan.keys.preshared.values())) == 3


def test_to_look_makes_nothing() -> None:
    there = hosts()

    assert exchanged(there, {"host2": "known", "host9": "gone"}, make=False).keys.public == {"host2": "known"}
    assert not any(host.keys.private for host in there.values())


def test_hosts_that_have_theirs_get_none_and_who_lost_one_gets_it_at_both_ends() -> None:
    there = hosts()
    plan = exchanged(there)
    for host in there.values():
        give(plan, host)

    settled = exchanged(there)
    there["host2"].keys.preshared.pop("host3")
    lost = exchanged(there)

    assert settled.keys.preshared == {}
    assert all(give(settled, host) is None for host in there.values() if host.name != "host2")
    assert set(lost.keys.preshared) == {pair("host2", "host3")}


def test_all_pairs_get_new_ones_where_that_is_asked_for() -> None:
    there = hosts()
    plan = exchanged(there)
    for host in there.values():
        give(plan, host)

    again = asyncio.run(exchange(PLAN, there, {}, make=False, renew=True)).keys.preshared

    assert set(again) == set(plan.keys.preshared)
    assert not set(again.values()) & set(plan.keys.preshared.values())


def test_a_host_without_contact_keeps_its_own_and_is_known_by_what_was_kept() -> None:
    there = hosts()

    def fails(_: Request) -> Answer | None:
        raise ConnectError("gone", host="host3")

    there["host3"].fails = fails
    plan = exchanged(there, {"host3": "kept"})

    assert plan.keys.public["host3"] == "kept"
    assert set(plan.keys.preshared) == {pair("host1", "host2")}


def test_a_host_without_contact_is_known_by_its_peers_where_this_machine_knows_nothing() -> None:
    there = hosts()
    settings = wireguard.settings(exchanged(there), PLAN.host("host1"))
    assert settings is not None
    there["host1"].files[wireguard.SETTINGS] = (f"# Managed\n{settings}\n", 0o644)
    rest = {name: host for name, host in there.items() if name != "host3"}

    assert exchanged(rest).keys.public["host3"] == public_key("host3")
    with pytest.raises(ConflictError, match="one public key on this machine and another one on host1") as caught:
        exchanged(rest, {"host3": "another"})
    assert caught.value.report.host == "host3"
    assert exchanged(there, {"host3": "another"}).keys.public["host3"] == public_key("host3"), "it says so itself"


def test_the_change_says_which_and_no_text_has_the_key() -> None:
    there = hosts()
    plan = exchanged(there)

    step = give(plan, there["host1"])

    assert step is not None
    assert [(change.subject.name, change.subject.aspect, change.expected) for change in step.changes] == [
        ("host2", PRESHARED, "new"),
        ("host3", PRESHARED, "new"),
    ]
    secret = plan.keys.preshared[pair("host1", "host2")]
    assert secret not in repr(step.changes) + repr(plan)
    assert all(secret not in " ".join(getattr(request, "argv", ())) for request in step.requests)
    assert set(there["host1"].keys.preshared) == {"host2", "host3"}


def test_a_key_for_a_host_that_is_no_peer_any_more_is_forgotten() -> None:
    host = hosts()["host1"]
    host.keys.private, host.keys.preshared = True, {"host7": "c2VjcmV0"}

    step = give(exchanged({"host1": host}), host)

    assert step is not None
    assert [change.expected for change in step.changes] == [None]
    assert host.keys.preshared == {}


@pytest.mark.parametrize(
    "nonsense", ['{"public": "x\\nPostUp = evil", "preshared": {}, "peers": {}}', "[]", '{"public": 7}']
)
def test_what_is_no_key_is_an_error_of_its_host_alone(nonsense: str) -> None:
    """It would stand in files of others."""
    there = hosts()
    there["host3"].fails = lambda _: Answer(0, nonsense)

    plan = exchanged(there)

    assert set(plan.keys.public) == {"host1", "host2"}


def test_facts_have_fingerprints_only() -> None:
    host = hosts()["host1"]
    give(exchanged({"host1": host, "host2": hosts()["host2"]}), host)
    asked = inquiry(PLAN, "host1")

    facts = asked.read("host1", tuple(map(host.answer, asked.requests)))

    assert isinstance(facts.keys, HostKeys)
    assert facts.keys.public == public_key("host1")
    assert not set(facts.keys.preshared.values()) & set(host.keys.preshared.values())
