"""The same question to many hosts at once; one host's failure is its own."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

from dockmesh.errors import ConnectError, DockmeshError
from dockmesh.transport.requests import Transport
from dockmesh.transport.understand import understanding

T = TypeVar("T")


async def each(
    hosts: Iterable[str], gone: dict[str, DockmeshError], ask: Callable[[str], Coroutine[Any, Any, T]]
) -> dict[str, T]:
    """Ask all but those in `gone`; a host that fails, or whose answer nobody can read, goes into it."""
    results = await all_of({name: ask(name) for name in hosts if name not in gone})
    answers: dict[str, T] = {}
    for name, result in results.items():
        if isinstance(result, DockmeshError):
            gone[name] = result
        else:
            answers[name] = result
    return answers


async def all_of(work: Mapping[str, Coroutine[Any, Any, T]]) -> dict[str, T | DockmeshError]:
    """The same as `fan_out`; what nobody can read of an answer is its host's error, too."""
    return await fan_out({name: _own(name, part) for name, part in work.items()})


async def fan_out(work: Mapping[str, Coroutine[Any, Any, T]]) -> dict[str, T | DockmeshError]:
    """What became of the work on each host, by its name. All end before a bug of ours is passed on."""
    results = await asyncio.gather(*work.values(), return_exceptions=True)
    ended: dict[str, T | DockmeshError] = {}
    for name, result in zip(work, results, strict=True):
        if isinstance(result, BaseException) and not isinstance(result, DockmeshError):
            raise result
        ended[name] = result
    return ended


async def _own(name: str, part: Coroutine[Any, Any, T]) -> T:
    with understanding(name):
        return await part


async def within(host: Transport, deadline_s: float, answers: Awaitable[T]) -> T:
    """Several orders to a host that hangs are told from the others that wait for it.

    Raises ConnectError.
    """
    try:
        return await asyncio.wait_for(answers, deadline_s)
    except TimeoutError:
        raise ConnectError(
            f"it did not answer for {deadline_s:g} s", host=host.name, do="find out what keeps the host so busy"
        ) from None
