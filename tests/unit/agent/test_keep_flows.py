"""The keeper of flows, without Open vSwitch; tests/lab/test_packages.py has it with one."""

import subprocess
import sys
from pathlib import Path

import pytest

from dockmesh.agent import keep_flows


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
    assert keep_flows.is_default(flows) is default


def test_without_open_vswitch_the_command_runs_all_the_same() -> None:
    path = str(Path(keep_flows.__file__))
    environment = {"PATH": "/usr/bin:/bin"}

    argv = [sys.executable, path, "sh", "-c", "echo said; exit 7"]
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)

    assert (done.returncode, done.stdout) == (7, "said\n")


def test_flows_are_saved_before_and_put_back_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def answer(argv: list[str]) -> str:
        order.append(argv[1])
        return f"touch {tmp_path}/back\n"

    monkeypatch.setattr(keep_flows, "bridges", lambda: ["mine"])
    monkeypatch.setattr(keep_flows, "ask", answer)

    code = keep_flows.main(["touch", f"{tmp_path}/restarted"])

    assert code == 0
    assert order == ["save-flows", "show"]
    assert (tmp_path / "restarted").exists()
    assert (tmp_path / "back").exists()


def test_nothing_restarts_when_flows_cannot_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep_flows, "bridges", lambda: ["mine"])
    monkeypatch.setattr(keep_flows, "ask", lambda _: None)

    code = keep_flows.main(["touch", f"{tmp_path}/restarted"])

    assert code == 1
    assert not (tmp_path / "restarted").exists()


@pytest.mark.parametrize(("guarded", "kept"), [(True, ["mine"]), (False, ["br0", "mine"])])
def test_a_bridge_with_a_guard_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, guarded: bool, kept: list[str]
) -> None:
    flows = tmp_path / "flows"
    if guarded:
        flows.touch()
    monkeypatch.setattr(keep_flows, "FLOWS", str(flows))
    monkeypatch.setattr(keep_flows, "SAVE", "/bin/sh")
    monkeypatch.setattr(keep_flows, "ask", lambda _: "br0\nmine\n")
    monkeypatch.setattr(keep_flows, "has_flows", lambda _: True)

    assert keep_flows.bridges() == kept
