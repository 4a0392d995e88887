"""The table of the long runs: which rows count, and how pytest's outcome becomes a row."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.alone import ALONE
from tools import long_results, long_tests
from tools.long_results import KILLS, RESULTS, ROOT, Result, State, page, read, statuses, used_by

FILE = "tests/lab/test_x.py"
ROW = Result(FILE, "long", 7, 0, 1, 312, "2026-11-30 23:50", "32402d66", "", "")
TREE = {
    "src/dockmesh/model.py": "LIMIT = 1\n",
    "tests/conftest.py": "from tests.support.skips import allowed\n",
    "tests/allowed-skips.txt": "no lab\n",
    "tests/support/skips.py": "",
    "tests/support/advice.py": "from tests.support import words\n",
    "tests/support/words.py": "",
    "tests/support/other.py": "",
    "tests/lab/conftest.py": "",
    "tests/lab/test_y.py": "",
    "docs/howto/by-hand.md": "how",
    "bench/peers/__main__.py": "",
    FILE: 'from tests.support.advice import A\nPAGE = "docs/howto/by-hand.md"\nrun("python", "-m", "bench.peers")\n',
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small repository."""
    for path, text in TREE.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def row_of(root: Path, **values: object) -> Result:
    """The row of a run of the files as they are."""
    now = {"source": long_results.hash_of_source(root), "tests": long_results.hash_of_tests(FILE, root)}
    return replace(ROW, **(now | values))  # type: ignore[arg-type]


def state(root: Path, row: Result | None, file: str = FILE) -> State:
    return statuses([file], {row.file: row} if row else {}, root)[0].state


def test_the_page_is_read_as_it_was_written() -> None:
    other = replace(ROW, file="tests/lab/test_a.py", failed=2)

    assert read(page([ROW, other])) == {FILE: ROW, other.file: other}
    assert page([ROW, other]) == page([other, ROW])


def test_the_page_of_this_repository_is_as_the_program_writes_it() -> None:
    text = RESULTS.read_text()

    assert text == page(read(text).values())


def test_a_green_row_of_the_same_files_counts(root: Path) -> None:
    assert state(root, row_of(root)) is State.CURRENT


@pytest.mark.parametrize(
    "path",
    [
        "src/dockmesh/model.py",
        "src/dockmesh/new.py",
        "pyproject.toml",
        FILE,
        "tests/support/advice.py",
        "tests/support/words.py",
        "tests/support/skips.py",
        "tests/lab/conftest.py",
        "tests/allowed-skips.txt",
        "docs/howto/by-hand.md",
        "bench/peers/__main__.py",
    ],
)
def test_a_row_is_stale_once_a_file_that_it_depends_on_has_changed(root: Path, path: str) -> None:
    row = row_of(root)

    (root / path).write_text("# changed\n")

    assert state(root, row) is State.STALE


@pytest.mark.parametrize("path", ["tests/support/other.py", "tests/lab/test_y.py", "README.md"])
def test_a_row_counts_on_when_another_file_has_changed(root: Path, path: str) -> None:
    row = row_of(root)

    (root / path).write_text("# changed\n")

    assert state(root, row) is State.CURRENT


def test_a_row_is_stale_when_a_source_file_is_gone_or_renamed(root: Path) -> None:
    row = row_of(root)

    (root / "src/dockmesh/model.py").rename(root / "src/dockmesh/models.py")

    assert state(root, row) is State.STALE


def test_a_failed_or_empty_run_is_red_also_when_it_is_stale(root: Path) -> None:
    assert state(root, row_of(root, failed=1)) is State.RED
    assert state(root, row_of(root, passed=0)) is State.RED
    assert state(root, row_of(root, failed=1, source="old")) is State.RED


def test_a_new_file_is_missing_and_the_row_of_a_deleted_file_is_no_proof(root: Path) -> None:
    assert state(root, None) is State.MISSING
    assert state(root, row_of(root), "tests/lab/test_new.py") is State.MISSING


def test_a_run_during_which_files_changed_does_not_count(root: Path) -> None:
    row = row_of(root)

    during = long_results.while_running(row, "another", row.tests)

    assert long_results.while_running(row, row.source, row.tests) == row
    assert state(root, during) is State.STALE


def test_short_kills_do_not_count(root: Path) -> None:
    (root / KILLS).write_text("")
    row = replace(row_of(root), file=KILLS, tests=long_results.hash_of_tests(KILLS, root))

    assert state(root, replace(row, run="15 min, seed 4"), KILLS) is State.CURRENT
    assert state(root, replace(row, run="2 min, seed 4"), KILLS) is State.MISSING


def test_a_file_uses_what_it_imports_and_names() -> None:
    assert used_by("tests/lab/test_compose.py") >= {
        "tests/lab/mesh.py",
        "tests/lab/conftest.py",
        "examples/guestbook/api/compose.yaml",
    }
    assert {"bench/peers/__main__.py", "bench/peers/run.py"} <= used_by("tests/lab/test_bench.py")
    assert "tests/lab/test_networks.py" not in used_by("tests/lab/test_bench.py")
    assert "tests/lab/kills.py" in used_by(KILLS)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table and logs of their own for the program."""
    monkeypatch.setattr(long_tests, "RESULTS", tmp_path / "results.md")
    monkeypatch.setattr(long_tests, "LOGS", tmp_path)
    monkeypatch.setattr(long_tests, "ROOT", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path / "results.md"


OUTCOMES = {
    "passes": "def test_a():\n    pass\n\ndef test_b():\n    pass\n",
    "fails": "def test_a():\n    assert not 1\n\ndef test_b():\n    pass\n",
    "teardown": "import pytest\n\n@pytest.fixture(scope='module')\ndef x():\n    yield\n    assert not 1\n\n"
    "def test_a(x):\n    pass\n",
    "skips": "import pytest\n\n@pytest.mark.parametrize('why', ['this kernel has no module', 'no mood'])\n"
    "def test_a(why):\n    pytest.skip(why)\n",
}
COUNTS = {"passes": (2, 0, 0), "fails": (1, 1, 0), "teardown": (0, 1, 0), "skips": (0, 1, 1)}


def write_files(folder: Path, *names: str) -> list[str]:
    for name in names:
        (folder / f"test_{name}.py").write_text(OUTCOMES[name])
    return [f"test_{name}.py" for name in names]


def test_each_file_of_one_run_gets_its_own_outcome(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    files = write_files(table.parent, *OUTCOMES)

    results = list(long_tests.run(files, "all"))

    assert {each.file[5:-3]: (each.passed, each.failed, each.skipped) for each in results} == COUNTS


def test_a_file_that_pytest_did_not_finish_gets_no_row(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    files = write_files(table.parent, "passes")
    (table.parent / "test_dies.py").write_text("import os\n\ndef test_a():\n    os._exit(3)\n")

    results = list(long_tests.run([*files, "test_dies.py"], "all"))

    assert [each.file for each in results] == files


def test_status_fails_and_names_the_command_until_every_row_counts(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_tests, "long_files", lambda: ["tests/lab/test_tree.py"])
    monkeypatch.setattr(long_tests, "vm_files", lambda: ["tests/lab_vm/test_tunnels.py"])
    files = {"tests/lab/test_tree.py": "long", "tests/lab_vm/test_tunnels.py": "all", KILLS: "15 min, seed 1"}
    rows = [replace(long_tests.begun(file, run), passed=1) for file, run in files.items()]

    def ask() -> tuple[int, str]:
        done = CliRunner().invoke(long_tests.app, ["status"])
        return done.exit_code, done.output

    for row in rows[:2]:
        long_tests.note(row)
    code, said = ask()
    long_tests.note(rows[2])
    long_tests.note(replace(rows[0], failed=1))
    red, said_of_red = ask()
    long_tests.note(rows[0])

    assert code == 1
    assert f"missing  {KILLS}" in said
    assert "make kills" in said
    assert "make test-long" not in said
    assert red == 1
    assert "red      tests/lab/test_tree.py: 1 failed" in said_of_red
    assert ask()[0] == 0


def test_the_makefile_runs_the_program() -> None:
    shown = subprocess.run(
        ("make", "--dry-run", "test-status", "test-vm"), cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert "tools.long_tests status" in shown
    assert "tools.long_tests vm" in shown
    assert sys.executable


def test_each_file_that_runs_alone_is_there() -> None:
    assert [file for file in ALONE if not (ROOT / file).exists()] == []
