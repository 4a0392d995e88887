"""What this machine's resolver knows of a name, asked with a deadline that holds."""

import asyncio
import contextlib
import socket
import threading

# A resolver that is there answers within milliseconds, and a lost question is asked again after 5 s (resolv.conf(5)).
# One lost among those for thirty hosts is nothing rare: nobody shall wait long for it.
RESOLVE_TIMEOUT_S = 1


async def resolves(name: str) -> bool:
    return bool(await addresses_of(name))


async def addresses_of(name: str, patience_s: float | None = None) -> tuple[str, ...]:
    """A resolver that hangs has not got the name, as far as we are concerned.

    Asked in a thread that nobody waits for: one of the event loop's own would keep the program from ending until the
    resolver gives up, which can be half a minute, also after Ctrl-C.
    """
    loop = asyncio.get_running_loop()
    known: asyncio.Future[tuple[str, ...]] = loop.create_future()

    def ask() -> None:
        try:
            found = tuple(str(place[0]) for *_, place in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            found = ()
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, found)

    def tell(found: tuple[str, ...]) -> None:
        if not known.done():
            known.set_result(found)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return await asyncio.wait_for(known, patience_s or RESOLVE_TIMEOUT_S)
    except TimeoutError:
        return ()
