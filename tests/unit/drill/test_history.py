from dataclasses import replace
from pathlib import Path

import pytest

from dockmesh.drill.history import KEPT, find, load_all, path_of, save
from dockmesh.drill.record import DrillRecord, record_of
from dockmesh.drill.types import Fault, FaultKind
from dockmesh.errors import UsageError
from dockmesh.verify.types import Verdict
from tests.unit.drill.worlds import judged, plan_of

CUT = record_of(judged(plan_of(), Fault(FaultKind.CUT, ("host1", "host2")), {("host1", "host2"): [(0.0, 0.31)]}))
DRILL = DrillRecord(
    "20260102T030405Z-abcd",
    "ann",
    "2026-01-02T03:04:05Z",
    "prod",
    "lab",
    "rstp",
    7,
    10,
    "done",
    ("cut:host1,host2",),
    (CUT,),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dockmesh.yaml"


def test_a_drill_is_read_as_it_was_written(file: Path) -> None:
    save(file, DRILL)

    assert load_all(file) == (DRILL,)


def test_only_its_owner_reads_it(file: Path) -> None:
    save(file, DRILL)

    assert path_of(file).stat().st_mode & 0o777 == 0o600
    assert path_of(file).parent.stat().st_mode & 0o777 == 0o700


def test_the_oldest_go_first(file: Path) -> None:
    path_of(file).parent.mkdir(parents=True)
    path_of(file).write_text("{}\n" * KEPT)

    save(file, DRILL)

    assert len(path_of(file).read_text().splitlines()) == KEPT
    assert load_all(file) == (DRILL,)


def test_a_drill_is_found_by_the_beginning_of_its_name_and_the_last_one_without(file: Path) -> None:
    save(file, DRILL)
    save(file, replace(DRILL, run="20260103T030405Z-abcd"))

    assert find(file, "20260102") == DRILL
    assert find(file, None).run == "20260103T030405Z-abcd"
    with pytest.raises(UsageError, match="2 drills begin with 2026"):
        find(file, "2026")


def test_without_a_drill_there_is_none_to_find(file: Path) -> None:
    with pytest.raises(UsageError, match="no drill was run"):
        find(file, None)


def test_what_was_interrupted_is_not_passed() -> None:
    assert DRILL.verdict is Verdict.PASS
    assert replace(DRILL, ended="interrupted").verdict is Verdict.UNKNOWN


def test_a_record_has_the_gap_from_the_fault_on() -> None:
    (pair,) = (each for each in CUT.pairs if (each.source, each.target) == ("host1", "host2"))

    assert pair.gaps == ((0, 310),)
    assert pair.measured == ((-2000, 9000),)
    assert pair.during.gap_ms == 310
    assert pair.rtt_ms[0] == 0.8
    assert pair.rtt_ms[21] is None
