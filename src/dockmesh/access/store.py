"""Who gets in, as this machine keeps it: a folder beside the mesh file's history, open to its owner alone.

`index.json` says what there is, so that who only looks needs no cryptography: `ca.pem` and `ca.key`, the authority;
`revoked.pem`, its list; `hosts/NAME.pem` and `.key`; `clients/NAME`, folders that Docker takes as DOCKER_CERT_PATH.
"""

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dockmesh.errors import UsageError
from dockmesh.history.held import held as one_at_a_time
from dockmesh.history.store import folder_of as history_folder
from dockmesh.history.store import ignore_folder, replace_text
from dockmesh.plan.secrets import Access, Client, HostCertificate

FOLDER = "access"
LOCK = "access.lock"  # beside the folder: what that is, is exchanged as a whole
INDEX, CA, CA_KEY, REVOKED = "index.json", "ca.pem", "ca.key", "revoked.pem"
SECRET_MODE, FOLDER_MODE = 0o600, 0o700


@dataclass(frozen=True, slots=True)
class HostEntry:
    serial: int
    made: datetime
    until: datetime
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """All of it. `key` is the authority's private key. `number` counts the lists of revoked certificates.

    `meant`: an apply brought this authority to hosts, or somebody said that it shall replace the one that they have.
    """

    ca: str
    key: str
    ca_made: datetime
    ca_until: datetime
    revoked: str
    number: int
    hosts: Mapping[str, HostEntry] = field(default_factory=dict)
    certificates: Mapping[str, HostCertificate] = field(default_factory=dict)
    clients: tuple[Client, ...] = ()
    meant: bool = False

    @property
    def access(self) -> Access:
        return Access(self.ca, self.ca_until, self.revoked, self.certificates, self.clients, fresh=not self.meant)


@dataclass(frozen=True, slots=True, repr=False)
class Books:
    """What is kept, while nobody else can change it: None where nothing was made yet."""

    file: Path
    kept: Kept | None

    def save(self, kept: Kept) -> None:
        """Raises UsageError where it cannot be written."""
        _save(self.file, kept)


@contextlib.contextmanager
def held(file: Path) -> Iterator[Books]:
    """To change it. Whoever reads and writes at another time may bring somebody back who was shut out meanwhile.

    Raises UsageError where it cannot be read or written, and where another command holds it for too long.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(one_at_a_time(ignore_folder(file) / LOCK))
        except OSError as error:
            raise _cannot(folder_of(file), error) from error
        yield Books(file, _load(file))


def folder_of(file: Path) -> Path:
    return history_folder(file) / FOLDER


def client_folder(file: Path, name: str) -> Path:
    return folder_of(file) / "clients" / name


def load(file: Path) -> Kept | None:
    """To look at it. None where nothing was made yet.

    Raises UsageError for what cannot be read, and where another command holds it for too long.
    """
    if not (folder_of(file) / INDEX).exists():
        return None
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # where we may not write, such as in a copy, we read all the same
            stack.enter_context(one_at_a_time(history_folder(file) / LOCK))
        return _load(file)


def _load(file: Path) -> Kept | None:
    """Raises UsageError for what cannot be read: to recreate it would lock everybody out."""
    folder = folder_of(file)
    try:
        if not (folder / INDEX).exists():
            return None
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        hosts = {name: _host_entry(row) for name, row in index["hosts"].items()}
        return Kept(
            ca=_text(folder / CA),
            key=_text(folder / CA_KEY),
            ca_made=_when(index["ca"]["made"]),
            ca_until=_when(index["ca"]["until"]),
            revoked=_text(folder / REVOKED),
            number=int(index["number"]),
            hosts=hosts,
            certificates={
                name: HostCertificate(_text(folder / f"hosts/{name}.pem"), _text(folder / f"hosts/{name}.key"))
                for name in hosts
            },
            clients=tuple(_client(row) for row in index["clients"]),
            meant=bool(index["meant"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"cannot read {folder}, which holds who has access to Docker's API: {error}",
            do="restore it from a copy; if there is none, remove the folder, run `dockmesh access rotate`, and give "
            "everybody access again",
        ) from error


def _save(file: Path, kept: Kept) -> None:
    """The index last: what it names is there."""
    folder = folder_of(file)
    try:
        ignore_folder(file)
        for each in (folder, folder / "hosts", folder / "clients"):
            each.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            each.chmod(FOLDER_MODE)
        texts = {CA: kept.ca, CA_KEY: kept.key, REVOKED: kept.revoked}
        for name, own in kept.certificates.items():
            texts |= {f"hosts/{name}.pem": own.certificate, f"hosts/{name}.key": own.key}
        for path, text in texts.items():
            if not (folder / path).exists() or _text(folder / path) != text:
                replace_text(folder / path, text, SECRET_MODE)
        replace_text(folder / INDEX, _index(kept), SECRET_MODE)
        for own_file in (folder / "hosts").iterdir():
            if own_file.stem not in kept.hosts and own_file.suffix in (".pem", ".key"):
                own_file.unlink()
    except OSError as error:
        raise _cannot(folder, error) from error


def write_client(folder: Path, ca: str, certificate: str, key: str) -> None:
    """As Docker's clients look for them, for nobody else to read.

    Raises UsageError where it cannot be written.
    """
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        for name, text in (("ca.pem", ca), ("cert.pem", certificate), ("key.pem", key)):
            replace_text(folder / name, text, SECRET_MODE)
    except OSError as error:
        raise _cannot(folder, error) from error


def remove_client(file: Path, name: str) -> None:
    shutil.rmtree(client_folder(file, name), ignore_errors=True)


def _cannot(folder: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {folder}: {error.strerror}", do="check that you may write there")


def _text(path: Path) -> str:
    return path.read_text(encoding="ascii")


def _index(kept: Kept) -> str:
    content = {
        "version": 1,
        "ca": {"made": _said(kept.ca_made), "until": _said(kept.ca_until)},
        "number": kept.number,
        "meant": kept.meant,
        "hosts": {
            name: {
                "serial": f"{entry.serial:x}",
                "made": _said(entry.made),
                "until": _said(entry.until),
                "addresses": list(entry.addresses),
            }
            for name, entry in sorted(kept.hosts.items())
        },
        "clients": [
            {
                "name": each.name,
                "serial": f"{each.serial:x}",
                "made": _said(each.made),
                "until": _said(each.until),
                "revoked": _said(each.revoked) if each.revoked else None,
                "folder": each.folder,
            }
            for each in kept.clients
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _host_entry(row: Mapping[str, Any]) -> HostEntry:
    return HostEntry(int(row["serial"], 16), _when(row["made"]), _when(row["until"]), tuple(row["addresses"]))


def _client(row: Mapping[str, Any]) -> Client:
    return Client(
        name=str(row["name"]),
        serial=int(row["serial"], 16),
        made=_when(row["made"]),
        until=_when(row["until"]),
        revoked=_when(row["revoked"]) if row["revoked"] else None,
        folder=str(row["folder"]),
    )


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _said(when: datetime) -> str:
    return when.isoformat(timespec="seconds")
