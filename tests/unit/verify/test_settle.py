"""How long `verify` waits for a mesh that is still coming up."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

import pytest

from dockmesh.facts.types import HostFacts
from dockmesh.plan.types import Plan
from dockmesh.transport.requests import Transport
from dockmesh.verify import collect
from dockmesh.verify.collect import VerifySession
from dockmesh.verify.evidence import ProbedHost
from tests.unit.verify import worlds

PLAN = worlds.plan(3)
WELL = {name: known.facts for name, known in worlds.healthy(PLAN).hosts.items()}
DEADLINE_S = 0.5  # of units and of tunnels, in these tests
Facts = Mapping[str, HostFacts]


class Said:
    """What was shown as being done."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, _: str, text: str) -> None:
        self.steps.append(text)


def with_unit(state: str) -> Facts:
    return WELL | {"h1": replace(WELL["h1"], units={**WELL["h1"].units, "docker.service": {"ActiveState": state}})}


def with_down(*ends: tuple[str, str]) -> Facts:
    """These tunnels are not up yet."""
    found = dict(WELL)
    for name, peer in ends:
        (bridge,) = found[name].ovs or ()
        ports = tuple(
            replace(port, bfd_status={"state": "down"}) if port.external_ids.get("dockmesh-peer") == peer else port
            for port in bridge.interfaces
        )
        found[name] = replace(found[name], ovs=(replace(bridge, interfaces=ports),))
    return found


def settle(monkeypatch: pytest.MonkeyPatch, course: Iterator[tuple[float, Facts]]) -> tuple[Facts, list[str]]:
    """The facts that it ends with, of hosts that report each of these for so many seconds; and what was shown."""
    monkeypatch.setattr(collect, "POLL_S", 0.01)
    monkeypatch.setattr(collect, "UNITS_START_S", DEADLINE_S)
    monkeypatch.setattr(collect, "TUNNELS_SETTLE_S", DEADLINE_S)
    said = Said()

    async def run() -> Facts:
        clock = asyncio.get_running_loop().time
        state = {"until": 0.0, "facts": WELL}

        def now() -> Facts:
            while clock() > state["until"]:  # type: ignore[operator]
                seconds, state["facts"] = next(course, (1e9, state["facts"]))
                state["until"] = clock() + seconds
            return state["facts"]  # type: ignore[return-value]

        async def look(_: Plan, host: Transport) -> ProbedHost:
            return ProbedHost(now()[str(host)], worlds.healthy(PLAN).hosts[str(host)].bridged)

        monkeypatch.setattr(collect, "_look", look)
        session = VerifySession(PLAN, said, "", "", "", "")
        known = await collect._settle(session, {name: cast("Transport", name) for name in WELL}, {})
        return {name: each.facts for name, each in known.items()}

    return asyncio.run(run()), said.steps


def test_a_mesh_that_is_up_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settle(monkeypatch, iter(())) == (WELL, ["read the host"] * 3)


def test_a_unit_that_starts_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    starting, active = with_unit("activating"), with_unit("active")

    found, shown = settle(monkeypatch, iter([(0.1, starting), (9, active)]))

    assert found == active
    assert shown[-1] == "wait for what is starting"


def test_one_that_does_not_start_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settle(monkeypatch, iter([(99, with_unit("activating"))]))[0] == with_unit("activating")


def test_each_tunnel_that_comes_up_gives_the_others_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Together they take three times as long as the deadline."""
    ends = [("h1", "h2"), ("h1", "h3"), ("h2", "h3"), ("h3", "h2")]
    course = [(0.8 * DEADLINE_S, with_down(*ends[number:])) for number in range(len(ends))]

    found, shown = settle(monkeypatch, iter([*course, (9, WELL)]))

    assert found == WELL
    assert shown[-1] == "wait for the tunnels"


def test_tunnels_that_stay_down_are_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    down = with_down(("h1", "h2"), ("h1", "h3"))

    assert settle(monkeypatch, iter([(99, down)]))[0] == down
