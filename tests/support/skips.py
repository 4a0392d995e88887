"""Which reasons for a skip let a run pass: tests/allowed-skips.txt."""

from pathlib import Path

ALLOWED_SKIPS = Path(__file__).parents[1] / "allowed-skips.txt"


def allowed(reason: str) -> bool:
    """Whether the list names this reason, by how it begins."""
    lines = ALLOWED_SKIPS.read_text(encoding="utf-8").splitlines()
    begins = tuple(line for line in lines if line and not line.startswith("#"))
    return reason.removeprefix("Skipped: ").startswith(begins)


def reason_of(longrepr: object) -> str:
    """The reason in a skipped test's report."""
    return str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)
