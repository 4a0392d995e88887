"""The same question to many hosts at once; one host's failure is its own."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

from dockmesh.errors import ConnectError, DockmeshError
from dockmesh.remote.seam import Transport

T = TypeVar("T")


async def each(
    hosts: Iterable[str], gone: dict[str, DockmeshError], ask: Callable[[str], Coroutine[Any, Any, T]]
) -> dict[str, T]:
    """Ask all but those in `gone`; a host that fails goes into it."""
    names = [name for name in hosts if name not in gone]
    results = await asyncio.gather(*map(ask, names), return_exceptions=True)
    answers: dict[str, T] = {}
    for name, result in zip(names, results, strict=True):
        if isinstance(result, DockmeshError):
            gone[name] = result
        elif isinstance(result, BaseException):
            raise result
        else:
            answers[name] = result
    return answers


async def within(host: Transport, deadline_s: float, answers: Awaitable[T]) -> T:
    """A host that hangs is told from the others that wait for it.

    Raises ConnectError.
    """
    try:
        return await asyncio.wait_for(answers, deadline_s)
    except TimeoutError:
        raise ConnectError(
            f"it did not answer for {deadline_s:g} s", host=host.name, do="see what keeps the host so busy"
        ) from None
