"""What a .deb says of itself: deb(5) is an ar archive with a tar archive of control files in it."""

import gzip
import hashlib
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import BinaryIO

from dockmesh.debian.relation import Group, read_relations

MAGIC = b"!<arch>\n"
HEADER = 60  # bytes before each member: ar(5)
# A control archive has a few texts in it; more than this is no control archive, or one that means harm.
MAX_CONTROL = 16 * 1024 * 1024
# What unpacking may take: `xz -9`, the most that dpkg-deb asks for, takes 65 MiB.
MAX_MEMORY = 256 * 1024 * 1024
# Python has zstd since 3.14; these two packages give it to older ones. Ubuntu packs its .debs with it.
ZSTD_MODULES = ("compression.zstd", "backports.zstd", "zstandard")


class DebError(ValueError):
    """The file is no .deb that we can read; the text says why."""


@dataclass(frozen=True, slots=True)
class Deb:
    """A .deb file. `path` and `sha256` are of the file, the rest is what its control file says."""

    package: str
    version: str
    architecture: str  # of Debian, such as amd64, or "all"
    depends: tuple[Group, ...]  # Pre-Depends too
    provides: tuple[Group, ...]
    path: str
    size: int  # bytes
    sha256: str
    recommends: tuple[Group, ...] = ()

    @property
    def file_name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


def read_deb(file: BinaryIO, path: str) -> Deb:
    """Read the control data and the hash of an open .deb; `path` is only kept.

    Raises DebError.
    """
    fields = read_control(file)
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(1024 * 1024):
        digest.update(piece)
    try:
        relations = [
            read_relations(fields.get(name, "")) for name in ("Pre-Depends", "Depends", "Provides", "Recommends")
        ]
    except ValueError as error:
        raise DebError(f"its control file has {error}") from None
    return Deb(
        package=_needed(fields, "Package"),
        version=_needed(fields, "Version"),
        architecture=_needed(fields, "Architecture"),
        depends=(*relations[0], *relations[1]),
        provides=relations[2],
        recommends=relations[3],
        path=path,
        size=file.tell(),
        sha256=digest.hexdigest(),
    )


def read_control(file: BinaryIO) -> dict[str, str]:
    """The fields of the control file.

    Raises DebError.
    """
    names = []
    for name, size in _members(file):
        names.append(name)
        if name.startswith("control.tar"):
            if size > MAX_CONTROL:
                raise DebError("its control archive is larger than 16 MiB")
            return _fields(_control_text(_unpack(name, file.read(size))))
    if names[:1] != ["debian-binary"]:
        raise DebError("this is not a Debian package")
    raise DebError("it has no control archive")


def _members(file: BinaryIO) -> Iterator[tuple[str, int]]:
    """Name and size of each member; after each the file stands at its first byte."""
    file.seek(0)
    if file.read(len(MAGIC)) != MAGIC:
        raise DebError("this is not a Debian package: it does not begin as one")
    at = len(MAGIC)
    while header := file.read(HEADER):
        try:
            name, size = header[:16].decode("ascii").strip().rstrip("/"), int(header[48:58])
        except ValueError:
            raise DebError("it is damaged: an entry of its archive cannot be read") from None
        if len(header) != HEADER or header[58:] != b"`\n" or size < 0:
            raise DebError("it is damaged: an entry of its archive cannot be read")
        yield name, size
        at += HEADER + size + size % 2
        file.seek(at)


def _unpack(name: str, content: bytes) -> bytes:
    """At most MAX_CONTROL bytes, however many there are packed in few.

    Raises DebError.
    """
    unpack: dict[str, Callable[[bytes], bytes]] = {
        "control.tar": bytes,
        "control.tar.gz": _unpack_gzip,
        "control.tar.xz": _unpack_xz,
        "control.tar.zst": _unpack_zstd,
    }
    if name not in unpack:
        raise DebError(f"its control archive is packed in a way that dockmesh does not know: {name}")
    try:
        unpacked = unpack[name](content)
    except (OSError, EOFError, lzma.LZMAError, zlib.error):
        raise DebError("it is damaged: its control archive cannot be unpacked") from None
    if len(unpacked) > MAX_CONTROL:
        raise DebError("its control archive is larger than 16 MiB when it is unpacked")
    return unpacked


def _unpack_gzip(content: bytes) -> bytes:
    with gzip.open(io.BytesIO(content)) as file:
        return file.read(MAX_CONTROL + 1)


def _unpack_xz(content: bytes) -> bytes:
    unpacker = lzma.LZMADecompressor(memlimit=MAX_MEMORY)
    unpacked = unpacker.decompress(content, MAX_CONTROL + 1)
    if not unpacker.eof and len(unpacked) <= MAX_CONTROL:
        raise EOFError
    return unpacked


def _unpack_zstd(content: bytes) -> bytes:
    for name in ZSTD_MODULES:
        try:
            module = import_module(name)
        except ImportError:
            continue
        try:
            if name == "zstandard":
                limited = module.ZstdDecompressor(max_window_size=MAX_MEMORY)
                with limited.stream_reader(io.BytesIO(content)) as reader:
                    return bytes(reader.read(MAX_CONTROL + 1))
            with module.open(io.BytesIO(content)) as file:
                return bytes(file.read(MAX_CONTROL + 1))
        except Exception as error:  # each of the three has an exception of its own
            raise OSError(str(error)) from error
    raise DebError(
        "it is packed with zstd, which this Python cannot unpack: "
        "run dockmesh with Python 3.14 or later, or install the Python package zstandard beside it"
    )


def _control_text(archive: bytes) -> str:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                if member.name.removeprefix("./") == "control" and (file := tar.extractfile(member)):
                    return file.read(MAX_CONTROL).decode("utf-8", errors="replace")
    except tarfile.TarError:
        raise DebError("it is damaged: its control archive cannot be read") from None
    raise DebError("its control archive has no control file")


def _fields(text: str) -> dict[str, str]:
    """deb822(5), of which a continued line begins with a blank."""
    fields: dict[str, str] = {}
    last = ""
    for line in text.splitlines():
        if line[:1] in (" ", "\t") and last:
            fields[last] += f"\n{line.strip()}"
        elif ":" in line:
            last, _, value = line.partition(":")
            fields[last] = value.strip()
    return fields


def _needed(fields: dict[str, str], name: str) -> str:
    if not fields.get(name):
        raise DebError(f"its control file has no {name}")
    return fields[name]
