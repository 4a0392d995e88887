from pathlib import Path

import pytest

from tests.support.meshes import MESH_FILE
from tests.unit.cli.conftest import Dockmesh


def shown(dockmesh: Dockmesh, mesh_file: Path, fabric: str) -> list[str]:
    mesh_file.write_text(f"{MESH_FILE}fabric: {fabric}\n")
    lines = [line.rstrip() for line in dockmesh("plan").out.splitlines()]
    return lines[lines.index("Resilience") + 1 :]


def test_a_plan_tells_what_a_ring_bears_and_how_it_heals(dockmesh: Dockmesh, mesh_file: Path) -> None:
    assert shown(dockmesh, mesh_file, "{forwarding: rstp, topology: ring, bfd: {interval_ms: 50}}")[:7] == [
        "  hops      1.3 on average, 2 at most, along the actual paths; 1.0 and 1 along the shortest paths",
        "  tunnels   2 at every host",
        "  may fail  any 1 link: all hosts stay connected",
        "            any 1 host: the rest stay connected",
        "  healing   0.15 to 0.35 s for a link that carries frames and is cut: the sum of",
        "            0.15 s  BFD: 3 × 50 ms without a packet (RFC 5880)",
        "            0 to 0.2 s  spanning tree: another link takes over (measured with three hosts)",
    ]


def test_a_plan_names_what_a_star_hangs_on(dockmesh: Dockmesh, mesh_file: Path) -> None:
    assert shown(dockmesh, mesh_file, "{topology: {star: host2}}") == [
        "  hops      1.3 on average, 2 at most, along the actual paths; 1.3 and 2 along the shortest paths",
        "  tunnels   1 to 2 at a host",
        "  may fail  not every link: host1 – host2, host2 – host3 each split the mesh",
        "            not every host: host2 alone splits the others",
        "  healing   none: each link is the only path for some hosts, until it is repaired",
    ]


def test_a_plan_says_that_stp_takes_its_time(dockmesh: Dockmesh, mesh_file: Path) -> None:
    lines = shown(dockmesh, mesh_file, "{forwarding: stp}")

    assert "  healing   30 to 50 s for a link that carries frames and is cut: the sum of" in lines


@pytest.mark.parametrize(
    ("topology", "kind"),
    [
        ("ring", "ring, 3 links"),
        ("star", "star around host1, 2 links"),
        ("{star: host3}", "star around host3, 2 links"),
        ("{sites: {a: [host1, host2], b: [host3]}}", "2 sites, 3 links"),
    ],
)
def test_a_plan_names_its_topology(dockmesh: Dockmesh, mesh_file: Path, topology: str, kind: str) -> None:
    mesh_file.write_text(f"{MESH_FILE}fabric: {{topology: {topology}}}\n")

    assert f"3 hosts in 172.17.0.0/16, {kind} of gre" in dockmesh("plan").out
