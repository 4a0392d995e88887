"""A file of a host in pieces. How much that may be is ours to say: a host can go on for ever."""

import base64

from dockmesh.errors import HostError
from dockmesh.transport.requests import GetBytes, Transport

# A piece is a line of JSON, of 4/3 its size: large enough that the round trips cost little, small in memory.
PIECE = 1024 * 1024


async def read_piece(host: Transport, path: str, offset: int, length: int = PIECE) -> bytes | None:
    """`length` bytes, or fewer where the file ends; None where it cannot be read.

    Raises ConnectError; HostError for more than was asked for; ValueError for what is no base64.
    """
    (answer,) = await host.ask(GetBytes(path, offset, length))
    if not answer.ok:
        return None
    piece = base64.b64decode(answer.out, validate=True)
    if len(piece) > length:
        raise HostError(
            f"sent {len(piece)} bytes of {path} where {length} were asked for",
            host=host.name,
            do="find out who answers there",
        )
    return piece


async def read_new(host: Transport, path: str, offset: int, limit: int) -> bytes | None:
    """All of a growing file from `offset` to its end; None where it cannot be read.

    Raises ConnectError; HostError where the file is larger than `limit`; ValueError for what is no base64.
    """
    read = bytearray()
    while True:
        piece = await read_piece(host, path, offset + len(read))
        if piece is None:
            return None
        read += piece
        if offset + len(read) > limit:
            raise HostError(
                f"has a file {path} that does not end: more than {limit >> 20} MiB were read",
                host=host.name,
                answered=f"at least {offset + len(read)} bytes",
                do="find out what writes so much there",
            )
        if len(piece) < PIECE:
            return bytes(read)
