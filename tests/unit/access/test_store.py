from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dockmesh.access import store
from dockmesh.errors import UsageError
from dockmesh.plan.secrets import Client, HostCertificate

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=90)
KEPT = store.Kept(
    ca="authority\n",
    key="its key\n",
    ca_made=NOW,
    ca_until=LATER,
    revoked="list\n",
    number=3,
    hosts={"host1": store.HostEntry(0x1F, NOW, LATER, ("172.17.42.1",))},
    certificates={"host1": HostCertificate("certificate\n", "key\n")},
    clients=(Client("ann", 0x2F, NOW, LATER, revoked=NOW, folder="/elsewhere"), Client("bob", 0x3F, NOW, LATER)),
    meant=True,
)


def save(file: Path, kept: store.Kept) -> None:
    with store.held(file) as books:
        books.save(kept)


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "dockmesh.yaml"

    save(file, KEPT)

    assert store.load(file) == KEPT
    assert store.load(tmp_path / "other.yaml") is None


def test_nobody_else_may_read_any_of_it(tmp_path: Path) -> None:
    file = tmp_path / "dockmesh.yaml"
    save(file, KEPT)
    store.write_client(store.client_folder(file, "ann"), "ca", "certificate", "key")

    folder = store.folder_of(file)
    found = [folder, *folder.rglob("*")]
    assert {path.stat().st_mode & 0o777 for path in found if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in found if path.is_file()} == {0o600}
    assert (tmp_path / ".dockmesh/.gitignore").read_text() == "*\n"


def test_a_host_that_left_leaves_no_key(tmp_path: Path) -> None:
    file = tmp_path / "dockmesh.yaml"
    save(file, KEPT)

    save(file, replace(KEPT, hosts={}, certificates={}))

    assert list((store.folder_of(file) / "hosts").iterdir()) == []


@pytest.mark.parametrize("name", ["index.json", "ca.key", "hosts/host1.key"])
def test_what_cannot_be_read_is_no_reason_to_make_it_anew(tmp_path: Path, name: str) -> None:
    file = tmp_path / "dockmesh.yaml"
    save(file, KEPT)
    path = store.folder_of(file) / name
    if name == "index.json":
        path.write_text("{")
    else:
        path.unlink()

    with pytest.raises(UsageError, match="which holds who has access"):
        store.load(file)


def test_a_copy_that_nobody_may_write_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "dockmesh.yaml"
    save(file, KEPT)

    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("dockmesh.history.held.os.open", read_only)

    assert store.load(file) == KEPT
    with pytest.raises(UsageError, match=r"cannot write .*: Read-only file system"):
        save(file, KEPT)
