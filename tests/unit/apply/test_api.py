"""Docker's API in the mesh by an apply: what comes, and that all of it goes again."""

import asyncio
from dataclasses import replace

from dockmesh.access.push_revocation import shut_out
from dockmesh.apply.all_or_none import AllOrNone
from dockmesh.apply.inspection import inspect_all, lock_all
from dockmesh.apply.run import apply
from dockmesh.diff.outcome import Outcome
from dockmesh.errors import ConflictError, LockedError
from dockmesh.inspect.host import Inspection
from dockmesh.plan.secrets import Access
from dockmesh.plan.types import Plan
from dockmesh.render.paths import API_CA, API_FILES, API_REVOKED, API_UNIT
from dockmesh.transport.requests import Answer, Exec, Lock, Request
from dockmesh.undo.run import destroy
from dockmesh.undo.run import inspect_all as inspect_destroy
from dockmesh.undo.session import Session
from tests.support import access
from tests.support.fake_host import FakeHost, applied, installed
from tests.support.plans import config_of, configs
from tests.unit.apply.test_apply import RUN, Told

KNOWN = access.access()
SHUT = replace(access.mesh(), docker_api=None)
RESTART = Exec(("systemctl", "try-restart", API_UNIT))


def hosts_of(known: Access) -> dict[str, FakeHost]:
    return {name: applied(access.config(known, name)) for name in ("host1", "host2", "host3")}


async def carry_out(plan: Plan, hosts: dict[str, FakeHost]) -> tuple[Outcome, ...]:
    told = Told()
    await lock_all(hosts, RUN, told)
    inspections = await inspect_all(plan, hosts)
    session = Session(RUN)
    outcomes = await apply(plan, hosts, AllOrNone(plan, inspections), session, told)
    await session.confirm(hosts, {})
    return outcomes


def test_an_apply_opens_it_and_a_second_one_changes_nothing() -> None:
    hosts = {name: applied(config) for name, config in configs(SHUT).items()}
    plan = access.plan(KNOWN)

    outcomes = asyncio.run(carry_out(plan, hosts))
    inspections = asyncio.run(inspect_all(plan, hosts))

    assert not [outcome.error for outcome in outcomes if outcome.error]
    assert all(
        isinstance(inspection, Inspection) and inspection.diff.steps == () for inspection in inspections.values()
    )
    assert {host.units[API_UNIT]["ActiveState"] for host in hosts.values()} == {"active"}


def test_a_port_that_is_taken_takes_the_host_back_to_where_it_was() -> None:
    hosts = {name: applied(config) for name, config in configs(SHUT).items()}
    before = hosts["host2"].state()

    def taken(request: Request) -> Answer | None:
        failed = Answer(1, err="Job for dockmesh-api.service failed")
        return failed if request == Exec(("systemctl", "start", API_UNIT)) else None

    hosts["host2"].fails = taken
    outcomes = asyncio.run(carry_out(access.plan(KNOWN), hosts))

    assert [outcome.host for outcome in outcomes if outcome.error] == ["host2"]
    assert hosts["host2"].state() == before
    assert not set(API_FILES) & set(hosts["host2"].files)


def test_destroy_leaves_nothing_of_it() -> None:
    hosts = {name: installed(config) for name, config in configs(SHUT).items()}
    before = {name: dict(host.files) for name, host in hosts.items()}
    asyncio.run(carry_out(access.plan(KNOWN), hosts))

    plans = asyncio.run(inspect_destroy(access.plan(), hosts, packages=True))
    outcomes = asyncio.run(destroy(hosts, plans, Told()))

    assert not [outcome.error for outcome in outcomes if outcome.error]
    assert {name: host.files for name, host in hosts.items()} == before
    assert {host.units[API_UNIT].get("ActiveState") for host in hosts.values()} == {"inactive"}


def test_an_authority_that_nobody_has_seen_replaces_none_that_is_there() -> None:
    hosts = hosts_of(KNOWN)

    inspections = asyncio.run(
        inspect_all(access.plan(replace(access.access(until="2027-05-26 12:00:00"), fresh=True)), hosts)
    )

    assert all(isinstance(inspection, ConflictError) for inspection in inspections.values())
    assert "that this machine does not have" in str(inspections["host1"])


def test_who_is_shut_out_is_so_at_once_where_it_is_open() -> None:
    hosts = hosts_of(KNOWN)
    hosts["host3"] = applied(config_of(SHUT, "host3"))
    new = access.access(revoked="1 certificate; list 2")

    told = asyncio.run(shut_out(hosts, lambda: new, RUN))

    assert told == dict.fromkeys(hosts)
    assert hosts["host1"].files[API_REVOKED][0] == new.revoked
    assert [RESTART in host.asked for host in hosts.values()] == [True, True, False]


def test_who_was_shut_out_by_another_meanwhile_is_not_let_in_again() -> None:
    """The other one has written its list and brought it, before this one had the hosts."""
    hosts = hosts_of(KNOWN)
    lists = [access.access(revoked="1 certificate; list 2")]

    def another(request: Request) -> None:
        if isinstance(request, Lock):
            lists.append(access.access(revoked="2 certificates; list 3"))

    for host in hosts.values():
        host.fails = another
    asyncio.run(shut_out(hosts, lambda: lists[-1], RUN))

    assert {host.files[API_REVOKED][0] for host in hosts.values()} == {lists[-1].revoked}


def test_a_host_that_could_not_be_told_is_named() -> None:
    hosts = hosts_of(KNOWN)
    hosts["host1"].locked_by = '{"who": "ann"}'
    hosts["host2"].files[API_CA] = ("# Managed by dockmesh.\n# another\n", 0o644)

    told = asyncio.run(shut_out(hosts, lambda: access.access(revoked="1 certificate; list 2"), RUN))

    assert [type(error) for error in told.values()] == [LockedError, ConflictError, type(None)]
