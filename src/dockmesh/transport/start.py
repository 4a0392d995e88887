"""A process of ours begun as a whole, whenever Ctrl-C comes."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from typing import Any

from dockmesh.errors import ConnectError


async def start(*argv: str, end: Callable[[Process], Awaitable[object]], **settings: Any) -> Process:
    """Begin an OpenSSH program. Cancelled in the middle of that, it is there, and ended by `end`.

    asyncio itself, cancelled while it connects a new process to its pipes, waits for its end and may do so for ever
    (seen with Python 3.11).

    Raises ConnectError where the program is not there.
    """
    starting = asyncio.ensure_future(asyncio.create_subprocess_exec(*argv, **settings))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await end(await starting)
        raise
    except (FileNotFoundError, PermissionError) as error:
        raise ConnectError("ssh is not installed here", do="install it: apt-get install openssh-client") from error
