"""Connections by a stand-in for the ssh program, which runs on this machine what it is to run on a host."""

import asyncio
import gc
import resource
import socket
import sys
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeVar

import pytest

from dockmesh.errors import ConnectError, DockmeshError
from dockmesh.model.mesh import Ssh
from dockmesh.transport import resolve
from dockmesh.transport.failed import Call, explain
from dockmesh.transport.fleet import fleet
from dockmesh.transport.requests import Answer, Exec
from dockmesh.transport.ssh import connect

T = TypeVar("T")


@dataclass(frozen=True)
class Target:
    name: str
    ssh: Ssh = field(default_factory=Ssh)
    underlay: IPv4Address | None = None


HOST1 = Target("host1")
CONFIG = Path("/dev/null")
RUNS_IT = 'for last; do :; done\nSSH_CONNECTION="192.0.2.9 50000 192.0.2.1 22" exec sh -c "$last"'


class FakeSsh:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def does(self, script: str) -> None:
        path = self.folder / "ssh"
        path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {self.folder}/argv\n{script}\n')
        path.chmod(0o755)

    @property
    def argv(self) -> list[str]:
        return (self.folder / "argv").read_text().splitlines()


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSsh:
    """In place of ssh; and of sudo, which here lets everybody in."""
    fake = FakeSsh(tmp_path)
    fake.does(RUNS_IT)
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\n[ "$1 $2" = "-n --" ] && shift 2\nexec "$@"\n')
    sudo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/local/bin:/usr/bin:/bin")
    return fake


def run(work: Coroutine[None, None, T]) -> T:
    return asyncio.run(work)


async def one_echo(target: Target = HOST1) -> tuple[str | None, Answer]:
    host = await connect(target, CONFIG)
    try:
        (answer,) = await host.ask(Exec(("echo", "é")))
    finally:
        await host.close()
    return host.reached_at, answer


def refused() -> ConnectError:
    with pytest.raises(ConnectError) as error:
        run(one_echo())
    return error.value


def test_a_command_goes_there_and_its_answer_comes_back(ssh: FakeSsh) -> None:
    assert run(one_echo()) == ("192.0.2.1", Answer(0, "é\n"))


def test_user_and_port_of_the_file_go_to_ssh(ssh: FakeSsh) -> None:
    run(one_echo(Target("host1", Ssh(host="-odd.example", user="ann", port=2222))))

    assert ssh.argv[ssh.argv.index("-l") + 1] == "ann"
    assert ssh.argv[ssh.argv.index("-p") + 1] == "2222"
    assert ssh.argv[ssh.argv.index("--") + 1] == "-odd.example"


def test_nothing_on_the_command_line_stands_against_a_hostname_of_the_users(ssh: FakeSsh) -> None:
    run(one_echo(Target("localhost")))

    assert not [word for word in ssh.argv if word.lower().startswith("hostname")]


def test_unknown_host_keys_are_refused_whatever_the_users_file_says(ssh: FakeSsh) -> None:
    run(one_echo())

    assert "StrictHostKeyChecking=yes" in ssh.argv
    assert "BatchMode=yes" in ssh.argv


@pytest.mark.parametrize("lines", [1, 200])
def test_what_a_login_script_prints_is_no_answer(ssh: FakeSsh, lines: int) -> None:
    ssh.does(f'seq {lines}; printf "no end of line "; echo "warning: [noise]" >&2\n{RUNS_IT}')

    assert run(one_echo())[1].out == "é\n"


def test_a_login_script_that_prints_without_end_is_an_error_and_no_hang(ssh: FakeSsh) -> None:
    ssh.does(f"seq 5000\n{RUNS_IT}")

    assert refused().report.what == "the login does not start dockmesh's program"


def test_much_noise_on_standard_error_blocks_nothing(ssh: FakeSsh) -> None:
    ssh.does(f"head -c 1000000 /dev/zero >&2\n{RUNS_IT}")

    assert run(one_echo())[1].out == "é\n"


def test_a_host_that_goes_away_is_an_error_with_its_last_words(ssh: FakeSsh) -> None:
    async def lose() -> None:
        host = await connect(HOST1, CONFIG)
        try:
            await host.ask(Exec(("sh", "-c", "echo 'Connection to host1 closed.' >&2; kill -9 $PPID")))
        finally:
            await host.close()

    with pytest.raises(ConnectError) as error:
        run(lose())

    assert error.value.report.what == "lost the SSH connection"
    assert error.value.report.ran is not None


def test_no_ssh_at_all_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert refused().report.what == "ssh is not installed here"


def test_a_host_without_python_is_said(ssh: FakeSsh) -> None:
    ssh.does('echo "sh: 1: exec: python3: not found" >&2; exit 127')

    assert refused().report.what == "python3 did not start there"


def test_hosts_that_do_not_let_us_in_are_told_from_those_that_do(ssh: FakeSsh) -> None:
    ssh.does(f'case "$*" in *host2*) echo "host2: Permission denied (publickey)." >&2; exit 255;; esac\n{RUNS_IT}')

    async def both() -> tuple[list[str], dict[str, DockmeshError]]:
        async with fleet([HOST1, Target("host2")], None) as hosts:
            return list(hosts.opened), dict(hosts.failed)

    opened, failed = run(both())

    assert opened == ["host1"]
    assert failed["host2"].report.what == "it refuses the SSH login"


def test_a_name_that_the_resolver_knows_gets_no_line_of_ours(ssh: FakeSsh) -> None:
    ssh.does(f'while [ "$1" != -F ]; do shift; done; cat "$2" > {ssh.folder}/config; exit 255')

    async def open_all() -> None:
        async with fleet([Target("localhost", underlay=IPv4Address("10.0.0.1"))], CONFIG):
            pass

    run(open_all())

    assert "10.0.0.1" not in (ssh.folder / "config").read_text()


def test_many_hosts_need_no_more_files_than_they_are_allowed(ssh: FakeSsh) -> None:
    ssh.does("exit 255")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))

    async def open_all() -> int:
        async with fleet([Target(f"192.0.2.{number}") for number in range(1, 61)], None) as hosts:
            return len(hosts.failed)

    try:
        assert run(open_all()) == 60
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
Host key verification failed."""


@pytest.mark.parametrize(
    ("code", "said", "what"),
    [
        (255, CHANGED, "its host key is not the one that known_hosts has"),
        (255, "Host key verification failed.", "its host key is unknown"),
        (
            255,
            "No ED25519 host key is known for host1 and you have requested strict checking.",
            "its host key is unknown",
        ),
        (255, "ann@host1: Permission denied (publickey,password).", "it refuses the SSH login"),
        (255, "ssh: connect to host host1 port 22: Connection refused", "no SSH connection"),
        (255, "ssh: Could not resolve hostname host1: Name or service not known", "no SSH connection"),
        (255, "", "no SSH connection"),
        (0, "", "the login does not start dockmesh's program"),
        (-9, "nothing of use within 60 s", "the login does not start dockmesh's program"),
        (1, "sudo: a password is required", "sudo does not let this user in without a password"),
        (127, "sh: 1: exec: sudo: not found", "sudo does not let this user in without a password"),
        (127, "sh: 1: exec: python3: not found", "python3 did not start there"),
    ],
)
def test_a_failed_log_in_is_said_in_words(code: int, said: str, what: str) -> None:
    error = explain(Call("host1", Ssh(user="ann")), code, said)

    assert error.report.what == what
    assert error.report.answered == (said or f"exit {code}, and no reason given")
    assert error.report.ran == "ssh ann@host1"
    assert error.report.do


def test_a_failed_log_in_reads_as_a_whole() -> None:
    error = explain(Call("host1", Ssh()), 255, "ssh: connect to host host1 port 22: Connection refused")

    assert str(error) == (
        "host1: no SSH connection\n"
        "   ran       ssh host1\n"
        "   answered  ssh: connect to host host1 port 22: Connection refused\n"
        "   do        try `ssh host1` by hand until it works"
    )


def test_the_command_of_an_error_is_the_one_that_ran() -> None:
    call = Call("host1", Ssh(host="h1.example", user="ann", port=2222), Path("my config"), None)

    assert explain(call, 255, "no").report.ran == "ssh -F 'my config' -p 2222 ann@h1.example"
    assert explain(Call("-x", Ssh()), 255, "no").report.ran == "ssh -- -x"


REFUSES = """case " $* " in *" -G "*) {settings};; esac
echo "Connection timed out during banner exchange" >&2; exit 255"""


def fails(ssh: FakeSsh, monkeypatch: pytest.MonkeyPatch, settings: str) -> DockmeshError:
    """A host whose name nobody knows, so that its underlay address goes into ssh's configuration."""

    async def knows_nobody(_: str) -> bool:
        return False

    async def open_all() -> DockmeshError:
        async with fleet([Target("host1", underlay=IPv4Address("192.0.2.1"))], CONFIG) as hosts:
            return hosts.failed["host1"]

    monkeypatch.setattr("dockmesh.transport.fleet.resolves", knows_nobody)
    ssh.does(REFUSES.format(settings=settings))
    return run(open_all())


def test_a_name_that_does_not_resolve_is_said_where_its_underlay_address_was_dialled(
    ssh: FakeSsh, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_both = 'case "$*" in */users_*) echo "hostname host1" ;; *) echo "hostname 192.0.2.1" ;; esac; exit'
    error = fails(ssh, monkeypatch, of_both)

    assert error.report.what.endswith("192.0.2.1, its underlay address: this machine's resolver does not know host1")
    assert error.report.ran == f"ssh -F {CONFIG} -o HostName=192.0.2.1 host1"


@pytest.mark.parametrize("address", ["h1.example", "192.0.2.1"])
def test_a_name_that_the_users_configuration_has_an_address_for_is_not_said_to_be_unknown(
    ssh: FakeSsh, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    error = fails(ssh, monkeypatch, f'echo "hostname {address}"; exit')

    assert error.report.what == "no SSH connection"
    assert error.report.ran == f"ssh -F {CONFIG} host1"


@pytest.mark.exhaustive
def test_what_ssh_said_is_told_even_where_its_proxy_outlives_it(ssh: FakeSsh, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh.does("sleep 4 & echo connection refused >&2; exit 255")
    noise: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", noise.append)

    error = refused()
    said = error.report.answered
    del error
    gc.collect()

    assert said == "connection refused"
    assert noise == []


def test_what_is_done_meanwhile_is_done_while_ssh_logs_in(ssh: FakeSsh, tmp_path: Path) -> None:
    ssh.does(f"while [ ! -e {tmp_path}/done ]; do sleep 0.02; done\n{RUNS_IT}")

    async def meanwhile() -> None:
        (tmp_path / "done").touch()

    async def reached() -> list[str]:
        async with fleet([HOST1], CONFIG, meanwhile=meanwhile()) as hosts:
            return list(hosts.opened)

    assert run(reached()) == ["host1"]


def test_a_host_that_is_asked_nothing_more_ends_before_its_connection_is_closed(ssh: FakeSsh, tmp_path: Path) -> None:
    ssh.does(f'for last; do :; done\nsh -c "$last"\ntouch {tmp_path}/ended')

    async def ends() -> bool:
        async with fleet([HOST1], CONFIG) as hosts:
            await hosts.hang_up()
            async with asyncio.timeout(20):
                while not (tmp_path / "ended").exists():  # noqa: ASYNC110 — a file of another process
                    await asyncio.sleep(0.01)
            return True

    assert run(ends())


def test_what_is_done_meanwhile_is_begun_while_a_resolver_keeps_us_waiting(
    ssh: FakeSsh, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, in_time = threading.Event(), list[bool]()
    monkeypatch.setattr(resolve, "RESOLVE_TIMEOUT_S", 60)

    def answers(*_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        in_time.append(begun.wait(30))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", answers)

    async def meanwhile() -> None:
        begun.set()

    async def reached() -> list[str]:
        async with fleet([Target("host1", underlay=IPv4Address("192.0.2.1"))], CONFIG, meanwhile=meanwhile()) as hosts:
            return list(hosts.opened)

    assert run(reached()) == ["host1"]
    assert in_time == [True]
