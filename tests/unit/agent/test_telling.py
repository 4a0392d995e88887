"""What programs on a host say: on standard error, and to a systemd that is a socket."""

import socket
from pathlib import Path

import pytest

from dockmesh.agent import telling


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "SAID", [])


def test_what_is_so_for_long_is_said_once_until_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    telling.say_once("no flows")
    telling.say_once("no flows")
    telling.say_once("no groups")
    telling.forget()
    telling.say_once("no flows")

    assert capsys.readouterr().err.splitlines() == ["no flows", "no groups", "no flows"]


def test_the_latest_comes_last_and_not_everything_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("no flows", "no groups", "no flows"):
        telling.say_once(text)
    assert telling.SAID == ["no groups", "no flows"]

    for number in range(1000):
        telling.say_once(f"exit code {number}")

    assert telling.SAID[-1] == "exit code 999"
    assert len(telling.SAID) == telling.KEPT
    assert len(capsys.readouterr().err.splitlines()) == 1002


def test_systemd_hears_what_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        telling.tell_systemd("READY=1\nWATCHDOG=1")

        assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"


def test_without_a_systemd_nobody_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    opened: list[object] = []
    monkeypatch.setattr(socket.socket, "sendto", lambda *sent: opened.append(sent))

    telling.tell_systemd("READY=1")

    assert opened == []

    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    telling.tell_systemd("READY=1")
