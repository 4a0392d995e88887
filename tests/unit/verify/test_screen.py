"""The matrix for many hosts, and the names of the JSON."""

import io

from rich.console import Console

from dockmesh.cli.json.verify import verify_json
from dockmesh.cli.screens.verify import show_report
from dockmesh.plan.types import Plan
from dockmesh.verify.diagnose import diagnose
from dockmesh.verify.evidence import MeshEvidence
from dockmesh.verify.judge import judge
from dockmesh.verify.types import ProbeKind, Verdict, VerifyReport, worst
from tests.unit.verify import worlds


def report_of(plan: Plan, evidence: MeshEvidence) -> VerifyReport:
    probes, causes = diagnose(plan, evidence, judge(plan, evidence))
    return VerifyReport(tuple(host.name for host in plan.hosts), probes, causes)


def screen(report: VerifyReport, *, colour: bool = False) -> list[str]:
    text = io.StringIO()
    show_report(report, Console(file=text, width=200, highlight=False, soft_wrap=True, force_terminal=colour))
    return text.getvalue().splitlines()


def test_thirty_hosts_fit_on_a_screen() -> None:
    plan = worlds.plan(30)
    evidence = worlds.silent(worlds.healthy(plan), ("h3", "h17"))

    lines = screen(report_of(plan, evidence))

    rows = [line for line in lines if line.split()[1:2] == ["h3"]]
    assert len(rows) == 2
    assert max(map(len, lines[:70])) < 120
    assert rows[0].split()[2:] == ["·"] * 2 + ["–"] + ["·"] * 13 + ["✗"] + ["·"] * 13


def test_plain_text_has_no_escapes_and_a_terminal_gets_colour() -> None:
    report = report_of(worlds.plan(3), worlds.healthy(worlds.plan(3)))

    assert "\x1b" not in "".join(screen(report))
    assert "\x1b" in "".join(screen(report, colour=True))


def test_what_is_unknown_is_no_pass() -> None:
    assert worst([Verdict.PASS, Verdict.UNKNOWN]) is Verdict.UNKNOWN
    assert worst([Verdict.UNKNOWN, Verdict.FAIL]) is Verdict.FAIL
    assert worst([]) is Verdict.UNKNOWN
    assert VerifyReport((), (), ()).verdict is Verdict.UNKNOWN


def test_the_json_has_its_documented_names() -> None:
    plan = worlds.plan(2)
    report = verify_json(report_of(plan, worlds.changed_port(worlds.healthy(plan), "h1", "h2", gone=True)))

    assert set(report) == {"verdict", "seconds", "hosts", "causes", "probes"}
    assert set(report["probes"][0]) == {"kind", "source", "target", "network", "verdict", "measured", "reason", "do"}
    assert set(report["causes"][0]) == {"fault", "hosts", "seen", "do"}
    assert [str(kind) for kind in ProbeKind] == [
        "docker",
        "bridge",
        "tree",
        "flows",
        "encryption",
        "network",
        "tunnel",
        "host-ping",
        "host-size",
        "host-transfer",
        "container-ping",
        "container-size",
        "container-transfer",
        "address",
        "name",
        "broadcast",
        "network-ping",
        "network-size",
        "network-ping6",
        "network-size6",
    ]
