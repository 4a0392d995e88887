"""The last lines of an apply, which are what people read: they say what the exit code says."""

import asyncio
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from dockmesh.apply.inspection import inspect_all
from dockmesh.cli.results import Result
from dockmesh.cli.screens.changes import show_result
from dockmesh.cli.work.journal import record
from dockmesh.diff.outcome import Outcome
from dockmesh.diff.subject import Subject, Thing
from dockmesh.diff.types import Change
from dockmesh.errors import DockmeshError
from dockmesh.history.store import load_all
from dockmesh.inspect.host import Inspection
from dockmesh.plan.build import build
from dockmesh.record.run import Run
from dockmesh.undo.session import Session
from dockmesh.verify.types import Probe, ProbeKind, Verdict, VerifyReport
from tests.support.fake_host import applied
from tests.support.meshes import mesh_of
from tests.support.plans import configs

MESH = mesh_of(3)
PLAN = build(MESH)
NAMES = tuple(host.name for host in PLAN.hosts)
CHANGE = Change("host1", Subject(Thing.DEVICE, "docker0", "MTU"), "1500", "1462", "it is so")


def proof(*verdicts: Verdict) -> VerifyReport:
    return VerifyReport(NAMES, tuple(Probe(ProbeKind.HOST_PING, "host1", "host2", verdict) for verdict in verdicts), ())


PROOFS = {
    "no proof": None,
    "passes": proof(Verdict.PASS),
    "fails": proof(Verdict.PASS, Verdict.FAIL),
    "unknown": proof(Verdict.PASS, Verdict.UNKNOWN),
}


@cache
def inspections(*, left: bool) -> dict[str, Inspection]:
    found = asyncio.run(inspect_all(PLAN, {name: applied(config) for name, config in configs(MESH).items()}))
    good = {name: each for name, each in found.items() if isinstance(each, Inspection)}
    if left:
        good["host1"] = replace(good["host1"], diff=replace(good["host1"].diff, deferred=(CHANGE,)))
    return good


@pytest.mark.parametrize(
    ("shown", "left", "lost", "changed"), [*product(PROOFS, (False, True), (False, True), (False, True))]
)
def test_an_apply_ends_with_a_tick_only_where_its_exit_code_is_0(
    shown: str, left: bool, lost: bool, changed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = {"host3": DockmeshError("it is gone", host="host3")} if lost else {}
    outcomes = tuple(Outcome(name, (CHANGE,)) for name in NAMES if name not in errors) if changed else ()
    result = Result(PLAN, NAMES, inspections(left=left), errors, outcomes, PROOFS[shown] if changed else None)

    show_result(result)

    last = capsys.readouterr().out.rstrip().splitlines()[-1]
    assert last.startswith("✗") is result.failed
    assert result.failed is (lost or (changed and shown in ("fails", "unknown")))


def test_a_proof_that_failed_is_told_with_its_numbers_after_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = tuple(Outcome(name, (CHANGE,)) for name in NAMES)

    show_result(Result(PLAN, NAMES, inspections(left=False), {}, outcomes, proof(Verdict.PASS, Verdict.FAIL)))

    assert capsys.readouterr().out.rstrip().splitlines()[-2:] == [
        "! 3 hosts as the file says; 3 changes made",
        "✗ but verification failed: of 2 probes 1 fail; `dockmesh verify` measures again",
    ]


@pytest.mark.parametrize(
    ("shown", "lost", "ended"),
    [
        ("passes", False, "done"),
        ("no proof", False, "done"),
        ("fails", False, "done, not proven"),
        ("unknown", False, "done, not proven"),
        ("fails", True, "failed"),
    ],
)
def test_the_history_says_what_the_last_lines_say(shown: str, lost: bool, ended: str, tmp_path: Path) -> None:
    errors = {"host3": DockmeshError("it is gone", host="host3")} if lost else {}
    file = tmp_path / "mesh.yaml"

    with record(file, "name: a", Session(Run("r1", "ann", "desk", "2026-01-02T03:04:05Z", "apply"))) as note:
        note(Result(PLAN, NAMES, inspections(left=False), errors, (), PROOFS[shown]))

    assert [each.ended for each in load_all(file)] == [ended]
