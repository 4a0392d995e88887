"""A question to the person at the terminal, while the hosts go on hearing from us."""

import asyncio
import sys

from dockmesh.cli.show import err


async def said_yes(question: str) -> bool:
    """Whether the answer is yes; no is what counts if nothing is said. Ctrl-C cancels the task."""
    err.print(f"{question} \\[y/N]: ", end="")
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        if not line.done():
            line.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin.fileno(), read)
    try:
        answer = await line
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return answer.strip().lower() in ("y", "yes")
