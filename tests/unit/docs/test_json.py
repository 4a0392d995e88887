"""The examples of docs/reference/json.md against what the code prints."""

import asyncio
import json
import re
from dataclasses import asdict, replace
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from dockmesh.access.store import Kept
from dockmesh.apply.inspection import inspect_all
from dockmesh.cli.json.access import clients_json, created_json, revoked_json, rotated_json
from dockmesh.cli.json.changes import destroyed_json, result_json
from dockmesh.cli.json.comparison import comparison_json
from dockmesh.cli.json.context import contexts_json
from dockmesh.cli.json.edits import edit_json
from dockmesh.cli.json.lab import lab_json
from dockmesh.cli.json.measure import measure_json
from dockmesh.cli.json.packages import built_json
from dockmesh.cli.json.plan import plan_json
from dockmesh.cli.json.preflight import preflight_json
from dockmesh.cli.json.ps import ps_json
from dockmesh.cli.json.status import status_json
from dockmesh.cli.json.verify import verify_json
from dockmesh.cli.program import build as build_program
from dockmesh.cli.results import Comparison, Destroyed, Result
from dockmesh.cli.work.edits import edited
from dockmesh.containers.read import read
from dockmesh.context.meta import Context
from dockmesh.debian.deb import Deb
from dockmesh.diff.outcome import Outcome
from dockmesh.diff.types import Change, Origin
from dockmesh.drill.record import drill_json, read_drill
from dockmesh.errors import CommandError
from dockmesh.history.store import HostRecord, Record
from dockmesh.inspect.host import Inspection
from dockmesh.lab.model import Lab, LabHost
from dockmesh.measure.types import Datagrams, Figure, Missing, Pace, Pair, Pings, Stream, Taken
from dockmesh.measure.types import Report as Measured
from dockmesh.meshfile.edit.hosts import remove_hosts
from dockmesh.meshfile.load import parse
from dockmesh.model.mesh import Datapath
from dockmesh.packages.build import Built
from dockmesh.plan.build import build
from dockmesh.plan.resilience import resilience
from dockmesh.plan.secrets import Client
from dockmesh.preflight.types import Check, Finding, Level
from dockmesh.preflight.types import Report as Preflight
from dockmesh.status.judge import judge
from dockmesh.status.run_state import HostRuns, RunEntry
from dockmesh.verify.types import Cause, CauseKind, Probe, ProbeKind, Scope, Verdict, VerifyReport
from tests.support import access as worlds_of_access
from tests.support.fake_host import applied
from tests.support.meshes import TREE, mesh_of, without
from tests.support.plans import configs
from tests.unit.containers import worlds as worlds_of_containers
from tests.unit.docs.pages import ROOT, anchors, blocks
from tests.unit.status import worlds

PAGE = ROOT / "docs/reference/json.md"
EXAMPLES = {
    name: json.loads(text)
    for name, text in re.findall(
        r"<!-- example: ([a-z ]+) -->\n```json\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
}
FILE = blocks(PAGE, "yaml")[0]


def in_json(value: Any) -> Any:
    """As a reader of the output gets it."""
    return json.loads(json.dumps(value))


def test_plan() -> None:
    plan = build(parse("example", FILE.encode()))

    assert in_json(plan_json(plan, resilience(plan))) == EXAMPLES["plan"]


def test_diff() -> None:
    mesh = without(mesh_of(3, fabric=TREE), "host3")
    hosts = {name: applied(config) for name, config in configs(mesh).items()}
    hosts["host1"].devices["docker0"].mtu = 1400
    inspections = asyncio.run(inspect_all(build(mesh), hosts))
    found = Comparison(
        "prod", tuple(hosts), {name: each for name, each in inspections.items() if isinstance(each, Inspection)}, {}
    )

    assert in_json(comparison_json(found)) == EXAMPLES["diff"]


def test_status() -> None:
    mesh = without(mesh_of(3, fabric=TREE), "host3")
    plan = build(mesh)
    hosts = {name: applied(config) for name, config in configs(mesh).items()}
    hosts["host1"].devices["docker0"].mtu = 1400
    run = RunEntry("20261126T120000Z-a1b2", "ann", "desk", "2026-11-26T12:00:00Z", "apply", "confirmed")
    known = {name: replace(worlds.heard(plan, host), runs=HostRuns(last=run)) for name, host in hosts.items()}

    assert in_json(status_json(judge(plan, known, {}, worlds.NOW))) == EXAMPLES["status"]


def test_ps() -> None:
    found = read("host1", json.dumps([worlds_of_containers.PUBLISHED]), [IPv4Network("172.17.0.0/16")])

    assert in_json(ps_json("prod", ["host1"], {"host1": found}, {})) == EXAMPLES["ps"]


def test_access() -> None:
    folder = "/home/me/.dockmesh/dockmesh.yaml/access/clients/ann"
    now, until = worlds_of_access.NOW, worlds_of_access.NOW + timedelta(days=90)
    ann = Client("ann", 0x1F, now, until, folder=folder)
    kept = Kept("", "", now, now + timedelta(days=5 * 365), "", 1, clients=(ann,))
    plan = build(without(mesh_of(3, fabric=TREE), "host3"))

    assert in_json(created_json(plan, ann)) == EXAMPLES["access create"]
    assert in_json(clients_json(kept, now)) == EXAMPLES["access list"]
    assert in_json(revoked_json("ann", {"host1": None})) == EXAMPLES["access revoke"]
    assert in_json(rotated_json(kept, {"ann": Path(folder)}, ["bob"])) == EXAMPLES["access rotate"]


def test_context_create() -> None:
    context = Context("prod-host1", "prod", "host1", "/dockmesh.yaml", "ssh://root@192.0.2.1")

    assert in_json(contexts_json([context], [True], None)) == EXAMPLES["context create"]


def test_apply() -> None:
    example = EXAMPLES["apply"]
    first, second = example["hosts"]
    change = first["changes"][0]
    result = Result(
        plan=build(parse("example", FILE.encode())),
        hosts=("host1", "host2"),
        inspections={},
        errors={"host2": CommandError(host="host2", **second["error"])},
        outcomes=(Outcome("host1", (Change("host1", **change | {"disturbs": tuple(change["disturbs"])}),)),),
        run=example["run"],
        seconds=example["seconds"],
    )

    assert in_json(result_json(result)) == example


def test_destroy() -> None:
    example = EXAMPLES["destroy"]
    (host,) = example["hosts"]
    (change,) = host["changes"]
    result = Result(
        plan=build(parse("example", FILE.encode())),
        hosts=("host1",),
        inspections={},
        errors={},
        outcomes=(Outcome("host1", (Change("host1", **change | {"disturbs": (), "origin": Origin.UNKNOWN}),)),),
        run=example["run"],
        seconds=example["seconds"],
    )

    assert in_json(destroyed_json(Destroyed(result, {"host1": host["kept"]}))) == example


def test_measure() -> None:
    pair, back = Pair("host1", "host2"), Pair("host2", "host1")
    figures: dict[Figure, dict[Pair, Taken]] = {
        Figure.LATENCY: {pair: Pings(40, (300, 300))},
        Figure.GOODPUT: {pair: Stream(120_000_000, 2.0)},
        Figure.ALL_PAIRS: {pair: Stream(100_375_000, 2.0), back: Missing("host2: timed out")},
        Figure.PACKETS: {pair: Datagrams(40_000, 38_000, 2.0)},
    }

    found = Measured("prod", ("host1", "host2"), Pace(seconds=2), figures, {})

    assert in_json(measure_json(found)) == EXAMPLES["measure"]


def test_history() -> None:
    example = EXAMPLES["history"]
    hosts = {
        name: HostRecord(tuple(host["changes"]), host["ended"], host["error"])
        for name, host in example["hosts"].items()
    }

    assert in_json(asdict(Record(**{**example, "hosts": hosts}))) == example


def test_verify() -> None:
    example = EXAMPLES["verify"]
    report = VerifyReport(
        hosts=tuple(example["hosts"]),
        probes=tuple(
            Probe(**probe | {"kind": ProbeKind(probe["kind"]), "verdict": Verdict(probe["verdict"])})
            for probe in example["probes"]
        ),
        causes=tuple(
            Cause(CauseKind(cause["fault"]), tuple(cause["hosts"]), cause["seen"], cause["do"], frozenset(), Scope.LINK)
            for cause in example["causes"]
        ),
        seconds=example["seconds"],
    )

    assert in_json(verify_json(report)) == example


def test_preflight() -> None:
    example = EXAMPLES["preflight"]
    findings = tuple(
        Finding(
            Check(each["check"]),
            Level(each["level"]),
            tuple(each["hosts"]),
            each["what"],
            each["do"],
            tuple((pair["source"], pair["target"]) for pair in each["pairs"]),
        )
        for each in example["findings"]
    )

    assert in_json(preflight_json(Preflight(tuple(example["hosts"]), findings, example["seconds"]))) == example


def test_every_check_of_preflight_is_described() -> None:
    page = (ROOT / "docs/howto/preflight.md").read_text()

    assert {str(check) for check in Check} <= set(re.findall(r"`([a-z-]+)`", page))


def printed_by(capsys: pytest.CaptureFixture[str], words: list[str]) -> str:
    build_program()(words, standalone_mode=False)
    return capsys.readouterr().out


def test_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    hosts = [f"host{number}=192.0.2.{number}" for number in (1, 2, 3)]

    done = printed_by(capsys, ["init", *hosts, "--encryption", "off", "--offline", "--json"])

    assert json.loads(done) == EXAMPLES["init"]


def test_render(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dockmesh.yaml").write_text(FILE)

    done = printed_by(capsys, ["render", "-o", "out", "--json"])

    assert json.loads(done) == EXAMPLES["render"]


def test_drill_run() -> None:
    assert in_json(drill_json(read_drill(EXAMPLES["drill run"]))) == EXAMPLES["drill run"]


def test_drill_list(capsys: pytest.CaptureFixture[str]) -> None:
    done = printed_by(capsys, ["drill", "list", "--json"])

    assert EXAMPLES["drill list"] in json.loads(done)


def test_packages_build() -> None:
    example = EXAMPLES["packages build"]
    built = Built(
        debs=tuple(
            Deb(each["package"], each["version"], each["architecture"], (), (), each["file"], 1, each["sha256"])
            for each in example["packages"]
        ),
        log=Path(example["log"]),
        installed=tuple(example["installed"]),
    )

    assert in_json(built_json(built)) == example


def test_labs() -> None:
    example = EXAMPLES["lab up"]
    lab = Lab(
        name="lab",
        directory=Path(example["directory"]),
        prepared=False,
        datapath=Datapath.NETDEV,
        images={},
        hosts=(LabHost("host1", IPv4Address("10.77.244.11")),),
    )

    found = in_json(lab_json(lab))

    assert set(found) == set(example)
    assert set(found["hosts"][0]) == set(example["hosts"][0])
    assert EXAMPLES["lab list"]["labs"] == [example]


def test_every_kind_of_probe_is_described() -> None:
    assert {str(kind) for kind in ProbeKind} <= set(re.findall(r"`([a-z0-9-]+)`", PAGE.read_text()))


def test_every_fault_has_its_paragraph_in_troubleshooting() -> None:
    assert {str(fault) for fault in CauseKind} <= anchors(ROOT / "docs/howto/troubleshooting.md")


def test_host_remove() -> None:
    before = f"{FILE}  host3: {{underlay: 192.0.2.3, address: 172.17.42.3, pool: 172.17.192.0/18}}\n".encode()
    example = EXAMPLES["host remove"]

    edit = edited(Path(example["file"]), before, remove_hosts("example", before, ["host3"]))

    assert in_json(edit_json(edit, written=True)) == example
