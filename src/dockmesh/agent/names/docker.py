"""This host's containers, as Docker tells of them: a list, then its events, for as long as this program lives."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from .files import read_start
from .zone import Zone, asks_elsewhere, read_inspected, read_listed

SOCKET = "/run/docker.sock"
# Where the kernel shows that docker.service runs, by version of control groups. Its socket must not be tried before: it
# would start a Docker that somebody stopped.
RUNNING = ("/sys/fs/cgroup/system.slice/docker.service", "/sys/fs/cgroup/systemd/system.slice/docker.service")
EVENTS = {
    "type": ["container", "network"],
    "event": ["start", "die", "destroy", "rename", "connect", "disconnect"],
}
RETRY_S = 0.05
# While Docker is away it is looked so often whether the containers live that it left behind.
LOOK_S = 0.1
PATIENCE_S = 10.0
AT_ONCE = 8  # questions about containers


class DockerError(Exception):
    """It is not there, or does not answer as it should."""


def is_running() -> bool:
    return any(os.path.exists(path) for path in RUNNING)


def started(pid: int) -> str | None:
    """When the process with this number was started (proc(5), stat, field 22); None if it does not live."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


async def request(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The answer's body as a stream, if the answer is a good one. Raises DockerError and OSError."""
    reader, writer = await asyncio.open_unix_connection(SOCKET, limit=1 << 20)
    try:
        # HTTP 1.0: the body is sent as it is, and ends with the connection.
        writer.write(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        writer.close()
        raise DockerError(f"{path}: {error}") from error
    except BaseException:
        writer.close()
        raise
    if head.split(None, 2)[1:2] != [b"200"]:
        writer.close()
        raise DockerError(f"{path}: {head.splitlines()[0].decode(errors='replace')}")
    return reader, writer


async def get(path: str) -> Any:
    """Raises DockerError and OSError."""

    async def whole() -> Any:
        reader, writer = await request(path)
        try:
            return json.loads(await reader.read())
        finally:
            writer.close()

    try:
        return await asyncio.wait_for(whole(), PATIENCE_S)
    except asyncio.TimeoutError as error:
        raise DockerError(f"{path}: no answer within {PATIENCE_S:g} s") from error
    except ValueError as error:
        raise DockerError(f"{path}: {error}") from error


class Follower:
    """Keeps a zone as Docker says. `changed` is called after each change; `say` with what people should know."""

    def __init__(
        self, zone: Zone, addresses: Iterable[str], changed: Callable[[], None], say: Callable[[str], None]
    ) -> None:
        self.zone = zone
        self.addresses = tuple(addresses)  # of the resolver
        self.changed = changed
        self.say = say
        self.state = "not there"
        # Docker is there, or may be, and not all of its containers are known yet.
        self.syncing = True
        self._asked: dict[str, int] = {}  # by container the number of the last question: an answer may be out of date
        self._questions = 0
        self._births: dict[str, str | None] = {}  # by container, when its process was started
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Future[None]] = set()

    async def follow(self) -> None:
        """Never ends."""
        looked = 0.0
        while True:
            if is_running():
                try:
                    await self._follow_once()
                except (DockerError, OSError) as error:
                    if self.state == "followed":
                        self.say(f"Docker went away: {error}")
            self.state = "not there"
            if self.syncing:
                self.syncing = False
                self.changed()
            now = asyncio.get_running_loop().time()
            if now >= looked + LOOK_S:
                looked = now
                self.forget_dead()
            await asyncio.sleep(RETRY_S)

    def forget_dead(self) -> None:
        """Without Docker: a container that runs has its process (live-restore keeps it), and no other proof counts."""
        dead = [
            container.id
            for container in self.zone.containers.values()
            if not container.pid or started(container.pid) != self._births.get(container.id)
        ]
        for identifier in dead:
            self._drop(identifier)
        if dead:
            self.changed()

    async def _follow_once(self) -> None:
        # The events first: so nothing is missed between the list and them. A line is one event.
        reader, writer = await asyncio.wait_for(request(f"/events?filters={quote(json.dumps(EVENTS))}"), PATIENCE_S)
        try:
            self.syncing = True
            reading = asyncio.ensure_future(self._read_events(reader))
            listing = asyncio.ensure_future(self._list())
            try:
                await asyncio.wait({reading, listing}, return_when=asyncio.FIRST_COMPLETED)
                if listing.done():
                    listing.result()
                await reading
            finally:
                reading.cancel()
                listing.cancel()
        finally:
            writer.close()

    async def _list(self) -> None:
        rows = await get("/containers/json")
        listed = {container.id: container for container in map(read_listed, rows)}
        for identifier in set(self.zone.containers) - set(listed):
            self._drop(identifier)
        for identifier, container in listed.items():
            # Its name and addresses at once, what else it is called below. What is known of before says more.
            if identifier not in self.zone.containers and identifier not in self._asked:
                self.zone.put(container)
        self.changed()
        await asyncio.gather(*(self._inspect(identifier) for identifier in listed))
        self.syncing, self.state = False, "followed"
        self.changed()

    async def _read_events(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await reader.readline()
            except ValueError as error:
                raise DockerError(str(error)) from error
            if not line:
                raise DockerError("its events ended")
            try:
                event = json.loads(line)
            except ValueError as error:
                raise DockerError(str(error)) from error
            self.hear(event)

    def hear(self, event: Mapping[str, Any]) -> None:
        """One event. Around a start Docker answers no question about the container, so it is asked after `start`."""
        action, actor = str(event.get("Action", "")), event.get("Actor") or {}
        attributes = actor.get("Attributes") or {}
        if event.get("Type") == "container":
            identifier = str(actor.get("ID", ""))
            if action in ("start", "rename"):
                self._later(self._inspect(identifier))
            elif action in ("die", "destroy"):
                self._drop(identifier)
                self.changed()
        elif event.get("Type") == "network":
            identifier = str(attributes.get("container", ""))
            if identifier not in self.zone.containers:
                return  # it starts: its own event comes next
            if action == "disconnect":
                self.zone.leave(identifier, str(attributes.get("name", "")))
                self.changed()
            if action in ("connect", "disconnect"):
                self._later(self._inspect(identifier))

    def _later(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _inspect(self, identifier: str) -> Awaitable[None]:
        """Numbered at once: what happens from now on makes the answer out of date, even before the question is sent."""
        self._questions += 1
        self._asked[identifier] = self._questions
        return self._inspect_as(identifier, self._questions)

    async def _inspect_as(self, identifier: str, asked: int) -> None:
        try:
            async with self._turns:
                content = await get(f"/containers/{identifier}/json")
            container = read_inspected(content)
            elsewhere = self._asks_elsewhere(content)
        except (DockerError, OSError, KeyError, TypeError):
            # It is gone, or Docker is: its events will say it, or their end.
            return
        if self._asked.get(identifier) != asked:
            return  # something happened since, and whoever asked later knows better
        if container is None:
            self._drop(identifier)
        else:
            self._births[identifier] = started(container.pid) if container.pid else None
            self.zone.put(replace(container, elsewhere=elsewhere))
        self.changed()

    def _asks_elsewhere(self, content: Mapping[str, Any]) -> bool:
        """Whoever was given servers of its own (`--dns`) is where it should be."""
        if (content.get("HostConfig") or {}).get("Dns"):
            return False
        try:
            return asks_elsewhere(read_start(content.get("ResolvConfPath") or ""), self.addresses)
        except OSError:
            return False

    def _drop(self, identifier: str) -> None:
        self._asked.pop(identifier, None)
        self._births.pop(identifier, None)
        self.zone.drop(identifier)
