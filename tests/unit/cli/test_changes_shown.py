"""Changes with their reasons, on terminals of any width."""

import asyncio

import pytest

from dockmesh.apply.inspection import inspect_all
from dockmesh.cli.screens.changes import show_changes
from dockmesh.cli.show import out
from dockmesh.inspect.host import Inspection
from dockmesh.plan.build import build
from tests.support.fake_host import FakeHost
from tests.support.meshes import mesh_of


@pytest.mark.parametrize("width", [60, 100, 200])
def test_what_goes_on_in_the_next_line_is_indented_as_the_change(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(out, "width", width)
    plan = build(mesh_of(2))
    found = asyncio.run(inspect_all(plan, {host.name: FakeHost(host.name) for host in plan.hosts}))

    show_changes({name: each for name, each in found.items() if isinstance(each, Inspection)}, reasons=True)

    head, *lines = capsys.readouterr().out.split("\nhost2 ")[0].splitlines()
    steps = {line.strip() for line in lines if not line.startswith("    ")}
    assert head.startswith("host1 ")
    assert {"configure Docker", "write files", "build the fabric", "put br0 into docker0"} <= steps
    assert not [step for step in steps if not step[0].islower() or len(step) > 30]
