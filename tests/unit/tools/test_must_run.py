"""`--must-run`: a run of the lab's tests that skips nearly all of them is no proof."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TESTS = """\
import pytest

def test_runs(): pass

@pytest.mark.skip(reason="no lab on this machine: a lab needs root")
def test_needs_a_lab(): pass

@pytest.mark.skip(reason="this kernel has no module openvswitch")
def test_needs_a_module(): pass
"""


@pytest.mark.parametrize(("least", "code"), [(0, 0), (1, 0), (2, 0), (3, 1)])
def test_what_the_kernel_lacks_counts_as_run_and_a_lab_that_is_missing_does_not(
    tmp_path: Path, least: int, code: int
) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    argv = (sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "--must-run", str(least))

    done = subprocess.run((*argv, str(tmp_path)), cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == code, done.stdout + done.stderr
    assert (f"1 tests were run, and {least} must be" in done.stdout) == bool(least)
    assert ("not run: 1 × this kernel has no module openvswitch" in done.stdout) == bool(least)
