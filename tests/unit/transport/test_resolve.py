import asyncio
import socket
import threading
from typing import Any

import pytest

from dockmesh.transport import resolve


def test_localhost_is_known_and_an_invalid_name_is_not() -> None:
    assert asyncio.run(resolve.resolves("localhost"))
    # RFC 6761: .invalid is nobody's.
    assert not asyncio.run(resolve.resolves("dockmesh.invalid"))


def test_a_resolver_that_hangs_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the answer nor the end of the program waits for it."""
    released = threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        released.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(resolve, "RESOLVE_TIMEOUT_S", 0.05)

    found = asyncio.run(resolve.resolves("host1"))

    assert not found
    assert not released.is_set()
    released.set()
