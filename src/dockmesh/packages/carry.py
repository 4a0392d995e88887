"""Files of many megabytes over the transport, in pieces: nothing but the connection that is there already is needed."""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

from dockmesh.debian.deb import Deb
from dockmesh.errors import CommandError, HostError
from dockmesh.record.paths import STATE
from dockmesh.transport.demand import demand
from dockmesh.transport.pieces import PIECE, read_piece
from dockmesh.transport.requests import Exec, PutBytes, Transport

# Only root may look into it or put anything there.
FOLDER = f"{STATE}/packages"

Told = Callable[[int], None]


async def carry(host: Transport, debs: tuple[Deb, ...], told: Told = lambda _: None) -> tuple[str, ...]:
    """Bring the files into FOLDER; their paths there. What an interrupted carry left there is not carried again.

    `told` hears of every piece, in bytes. Raises CommandError and ConnectError.
    """
    await demand(host, "could not make a folder for packages", Exec(("install", "--directory", "--mode=0700", FOLDER)))
    paths = tuple(f"{FOLDER}/{deb.sha256[:16]}_{deb.package}.deb" for deb in debs)
    there = await _hashes(host, paths)
    for deb, path in zip(debs, paths, strict=True):
        if there.get(path) != deb.sha256:
            await put_file(host, Path(deb.path), path, told)
    there = await _hashes(host, paths)
    for deb, path in zip(debs, paths, strict=True):
        if there.get(path) != deb.sha256:
            raise CommandError(
                f"{deb.file_name} is not what it was when it was read first",
                host=host.name,
                answered=f"sha256 {there.get(path)}, expected {deb.sha256}",
                now="nothing was installed",
                do="check that nobody changes the file meanwhile and that the host has room, then run it again",
            )
    return paths


async def clear(host: Transport) -> None:
    """Remove FOLDER and all in it. Raises ConnectError."""
    await host.ask(Exec(("rm", "--recursive", "--force", FOLDER)))


async def put_file(host: Transport, source: Path, path: str, told: Told = lambda _: None) -> None:
    """Raises CommandError and ConnectError; OSError where `source` cannot be read."""
    with source.open("rb") as file:
        offset = 0
        while piece := file.read(PIECE):
            text = base64.b64encode(piece).decode()
            await demand(host, f"could not carry {source.name}", PutBytes(path, text, offset))
            offset += len(piece)
            told(len(piece))


async def get_file(host: Transport, path: str, target: Path, size: int) -> str:
    """Fetch a file of `size` bytes; its sha256.

    Raises HostError and ConnectError; OSError where `target` cannot be written.
    """
    digest = hashlib.sha256()
    with target.open("wb") as file:
        while (rest := size - file.tell()) > 0:
            wanted = min(PIECE, rest)
            piece = await read_piece(host, path, file.tell(), wanted)
            if piece is None or len(piece) < wanted:
                raise HostError(
                    f"did not send all of {path}",
                    host=host.name,
                    answered=f"{file.tell() + len(piece or b'')} bytes, expected {size}",
                    do="check that nothing on the host changes the file meanwhile, then run it again",
                )
            file.write(piece)
            digest.update(piece)
    return digest.hexdigest()


async def _hashes(host: Transport, paths: tuple[str, ...]) -> dict[str, str]:
    """By path; a path where nothing is, is left out."""
    if not paths:
        return {}
    (answer,) = await host.ask(Exec(("sha256sum", "--", *paths), timeout_s=300))
    words = (line.split(maxsplit=1) for line in answer.out.splitlines())
    return {path.strip(): digest for digest, path in words}
