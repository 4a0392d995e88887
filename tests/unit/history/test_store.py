from dataclasses import replace
from pathlib import Path

import pytest

from dockmesh.errors import DockmeshError, UsageError
from dockmesh.history.store import (
    DESTROY,
    GONE,
    KEPT,
    HostRecord,
    Record,
    before_last,
    find,
    folder_of,
    last_text_of,
    load_all,
    replace_text,
    save,
)


def record(run: str, text: str = "name: a\n", ended: str = "done") -> Record:
    hosts = {"host1": HostRecord(("docker0 MTU: 1500 → 1462",), "confirmed")}
    return Record(run, "ann", "2026-01-02T03:04:05Z", "apply", ended, text, hosts)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mesh.yaml"
    path.write_text("name: a\n")
    return path


def test_a_record_is_read_as_it_was_written(file: Path) -> None:
    save(file, record("r1"))

    assert load_all(file) == (record("r1"),)


def test_records_are_for_their_owners_eyes_and_for_no_repository(file: Path) -> None:
    save(file, record("r1"))

    folder = folder_of(file)
    assert (folder / "r1.json").stat().st_mode & 0o777 == 0o600
    assert (folder.parent / ".gitignore").read_text() == "*\n"


def test_two_files_in_a_folder_have_histories_of_their_own(file: Path) -> None:
    save(file, record("r1"))

    assert load_all(file.with_name("other.yaml")) == ()


def test_a_broken_record_is_left_out(file: Path) -> None:
    save(file, record("r1"))
    (folder_of(file) / "r0.json").write_text('{"run": ')

    assert [each.run for each in load_all(file)] == ["r1"]


@pytest.mark.exhaustive
def test_the_oldest_go_first(file: Path) -> None:
    for number in range(KEPT + 2):
        save(file, record(f"r{number:04}"))

    kept = [each.run for each in load_all(file)]
    assert (len(kept), kept[0]) == (KEPT, "r0002")


def test_a_run_is_found_by_how_it_begins(file: Path) -> None:
    save(file, record("20260101-aa"))
    save(file, record("20260102-bb"))

    assert find(file, "20260102").run == "20260102-bb"
    with pytest.raises(UsageError, match="2 runs begin with 2026"):
        find(file, "2026")
    with pytest.raises(UsageError, match="there is no run x"):
        find(file, "x")


def test_back_is_to_the_last_text_that_succeeded_and_was_another(file: Path) -> None:
    for number, (text, ended) in enumerate((("a", "done"), ("b", "failed"), ("c", "done"), ("c", "done"))):
        save(file, record(f"r{number}", text, ended))

    assert before_last(file).file == "a"


def test_back_is_to_a_run_that_was_not_proven_too(file: Path) -> None:
    for number, (text, ended) in enumerate((("a", "done"), ("b", "done, not proven"), ("c", "done, not proven"))):
        save(file, record(f"r{number}", text, ended))

    assert before_last(file).file == "b"


def test_without_an_earlier_run_there_is_nothing_to_go_back_to(file: Path) -> None:
    save(file, record("r1"))

    with pytest.raises(DockmeshError, match="no earlier run"):
        before_last(file)


def test_a_text_is_replaced_whole_with_its_mode_and_through_a_link(tmp_path: Path, file: Path) -> None:
    file.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(file)

    replace_text(link, "name: b\r\n")

    assert link.is_symlink()
    assert file.read_bytes() == b"name: b\r\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.yaml", "mesh.yaml"]


def test_a_host_is_as_the_last_run_made_it_that_went_well_there(file: Path) -> None:
    failed = HostRecord((), "it is as it was before this run", "could not build the fabric")
    save(file, record("r1", "name: a\n"))
    save(file, record("r2", "name: b\n", "failed"))
    save(file, replace(record("r3", "name: c\n", "failed"), hosts={"host1": failed}))

    assert last_text_of(file, "host1") == "name: b\n"
    assert last_text_of(file, "host2") is None


def test_after_a_destroy_the_way_back_is_to_what_was_taken_down(file: Path) -> None:
    save(file, record("r1", "a"))
    save(file, record("r2", "b"))
    save(file, replace(record("r3", "b"), why=DESTROY, hosts={"host1": HostRecord((), GONE)}))

    assert before_last(file).run == "r3"
    assert last_text_of(file, "host1") is None


def test_the_order_is_that_of_the_runs_and_not_of_the_clock(file: Path) -> None:
    """It was set back between them."""
    for run, text in (("20270101T000000Z", "name: a\n"), ("20260101T000000Z", "name: b\n")):
        save(file, record(run, text, "interrupted"))
        save(file, record(run, text))

    assert [each.run for each in load_all(file)] == ["20270101T000000Z", "20260101T000000Z"]
    assert before_last(file).file == "name: a\n"
    assert last_text_of(file, "host1") == "name: b\n"


def test_records_of_an_earlier_version_come_first(file: Path) -> None:
    save(file, record("r2"))
    path = folder_of(file) / "r2.json"
    path.write_text(path.read_text().replace(',\n  "number": 1', ""))

    save(file, record("r1"))

    assert [each.run for each in load_all(file)] == ["r2", "r1"]
