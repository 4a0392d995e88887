"""A stand-in for the program ssh, behind which hosts in memory answer as the runner does, or anything else.

So all of transport/ is at work, and what the command line makes of a host that lies is seen as a person sees it.
"""

import asyncio
import contextlib
import json
import sys
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dockmesh.agent.runner import GREETING
from tests.support.fake_host import FakeHost
from tests.support.requests import from_line

# Like ssh it carries its standard streams to the other end; that is told who is meant and what is to be run there.
PROGRAM = f"""\
#!{sys.executable} -IS
import os, select, socket, sys
if "-G" in sys.argv:
    sys.exit(print("hostname " + sys.argv[-1]))
there = socket.socket(socket.AF_UNIX)
there.connect({{socket!r}})
there.sendall((" ".join(sys.argv[sys.argv.index("--") + 1:]).replace("\\n", " ") + "\\n").encode())
while True:
    ready, _, _ = select.select([there] if not sys.stdin else [there, 0], [], [])
    if there in ready:
        piece = there.recv(1 << 16)
        if not piece:
            sys.exit(0)
        while piece:
            piece = piece[os.write(1, piece):]
    if 0 in ready:
        piece = os.read(0, 1 << 16)
        if not piece:
            there.shutdown(socket.SHUT_WR)
            sys.stdin = None
        else:
            there.sendall(piece)
"""
RUNNER = "dockmesh_runner"  # stands in the command that starts ours

Says = Callable[[bytes, StreamWriter], Awaitable[None]]  # what goes out in place of the line that would be true


@dataclass
class FakeSsh:
    """`lies`: who says what else, from the order of that number on; of the others each line is true.

    `greets`: who says what behind the first words of its greeting.
    """

    hosts: Mapping[str, FakeHost]
    lies: Mapping[str, tuple[int, Says]] = field(default_factory=dict)
    greets: Mapping[str, str] = field(default_factory=dict)
    reached: list[str] = field(default_factory=list)  # one for each connection
    handed_over: list[str] = field(default_factory=list)  # the commands that got a person's own streams
    orders: dict[str, int] = field(default_factory=dict)  # how many each host was given
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    @contextlib.contextmanager
    def in_place_of_ssh(self, folder: Path):  # type: ignore[no-untyped-def]
        """The folder for PATH."""
        socket = folder / "hosts.sock"
        program = folder / "ssh"
        program.write_text(PROGRAM.format(socket=str(socket)), encoding="utf-8")
        program.chmod(0o755)
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_unix_server(self._serve, str(socket), limit=1 << 26), loop
        )
        try:
            listening = server.result(10)
            yield folder
        finally:
            asyncio.run_coroutine_threadsafe(_end(listening), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        # Who waits for what never comes is held by nobody else, and the collector takes it.
        if (task := asyncio.current_task()) is not None:
            self.serving.add(task)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            name, _, command = (await reader.readline()).decode().strip().partition(" ")
            self.reached.append(name)
            if RUNNER in command:
                await self._run(self.hosts[name], reader, writer)
            else:
                self.handed_over.append(f"{name}: {command}")
                writer.write(f"said on {name}\n".encode())
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def _run(self, host: FakeHost, reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readline()  # our program
        words = self.greets.get(host.name, f"192.0.2.9 50000 {_address(host)} 22")
        writer.write(f"{GREETING} {words}\n".encode())
        since, says = self.lies.get(host.name, (sys.maxsize, _truth))
        while line := await reader.readline():
            order = json.loads(line)
            self.orders[host.name] = self.orders.get(host.name, 0) + 1
            answers = await host.ask(
                *map(from_line, order["requests"]),
                together=order["mode"] == "together",
                until_failure=order["mode"] == "until failure",
            )
            true = json.dumps(list(map(asdict, answers))).encode() + b"\n"
            await (says if self.orders[host.name] > since else _truth)(true, writer)
            await writer.drain()
        host.locked_by = None  # it goes with the connection


async def _truth(line: bytes, writer: StreamWriter) -> None:
    writer.write(line)


def _address(host: FakeHost) -> str:
    return next((each.addresses[0].partition("/")[0] for each in host.devices.values() if each.addresses), "192.0.2.1")


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
