"""`dockmesh` alone names the next step of the folder that it stands in."""

from pathlib import Path

import pytest

from dockmesh.history.store import DESTROY, HostRecord, Record, save
from tests.support.meshes import MESH_FILE
from tests.unit.cli.conftest import Dockmesh


def record(file: Path, *, why: str = "apply", ended: str = "done", text: str = MESH_FILE) -> None:
    number = len(list((file.parent / ".dockmesh").rglob("*.json")))
    hosts = {"host1": HostRecord(("docker0",), "confirmed")}
    save(file, Record(f"2026112{number}-1", "ann", "2026-11-26T12:00:00Z", why, ended, text, hosts))


def commands(said: str) -> list[str]:
    return [line.split("  ")[1] for line in said.splitlines()[1:]]


def test_without_a_file_it_is_init(dockmesh: Dockmesh) -> None:
    ran = dockmesh()

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("There is no dockmesh.yaml here.\n  dockmesh init ")


def test_with_a_file_that_was_never_applied_it_is_plan_and_apply(dockmesh: Dockmesh, mesh_file: Path) -> None:
    ran = dockmesh()

    assert ran.out.startswith("dockmesh.yaml: mesh 'prod', 3 hosts; it was never applied from here.\n")
    assert commands(ran.out) == ["dockmesh plan", "dockmesh preflight", "dockmesh apply"]


def test_with_one_that_was_applied_it_is_status(dockmesh: Dockmesh, mesh_file: Path) -> None:
    record(mesh_file)

    ran = dockmesh()

    assert "applied 2026-11-26 12:00:00 UTC" in ran.out
    assert commands(ran.out)[0] == "dockmesh status"


@pytest.mark.parametrize(
    ("last", "said", "first"),
    [
        ({"ended": "failed"}, "the last run (20261121-1) failed", "dockmesh status"),
        (
            {"ended": "done, not proven"},
            "the last run (20261121-1) is done, and its verification failed",
            "dockmesh verify",
        ),
        ({"ended": "interrupted"}, "the last run (20261121-1) was interrupted", "dockmesh status"),
        ({"why": DESTROY}, "it was taken down", "dockmesh plan"),
        ({"text": "another"}, "the file says something else than what was applied last", "dockmesh diff"),
    ],
)
def test_what_became_of_the_last_run_decides(
    dockmesh: Dockmesh, mesh_file: Path, last: dict[str, str], said: str, first: str
) -> None:
    record(mesh_file)
    record(mesh_file, **last)

    ran = dockmesh()

    assert said in ran.out
    assert commands(ran.out)[0] == first


def test_a_file_with_mistakes_is_shown_by_plan(dockmesh: Dockmesh, mesh_file: Path) -> None:
    mesh_file.write_text(MESH_FILE.replace("172.17.42", "10.0.0"))

    ran = dockmesh()

    assert ran.out.startswith("dockmesh.yaml has 3 mistakes.\n")
    assert commands(ran.out) == ["dockmesh plan"]
