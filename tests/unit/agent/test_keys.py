"""The keys of a host: made where they are, told by fingerprint only."""

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

from dockmesh.agent import keys
from dockmesh.agent.curve25519 import public_key
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
    os.umask(0)

    keys.carry_out({"make": True, "take": {"host2": SHARED}}, str(folder))

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert modes == {"keys": 0o700, "private": 0o600, "preshared-host2": 0o600}


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
    keys.carry_out({"drop": ["host2"]}, folder)
    assert list(tmp_path.iterdir()) == []


def test_it_tells_whom_it_knows_and_nobody_where_the_settings_are_nonsense(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text('# Managed\n{"peers": [{"name": "host2", "public": "B="}]}\n')

    assert keys.tell(str(tmp_path), str(path))["peers"] == {"host2": "B="}
    for nonsense in ("", "[]", '{"peers": 7}', '{"peers": [{}]}'):
        path.write_text(nonsense)
        assert keys.tell(str(tmp_path), str(path))["peers"] == {}
