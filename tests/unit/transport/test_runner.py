"""The runner as it runs on a host: a process with our bootstrap, asked over a pipe."""

import base64
import http.server
import json
import os
import shlex
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dockmesh.agent.lock import LOCK
from dockmesh.agent.processes import PATH
from dockmesh.agent.runner import GREETING
from dockmesh.agent.texts import runner_text
from dockmesh.transport.requests import (
    Answer,
    Ask,
    Exec,
    Find,
    Get,
    GetBytes,
    Last,
    Lock,
    Put,
    PutBytes,
    Remove,
    Request,
    Stat,
    Transact,
    Units,
    Unlock,
    as_line,
)
from dockmesh.transport.ssh import PYTHON

# It starts processes: too many for `make check`.
pytestmark = pytest.mark.exhaustive


class Runner:
    """One runner; its lock is in `folder`, and programs in it stand in for the machine's."""

    def __init__(self, folder: Path, **environment: str) -> None:
        source = runner_text()
        assert f'LOCK = "{LOCK}"' in source
        self.process = subprocess.Popen(
            [sys.executable, *PYTHON[1:], "192.0.2.9", "50000", "192.0.2.1", "22"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": f"{folder}:/usr/bin:/bin", "LC_ALL": "C", **environment},
            text=True,
        )
        self._say(json.dumps(source.replace(LOCK, f"{folder}/lock").replace(PATH, f"{folder}:{PATH}")))
        self.greeting = self._hear()

    def _say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def ask(self, *requests: Request, mode: str = "each") -> list[Answer]:
        self._say(json.dumps({"mode": mode, "requests": [as_line(request) for request in requests]}))
        return [Answer(**answer) for answer in json.loads(self._hear())]

    def end(self) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(10)


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    one = Runner(tmp_path)
    yield one
    assert one.end() == 0


def test_the_greeting_tells_where_ssh_came_from_and_to(runner: Runner) -> None:
    assert runner.greeting == f"{GREETING} 192.0.2.9 50000 192.0.2.1 22\n"


def test_a_command_is_answered_with_its_code_and_what_it_said(runner: Runner) -> None:
    (answer,) = runner.ask(Exec(("sh", "-c", "cat; echo wrong >&2; exit 7"), stdin="é\n"))

    assert answer == Answer(7, "é\n", "wrong\n")


def test_an_argument_is_never_read_by_a_shell(runner: Runner) -> None:
    (answer,) = runner.ask(Exec(("printf", "%s|", "$HOME; ls", "a b", "*")))

    assert answer.out == "$HOME; ls|a b|*|"


def test_a_missing_program_is_127(runner: Runner) -> None:
    (answer,) = runner.ask(Exec(("no-such-program",)))

    assert answer == Answer(127, err="no-such-program: command not found")


def test_programs_are_found_by_their_paths_and_those_that_are_not_there_left_out(runner: Runner) -> None:
    (answer,) = runner.ask(Find(("no-such-program", "sh")))

    assert answer.ok
    assert answer.out.splitlines()[0].endswith("/sh")
    assert len(answer.out.splitlines()) == 1


def test_a_command_that_does_not_end_is_124(runner: Runner) -> None:
    (answer,) = runner.ask(Exec(("sleep", "60"), timeout_s=0.1))

    assert answer == Answer(124, err="no end after 0.1 s")


@pytest.mark.exhaustive
def test_what_a_command_started_ends_with_it_when_its_time_is_over(runner: Runner, tmp_path: Path) -> None:
    """As a dpkg that apt started."""
    started = f"sh -c 'echo $$ > {tmp_path}/child; exec sleep 600' & wait"

    (answer,) = runner.ask(Exec(("sh", "-c", started), timeout_s=1))

    assert answer.code == 124
    assert not is_alive(int((tmp_path / "child").read_text()))


@pytest.mark.exhaustive
def test_what_does_not_hear_is_killed(runner: Runner, tmp_path: Path) -> None:
    (answer,) = runner.ask(
        Exec(("sh", "-c", f"trap '' TERM; echo $$ > {tmp_path}/child; while :; do sleep 0.1; done"), timeout_s=1)
    )

    assert answer.code == 124
    assert not is_alive(int((tmp_path / "child").read_text()))


@pytest.mark.exhaustive
def test_what_left_the_group_and_holds_its_streams_is_not_waited_for(runner: Runner, tmp_path: Path) -> None:
    """As a daemon does that a command starts."""
    (answer,) = runner.ask(
        Exec(("sh", "-c", f"setsid sh -c 'echo $$ > {tmp_path}/child; exec sleep 600' & sleep 600"), timeout_s=1)
    )

    child = int((tmp_path / "child").read_text())
    assert answer == Answer(124, err="no end after 1 s")
    assert is_alive(child)
    os.kill(child, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """One that is dead and that nobody asked for is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_command_killed_by_a_signal_has_its_number(runner: Runner) -> None:
    (answer,) = runner.ask(Exec(("sh", "-c", "kill -9 $$")))

    assert answer.code == -9


def test_commands_run_in_a_known_environment(runner: Runner, tmp_path: Path) -> None:
    (answer,) = runner.ask(Exec(("sh", "-c", "echo $LC_ALL $DEBIAN_FRONTEND $PATH")))

    assert answer.out == f"C.UTF-8 noninteractive {tmp_path}:{PATH}\n"
    assert {"/usr/local/sbin", "/usr/sbin"} <= set(PATH.split(":"))


def test_bytes_that_are_no_utf8_are_replaced(runner: Runner) -> None:
    (answer,) = runner.ask(Exec(("printf", r"a\377\200b")))

    assert answer.out == "a\ufffd\ufffdb"


def test_an_answer_of_five_megabytes_comes_whole(runner: Runner) -> None:
    (answer,) = runner.ask(Exec(("head", "-c", "5000000", "/dev/zero")))

    assert answer.out == "\0" * 5_000_000


def test_requests_are_carried_out_in_their_order_and_a_failing_one_stops_none(runner: Runner, tmp_path: Path) -> None:
    path = str(tmp_path / "file")

    answers = runner.ask(Get(path), Put(path, "one\n"), Get(path), Remove(path), Remove(path))

    assert [answer.code for answer in answers] == [2, 0, 0, 0, 2]


def test_requests_together_are_answered_in_their_order(runner: Runner) -> None:
    answers = runner.ask(*(Exec(("sh", "-c", f"sleep 0.0{9 - n}; echo {n}")) for n in range(9)), mode="together")

    assert [answer.out for answer in answers] == [f"{n}\n" for n in range(9)]


def test_more_requests_together_than_threads_are_all_answered(runner: Runner) -> None:
    answers = runner.ask(*(Exec(("echo", str(n))) for n in range(40)), mode="together")

    assert [answer.out for answer in answers] == [f"{n}\n" for n in range(40)]


def test_no_request_is_no_answer(runner: Runner) -> None:
    assert runner.ask() == []
    assert runner.ask(mode="together") == []


# Files


def test_a_file_is_written_with_its_mode_into_a_folder_that_was_not_there(runner: Runner, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"

    (put, get) = runner.ask(Put(str(path), "text → é\n", 0o640), Get(str(path)))

    assert put.ok
    assert (get.out, get.err) == ("text → é\n", "0o640")
    assert [each.name for each in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("environment", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_text_is_utf8_whatever_the_locale_of_the_log_in(tmp_path: Path, environment: dict[str, str]) -> None:
    runner = Runner(tmp_path, **environment)
    path = tmp_path / "file"

    (_, get) = runner.ask(Put(str(path), "é\n"), Get(str(path)))

    runner.end()
    assert path.read_bytes() == "é\n".encode()
    assert get.out == "é\n"


def test_a_file_that_is_there_is_replaced_with_the_mode_asked_for(runner: Runner, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o600)

    runner.ask(Put(str(path), "new"))

    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o7777 == 0o644


def test_a_write_that_fails_leaves_nothing_behind(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").mkdir()

    (answer,) = runner.ask(Put(str(tmp_path / "folder" / "file"), "text"))

    assert answer.code == 1
    assert [each.name for each in (tmp_path / "folder").iterdir()] == ["file"]


@pytest.mark.parametrize("text", ["\ud800", "a\udcffb"])
def test_text_that_cannot_be_encoded_is_an_answer_and_leaves_nothing_behind(
    runner: Runner, tmp_path: Path, text: str
) -> None:
    (answer, after) = runner.ask(Put(str(tmp_path / "new" / "file"), text), Exec(("echo", "alive")))

    assert answer.code == 1
    assert list((tmp_path / "new").iterdir()) == []
    assert after.out == "alive\n"


def test_a_name_with_a_nul_is_an_answer(runner: Runner) -> None:
    answers = runner.ask(Get("/tmp/a\0b"), Exec(("echo", "a\0b")), Exec(("echo", "alive")))

    assert [answer.code for answer in answers] == [1, 1, 0]


def test_a_folder_is_no_file(runner: Runner, tmp_path: Path) -> None:
    (answer,) = runner.ask(Get(str(tmp_path)))

    assert answer.code == 1
    assert "Is a directory" in answer.err


# The lock


def test_one_runner_at_a_time_has_the_lock_and_the_other_is_told_who(runner: Runner, tmp_path: Path) -> None:
    other = Runner(tmp_path)

    (first,), (second,) = runner.ask(Lock("ann@desk")), other.ask(Lock("bob@shelf"))

    other.end()
    assert first.ok
    assert second == Answer(75, "0", "ann@desk")


def test_for_how_long_a_lock_is_silent_is_told_whatever_the_clock_says(runner: Runner, tmp_path: Path) -> None:
    """A wall clock that is set would make it dead, or alive for ever."""
    other = Runner(tmp_path)
    runner.ask(Lock("ann@desk"))
    heard = (tmp_path / "lock").stat().st_mtime
    os.utime(tmp_path / "lock", (heard - 100, heard - 100))

    (answer,) = other.ask(Lock("bob@shelf"))

    other.end()
    assert 100 <= int(answer.out) < 1000
    assert abs(heard - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1000


def test_the_number_of_a_process_that_has_not_the_lock_ends_nobody(runner: Runner, tmp_path: Path) -> None:
    """It was ended, and its number given to another."""
    other = Runner(tmp_path)
    runner.ask(Lock('{"pid": "PID"}'))
    with subprocess.Popen(["sleep", "600"]) as stranger:
        (tmp_path / "lock").write_text(json.dumps({"pid": stranger.pid}))

        (answer,) = other.ask(Unlock())

        assert answer.code == 1
        assert stranger.poll() is None
        stranger.kill()
    (tmp_path / "lock").write_text("nonsense")
    assert other.ask(Unlock())[0].code == 1
    assert runner.ask(Get(str(tmp_path / "lock")))[0].out == "nonsense"
    other.end()


def test_the_lock_goes_with_its_runner(runner: Runner, tmp_path: Path) -> None:
    gone = Runner(tmp_path)
    gone.ask(Lock("ann@desk"))
    gone.end()

    (answer,) = runner.ask(Lock("bob@shelf"))

    assert answer.ok
    assert (tmp_path / "lock").read_text() == "bob@shelf"


def test_what_a_locked_runner_started_does_not_hold_the_lock(runner: Runner, tmp_path: Path) -> None:
    gone = Runner(tmp_path)
    gone.ask(Lock("ann@desk"), Exec(("sh", "-c", "sleep 5 >/dev/null 2>&1 &")))
    gone.end()

    (answer,) = runner.ask(Lock("bob@shelf"))

    assert answer.ok


# The API over a socket


class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path in ("/info", "/broken") else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        if self.path == "/broken":
            self.wfile.write(b'{"path')
            return
        self.wfile.write(b'{"path": "' + self.path.encode() + b'"}')

    def log_message(self, *_: Any) -> None:
        pass

    def address_string(self) -> str:
        return ""


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[str]:
    path = tmp_path / "docker.sock"
    with socketserver.UnixStreamServer(str(path), Api) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield str(path)
        server.shutdown()
        thread.join()


def systemctl(folder: Path, unit: str) -> None:
    """A systemctl that knows one active unit."""
    path = folder / "systemctl"
    path.write_text(f'#!/bin/sh\n[ "$*" = {shlex.quote(f"is-active --quiet {unit}")} ]\n')
    path.chmod(0o755)


def test_a_question_over_a_socket_is_answered_with_the_body(runner: Runner, tmp_path: Path, socket: str) -> None:
    systemctl(tmp_path, "docker.service")

    (answer,) = runner.ask(Ask(socket, "/info", "docker.service"))

    assert answer == Answer(0, '{"path": "/info"}')


def test_a_refused_question_has_the_http_status(runner: Runner, tmp_path: Path, socket: str) -> None:
    systemctl(tmp_path, "docker.service")

    (answer,) = runner.ask(Ask(socket, "/networks/bridge", "docker.service"))

    assert answer == Answer(404, "", '{"path": "/networks/bridge"}')


def test_a_unit_that_is_not_active_is_not_started_by_a_question(runner: Runner, tmp_path: Path, socket: str) -> None:
    systemctl(tmp_path, "other.service")

    (answer,) = runner.ask(Ask(socket, "/info", "docker.service"))

    assert answer == Answer(3, err="docker.service is not active")


def test_a_unit_is_looked_at_once_for_all_questions_of_an_order_and_again_for_the_next(
    runner: Runner, tmp_path: Path, socket: str
) -> None:
    calls = tmp_path / "calls"
    (tmp_path / "systemctl").write_text(f"#!/bin/sh\necho once >> {calls}\n")
    (tmp_path / "systemctl").chmod(0o755)
    question = Ask(socket, "/info", "docker.service")

    together = runner.ask(question, question, question, mode="together")
    after_that = calls.read_text()
    runner.ask(question)

    assert [answer.code for answer in together] == [0, 0, 0]
    assert after_that == "once\n"
    assert calls.read_text() == "once\nonce\n"


def test_a_unit_that_systemd_was_asked_about_in_the_same_order_is_not_looked_at_again(
    runner: Runner, tmp_path: Path, socket: str
) -> None:
    calls = tmp_path / "calls"
    said = "Id=docker.service\nActiveState=active\nLoadState=loaded\n\nId=other.service\nActiveState=failed\n"
    (tmp_path / "systemctl").write_text(f'#!/bin/sh\necho "$*" >> {calls}\nprintf {shlex.quote(said)}\n')
    (tmp_path / "systemctl").chmod(0o755)
    units = Units(("docker.service", "other.service"), ("LoadState",))

    shown, asked, refused = runner.ask(
        units, Ask(socket, "/info", "docker.service"), Ask(socket, "/info", "other.service")
    )

    assert shown == Answer(0, said)
    assert (asked.code, refused.code) == (0, 3)
    assert calls.read_text() == "show --property=Id,ActiveState,LoadState docker.service other.service\n"


def test_an_answer_that_broke_off_is_none(runner: Runner, tmp_path: Path, socket: str) -> None:
    systemctl(tmp_path, "docker.service")

    (answer,) = runner.ask(Ask(socket, "/broken", "docker.service"))

    assert answer.code == 1


def test_a_socket_that_is_not_there_is_an_answer(runner: Runner, tmp_path: Path) -> None:
    systemctl(tmp_path, "docker.service")

    (answer,) = runner.ask(Ask(str(tmp_path / "none.sock"), "/info", "docker.service"))

    assert answer.code == 2


# The database over a socket


class Ovsdb(socketserver.BaseRequestHandler):
    """Answers in two pieces, of which the first ends as a whole answer does."""

    answers: ClassVar[dict[str, dict[str, Any]]] = {
        "select": {"id": 0, "error": None, "result": [{"rows": [{"name": "br0"}]}]},
        "failing": {"id": 0, "error": None, "result": [{"error": "syntax error"}]},
        "refused": {"id": 0, "error": {"error": "unknown database"}, "result": None},
    }

    def handle(self) -> None:
        request = json.loads(self.request.recv(4096))
        assert (request["method"], request["params"][0]) == ("transact", "Open_vSwitch")
        if (op := request["params"][1]["op"]) in self.answers:
            text = json.dumps({"unasked": {}} | self.answers[op]).encode()
            for piece in (text[:13], text[13:]):
                self.request.sendall(piece)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    path = tmp_path / "db.sock"
    with socketserver.UnixStreamServer(str(path), Ovsdb) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield str(path)
        server.shutdown()
        thread.join()


def transaction(op: str, *paths: str) -> Transact:
    return Transact(paths, ("Open_vSwitch", {"op": op}))


def test_the_database_is_read_over_the_first_socket_that_is_there(runner: Runner, database: str) -> None:
    (answer,) = runner.ask(transaction("select", "/not/there.sock", database))

    assert answer == Answer(0, '[{"rows": [{"name": "br0"}]}]')


@pytest.mark.parametrize(
    ("op", "said"), [("failing", "syntax error"), ("refused", "unknown database"), ("silent", "broke off")]
)
def test_a_transaction_that_fails_says_why(runner: Runner, database: str, op: str, said: str) -> None:
    (answer,) = runner.ask(transaction(op, database))

    assert answer.code == 1
    assert said in answer.err


def test_a_database_that_is_not_there_is_2(runner: Runner, tmp_path: Path) -> None:
    (answer,) = runner.ask(transaction("select", str(tmp_path / "none.sock")))

    assert answer.code == 2


# Parts of files


def test_a_file_is_told_by_its_device_and_inode(runner: Runner, tmp_path: Path) -> None:
    place = tmp_path.stat()

    there, missing = runner.ask(Stat(str(tmp_path)), Stat(str(tmp_path / "none")))

    assert there == Answer(0, f"{place.st_dev} {place.st_ino}\n")
    assert missing.code == 2


@pytest.mark.parametrize(
    ("text", "found"), [("one\ntwo\n", "two\n"), ("one\ntwo", "two\n"), ("", ""), (f"{'x' * 99_999}\nlast\n", "last\n")]
)
def test_the_last_line_of_a_file_comes_alone(runner: Runner, tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "lines").write_text(text)

    there, missing = runner.ask(Last(str(tmp_path / "lines")), Last(str(tmp_path / "none")))

    assert there == Answer(0, found)
    assert missing.code == 2


def test_a_link_stays_a_link_and_what_it_leads_to_is_written(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")

    runner.ask(Put(str(tmp_path / "link"), "new"))

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_bytes_come_and_go_in_pieces(runner: Runner, tmp_path: Path) -> None:
    path, content = str(tmp_path / "x.deb"), bytes(range(256)) * 10
    (tmp_path / "x.deb").write_bytes(b"what a cut connection left, and longer than the whole" * 100)
    pieces = [content[:1000], content[1000:]]
    texts = [base64.b64encode(piece).decode() for piece in pieces]

    put = runner.ask(PutBytes(path, texts[0]), PutBytes(path, texts[1], 1000))
    got = runner.ask(GetBytes(path, 0, 1000), GetBytes(path, 1000, 5000), GetBytes(path, len(content), 10))

    assert [answer.code for answer in (*put, *got)] == [0] * 5
    assert (tmp_path / "x.deb").read_bytes() == content
    assert [answer.out for answer in got] == [*texts, ""]


def test_bytes_for_a_folder_that_is_not_there_are_refused(runner: Runner, tmp_path: Path) -> None:
    (answer,) = runner.ask(PutBytes(str(tmp_path / "none/x.deb"), ""))

    assert answer.code == 2
