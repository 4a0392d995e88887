"""A process that is cancelled while it is begun."""

import asyncio
import contextlib
import time
from asyncio.subprocess import DEVNULL, PIPE, Process

import pytest

from dockmesh.errors import ConnectError
from dockmesh.transport.start import start

# Killed, it leaves somebody behind who has its standard input still.
SHARED = ("sh", "-c", "exec 3<&0; cat <&3 >/dev/null & wait")


@pytest.mark.parametrize("turns", range(12))
def test_what_is_cancelled_while_it_begins_is_ended_in_time(turns: int) -> None:
    """At each turn of the event loop. As a connection that others go through, it ends by its standard input alone."""
    begun: list[Process] = []

    async def end(process: Process) -> None:
        begun.append(process)
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()

    async def cancelled() -> bool:
        starting = asyncio.ensure_future(start(*SHARED, end=end, stdin=PIPE, stderr=DEVNULL))
        for _ in range(turns):
            await asyncio.sleep(0)
        time.sleep(0.01)  # noqa: ASYNC251  the process is there before it is known
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            process = await asyncio.wait_for(starting, 20)
            await end(process)
            return False
        return True

    was_cancelled = asyncio.run(cancelled())

    assert all(process.returncode == 0 for process in begun)
    assert was_cancelled or len(begun) == 1


def test_a_program_that_is_not_there_is_an_error_for_people() -> None:
    async def begin() -> None:
        await start("no-such-program", end=Process.wait)

    with pytest.raises(ConnectError, match="ssh is not installed here"):
        asyncio.run(begin())
