"""How a preflight looks on the screen, and its exit code."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from dockmesh.cli.screens.preflight import WORDS, show_findings
from dockmesh.cli.work.preflight import _preflight, exit_code
from dockmesh.plan.build import build
from dockmesh.preflight.types import Check, Finding, Level, Report
from dockmesh.transport.fleet import Fleet
from tests.support.meshes import mesh_of

FINE = (
    Finding(Check.PYTHON, Level.FINE, ("host1",), "Python 3.13.5"),
    Finding(Check.PYTHON, Level.FINE, ("host2",), "Python 3.11.2"),
)
CLOCK = Finding(Check.CLOCK, Level.WARNING, ("host2",), "its clock is 99 s ahead", "set it by NTP")
GRE = Finding(Check.TUNNEL, Level.BLOCKER, ("host1",), "GRE [from host2] is lost " * 5, "open it " * 30, ())


def shown(*findings: Finding, everything: bool = False) -> str:
    console = Console(file=StringIO(), width=80, soft_wrap=True, highlight=False)
    show_findings(Report(("host1", "host2"), findings, 1.0), console, everything=everything)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_worst_comes_first_and_what_is_fine_is_one_line_for_hosts_that_have_the_same() -> None:
    lines = shown(*FINE, CLOCK, GRE).splitlines()

    assert [line[0] for line in lines if line[0] != " "] == ["✗", "!", "✓", "✗"]
    assert lines[-2].split() == ["✓", "host1,", "host2", "fine", "Python"]
    assert lines[-1] == "✗ 2 hosts: 1 blocker, 1 warning (1.0 s)"


def test_what_is_wrong_is_wrapped_at_words_and_the_fix_stays_in_one_piece() -> None:
    lines = shown(GRE).splitlines()

    assert max(len(line) for line in lines if not line.startswith("   do")) <= 80
    assert sum(line.startswith("   do  open it open it") for line in lines) == 1
    assert "[from host2]" in "".join(lines)


def test_all_shows_what_is_fine_in_words() -> None:
    text = shown(*FINE, everything=True)

    assert "Python 3.13.5" in text
    assert "Python 3.11.2" in text
    assert text.endswith("✓ 2 hosts: all fine (1.0 s)\n")


@pytest.mark.parametrize(
    ("findings", "code"),
    [(FINE, 0), ((*FINE, CLOCK), 0), ((CLOCK, GRE), 1), ((Finding(Check.TUNNEL, Level.UNKNOWN, ("host1",), "?"),), 1)],
)
def test_exit_code_is_0_only_if_nothing_keeps_the_mesh_from_being_built(
    findings: tuple[Finding, ...], code: int
) -> None:
    assert exit_code(Report(("host1", "host2"), findings)) == code


def test_every_check_has_its_words() -> None:
    assert set(WORDS) == set(Check)


def test_the_time_of_a_log_in_that_fails_is_of_the_time_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def slow_to_fail(*_: Any) -> AsyncIterator[Fleet]:
        await asyncio.sleep(0.2)
        yield Fleet({}, {}, Path("/dev/null"))

    monkeypatch.setattr("dockmesh.cli.work.preflight.fleet", slow_to_fail)
    plan = build(mesh_of(3))

    assert asyncio.run(_preflight(plan, plan.hosts, None)).seconds >= 0.2
