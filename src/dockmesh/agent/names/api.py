"""Docker's API over its socket: each answer has a deadline and a size."""

from __future__ import annotations

import asyncio
import json
from typing import Any

SOCKET = "/run/docker.sock"
PATIENCE_S = 10.0
# A line of `GET /containers/json` has some 2.5 kB, and labels of an image may make it longer.
LARGEST_LIST, LARGEST_CONTAINER = 16 << 20, 1 << 20
# Of an event, which has the labels of its container.
LARGEST_LINE = 1 << 20


class DockerError(Exception):
    """It is not there, or does not answer as it should."""


class GoneError(DockerError):
    """There is no such container."""


async def request(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The answer's body as a stream, if the answer is a good one. Raises DockerError and OSError."""

    async def asked() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_unix_connection(SOCKET, limit=LARGEST_LINE)
        try:
            # HTTP 1.0: the body is sent as it is, and ends with the connection.
            writer.write(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
            _look_at(path, await reader.readuntil(b"\r\n\r\n"))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            writer.close()
            raise DockerError(f"{path}: {error}") from error
        except BaseException:
            writer.close()
            raise
        return reader, writer

    try:
        return await asyncio.wait_for(asked(), PATIENCE_S)
    except asyncio.TimeoutError as error:
        raise DockerError(f"{path}: no answer within {PATIENCE_S:g} s") from error


def _look_at(path: str, head: bytes) -> None:
    """Raises DockerError where it is no good answer."""
    words = head.split(None, 2)
    code = words[1] if len(words) > 1 and head.startswith(b"HTTP/1.") else b"no answer of HTTP"
    if code != b"200":
        raise (GoneError if code == b"404" else DockerError)(f"{path}: {code.decode(errors='replace')}")


async def get(path: str, most: int) -> Any:
    """Raises DockerError and OSError."""

    async def whole() -> Any:
        reader, writer = await request(path)
        try:
            parts: list[bytes] = []
            size = 0
            while size <= most:
                part = await reader.read(1 << 16)
                if not part:
                    return json.loads(b"".join(parts))
                parts.append(part)
                size += len(part)
        finally:
            writer.close()
        raise DockerError(f"{path}: more than {most} bytes")

    try:
        return await asyncio.wait_for(whole(), PATIENCE_S)
    except asyncio.TimeoutError as error:
        raise DockerError(f"{path}: not all of it within {PATIENCE_S:g} s") from error
    except (ValueError, RecursionError) as error:
        raise DockerError(f"{path}: {error}") from error
