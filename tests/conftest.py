"""No skip that hides: the reasons are listed, and a run with any other fails."""

from pathlib import Path

import pytest

ALLOWED = Path(__file__).parent / "allowed-skips.txt"
_reasons: set[str] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple):
        _reasons.add(report.longrepr[2].removeprefix("Skipped: "))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    lines = ALLOWED.read_text().splitlines()
    allowed = tuple(line for line in lines if line and not line.startswith("#"))
    if unknown := sorted(reason for reason in _reasons if not reason.startswith(allowed)):
        print("\nskipped for a reason that tests/allowed-skips.txt does not have:", *unknown, sep="\n  ")  # noqa: T201
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
