"""Small .deb files, made here byte for byte: no dpkg is needed."""

import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".xz": lzma.compress, "": bytes}


def member(name: str, content: bytes) -> bytes:
    head = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
    return head + content + b"\n" * (len(content) % 2)


def control_archive(text: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("./control")
        entry.size = len(text.encode())
        tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def deb_bytes(
    package: str, version: str = "1", architecture: str = "amd64", packed: str = ".xz", **fields: str
) -> bytes:
    """`fields` are of the control file, with `_` for its hyphens."""
    more = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    text = f"Package: {package}\nVersion: {version}\nArchitecture: {architecture}\n{more}"
    control = PACKERS[packed](control_archive(text))
    parts = (("debian-binary", b"2.0\n"), (f"control.tar{packed}", control), ("data.tar", b""))
    return b"!<arch>\n" + b"".join(member(name, content) for name, content in parts)


def write_deb(folder: Path, package: str, version: str = "1", architecture: str = "amd64", **fields: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{package}_{version.replace(':', '%3a')}_{architecture}.deb"
    path.write_bytes(deb_bytes(package, version, architecture, **fields))
    return path
