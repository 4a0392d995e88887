"""This host's containers, as Docker tells of them: a list, then its events, for as long as this program lives."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from .api import LARGEST_CONTAINER, LARGEST_LIST, DockerError, GoneError, get, request
from .fields import as_map, as_text
from .files import read_start
from .zone import Container, Zone, as_listed, asks_elsewhere, is_id, read_inspected, read_listed

# Where the kernel shows that docker.service runs, by version of control groups. Its socket must not be tried before: it
# would start a Docker that somebody stopped.
RUNNING = ("/sys/fs/cgroup/system.slice/docker.service", "/sys/fs/cgroup/systemd/system.slice/docker.service")
DAEMON = "dockerd"
STOPS_WITHIN_S = 120.0  # Docker, which gives its containers 10 s, and systemd, which gives Docker 90 s
EVENTS = {
    "type": ["container", "network"],
    "event": ["start", "die", "destroy", "rename", "connect", "disconnect"],
}
# A Docker that runs and does not answer as it should is tried again after so long, and ever longer.
RETRY_S, MOST_RETRY_S = 0.05, 0.8
# While Docker is away it is looked so often whether the containers live that it left behind.
LOOK_S = 0.1
# What got lost on the way is found again at the latest then, for all is listed again.
LIST_S = 60.0
# So long after a question about a container that came to nothing it is asked again, and then by the next list.
AGAIN_S = (0.2, 1.0, 5.0)
AT_ONCE = 8  # questions about containers


def is_running() -> bool:
    return any(os.path.exists(path) for path in RUNNING)


def daemons() -> set[tuple[str, str | None]]:
    """Docker's daemon, with its start. Others of its unit may outlive it: shims, where it has its own containerd."""
    found: set[tuple[str, str | None]] = set()
    for path in RUNNING:
        try:
            with open(f"{path}/cgroup.procs", encoding="ascii") as file:
                found.update((each, started(int(each))) for each in file.read().split() if is_daemon(each))
        except (OSError, ValueError):
            continue
    return found


def is_daemon(pid: str) -> bool:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip() == DAEMON
    except OSError:
        return False


def started(pid: int) -> str | None:
    """When the process with this number was started (proc(5), stat, field 22); None if it does not live."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


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
        self._whole: set[str] = set()  # those of which more is known than the list says
        self._ended: set[str] = set()  # those that ended while the list is being read
        self._births: dict[str, str | None] = {}  # by container, when its process was started
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Future[None]] = set()
        self._events: asyncio.StreamWriter | None = None
        # The daemon of a Docker that is being stopped, and until when it is believed.
        self._leaving: set[tuple[str, str | None]] = set()
        self._leaving_until = 0.0

    async def follow(self) -> None:
        """Never ends."""
        looked, pause_s = 0.0, RETRY_S
        while True:
            if is_running() and not self._is_leaving():
                try:
                    await self._follow_once()
                except (DockerError, OSError) as error:
                    pause_s = RETRY_S if self.state == "followed" else min(2 * pause_s, MOST_RETRY_S)
                    if self.state == "followed":
                        self.say(f"Docker went away: {error}")
            else:
                pause_s = RETRY_S
            self.state = "not there"
            if self.syncing:
                self.syncing = False
                self.changed()
            now = asyncio.get_running_loop().time()
            if now >= looked + LOOK_S:
                looked = now
                self.forget_dead()
            await asyncio.sleep(pause_s)

    def let_go(self) -> None:
        """Docker is being stopped: end what it would wait for, and ask it nothing more until it was started again."""
        self._leaving = daemons()
        self._leaving_until = asyncio.get_running_loop().time() + STOPS_WITHIN_S
        if self._events:
            self._events.close()

    def _is_leaving(self) -> bool:
        now = asyncio.get_running_loop().time()
        return bool(self._leaving) and now < self._leaving_until and not self._leaving.isdisjoint(daemons())

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
        reader, writer = await request(f"/events?filters={quote(json.dumps(EVENTS))}")
        self._events = writer
        try:
            if self._is_leaving():  # it was told while the request was on its way
                raise DockerError("it is being stopped")
            self.syncing = True
            self._whole.clear()
            both = [asyncio.ensure_future(each) for each in (self._read_events(reader), self._list_often())]
            try:
                done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                for each in done:
                    each.result()  # neither ends but by an error
            finally:
                for each in both:
                    each.cancel()
        finally:
            self._events = None
            writer.close()

    async def _list_often(self) -> None:
        while True:
            await self._list()
            self.syncing, self.state = False, "followed"
            self.changed()
            await asyncio.sleep(LIST_S)

    async def _list(self) -> None:
        began = self._questions
        self._ended.clear()
        rows = await get("/containers/json", LARGEST_LIST)
        if not isinstance(rows, list):
            raise DockerError("/containers/json: no list")
        listed = {each.id: each for each in map(read_listed, rows) if each and each.id not in self._ended}
        for identifier in set(self.zone.containers) - set(listed):
            if self._asked.get(identifier, 0) <= began:  # the others have started since
                self._drop(identifier)
        for identifier, container in listed.items():
            # Its name and addresses at once, what else it is called below. What is known of before says more.
            if identifier not in self.zone.containers and identifier not in self._asked:
                self.zone.put(container)
        self.changed()
        await asyncio.gather(*(self._inspect(each.id) for each in listed.values() if not self._is_known(each)))

    def _is_known(self, listed: Container) -> bool:
        known = self.zone.containers.get(listed.id)
        return listed.id in self._whole and known is not None and as_listed(known) == listed

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
            except (ValueError, RecursionError) as error:
                raise DockerError(str(error)) from error
            self.hear(event)

    def hear(self, event: Any) -> None:
        """One event. Around a start Docker answers no question about the container, so it is asked after `start`."""
        event = as_map(event)
        action, actor = as_text(event.get("Action")), as_map(event.get("Actor"))
        attributes = as_map(actor.get("Attributes"))
        if event.get("Type") == "container":
            identifier = as_text(actor.get("ID"))
            if action in ("start", "rename") and is_id(identifier):
                self._later(self._inspect(identifier))
            elif action in ("die", "destroy"):
                self._drop(identifier)
                self.changed()
        elif event.get("Type") == "network":
            identifier = as_text(attributes.get("container"))
            if identifier not in self.zone.containers:
                return  # it starts: its own event comes next
            if action == "disconnect":
                self.zone.leave(identifier, as_text(attributes.get("name")))
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
        self._ended.discard(identifier)
        return self._inspect_as(identifier, self._questions)

    async def _inspect_as(self, identifier: str, asked: int, failed: int = 0) -> None:
        try:
            async with self._turns:
                content = await get(f"/containers/{identifier}/json", LARGEST_CONTAINER)
        except GoneError:
            content = None
        except (DockerError, OSError):
            # Docker is gone, which the end of its events says; or it could not answer just now.
            if failed < len(AGAIN_S):
                self._later(self._inspect_again(identifier, asked, failed))
            return
        if self._asked.get(identifier) != asked:
            return  # something happened since, and whoever asked later knows better
        container = read_inspected(content)
        if container is None:
            self._drop(identifier)
        else:
            self._births[identifier] = started(container.pid) if container.pid else None
            self._whole.add(identifier)
            self.zone.put(replace(container, elsewhere=self._asks_elsewhere(as_map(content))))
        self.changed()

    async def _inspect_again(self, identifier: str, asked: int, failed: int) -> None:
        await asyncio.sleep(AGAIN_S[failed])
        if self._asked.get(identifier) == asked and is_running() and not self._is_leaving():
            await self._inspect_as(identifier, asked, failed + 1)

    def _asks_elsewhere(self, content: Mapping[str, Any]) -> bool:
        """Whoever was given servers of its own (`--dns`) is where it should be."""
        if as_map(content.get("HostConfig")).get("Dns"):
            return False
        try:
            return asks_elsewhere(read_start(as_text(content.get("ResolvConfPath"))), self.addresses)
        except (OSError, ValueError):
            return False

    def _drop(self, identifier: str) -> None:
        self._asked.pop(identifier, None)
        self._births.pop(identifier, None)
        self._whole.discard(identifier)
        self._ended.add(identifier)
        self.zone.drop(identifier)
