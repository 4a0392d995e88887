"""What `dockmesh verify` says of a mesh that somebody broke, from what real hosts answered: JSON beside this file.

record.py takes them from the hosts of a lab and does the harms; nobody edits them. A fact that is not there is that of
`healthy.json`. `DOCKMESH_GOLDEN=write pytest tests/cases/verify` writes the screens again. Read every line of the diff.
"""

import asyncio
import io
import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from dockmesh.cli.json.verify import verify_json
from dockmesh.cli.screens.verify import show_report
from dockmesh.errors import ConnectError
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.transport.requests import Answer, Exec, Request
from dockmesh.verify import collect
from dockmesh.verify.run import verify
from dockmesh.verify.types import CauseKind, Verdict, VerifyReport
from tests.cases.verify.record import HARMS, ROLES, RSTP, mesh_file, name_of

FOLDER = Path(__file__).parent
HEALTHY = json.loads((FOLDER / "healthy.json").read_text())
CASES = sorted(FOLDER.glob("*.json"))
FAULTS = {
    "healthy": [],
    "address-on-two-hosts": [CauseKind.ADDRESS_TAKEN],
    "br0-out-of-docker0": [CauseKind.NOT_ATTACHED],
    "docker-stopped": [CauseKind.DOCKER_DOWN],
    "docker0-at-1500": [CauseKind.MTU],
    "gre-filtered": [CauseKind.TUNNEL_FILTERED],
    "host-down": [CauseKind.UNREACHABLE],
    "names-stopped": [CauseKind.NAMES],
    "plain-switch": [CauseKind.LOOP],
    "spanning-tree-off": [CauseKind.TREE_OFF],
    "tunnel-deleted": [CauseKind.TUNNEL_MISSING],
    "underlay-cut": [CauseKind.UNDERLAY_DOWN],
}


@dataclass
class RecordedHost:
    """A host that says what it said when it was recorded, however often it is asked."""

    name: str
    said: dict[str, Any]

    @property
    def reached_from(self) -> None:
        return None

    async def ask(
        self, *requests: Request, together: bool = False, until_failure: bool = False, within_s: float | None = None
    ) -> tuple[Answer, ...]:
        roles = [request.argv[-1] for request in requests if isinstance(request, Exec)]
        if roles[0] in ROLES:
            return tuple(Answer(*answer) for answer in self.said[roles[0]])
        facts = HEALTHY["hosts"][self.name]["facts"] | self.said["facts"]
        return tuple(Answer(*facts[str(request)]) for request in requests)

    async def close(self) -> None:
        pass


class Silence:
    def step(self, host: str, text: str) -> None:
        pass


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorded fabric does not change while one waits."""
    monkeypatch.setattr(collect, "TUNNELS_SETTLE_S", 0)
    monkeypatch.setattr(collect, "TREE_SETTLES_S", dict.fromkeys(collect.TREE_SETTLES_S, 0))


def replay(case: Path) -> VerifyReport:
    recorded = json.loads(case.read_text())
    hosts = {name: RecordedHost(name, said) for name, said in recorded["hosts"].items()}
    unreachable = {name: ConnectError(**report) for name, report in recorded["unreachable"].items()}
    plan = build(load(mesh_file(case.stem)))
    return replace(asyncio.run(verify(plan, hosts, unreachable, Silence())), seconds=0)


def screen(report: VerifyReport) -> str:
    text = io.StringIO()
    show_report(report, Console(file=text, width=120, highlight=False, soft_wrap=True))
    return "".join(line.rstrip() + "\n" for line in text.getvalue().splitlines())


def test_each_file_is_of_a_harm_that_the_recorder_does() -> None:
    assert {case.stem for case in CASES} == set(map(name_of, HARMS)) == set(FAULTS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_broken_mesh_is_shown_with_its_cause(case: Path) -> None:
    golden = case.with_suffix(".txt")

    shown = screen(replay(case))

    if os.environ.get("DOCKMESH_GOLDEN") == "write":
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_each_harm_is_found_and_no_other(case: Path) -> None:
    report = replay(case)

    assert [cause.fault for cause in report.causes] == FAULTS[case.stem]
    assert (report.verdict is Verdict.PASS) == (case.stem == "healthy")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_whatever_does_not_pass_says_why_and_what_to_do(case: Path) -> None:
    probes = verify_json(replay(case))["probes"]

    assert len(probes) == (72 if case.stem in RSTP else 69)  # each host has a spanning tree, too
    assert [probe for probe in probes if probe["verdict"] != "pass" and not (probe["reason"] and probe["do"])] == []
    assert [probe for probe in probes if probe["verdict"] == "pass" and (probe["reason"] or probe["do"])] == []


@dataclass
class DyingHost(RecordedHost):
    """A host that is lost when it is told to measure; `asked` are the parts that it was told to play."""

    dies: bool
    asked: list[str] = field(default_factory=list)

    async def ask(
        self, *requests: Request, together: bool = False, until_failure: bool = False, within_s: float | None = None
    ) -> tuple[Answer, ...]:
        role = next((request.argv[-1] for request in requests if isinstance(request, Exec)), "")
        self.asked.append(role)
        if self.dies and role == "measure":
            raise ConnectError("lost the SSH connection", host=self.name, do="try again")
        return await RecordedHost.ask(self, *requests, together=together)


def test_a_host_lost_on_the_way_is_told_and_the_others_are_cleaned_up() -> None:
    hosts = {name: DyingHost(name, said, dies=name == "host2") for name, said in HEALTHY["hosts"].items()}
    plan = build(load(FOLDER / "dockmesh.yaml"))

    report = asyncio.run(verify(plan, hosts, {}, Silence()))

    assert [(cause.fault, cause.hosts) for cause in report.causes] == [(CauseKind.UNREACHABLE, ("host2",))]
    assert [host.asked[-1] for host in hosts.values()] == ["finish", "measure", "finish"]


def test_an_interrupted_verify_cleans_up() -> None:
    class Hanging(DyingHost):
        async def ask(
            self, *requests: Request, together: bool = False, until_failure: bool = False, within_s: float | None = None
        ) -> tuple[Answer, ...]:
            answers = await DyingHost.ask(self, *requests, together=together)
            if self.asked[-1] == "measure":
                await all_measure.wait()
                await asyncio.Event().wait()
            return answers

    async def interrupt() -> None:
        running = asyncio.ensure_future(verify(build(load(FOLDER / "dockmesh.yaml")), hosts, {}, Silence()))
        await all_measure.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    hosts = {name: Hanging(name, said, dies=False) for name, said in HEALTHY["hosts"].items()}
    all_measure = asyncio.Barrier(len(hosts) + 1)
    asyncio.run(asyncio.wait_for(interrupt(), 20))

    assert [host.asked[-1] for host in hosts.values()] == ["finish"] * 3


def test_a_host_that_let_nobody_in_never_passes() -> None:
    probes = replay(FOLDER / "host-down.json").probes

    assert {probe.verdict for probe in probes if probe.source == "host3"} == {Verdict.UNKNOWN}
    assert Verdict.PASS not in {probe.verdict for probe in probes if probe.target == "host3"}
    assert {probe.verdict for probe in probes if {probe.source, probe.target} <= {"host1", "host2"}} == {Verdict.PASS}
