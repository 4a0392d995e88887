"""Whom to ask outside, and in what order; tests/lab has a real server."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dockmesh.agent.names import upstream
from dockmesh.agent.names.upstream import Upstream

OURS = frozenset(("172.17.42.1", "172.17.42.2"))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """daemon.json of before, which is not there yet, and resolv.conf."""
    resolv = tmp_path / "resolv.conf"
    resolv.write_text(
        "# a comment\nsearch example.com\nnameserver 127.0.0.53\nnameserver fe80::1%eth0\noptions rotate\n"
    )
    return tmp_path / "daemon.json", resolv


def made(files: tuple[Path, Path]) -> Upstream:
    return Upstream(OURS, *map(str, files))


def test_the_hosts_own_servers_are_asked(files: tuple[Path, Path]) -> None:
    assert made(files).servers == ["127.0.0.53", "fe80::1%eth0"]


def test_the_users_own_dns_of_daemon_json_stays_in_force(files: tuple[Path, Path]) -> None:
    files[0].write_text('{"dns": ["192.0.2.53", "192.0.2.54"], "icc": true}')

    assert made(files).servers == ["192.0.2.53", "192.0.2.54"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"dns": 7}', '{"dns": []}', '{"dns": ["no address", "172.17.42.2"]}'])
def test_a_daemon_json_that_names_nobody_leaves_it_to_the_host(files: tuple[Path, Path], text: str) -> None:
    files[0].write_text(text)

    assert made(files).servers[0] == "127.0.0.53"


def test_no_resolver_of_the_mesh_is_asked(files: tuple[Path, Path]) -> None:
    files[1].write_text("nameserver 172.17.42.1\nnameserver 172.17.42.2\nnameserver 192.0.2.1\nnameserver 192.0.2.1\n")

    assert made(files).servers == ["192.0.2.1"]


def test_a_file_that_changes_counts_from_the_next_question_on(files: tuple[Path, Path]) -> None:
    there = made(files)
    assert there.servers

    new = files[1].with_name("new")
    new.write_text("nameserver 192.0.2.9\n")
    new.replace(files[1])
    assert there.servers == ["192.0.2.9"]
    files[1].unlink()
    assert there.servers == []


def answer(code: int) -> bytes:
    return bytes((0, 7, 0x80, code, *range(8)))


def ask(
    there: Upstream, monkeypatch: pytest.MonkeyPatch, answers: dict[str, bytes | None], *, tcp: bool = False
) -> Any:
    """The answer, and who was asked; a server without an answer does not answer in time."""
    asked: list[str] = []

    async def by(question: bytes, server: str) -> bytes:
        asked.append(server)
        found = answers[server]
        if found is None:
            raise TimeoutError
        return found

    monkeypatch.setattr(upstream, "_by_tcp" if tcp else "_by_udp", by)
    return asyncio.run(there.forward(b"a question", tcp=tcp)), asked


@pytest.mark.parametrize("tcp", [False, True])
def test_the_first_that_answers_is_enough(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, *, tcp: bool
) -> None:
    files[1].write_text("nameserver 192.0.2.1\nnameserver 192.0.2.2\n")
    nothing = answer(3)

    assert ask(made(files), monkeypatch, {"192.0.2.1": nothing}, tcp=tcp) == (nothing, ["192.0.2.1"])


@pytest.mark.parametrize("code", [2, 5])
def test_one_that_fails_or_refuses_is_not_the_last_word(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    files[1].write_text("nameserver 192.0.2.1\nnameserver 192.0.2.2\n")
    there = made(files)

    assert ask(there, monkeypatch, {"192.0.2.1": answer(code), "192.0.2.2": answer(0)})[0] == answer(0)
    assert ask(there, monkeypatch, {"192.0.2.1": answer(code), "192.0.2.2": None})[0] == answer(code)


def test_one_that_does_not_answer_is_asked_last_from_then_on(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    files[1].write_text("nameserver 192.0.2.1\nnameserver 192.0.2.2\n")
    there = made(files)
    answers = {"192.0.2.1": None, "192.0.2.2": answer(0)}

    assert ask(there, monkeypatch, answers)[1] == ["192.0.2.1", "192.0.2.2"]
    assert ask(there, monkeypatch, answers)[1] == ["192.0.2.2"]


def test_without_a_server_there_is_no_answer(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    files[1].write_text("")

    assert ask(made(files), monkeypatch, {}) == (None, [])
