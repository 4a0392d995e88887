"""The keeper of flows, without Open vSwitch; tests/lab/test_packages.py has it with one."""

import subprocess
import sys
from pathlib import Path

import pytest

from dockmesh.agent import preserve_flows


@pytest.mark.parametrize(
    ("flows", "default"),
    [
        ("", True),
        (" priority=0 actions=NORMAL\n", True),
        ("NXST_FLOW reply (xid=0x4):\n priority=0 actions=NORMAL\n", True),
        (" priority=7,ip actions=drop\n", False),
        (" priority=0 actions=NORMAL\n priority=7,ip actions=drop\n", False),
    ],
)
def test_only_rules_of_somebody_are_worth_keeping(flows: str, *, default: bool) -> None:
    assert preserve_flows.is_default(flows) is default


def test_without_open_vswitch_the_command_runs_all_the_same() -> None:
    path = str(Path(preserve_flows.__file__))
    environment = {"PATH": "/usr/bin:/bin"}

    argv = [sys.executable, path, "sh", "-c", "echo said; exit 7"]
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)

    assert (done.returncode, done.stdout) == (7, "said\n")


def test_flows_are_saved_before_and_put_back_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def answer(argv: list[str]) -> str:
        order.append(argv[1])
        return f"touch {tmp_path}/back\n"

    monkeypatch.setattr(preserve_flows, "bridges", lambda: ["mine"])
    monkeypatch.setattr(preserve_flows, "ask", answer)

    code = preserve_flows.main(["touch", f"{tmp_path}/restarted"])

    assert code == 0
    assert order == ["save-flows", "show"]
    assert (tmp_path / "restarted").exists()
    assert (tmp_path / "back").exists()


def test_nothing_restarts_when_flows_cannot_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preserve_flows, "bridges", lambda: ["mine"])
    monkeypatch.setattr(preserve_flows, "ask", lambda _: None)

    code = preserve_flows.main(["touch", f"{tmp_path}/restarted"])

    assert code == 1
    assert not (tmp_path / "restarted").exists()


@pytest.mark.parametrize(("guarded", "kept"), [(True, ["mine"]), (False, ["br0", "mine"])])
def test_a_bridge_with_a_guard_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, guarded: bool, kept: list[str]
) -> None:
    flows = tmp_path / "flows"
    if guarded:
        flows.touch()
    monkeypatch.setattr(preserve_flows, "FLOWS", str(flows))
    monkeypatch.setattr(preserve_flows, "SAVE", "/bin/sh")
    monkeypatch.setattr(preserve_flows, "ask", lambda _: "br0\nmine\n")
    monkeypatch.setattr(preserve_flows, "has_flows", lambda _: True)

    assert preserve_flows.bridges() == kept
