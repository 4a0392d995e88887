"""Docker's list and its events, told by a Docker that is a script behind a socket."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from dockmesh.agent.names import api, docker
from dockmesh.agent.names.docker import Follower
from dockmesh.agent.names.zone import Zone


def inspected(identifier: str, name: str, address: str, *, running: bool = True, pid: int = 1) -> dict[str, Any]:
    return {
        "Id": identifier,
        "Name": f"/{name}",
        "State": {"Running": running, "Pid": pid},
        "NetworkSettings": {"Networks": {"bridge": {"IPAddress": address}}},
    }


def event(kind: str, action: str, identifier: str, **attributes: str) -> dict[str, Any]:
    return {"Type": kind, "Action": action, "Actor": {"ID": identifier, "Attributes": attributes}}


class Docker:
    """`containers` are what it knows; `tell` says an event to whoever follows."""

    def __init__(self) -> None:
        self.containers: dict[str, dict[str, Any]] = {}
        self.listeners: list[asyncio.StreamWriter] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.served: set[asyncio.Task[None]] = set()
        self.held: asyncio.Event | None = None  # what an inspection waits for
        self.listing: asyncio.Event | None = None  # what a list waits for, once it is made
        self.asked: list[str] = []  # paths
        self.said: dict[str, list[bytes]] = {}  # by path what is said next instead of the truth, head and all

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        self.served.add(asyncio.ensure_future(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        self.asked.append(path)
        if self.said.get(path):
            writer.write(self.said[path].pop(0))
            writer.close()
            return
        if path.startswith("/events"):
            writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
            self.listeners.append(writer)
            return
        if path == "/containers/json":
            found: Any = [
                {"Id": each["Id"], "Names": [each["Name"]], "NetworkSettings": each["NetworkSettings"]}
                for each in self.containers.values()
            ]
            if self.listing:
                await self.listing.wait()
        else:
            found = self.containers.get(path.split("/")[2])
            found = dict(found) if found else None
            if self.held:
                await self.held.wait()
        head = "HTTP/1.0 200 OK" if found is not None else "HTTP/1.0 404 Not Found"
        writer.write(f"{head}\r\n\r\n{json.dumps(found)}".encode())
        writer.close()

    def tell(self, said: dict[str, Any]) -> None:
        for writer in self.listeners:
            writer.write(json.dumps(said).encode() + b"\n")

    async def end_all(self) -> None:
        await asyncio.gather(*self.served, return_exceptions=True)
        for writer in self.writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def end(self) -> None:
        for writer in self.listeners:
            writer.close()
        self.listeners.clear()


class Followed:
    def __init__(self) -> None:
        self.docker = Docker()
        self.zone = Zone(("bridge",))
        self.said: list[str] = []
        self.changes = asyncio.Event()
        self.seen: list[tuple[str, ...]] = []  # names, after each change
        self.follower = Follower(self.zone, ("172.17.42.1",), self.changed, self.said.append)

    def changed(self) -> None:
        self.seen.append(tuple(sorted(each.name for each in self.zone.containers.values())))
        self.changes.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.changes.clear()
            try:
                await asyncio.wait_for(self.changes.wait(), 0.02)
            except TimeoutError:
                continue

    def has(self, name: str) -> bool:
        return bool(self.zone.find("bridge", name))


@pytest.fixture
def follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Followed], Awaitable[None]]], None]:
    path = tmp_path / "docker.sock"
    monkeypatch.setattr(api, "SOCKET", str(path))
    monkeypatch.setattr(docker, "RUNNING", (str(tmp_path),))
    monkeypatch.setattr(docker, "RETRY_S", 0.001)
    monkeypatch.setattr(docker, "LOOK_S", 0.001)

    @asynccontextmanager
    async def going() -> AsyncIterator[Followed]:
        there = Followed()
        there.docker.containers = {"1" * 64: inspected("1" * 64, "old", "172.17.64.1")}
        server = await asyncio.start_unix_server(there.docker.accept, str(path))
        following = asyncio.ensure_future(there.follower.follow())
        assert not following.done()
        try:
            await there.until(lambda: there.follower.state == "followed")
            yield there
        finally:
            for each in (there.docker.held, there.docker.listing):
                if each:
                    each.set()
            ours = [following, *there.follower._tasks]
            for task in ours:
                task.cancel()
            await asyncio.gather(*ours, return_exceptions=True)
            server.close()
            await there.docker.end_all()

    def run(work: Callable[[Followed], Awaitable[None]]) -> None:
        async def go() -> None:
            async with going() as there:
                # What never comes fails the test, and does not hold it for ever.
                await asyncio.wait_for(work(there), 60)

        asyncio.run(go())

    return run


Follow = Callable[[Callable[[Followed], Awaitable[None]]], None]


def test_what_runs_is_known_and_what_starts_and_stops_is_told(follow: Follow) -> None:
    async def work(there: Followed) -> None:
        assert there.has("old")
        there.docker.containers["2" * 64] = inspected("2" * 64, "new", "172.17.64.2")
        there.docker.tell(event("container", "start", "2" * 64))
        await there.until(lambda: there.has("new"))
        there.docker.tell(event("container", "die", "2" * 64))
        await there.until(lambda: not there.has("new"))

    follow(work)


def test_a_container_that_is_being_started_is_asked_about_only_after_its_start(follow: Follow) -> None:
    async def work(there: Followed) -> None:
        there.docker.tell(event("network", "connect", "n" * 64, container="2" * 64, name="bridge"))
        there.docker.containers["2" * 64] = inspected("2" * 64, "new", "172.17.64.2")
        there.docker.containers["3" * 64] = inspected("3" * 64, "last", "172.17.64.3")
        there.docker.tell(event("container", "start", "3" * 64))
        await there.until(lambda: there.has("last"))
        assert not there.has("new")

    follow(work)


def test_a_running_container_that_leaves_a_network_or_comes_to_one_or_is_renamed_is_looked_at(follow: Follow) -> None:
    async def work(there: Followed) -> None:
        there.docker.containers["1" * 64]["Name"] = "/other"
        there.docker.tell(event("container", "rename", "1" * 64))
        await there.until(lambda: there.has("other") and not there.has("old"))
        there.docker.containers["1" * 64]["NetworkSettings"]["Networks"] = {}
        there.docker.tell(event("network", "disconnect", "n" * 64, container="1" * 64, name="bridge"))
        await there.until(lambda: not there.has("other"))
        there.docker.containers["1" * 64] = inspected("1" * 64, "again", "172.17.64.9")
        there.docker.tell(event("network", "connect", "n" * 64, container="1" * 64, name="bridge"))
        await there.until(lambda: there.has("again"))

    follow(work)


def test_an_answer_that_comes_after_the_end_of_a_container_does_not_bring_it_back(follow: Follow) -> None:
    async def work(there: Followed) -> None:
        there.docker.held = asyncio.Event()
        there.docker.containers["2" * 64] = inspected("2" * 64, "short", "172.17.64.2")
        there.docker.tell(event("container", "start", "2" * 64))
        there.docker.tell(event("container", "die", "1" * 64))
        there.docker.tell(event("container", "die", "2" * 64))
        await there.until(lambda: not there.has("old"))
        there.docker.held.set()
        there.docker.containers["3" * 64] = inspected("3" * 64, "last", "172.17.64.3")
        there.docker.tell(event("container", "start", "3" * 64))
        await there.until(lambda: there.has("last"))
        assert not there.has("short")

    follow(work)


def test_without_docker_a_container_is_known_as_long_as_its_process_lives(
    follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = {"1": True}
    monkeypatch.setattr(docker, "started", lambda pid: "then" if lives["1"] else None)

    async def work(there: Followed) -> None:
        there.docker.tell(event("container", "rename", "1" * 64))  # read again, with the clock of the test
        await there.until(lambda: there.follower._births.get("1" * 64) == "then")
        monkeypatch.setattr(docker, "is_running", lambda: False)
        there.docker.end()
        await there.until(lambda: there.follower.state == "not there")
        assert there.has("old")
        lives["1"] = False
        await there.until(lambda: not there.has("old"))
        assert there.said == ["Docker went away: its events ended"]

    follow(work)


def test_a_docker_that_comes_back_is_asked_for_all_again(follow: Follow) -> None:
    async def work(there: Followed) -> None:
        there.docker.containers = {"2" * 64: inspected("2" * 64, "other", "172.17.64.2")}
        there.docker.end()
        await there.until(lambda: there.has("other") and not there.has("old"))
        assert there.follower.state in ("followed", "not there")

    follow(work)


def test_its_socket_is_left_alone_while_it_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "RUNNING", (str(tmp_path / "no such group"),))

    assert not docker.is_running()


def test_it_does_not_know_all_until_docker_was_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "RUNNING", ())

    async def go() -> None:
        there = Followed()
        assert there.follower.syncing
        following = asyncio.ensure_future(there.follower.follow())
        await asyncio.wait_for(there.until(lambda: not there.follower.syncing), 60)
        following.cancel()

    asyncio.run(go())


OLD, NEW = "1" * 64, "2" * 64
GOOD = b"HTTP/1.0 200 OK\r\n\r\n"
FAILURES = {
    "an error": b"HTTP/1.0 500 Internal Server Error\r\n\r\n{}",
    "nothing": b"",
    "no HTTP": b"hello\r\n\r\n",
    "half of it": GOOD + b'{"Id": "222',
    "no text": GOOD + b"\xff\xfe",
    "too much": GOOD + b"[" + b" " * (1 << 20) + b"]",
    "too deep": GOOD + b"[" * 100_000,
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_container_that_could_not_be_asked_about_is_asked_about_again(
    follow: Follow, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(docker, "AGAIN_S", (0.001, 0.001))

    async def work(there: Followed) -> None:
        there.docker.containers[NEW] = inspected(NEW, "new", "172.17.64.2")
        there.docker.said[f"/containers/{NEW}/json"] = [FAILURES[what]] * 2
        there.docker.tell(event("container", "start", NEW))
        await there.until(lambda: there.has("new"))

    follow(work)


def test_what_no_event_told_of_is_found_by_the_next_list(follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "LIST_S", 0.001)

    async def work(there: Followed) -> None:
        there.docker.containers[NEW] = inspected(NEW, "new", "172.17.64.2")
        await there.until(lambda: there.has("new"))
        there.docker.containers[NEW] = inspected(NEW, "newer", "172.17.64.2")
        await there.until(lambda: there.has("newer") and not there.has("new"))
        del there.docker.containers[OLD]
        await there.until(lambda: not there.has("old"))

    follow(work)


def test_a_list_that_says_nothing_new_asks_about_nobody(follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "LIST_S", 0.001)

    async def work(there: Followed) -> None:
        there.docker.asked.clear()
        await there.until(lambda: len(there.docker.asked) > 5)
        assert set(there.docker.asked) == {"/containers/json"}

    follow(work)


def test_a_list_is_not_believed_about_what_happened_while_it_was_made(
    follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "LIST_S", 0.001)

    async def work(there: Followed) -> None:
        there.docker.listing = asyncio.Event()
        await there.until(lambda: there.docker.asked[-1] == "/containers/json")
        there.docker.asked.clear()
        there.docker.containers[NEW] = inspected(NEW, "new", "172.17.64.2")
        there.docker.tell(event("container", "start", NEW))
        del there.docker.containers[OLD]
        there.docker.tell(event("container", "die", OLD))
        await there.until(lambda: there.has("new") and not there.has("old"))
        there.seen.clear()
        there.docker.listing.set()
        await there.until(lambda: "/containers/json" in there.docker.asked)
        assert set(there.seen) == {("new",)}

    follow(work)


NONSENSE: tuple[Any, ...] = (None, 7, "text", [], {}, [[]], {"Id": 7}, {"a": {"b": []}})


@pytest.mark.parametrize("nonsense", NONSENSE, ids=repr)
def test_what_docker_says_need_not_be_what_it_should(follow: Follow, nonsense: Any) -> None:
    async def work(there: Followed) -> None:
        whole = inspected(NEW, "odd", "172.17.64.2")
        for changed in ("Name", "State", "NetworkSettings", "HostConfig", "ResolvConfPath"):
            there.docker.containers[NEW] = {**whole, changed: nonsense}
            there.docker.tell(event("container", "start", NEW))
        there.docker.containers[NEW] = {**whole, "NetworkSettings": {"Networks": {"bridge": nonsense, "x": nonsense}}}
        for odd in (nonsense, {"Type": "container", "Actor": nonsense}, {"Type": "network", "Actor": nonsense}):
            there.docker.tell(odd)
            there.docker.tell({"Type": "container", "Action": "start", "Actor": {"ID": nonsense}})
        there.docker.said["/containers/json"] = [GOOD + json.dumps(nonsense).encode()]
        there.docker.containers["3" * 64] = inspected("3" * 64, "last", "172.17.64.3")
        there.docker.end()
        await there.until(lambda: there.has("last") or (there.follower.state == "followed" and not there.has("old")))
        there.docker.tell(event("container", "start", "3" * 64))
        await there.until(lambda: there.has("last"))

    follow(work)


@pytest.mark.parametrize("address", ["", "no address", "172.17.64", "fd80::1", 7, None, ["172.17.64.2"]], ids=repr)
def test_an_address_that_is_none_is_nobodys(follow: Follow, address: Any) -> None:
    async def work(there: Followed) -> None:
        there.docker.containers[OLD] = inspected(OLD, "old", address)
        there.docker.tell(event("container", "rename", OLD))
        await there.until(lambda: not there.has("old"))

    follow(work)


@contextmanager
def running(tmp_path: Path, *names: str) -> Iterator[list[int]]:
    """Processes with these names; their numbers."""
    with ExitStack() as stack:
        processes = []
        for name in names:
            program = tmp_path / name
            if not program.exists():
                shutil.copy(shutil.which("sleep") or "", program)
            processes.append(stack.enter_context(subprocess.Popen((str(program), "60"))))
            stack.callback(processes[-1].kill)
        yield [process.pid for process in processes]


def test_a_docker_that_is_being_stopped_is_let_go_and_followed_again_after_its_start(
    follow: Follow, tmp_path: Path
) -> None:
    """It waits for the end of every request before it ends itself, and 5 s for one that does not end."""
    processes = tmp_path / "cgroup.procs"

    async def work(there: Followed) -> None:
        with running(tmp_path, "dockerd", "containerd-shim", "dockerd") as (old, beside, new):
            processes.write_text(f"{old}\n{beside}\n")
            there.docker.asked.clear()
            there.follower.let_go()
            await there.until(lambda: there.follower.state == "not there")
            await asyncio.sleep(0.05)  # fifty rounds of what looks for a Docker
            assert not there.docker.asked
            assert there.has("old")

            # With live-restore the shims of a containerd of its own live on.
            processes.write_text(f"{beside}\n{new}\n")
            await there.until(lambda: there.follower.state == "followed")

    follow(work)


def test_a_docker_that_is_not_stopped_after_all_is_followed_again(
    follow: Follow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(there: Followed) -> None:
        with running(tmp_path, "dockerd") as (daemon,):
            (tmp_path / "cgroup.procs").write_text(f"{daemon}\n")
            monkeypatch.setattr(docker, "STOPS_WITHIN_S", 0.02)
            there.follower.let_go()
            await there.until(lambda: there.follower.state == "not there")
            await there.until(lambda: there.follower.state == "followed")

    follow(work)
