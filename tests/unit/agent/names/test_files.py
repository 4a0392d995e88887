"""Files of others may be as large as a disk: what that costs."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dockmesh.agent.names.docker import Follower
from dockmesh.agent.names.upstream import Upstream
from dockmesh.agent.names.zone import Zone

HUGE = 1 << 26  # bytes, none of which is on the disk
MOST = 1 << 20


def follower_reads(path: Path) -> Any:
    follower = Follower(Zone(()), ("172.17.42.1",), lambda: None, print)
    return follower._asks_elsewhere({"ResolvConfPath": str(path)})


def upstream_reads(path: Path) -> Any:
    return Upstream((), str(path), "/dev/null").servers + Upstream((), "/dev/null", str(path)).servers


@pytest.mark.parametrize("read", [follower_reads, upstream_reads])
def test_a_file_without_an_end_costs_no_memory(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.1\n")
    with path.open("r+b") as file:
        file.truncate(HUGE)

    tracemalloc.start()
    found = read(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found in (True, ["192.0.2.1"])
    assert most < MOST
