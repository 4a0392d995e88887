"""The keys of a host: made where they are, told by fingerprint only."""

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

from dockmesh.agent import keys
from dockmesh.agent.curve25519 import public_key
from dockmesh.agent.preshared import clear
from dockmesh.agent.texts import keys_text

SHARED = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(32)).decode()


def test_a_host_without_keys_says_so_and_makes_one_when_told(tmp_path: Path) -> None:
    folder = str(tmp_path / "keys")

    before = keys.carry_out({}, folder)
    made = keys.carry_out({"make": True}, folder)

    assert before == {"public": None, "preshared": {}, "peers": {}}
    private = base64.b64decode((tmp_path / "keys/private").read_text())
    assert made["public"] == base64.b64encode(public_key(private)).decode()
    assert keys.carry_out({"make": True}, folder) == made


def test_what_it_takes_it_tells_by_a_fingerprint_that_both_ends_have_and_forgets_when_told(tmp_path: Path) -> None:
    here, there = str(tmp_path / "here"), str(tmp_path / "there")

    taken = keys.carry_out({"take": {"host2": SHARED, "host3": OTHER}}, here)["preshared"]
    other = keys.carry_out({"take": {"host1": SHARED}}, there)["preshared"]

    assert taken["host2"] == other["host1"] != taken["host3"]
    assert SHARED not in str(taken)
    assert keys.carry_out({"drop": ["host2", "host9"]}, here)["preshared"] == {"host3": taken["host3"]}


def test_nobody_but_root_reads_them(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    was = os.umask(0)
    try:
        keys.carry_out({"make": True, "take": {"host2": SHARED}}, str(folder))
    finally:
        os.umask(was)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert modes == {"keys": 0o700, "private": 0o600, "public": 0o600, "preshared-host2": 0o600}


def test_what_is_no_key_is_none(tmp_path: Path) -> None:
    (tmp_path / "private").write_text("nonsense")
    (tmp_path / "preshared-host2").write_text(base64.b64encode(b"short").decode())

    assert keys.carry_out({}, str(tmp_path)) == {"public": None, "preshared": {}, "peers": {}}


def test_it_runs_as_the_one_text_that_is_sent() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", keys_text()], check=False, input="{}", capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert set(__import__("json").loads(done.stdout)) == {"public", "preshared", "peers"}


def test_the_key_of_before_stays_beside_a_new_one_and_the_same_again_changes_nothing(tmp_path: Path) -> None:
    folder = str(tmp_path)

    keys.carry_out({"take": {"host2": SHARED}}, folder)
    keys.carry_out({"take": {"host2": OTHER}}, folder)
    keys.carry_out({"take": {"host2": OTHER}}, folder)

    assert (tmp_path / "before-host2").read_text().strip() == SHARED
    assert (tmp_path / "preshared-host2").read_text().strip() == OTHER
    assert list(keys.carry_out({}, folder)["preshared"]) == ["host2"]


def test_a_second_key_that_reached_this_end_only_leaves_the_one_that_both_have(tmp_path: Path) -> None:
    folder, third = str(tmp_path), base64.b64encode(bytes([7] * 32)).decode()

    for key in (SHARED, OTHER, third):
        keys.carry_out({"take": {"host2": key}}, folder)

    assert (tmp_path / "before-host2").read_text().strip() == SHARED
    assert (tmp_path / "preshared-host2").read_text().strip() == third


def test_what_is_dropped_comes_back_with_a_rollback_and_goes_when_none_is_possible(tmp_path: Path) -> None:
    folder = str(tmp_path)
    for key in (SHARED, OTHER):
        keys.carry_out({"take": {"host2": key}}, folder)
    was = {path.name: path.read_text() for path in tmp_path.iterdir()}

    assert keys.carry_out({"drop": ["host2"]}, folder)["preshared"] == {}
    keys.carry_out({"restore": ["host2", "host9"]}, folder)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == was

    keys.carry_out({"drop": ["host2"]}, folder)
    clear(folder, 0.0)
    assert list(tmp_path.iterdir()) == []


def test_only_what_is_of_no_use_is_cleared(tmp_path: Path) -> None:
    names = ("private", "public", "preshared-a", "before-a", "before-b", "preshared-c.new", "dropped-preshared-d")
    for name in names:
        (tmp_path / name).write_text("")
    (tmp_path / "preshared-e.new").write_text("")
    os.utime(tmp_path / "preshared-c.new", (0, 0))
    os.utime(tmp_path / "preshared-e.new", (1000, 1000))

    clear(str(tmp_path), 1000.0)

    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"private", "public", "preshared-a", "before-a", "preshared-e.new"}


def test_the_public_key_is_computed_once_and_belongs_to_the_private_one(tmp_path: Path) -> None:
    folder = str(tmp_path)
    made = keys.carry_out({"make": True}, folder)["public"]

    assert (tmp_path / "public").read_text().strip() == made
    (tmp_path / "private").unlink()
    again = keys.carry_out({"make": True}, folder)["public"]
    private = base64.b64decode((tmp_path / "private").read_text())
    assert again == base64.b64encode(public_key(private)).decode() != made


def test_it_tells_whom_it_knows_and_nobody_where_the_settings_are_nonsense(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    rest = '"device": "dmw-1", "prefix": "198.18.0.0/16", "address": "198.18.42.1"'
    path.write_text(f'# Managed\n{{{rest}, "peers": [{{"name": "host2", "public": "B="}}]}}\n')

    assert keys.tell(str(tmp_path), str(path))["peers"] == {"host2": "B="}
    for nonsense in ("", "[]", '{"peers": 7}', '{"peers": [{}]}'):
        path.write_text(nonsense)
        assert keys.tell(str(tmp_path), str(path))["peers"] == {}
