"""host3 into every layout and, after that, host2 out of it; the differences are golden."""

import os
from difflib import unified_diff
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from dockmesh.meshfile.edit.hosts import add_hosts, remove_hosts
from dockmesh.model.mesh import Host, Ssh
from tests.support.layouts import LAYOUTS
from tests.support.meshes import in_docker0

FOLDER = Path(__file__).parent / "edits"
NEW = Host("host3", IPv4Address("1.1.1.3"), in_docker0("172.17.42.3", "172.17.192.0/18"), ssh=Ssh("h.net"))


def links(layout: str) -> list[tuple[str, str]]:
    return [("host1", "host3")] if layout.startswith("links") else []


def site(layout: str) -> str | None:
    return "there" if layout.startswith("sites") else None


def difference(before: bytes, after: bytes) -> str:
    old, new = (content.decode().splitlines(keepends=True) for content in (before, after))
    return "".join(repr(line)[1:-1] + "\n" for line in unified_diff(old, new, "before", "after"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_host_goes_in_and_another_out_and_nothing_else_changes(layout: str) -> None:
    golden = FOLDER / f"{layout}.txt"
    before = LAYOUTS[layout].encode()

    grown = add_hosts("mesh.yaml", before, [NEW], links(layout), site=site(layout))
    shrunk = remove_hosts("mesh.yaml", grown, ["host2"])

    text = f"host3 added\n{difference(before, grown)}\nhost2 removed\n{difference(grown, shrunk)}"
    if os.environ.get("DOCKMESH_GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_host_that_went_in_and_out_leaves_no_trace(layout: str) -> None:
    before = LAYOUTS[layout].encode()

    grown = add_hosts("mesh.yaml", before, [NEW], links(layout), site=site(layout))

    assert remove_hosts("mesh.yaml", grown, ["host3"]) == before
