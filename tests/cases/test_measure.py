"""What `dockmesh measure` says beforehand and at its end, with a host that is away and a stream at its limit.

`DOCKMESH_GOLDEN=write pytest tests/cases/test_measure.py` writes the screens again.
"""

import asyncio
import io
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from dockmesh.cli.screens.measure import show_beforehand, show_report
from dockmesh.errors import ConnectError, DockmeshError
from dockmesh.measure.plan import steps
from dockmesh.measure.run import measure
from dockmesh.measure.types import Figure, Pace, Report
from tests.unit.measure.worlds import NAMES, PLAN, course, hosts

FOLDER = Path(__file__).parent / "measure"
AWAY: Mapping[str, DockmeshError] = {"host2": ConnectError("cannot be reached", host="host2", do="see that it is up")}
CASES: dict[str, tuple[Pace, Mapping[str, DockmeshError]]] = {
    "all": (Pace(), {}),
    "at-its-limit": (Pace(limit_mbit=100, figures=(Figure.GOODPUT, Figure.ALL_PAIRS)), {}),
    "a-host-is-away": (Pace(figures=(Figure.LATENCY, Figure.ALL_PAIRS)), AWAY),
    "pings-alone": (Pace(figures=(Figure.LATENCY,)), {}),
}


def report_of(pace: Pace, away: Mapping[str, DockmeshError]) -> Report:
    fleet = {name: host for name, host in hosts().items() if name not in away}
    return asyncio.run(measure(PLAN.name, course(fleet, pace), steps(NAMES, pace), away))


@pytest.mark.parametrize("name", CASES)
def test_screen_is_as_it_was(name: str) -> None:
    pace, away = CASES[name]
    console = Console(file=io.StringIO(), width=100, highlight=False, soft_wrap=True)
    show_beforehand(PLAN.name, NAMES, steps(NAMES, pace), pace, console)
    console.print()
    show_report(report_of(pace, away), console)
    assert isinstance(console.file, io.StringIO)
    text = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"
    golden = FOLDER / f"{name}.txt"
    if os.environ.get("DOCKMESH_GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")

    assert text == golden.read_text(encoding="utf-8")
