"""`dockmesh access`, on this machine; what hosts make of it is in tests/lab."""

import json
from pathlib import Path

import pytest

from dockmesh.access.store import folder_of
from dockmesh.context.meta import folder_name
from tests.unit.cli.conftest import Dockmesh


@pytest.fixture(autouse=True)
def opened(mesh_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The guide's mesh, with Docker's API."""
    mesh_file.write_text(mesh_file.read_text() + "docker_api: {listen: mesh}\n")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return mesh_file


def folder(file: Path, name: str) -> Path:
    return folder_of(file) / "clients" / name


def test_who_is_let_in_has_a_folder_that_docker_takes(dockmesh: Dockmesh, opened: Path) -> None:
    done = dockmesh("access", "create", "ann")

    own = folder(opened, "ann")
    assert done.code == 0
    assert {path.name for path in own.iterdir()} == {"ca.pem", "cert.pem", "key.pem"}
    assert f"export DOCKER_CERT_PATH={own}" in done.out
    assert "export DOCKER_HOST=tcp://172.17.42.1:2376" in done.out
    assert "PRIVATE KEY" not in done.out + done.err


def test_a_name_is_let_in_twice_only_if_that_is_meant(dockmesh: Dockmesh) -> None:
    dockmesh("access", "create", "ann")

    refused, again = dockmesh("access", "create", "ann"), dockmesh("access", "create", "ann", "--again", "--json")

    assert (refused.code, "ann already has access" in refused.err) == (2, True)
    assert again.json()["urls"]["host2"] == "tcp://172.17.42.2:2376"
    assert [each["valid"] for each in dockmesh("access", "list", "--json").json()["clients"]] == [True, True]


@pytest.mark.parametrize("name", ["../ann", ".ann", "a b", "", "a" * 64])
def test_a_name_that_is_no_name_writes_nothing(dockmesh: Dockmesh, opened: Path, name: str) -> None:
    assert dockmesh("access", "create", "--", name).code == 2
    assert not folder_of(opened).exists()


def test_who_is_shut_out_is_listed_as_such_and_loses_the_folder(dockmesh: Dockmesh, opened: Path) -> None:
    dockmesh("access", "create", "ann")
    dockmesh("access", "create", "bob", "--days", "1")

    done = dockmesh("access", "revoke", "ann", "--later")
    rows = dockmesh("access", "list").out.splitlines()

    assert "ann loses access with the next apply" in done.out
    assert not folder(opened, "ann").exists()
    assert [(row.split()[0], row.split()[5]) for row in rows[1:3]] == [("ann", "revoked"), ("bob", "gets")]


def test_nobody_is_shut_out_who_was_not_let_in(dockmesh: Dockmesh) -> None:
    dockmesh("access", "create", "ann")

    done = dockmesh("access", "revoke", "anne", "--later")

    assert (done.code, "known are ann" in done.err) == (2, True)


def test_nobody_let_in_is_said(dockmesh: Dockmesh) -> None:
    assert "nobody was given access from here" in dockmesh("access", "list").out
    assert dockmesh("access", "list", "--json").json() == {"authority_until": None, "clients": []}


def test_another_authority_wants_a_yes(dockmesh: Dockmesh, tmp_path: Path) -> None:
    dockmesh("access", "create", "ann")
    dockmesh("access", "create", "bob", "--output", str(tmp_path / "bob"))

    refused, done = dockmesh("access", "rotate"), dockmesh("access", "rotate", "--yes")

    assert (refused.code, done.code) == (2, 0)
    assert "ann has a new certificate" in done.out
    assert "bob need new certificates" in done.err


def test_a_closed_api_lets_nobody_in_yet(dockmesh: Dockmesh, opened: Path) -> None:
    opened.write_text(opened.read_text().replace("docker_api: {listen: mesh}\n", ""))

    done = dockmesh("access", "create", "ann")

    assert (done.code, "no API is open yet" in done.err) == (0, True)


def test_contexts_by_the_api_have_its_certificate_until_they_are_removed(dockmesh: Dockmesh, tmp_path: Path) -> None:
    made = dockmesh("access", "create", "ann", "--json").json()

    created = dockmesh("context", "create", "--api", made["folder"])
    contexts = tmp_path / "docker/contexts"
    meta = json.loads((contexts / "meta" / folder_name("prod-host2") / "meta.json").read_text())
    tls = contexts / "tls" / folder_name("prod-host2") / "docker"
    keys = {path.name: (path.stat().st_mode & 0o777, path.read_text()) for path in tls.iterdir()}
    again = dockmesh("context", "create", "--api", made["folder"], "--json").json()
    removed = dockmesh("context", "remove")

    assert (created.code, created.err) == (0, "")
    assert meta["Endpoints"]["docker"] == {"Host": "tcp://172.17.42.2:2376", "SkipTLSVerify": False}
    assert keys == {name: (0o600, (Path(made["folder"]) / name).read_text()) for name in keys}
    assert set(keys) == {"ca.pem", "cert.pem", "key.pem"}
    assert [each["written"] for each in again["contexts"]] == [False] * 3
    assert removed.code == 0
    assert [path for path in contexts.rglob("*") if path.is_file()] == []


def test_contexts_by_the_api_want_a_certificate_and_an_api(dockmesh: Dockmesh, opened: Path, tmp_path: Path) -> None:
    without = dockmesh("context", "create", "--api", str(tmp_path))
    opened.write_text(opened.read_text().replace("docker_api: {listen: mesh}\n", ""))
    shut = dockmesh("context", "create", "--api", str(tmp_path))

    assert (without.code, "has no certificate that can be read" in without.err) == (2, True)
    assert (shut.code, "does not open Docker's API" in shut.err) == (2, True)
