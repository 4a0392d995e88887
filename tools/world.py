"""Run worlds of tests/world/rows.py the whole way, and note how each ended: `make world`.

With names, those; without, all that were not run yet or failed. A row stays as it is until it is run again, so a run
that was interrupted goes on where it stood.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.world.rows import COLUMNS, Row, rows  # noqa: E402  it lies beside this folder
from tools.long_tests import commit  # noqa: E402

PAGE = ROOT / "docs/reference/tested.md"
RESULTS = ROOT / "docs/reference/tested.json"
LOGS = ROOT / ".long-tests"
HEAD = """\
# What was tested

<!-- Made by tools/world.py (`make world`): run a row, and do not edit the page. -->

Each row is one world that was gone through the whole way in the lab, from bare hosts to bare hosts:

- `preflight`, `apply` with its proof, and a second `apply`, which changes nothing;
- a cut link, and harms that `verify` must find;
- names, Compose in a second network, and Docker's API with certificates;
- the power cut off from all hosts at once;
- `destroy`, to what was there before.

Rows of virtual machines run the kernel of their release, emulated, and leave out harms, names, Compose and the API.
Among the rows of containers every two values of any two columns meet at least once.
`make world ROW=NAME` runs one; a row that was not run says so.

"""
NOT_HAD = """
## Not tested

What the lab cannot have: Ubuntu, arm64, Docker's own packages (29 with its nftables backend among them),
Open vSwitch 2.17 and 3.3, and kernels between those of Debian.
With Open vSwitch 4.0.0 (forky) `rstp` and `stp` are refused: [why](../reports/openvswitch-floodable.md).
"""


@dataclass(frozen=True, slots=True)
class Result:
    """How one row ended; `versions` are what its hosts said."""

    passed: int
    failed: int
    skipped: int
    when: str
    commit: str
    versions: str

    @property
    def shown(self) -> str:
        counts = f"{self.passed} passed" + (f", {self.skipped} left out" if self.skipped else "")
        return f"**{self.failed} failed**, {counts}" if self.failed else counts


def page(results: dict[str, Result], every: Iterable[Row]) -> str:
    """Pure: the page of all rows, run or not."""
    head = (
        "row",
        *(column.replace("_", "-") for column in COLUMNS),
        "hosts are",
        "result",
        "versions",
        "when (UTC)",
        "commit",
    )
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in every:
        result = results.get(row.name)
        ended = (result.shown, result.versions, result.when, result.commit) if result else ("not run", "", "", "")
        kind = "virtual machines" if row.kind == "vm" else "containers"
        lines.append(f"| {' | '.join((f'`{row.name}`', *row.values, kind, *ended))} |")
    return HEAD + "\n".join(lines) + "\n" + NOT_HAD


def run(row: Row) -> Result:
    """All tests of one row, by a pytest of their own; its output goes into a log."""
    LOGS.mkdir(exist_ok=True)
    said, counted = LOGS / f"world-{row.name}.versions", LOGS / f"world-{row.name}.json"
    for file in (said, counted):
        file.unlink(missing_ok=True)
    argv = (sys.executable, "-m", "pytest", "--verbose", "tests/world/test_way.py")
    ours = {"DOCKMESH_WORLD": row.name, "DOCKMESH_WORLD_VERSIONS": str(said), "DOCKMESH_WORLD_COUNTS": str(counted)}
    with (LOGS / f"world-{row.name}.log").open("w") as log:
        code = subprocess.run(argv, cwd=ROOT, env=os.environ | ours, stdout=log, stderr=log, check=False).returncode
    counts = json.loads(counted.read_text()) if counted.exists() else {}
    failed = counts.get("failed", 0) + counts.get("error", 0)
    versions = said.read_text().strip() if said.exists() else ""
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
    return Result(counts.get("passed", 0), failed or int(code != 0), counts.get("skipped", 0), when, commit(), versions)


def main(
    named: Annotated[list[str] | None, typer.Argument(metavar="[ROW]...", help="Only these.")] = None,
) -> None:
    every = {row.name: row for row in rows()}
    if unknown := sorted(set(named or ()) - set(every)):
        raise SystemExit(f"there is no row {', '.join(unknown)}; there are:\n" + "\n".join(every))
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results = {name: Result(**result) for name, result in known.items() if name in every}
    for name in named or [name for name in every if name not in results or results[name].failed]:
        results[name] = run(every[name])
        RESULTS.write_text(json.dumps({each: asdict(results[each]) for each in sorted(results)}, indent=2) + "\n")
        PAGE.write_text(page(results, every.values()))
        typer.echo(f"{name}: {results[name].shown}")
    if wrong := [name for name in named or every if name in results and results[name].failed]:
        raise SystemExit(f"failed: {', '.join(wrong)}; their output is in {LOGS.name}/")


if __name__ == "__main__":
    typer.run(main)
