"""How long the pings of every pair stop, by drills: cut links, crashed hosts, and a root that dies or moves."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from itertools import combinations, cycle, islice
from typing import Any

from bench.rows import Row, say
from bench.world import DOCKMESH, edit, gap, measured, mesh, reach, settled, wait
from dockmesh.lab.model import Lab
from dockmesh.meshfile.load import load

# BFD's interval in milliseconds, and the longest gap that is promised of it.
SPEEDS = ((100, 400.0), (30, 100.0))
# Who dies once in a hundred times for long must be seen: so often as the target says.
ROOT_RUNS = 4


def direct_faults(runs: int) -> list[Row]:
    """Each run is another link, or another host, of a full mesh of three."""
    rows = []
    with mesh("direct") as lab:
        names = [host.name for host in lab.hosts]
        links = [f"cut:{a},{b}" for a, b in islice(cycle(combinations(names, 2)), runs)]
        old = "interval_ms: 100"
        for interval_ms, target in SPEEDS:
            old = bfd_every(lab, old, interval_ms)
            found = drilled(lab, links)
            what = f"direct, BFD {interval_ms} ms × 3: a cut link, the longest gap of all pairs"
            rows.append(Row(what, tuple(worst(each, "during", "gap_ms") for each in found), "ms", target, each=True))
            if interval_ms == 100:
                lost = tuple(worst(each, "after", "lost") for each in found)
                rows.append(Row("direct: the same links healed, most lost pings of a pair", lost, "lost", 0, each=True))
                noise = tuple(each["noise_ms"] for each in found)
                rows.append(Row("what this machine missed before these cuts, without any fault", noise, "ms"))
        bfd_every(lab, old, 100)
        found = drilled(lab, [f"crash:{name}" for name in islice(cycle(names), runs)])
        lost = tuple(worst(each, "during", "lost") for each in found)
        rows.append(Row("direct: a host crashes, most lost pings of a pair of others", lost, "lost", 1, each=True))
    return rows


def bfd_every(lab: Lab, old: str, interval_ms: int) -> str:
    new = f"interval_ms: {interval_ms}"
    if old != new:
        edit(lab, old, new)
        measured("apply", "--yes", "--no-verify", *reach(lab))
    wait(settled(lab), "all is well")
    return new


def drilled(lab: Lab, faults: Sequence[str]) -> list[Any]:
    """What is on record of each fault. The verdict is not asked for: a gap that is too long is a figure, too."""
    found = []
    for fault in faults:
        command = (*DOCKMESH, "drill", "run", fault, "--dir", str(lab.directory), "--json")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1) or not done.stdout.startswith("{"):
            raise SystemExit(f"drill run {fault} ended with {done.returncode}: {done.stderr[-500:]}")
        (made,) = json.loads(done.stdout)["faults"]
        say(f"  {fault}: {made['verdict']}, noise {made['noise_ms']:.0f} ms, gaps {sorted(gaps_of(made))}")
        found.append(made)
    return found


def gaps_of(made: Any) -> Iterator[int]:
    return (round(pair["during"]["gap_ms"] or 0) for pair in staying(made))


def staying(made: Any) -> list[Any]:
    """The pairs that are to stay connected while the fault lasts."""
    return [pair for pair in made["pairs"] if pair["expected"] == "connected"]


def worst(made: Any, phase: str, key: str) -> float:
    return max(float(pair[phase][key] or 0) for pair in staying(made))


def root_faults(runs: int) -> list[Row]:
    """The root crashes and comes back; then it leaves the mesh and comes back, by apply: each moves the root."""
    runs *= ROOT_RUNS
    with mesh("rstp") as lab:
        root, two, three = load(lab.mesh_file).hosts
        found = drilled(lab, [f"crash:{root.name}"] * runs)
        crashes = tuple(worst(each, "during", "gap_ms") for each in found)
        returns = tuple(worst(each, "after", "gap_ms") for each in found)
        moved: dict[str, list[float]] = {"leaves": [], "joins": []}
        whole = lab.mesh_file.read_text()
        without = "".join(
            line for line in whole.splitlines(keepends=True) if not line.strip().startswith(f"{root.name}:")
        )
        for _ in range(runs // 2):
            for what, text in (("leaves", without), ("joins", whole)):
                wait(settled(lab), "all is well")
                lab.mesh_file.write_text(text)
                apply = lambda: measured("apply", "--yes", "--no-verify", *reach(lab))  # noqa: E731
                moved[what].append(gap(lab, two.name, str(three.address), apply))
                say(f"  the root {what}: {moved[what][-1]:.0f} ms")
    return [
        Row("rstp: the root crashes, the longest gap of the others", crashes, "ms", 500, each=True),
        Row("rstp: it comes back", returns, "ms"),
        Row("rstp: apply moves the root, for it leaves", tuple(moved["leaves"]), "ms", 500, each=True),
        Row("rstp: apply moves the root, for it joins", tuple(moved["joins"]), "ms", 500, each=True),
    ]
