import asyncio
import io
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from dockmesh.apply.inspection import inspect_all
from dockmesh.cli.json.comparison import comparison_json
from dockmesh.cli.results import Comparison
from dockmesh.cli.screens.comparison import show
from dockmesh.errors import ConnectError
from dockmesh.inspect.host import Inspection
from dockmesh.plan.build import build
from tests.support.fake_host import FakeHost, applied, bare
from tests.support.meshes import mesh_of
from tests.support.plans import configs

MESH = mesh_of(3)


def compare(hosts: Mapping[str, FakeHost]) -> Comparison:
    plan = build(MESH)
    inspections = asyncio.run(inspect_all(plan, hosts))
    down = {
        host.name: ConnectError("no SSH connection", host=host.name) for host in plan.hosts if host.name not in hosts
    }
    names = tuple(host.name for host in plan.hosts)
    return Comparison(
        plan.name, names, {name: each for name, each in inspections.items() if isinstance(each, Inspection)}, down
    )


def hosts(*names: str) -> dict[str, FakeHost]:
    return {name: applied(config) for name, config in configs(MESH).items() if not names or name in names}


def screen(found: Comparison) -> list[str]:
    text = io.StringIO()
    show(found, Console(file=text, width=120, highlight=False, soft_wrap=True))
    return text.getvalue().splitlines()


def test_hosts_as_the_file_says_are_one_line() -> None:
    assert screen(compare(hosts())) == ["✓ 3 hosts as the file says"]


def test_each_difference_has_its_origin_beside_it() -> None:
    drifted = hosts()
    drifted["host2"].devices["docker0"].mtu = 1400

    assert [line.rstrip() for line in screen(compare(drifted))] == [
        "host2  applied 2026-11-26 12:00:00 UTC",
        "  docker0 MTU: 1400 → 1462  drift: changed by hand",
        "1 difference on 1 host: 1 by drift. `dockmesh apply` makes the hosts match the file.",
    ]


def test_what_is_true_of_the_whole_host_is_said_once() -> None:
    lines = screen(compare({**hosts(), "host2": bare(configs(MESH)["host2"])}))

    assert lines[0] == "host2  not applied yet"
    assert "not applied yet" not in "\n".join(lines[1:-1])


def test_a_host_that_was_not_read_is_told() -> None:
    assert screen(compare(hosts("host1", "host2"))) == ["✓ 2 hosts as the file says", "✗ 1 host not read: host3"]


def test_the_json_has_every_host_of_the_file() -> None:
    some = hosts("host1", "host2")
    some["host1"].devices["docker0"].mtu = 1400

    answer: dict[str, Any] = comparison_json(compare(some))

    assert answer["different"]
    assert [host["name"] for host in answer["hosts"]] == ["host1", "host2", "host3"]
    assert [change["origin"] for change in answer["hosts"][0]["differences"]] == ["drift"]
    assert answer["hosts"][1] == {
        "name": "host2",
        "applied": {"when": "2026-11-26T12:00:00+00:00", "version": "0.1.0", "run": ""},
        "differences": [],
        "error": None,
    }
    assert answer["hosts"][2]["error"]["what"] == "no SSH connection"
