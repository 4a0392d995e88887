"""Measure what dockmesh promises in seconds, and write bench/results.md: `make bench`, as root, on an idle machine.

Every figure is a median of several runs, with the least and the most beside it. Targets that are missed stay in the
table as missed.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.alarms import false_alarms
from bench.boots import all_rebooted, many_started
from bench.commands import apply_and_script, host_added, looks, looks_at_many, no_change
from bench.faults import direct_faults, root_faults
from bench.healing import after_reboot, healing
from bench.names import names
from bench.plans import large_plans
from bench.rows import Row, say

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    measures = (
        *(large_plans, no_change, looks, looks_at_many, apply_and_script, host_added),
        *(names, healing, direct_faults, root_faults, false_alarms, after_reboot, all_rebooted, many_started),
    )
    known = [measure.__name__ for measure in measures]
    parser.add_argument("--only", choices=known, help="measure this alone, and leave the table as it is")
    parser.add_argument("--minutes", type=int, default=10, help="for which BFD is watched for false alarms")
    wanted = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # dockmesh as pip installs it: compiled once, not at each start
    runs = wanted.runs
    load_before = os.getloadavg()[0]
    rows: list[Row] = []
    for measure in (measure for measure in measures if wanted.only in (None, measure.__name__)):
        say(f"measuring: {measure.__name__.replace('_', ' ')}")
        rows += measure(runs) if measure is not false_alarms else false_alarms(runs, wanted.minutes)
        for row in rows:
            say(row.text())
    if wanted.only is None:
        (HERE / "results.md").write_text(report(rows, load_before))


def report(rows: Sequence[Row], load_before: float) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return "\n".join(
        [
            "# Results",
            "",
            "Made by `make bench`. Whole processes, from start to exit, unless the line says otherwise.",
            "Hosts are lab hosts on one machine with the userspace datapath: ratios and orders, no speed of servers.",
            "",
            f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {memory:.0f} GiB, kernel {platform.release()}, "
            f"Python {platform.python_version()}, load average before: {load_before:.1f}.",
            "",
            "| what | median | least–most | runs | target | |",
            "|---|---|---|---|---|---|",
            *(row.text() for row in rows),
            "",
        ]
    )


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("the lab needs root")
    main()
