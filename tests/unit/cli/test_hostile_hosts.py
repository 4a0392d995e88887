"""One host of three answers nonsense, or not at all: that is its error, and the other two get what they came for.

Every verb that talks to hosts stands here. So that no later one is forgotten, so does every verb that talks to none.
"""

import asyncio
import json
import re
import signal
import time
from asyncio import StreamWriter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from dockmesh.cli.program import complete
from dockmesh.history.store import Record, save
from dockmesh.meshfile.load import parse
from dockmesh.plan.build import build
from dockmesh.record.paths import APPLIED, ARMED
from dockmesh.render.host import render
from dockmesh.transport import ssh
from dockmesh.transport.requests import Answer, Exec, Request
from dockmesh.transport.ssh import SshHost
from dockmesh.visible import OBEYED
from tests.support.builder import Builder
from tests.support.fake_host import Container, applied, installed, remake
from tests.support.fake_ssh import FakeSsh, Says
from tests.unit.cli.conftest import Dockmesh, Ran

# Each starts processes: too many for `make check`. All verbs with all nonsense are in `make test-long`.
pytestmark = pytest.mark.exhaustive
NAMES = ("host1", "host2", "host3")
LIAR = "host2"
FILE = """\
name: prod
networks:
  - name: docker0
    prefix: 172.17.0.0/16
hosts:
  host1: {underlay: 192.0.2.1, address: 172.17.42.1, pool: 172.17.64.0/18}
  host2: {underlay: 192.0.2.2, address: 172.17.42.2, pool: 172.17.128.0/18}
  host3: {underlay: 192.0.2.3, address: 172.17.42.3, pool: 172.17.192.0/18}
"""
PACE = 0.02  # of the deadlines of the host that lies: 0.6 s to read it, where it has 30
HANGS_S = 100  # a command that is not at its end by then never is


# What a host may say in place of its answers.


async def never(_: bytes, writer: StreamWriter) -> None:
    await asyncio.Event().wait()


async def half_a_line(line: bytes, writer: StreamWriter) -> None:
    writer.write(line[: len(line) // 2])
    await writer.drain()
    await asyncio.Event().wait()


async def close_in_the_middle(line: bytes, writer: StreamWriter) -> None:
    writer.write(line[: len(line) // 2])
    await writer.drain()
    writer.close()


async def without_end(_: bytes, writer: StreamWriter) -> None:
    """A hundred megabytes in one line."""
    piece = b"[" * 1_000_000
    for number in range(101):
        writer.write(piece if number < 100 else b"\n")
        await writer.drain()


def line(made: Callable[[list[dict[str, Any]]], Any]) -> Says:
    async def says(true: bytes, writer: StreamWriter) -> None:
        other = made(json.loads(true))
        writer.write(other if isinstance(other, bytes) else json.dumps(other).encode() + b"\n")

    return says


def each(**other: Any) -> Says:
    """Answers in the right form, and such words in them."""
    return line(lambda answers: [{**answer, "code": 0, **other} for answer in answers])


def numbers(other: str) -> Says:
    """The true answers, but for each number in them."""
    return line(lambda answers: [{**each, "out": re.sub(r"\d+", other, each["out"])} for each in answers])


BROKEN: dict[str, Says] = {
    "a number": line(lambda _: 7),
    "a map": line(lambda answers: answers[0] if answers else {}),
    "numbers": line(lambda answers: [1 for _ in answers] or [1]),
    "answers of other types": line(lambda answers: [{"code": "0", "out": [], "err": None}] * (len(answers) or 1)),
    "answers with more in them": line(lambda answers: [{**answer, "more": 1} for answer in answers] or [1]),
    "too few": line(lambda answers: answers[:-1] if answers else 0),
    "too many": line(lambda answers: [*answers, {"code": 0, "out": "", "err": ""}]),
    "an empty line": line(lambda _: b"\n"),
    "no UTF-8": line(lambda answers: b'[{"code": 0, "out": "\xff\xfe", "err": ""}]\n'),
    "half a character": line(lambda answers: [{"code": 0, "out": "\ud800", "err": ""} for _ in answers] or [1]),
    "deeply nested": line(lambda _: b"[" * 100_000 + b"\n"),
    "never": never,
    "half a line": half_a_line,
    "closed in the middle": close_in_the_middle,
    "without end": without_end,
}
# Of the right form, and no sense in it. Where only texts are read a verb may make something of these, or nothing.
SENSELESS: dict[str, Says] = {
    "words": each(out="no such thing\n"),
    "a number in JSON": each(out="7"),
    "a list of nothing in JSON": each(out="[[]]"),
    "nothing in JSON": each(out="null"),
    "names without values in JSON": each(out="[{}]"),
    "deeply nested JSON": each(out="[" * 100_000),
    "half a character in JSON": each(out='[{"Id": "\\ud800", "Names": ["/\\ud800"]}]'),
    "markup": each(out="[/red][bold]x\n", err="[/red]"),
    "a failure without a reason": each(out="", err="", code=1),
    "a code of no program": each(code=10**30),
    "numbers of 5,000 digits": numbers("9" * 5000),
    "numbers in digits of no decimal": numbers("²"),
}

# What a terminal obeys: into the clipboard, a colour by C1, letters from right to left, back to the line's beginning.
ORDERS_TO_A_TERMINAL = "x\x1b]52;c;AAAA\x07\x9b31m\u202eabc\r"


def _everywhere(value: Any) -> Any:
    """In all texts of an answer in JSON, and its keys as they are."""
    match value:
        case str():
            return value + ORDERS_TO_A_TERMINAL
        case list():
            return [_everywhere(member) for member in value]
        case dict():
            return {key: _everywhere(member) for key, member in value.items()}
    return value


def _in_json(out: str) -> str:
    try:
        return json.dumps(_everywhere(json.loads(out)))
    except ValueError:
        return out


COMMANDING: dict[str, Says] = {
    "as what is said": each(out=ORDERS_TO_A_TERMINAL),
    "as why it failed": each(code=1, err=ORDERS_TO_A_TERMINAL),
    "in every name": line(lambda answers: [{**answer, "out": _in_json(answer["out"])} for answer in answers]),
    "in what is no answer": line(lambda _: ORDERS_TO_A_TERMINAL.encode() + b"\n"),
}


@dataclass(frozen=True)
class Verb:
    """A command line, and what becomes of it. `code`: where one host of three lies; `honest`: where none does.

    `others`: what it does for the other two is compared, in its JSON, with what it does where nobody lies.
    `of_others`: for verbs without JSON, words that show it, on either stream or by a program.
    `codes`: where a lie of right form cannot be told from an answer, or means something else there, by its kind.
    """

    words: str
    of_others: tuple[str, ...] = ()
    code: int = 1
    honest: int = 0
    codes: Mapping[str, int] = field(default_factory=dict)

    @property
    def others(self) -> bool:
        return "--json" in self.words


# Whatever an `unlock` is answered, it is the words of who held the lock.
TAKEN_FOR_A_LOCK = dict.fromkeys(set(SENSELESS) - {"a failure without a reason", "a code of no program"}, 0)
NUMBERS = ("numbers of 5,000 digits", "numbers in digits of no decimal")
TALKS = {
    # A file of some hosts is not what was asked for.
    "init": Verb("init --encryption off --file new.yaml host1 host2 host3", codes={"a code of no program": 0}),
    "diff": Verb("diff --json"),
    # No script runs in memory, so nothing is heard, measured and proven.
    "preflight": Verb("preflight --json", honest=1),
    "verify": Verb("verify --json", honest=1),
    "measure": Verb("measure --yes --only latency --seconds 1 --json", honest=1),
    "apply": Verb("apply --yes --no-verify --json"),
    "apply --dry-run": Verb("apply --dry-run --json"),
    "status": Verb("status --json"),
    "ps": Verb("ps --json"),
    "logs": Verb("logs web1", ("host1",), code=0),
    "exec": Verb("exec web3 -- true", ("host3",), code=0),
    "access revoke": Verb("access revoke ann --json", codes=dict.fromkeys(NUMBERS, 0)),
    "history": Verb("history --host host1 --host host2 --host host3 --json", codes=dict.fromkeys(SENSELESS, 0)),
    "rekey": Verb("rekey --yes --json"),
    "rollback": Verb("rollback --yes --no-verify --json"),
    "unlock": Verb("unlock", ("host1: nobody holds its lock", "host3: nobody holds its lock"), codes=TAKEN_FOR_A_LOCK),
    "destroy": Verb("destroy --yes --json"),
    "host add": Verb("host add host2 --file one.yaml", codes={"a code of no program": 2}),
    "packages build": Verb(f"packages build --on {LIAR} --source small"),
    # A mesh with a liar is not harmed; and no pinger runs in memory.
    "drill run": Verb("drill run --real-hosts --confirm prod cut:host1,host2", honest=1),
}
# These contact no host, or only a lab's on this machine, which they make themselves.
SILENT = {
    *("plan", "render", "schema", "context create", "context remove", "access create", "access list", "access rotate"),
    *("host remove", "network add", "network remove", "drill list", "drill history", "drill report"),
    *("lab up", "lab down", "lab list", "lab ssh", "lab cut", "lab heal", "lab crash", "lab start", "lab reboot"),
}


def test_every_verb_stands_in_one_of_the_tables() -> None:
    assert {name.removesuffix(" --dry-run") for name in TALKS} | SILENT == set(_verbs(complete()))


def _verbs(command: Any, *path: str) -> Iterator[str]:
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(path)
    for name, each_below in (below or {}).items():
        yield from _verbs(each_below, *path, name)


class Member(Builder):
    """It knows what a drill asks before its pings, which do not run in memory."""

    def answer(self, request: Request) -> Answer:
        match request:
            case Exec(("systemctl", "is-active", "--quiet", "dockmesh-drill-heal.timer")):
                return Answer(3)
            case Exec(("nft", "add table inet dockmesh_drill; delete table inet dockmesh_drill")):
                return Answer(0)
            case Exec(("systemctl", "stop", "dockmesh-drill-heal.timer" | "dockmesh-drill-pings.service")):
                return Answer(0)
            case Exec(("date", "+%s.%N")):
                return Answer(0, f"{time.time()}\n")
            case Exec(("systemd-run", "--quiet", "--collect", "--unit=dockmesh-drill-pings", *_)):
                return Answer(1, err="no pinger runs in memory")
        return super().answer(request)


class Hasty(SshHost):
    """The host that lies has less time; the others have all of it, however busy this machine is."""

    def __init__(self, name: str, *rest: Any) -> None:
        super().__init__(name, *rest, pace=PACE if name == LIAR else 1.0)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSsh]:
    """Three hosts with the mesh applied and a container each, behind a program that is called ssh."""
    (tmp_path / "dockmesh.yaml").write_text(FILE)
    (tmp_path / "one.yaml").write_text("".join(line for line in FILE.splitlines(keepends=True) if LIAR not in line))
    (tmp_path / "small/debian").mkdir(parents=True)
    (tmp_path / "small/debian/control").write_text("Source: small\n")
    hosts = {name: remake(Member, applied(render(PLAN, PLAN.host(name)))) for name in NAMES}
    for number, host in enumerate(hosts.values(), start=1):
        host.containers.append(Container(f"web{number}"))
        assert host.ovs is not None
        for name, port in host.ovs.bridges["br0"].ports.items():
            if name.startswith("gre"):
                port.interface["bfd_status"] = {"state": "up", "forwarding": "true"}
    fake = FakeSsh(hosts)
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("dockmesh.transport.fleet.resolves", _knows_nobody)
    monkeypatch.setattr(ssh, "SshHost", Hasty)
    monkeypatch.setattr("dockmesh.verify.collect.TUNNELS_SETTLE_S", 0)
    with _alarm(), fake.in_place_of_ssh(folder):
        yield fake


PLAN = build(parse("dockmesh.yaml", FILE.encode()))


async def _knows_nobody(_: str) -> bool:
    return False


class _alarm:  # noqa: N801  a context manager
    """Ends a command that hangs, which no deadline of its own did."""

    def __enter__(self) -> None:
        signal.signal(signal.SIGALRM, self._ring)
        signal.alarm(HANGS_S)

    def __exit__(self, *_: object) -> None:
        signal.alarm(0)

    @staticmethod
    def _ring(_: int, __: FrameType | None) -> None:
        raise AssertionError(f"not at its end after {HANGS_S} s")


def _prepare(dockmesh: Dockmesh, world: FakeSsh, name: str) -> None:
    """What the verb needs to have anything to do."""
    file = Path("dockmesh.yaml")
    if name == "rollback":
        for number, text in enumerate((f"{FILE}# earlier\n", FILE)):
            save(
                file, Record(f"2026110{number}T120000Z-0000", "ann", "2026-11-01T12:00:00Z", "apply", "done", text, {})
            )
    if name == "access revoke":
        file.write_text(f"{FILE}docker_api: {{listen: mesh}}\n")
        assert dockmesh("access", "create", "ann").code == 0
    if name == "rekey":
        file.write_text(f"{FILE}fabric: {{encryption: wireguard}}\n")
        world.hosts = {name: installed(render(PLAN, PLAN.host(name))) for name in NAMES}
        assert dockmesh(*APPLY.split()).code == 0
        world.orders.clear()


def _run(dockmesh: Dockmesh, name: str) -> Ran:
    ran = dockmesh(*TALKS[name].words.split())
    assert "Traceback" not in ran.err + ran.out, ran.err
    assert "This is a bug" not in ran.err
    return ran


@pytest.mark.parametrize("name", TALKS)
def test_hosts_that_are_honest_get_what_they_came_for(dockmesh: Dockmesh, world: FakeSsh, name: str) -> None:
    """So that what follows is because of the lie."""
    _prepare(dockmesh, world, name)

    ran = _run(dockmesh, name)

    assert world.reached
    assert ran.code == TALKS[name].honest, ran
    assert "lost the SSH connection" not in ran.out + ran.err
    _others_got_theirs(ran, ran, world, TALKS[name])


def _lied_to(dockmesh: Dockmesh, world: FakeSsh, name: str, says: Says) -> Ran:
    """What became of the verb, after what becomes of it where nobody lies was compared with it."""
    verb = TALKS[name]
    _prepare(dockmesh, world, name)
    before = deepcopy(world.hosts)
    honest = _run(dockmesh, name) if verb.others else None
    world.hosts = before
    world.orders.clear()
    world.lies = {LIAR: (0, says)}
    ran = _run(dockmesh, name)
    _others_got_theirs(honest or ran, ran, world, verb)
    return ran


def _others_got_theirs(honest: Ran, ran: Ran, world: FakeSsh, verb: Verb) -> None:
    if verb.others:
        theirs = _lines(_of_others(ran.json()))
        assert theirs == _lines(_of_others(honest.json()))
        assert [line for line in theirs if NAMES[0] in line]
    said = ran.out + ran.err + " ".join(world.handed_over)
    assert [words for words in verb.of_others if words not in said] == [], ran


def _lines(value: Any) -> list[str]:
    return json.dumps(value, indent=1, sort_keys=True).splitlines()


OF_ALL = {
    "right",
    "seconds",
    "run",
    "when",
    "level",
    "verdict",
    "next_run",
    "complete",
    "agree",
}  # of the mesh, or of the run


LEADS_TO_THE_LIAR = {"host1": "gre1 ", "host3": "gre2 "}


def _of_others(value: Any, of_the_liar: tuple[str, ...] = (LIAR,)) -> Any:
    """What JSON says of the other hosts: without each text, and each row with a text, that is of the liar."""

    def is_his(text: Any) -> bool:
        return isinstance(text, str) and any(words in text for words in of_the_liar)

    def is_about_him(row: Any) -> bool:
        if isinstance(row, dict):
            return any(is_his(each) or (key == "hosts" and LIAR in each) for key, each in row.items())
        return is_his(row)

    match value:
        case dict():
            if (port := LEADS_TO_THE_LIAR.get(str(value.get("name")))) is not None:
                of_the_liar = (LIAR, port)
            kept = {key: each for key, each in value.items() if key != LIAR and key not in OF_ALL and not is_his(each)}
            return {key: _of_others(each, of_the_liar) for key, each in kept.items()}
        case list():
            return [_of_others(each, of_the_liar) for each in value if not is_about_him(each)]
    return value


@pytest.mark.parametrize("kind", BROKEN)
def test_every_kind_of_nonsense_is_one_hosts_error(dockmesh: Dockmesh, world: FakeSsh, kind: str) -> None:
    ran = _lied_to(dockmesh, world, "ps", BROKEN[kind])

    assert ran.code == 1
    assert LIAR in ran.out + ran.err


@pytest.mark.parametrize("kind", ["never", "too few", "closed in the middle"])
@pytest.mark.parametrize("name", TALKS)
def test_every_verb_goes_on_without_the_host(dockmesh: Dockmesh, world: FakeSsh, name: str, kind: str) -> None:
    ran = _lied_to(dockmesh, world, name, BROKEN[kind])

    assert ran.code == TALKS[name].code
    assert LIAR in ran.out + ran.err


GREETINGS = {
    "a port of 5,000 digits": f"a 1 b {'9' * 5000}",
    "a port that is no number": "192.0.2.9 50000 192.0.2.2 ²²",
    "an address that is none": "192.0.2.9 50000 host2 22",
    "one word": "192.0.2.9",
    "a thousand words": "22 " * 1000,
}


@pytest.mark.parametrize(
    "kind", ["a port of 5,000 digits", *(pytest.param(kind, marks=pytest.mark.long) for kind in [*GREETINGS][1:])]
)
@pytest.mark.parametrize("name", TALKS)
def test_a_greeting_without_sense_is_one_hosts_error(dockmesh: Dockmesh, world: FakeSsh, name: str, kind: str) -> None:
    _prepare(dockmesh, world, name)
    world.greets = {LIAR: GREETINGS[kind]}

    ran = _run(dockmesh, name)

    assert ran.code == TALKS[name].code
    assert LIAR in ran.out + ran.err
    assert ssh.NONSENSE in " ".join((ran.out + ran.err).split())


@pytest.mark.long
@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("name", TALKS)
def test_every_verb_bears_every_nonsense(dockmesh: Dockmesh, world: FakeSsh, name: str, kind: str) -> None:
    test_every_verb_goes_on_without_the_host(dockmesh, world, name, kind)


@pytest.mark.parametrize("kind", SENSELESS)
@pytest.mark.parametrize("name", ["status", "ps", "diff"])
def test_what_reads_bears_answers_without_sense(dockmesh: Dockmesh, world: FakeSsh, name: str, kind: str) -> None:
    ran = _lied_to(dockmesh, world, name, SENSELESS[kind])

    assert ran.code == 1


@pytest.mark.long
@pytest.mark.parametrize("kind", SENSELESS)
@pytest.mark.parametrize("name", TALKS)
def test_every_verb_bears_answers_without_sense(dockmesh: Dockmesh, world: FakeSsh, name: str, kind: str) -> None:
    ran = _lied_to(dockmesh, world, name, SENSELESS[kind])

    verb = TALKS[name]
    assert ran.code == verb.codes.get(kind, verb.code)


@pytest.mark.parametrize("kind", COMMANDING)
@pytest.mark.parametrize("name", ["status", "ps", "diff", "unlock", "history"])
def test_no_host_commands_the_terminal(dockmesh: Dockmesh, world: FakeSsh, name: str, kind: str) -> None:
    ran = _lied_to(dockmesh, world, name, COMMANDING[kind])

    assert OBEYED.findall(ran.out + ran.err) == []


@pytest.mark.long
@pytest.mark.parametrize("kind", COMMANDING)
@pytest.mark.parametrize("name", TALKS)
def test_no_host_commands_the_terminal_by_any_verb(dockmesh: Dockmesh, world: FakeSsh, name: str, kind: str) -> None:
    test_no_host_commands_the_terminal(dockmesh, world, name, kind)


# In the middle of a change.

APPLY = "apply --yes --no-verify --no-preflight"


@pytest.fixture
def bare_world(world: FakeSsh) -> FakeSsh:
    """The hosts before their first apply."""
    world.hosts = {name: installed(render(PLAN, PLAN.host(name))) for name in NAMES}
    return world


def _change(dockmesh: Dockmesh, world: FakeSsh, since: int, says: Says) -> None:
    world.lies = {LIAR: (since, says)}

    ran = dockmesh(*APPLY.split())

    assert "Traceback" not in ran.err + ran.out, ran.err
    assert ran.code == 1
    for name in ("host1", "host3"):
        host = world.hosts[name]
        assert APPLIED in host.files, ran
        assert ARMED not in host.files
        assert host.locked_by is None
    if ARMED in world.hosts[LIAR].files:
        assert "rolls back by itself" in ran.err
    elif since > 0:
        assert LIAR in ran.err


def test_an_honest_change_has_as_many_orders_as_are_lied_about_here(dockmesh: Dockmesh, bare_world: FakeSsh) -> None:
    ran = dockmesh(*APPLY.split())

    assert ran.code == 0, ran
    assert bare_world.orders[LIAR] >= ORDERS


ORDERS = 13


@pytest.mark.parametrize("since", [1, *(pytest.param(since, marks=pytest.mark.long) for since in (5, 9))])
def test_a_host_that_hangs_in_the_middle_keeps_no_other_from_its_end(
    dockmesh: Dockmesh, bare_world: FakeSsh, since: int
) -> None:
    _change(dockmesh, bare_world, since, never)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["never", "too few", "closed in the middle", "a number"])
@pytest.mark.parametrize("since", range(ORDERS))
def test_whenever_a_host_begins_to_lie_the_others_come_to_their_end(
    dockmesh: Dockmesh, bare_world: FakeSsh, since: int, kind: str
) -> None:
    _change(dockmesh, bare_world, since, BROKEN[kind])
