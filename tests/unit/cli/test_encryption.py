"""What the command line says of encryption without asking a host."""

import json
from pathlib import Path

import pytest

from dockmesh.history import public_keys
from dockmesh.render.wireguard import SETTINGS
from tests.support.fake_keys import public_key
from tests.unit.cli.conftest import Dockmesh

ENCRYPTED = """\
fabric: {datapath: netdev, tunnel: vxlan, tunnel_devices: kernel, encryption: wireguard}
networks:"""


@pytest.fixture
def encrypted(mesh_file: Path) -> Path:
    mesh_file.write_text(mesh_file.read_text().replace("networks:", ENCRYPTED, 1))
    return mesh_file


def test_rekey_of_a_mesh_in_clear_says_how_to_encrypt(dockmesh: Dockmesh, mesh_file: Path) -> None:
    ran = dockmesh("rekey", "--yes")

    assert ran.code == 2
    assert "nothing is encrypted in this mesh" in ran.err
    assert "set `encryption: wireguard` under `fabric`" in ran.err


def test_plan_says_so_with_the_sum_and_where_tunnels_end(dockmesh: Dockmesh, encrypted: Path) -> None:
    shown, told = dockmesh("plan"), dockmesh("plan", "--json").json()

    assert "encrypted by WireGuard on UDP port 51820" in " ".join(shown.out.split())
    assert "−32  WireGuard header and tag" in shown.out
    assert told["encryption"] == {"kind": "wireguard", "prefix": "198.18.0.0/16", "port": 51820}
    assert told["hosts"][0]["tunnels"][0] == {
        "port": "dmt-vxlan1",
        "peer": "host2",
        "remote": "198.18.42.2",
        "underlay": "2.2.2.2",
        "vni": 3,
    }


def test_render_has_the_settings_where_keys_are_known_and_else_says_that_they_are_not(
    dockmesh: Dockmesh, encrypted: Path
) -> None:
    without = dockmesh("render", "-o", "out")
    public_keys.save(encrypted, {name: public_key(name) for name in ("host1", "host2", "host3")})
    with_keys = dockmesh("render", "-o", "out")

    assert SETTINGS in without.err
    assert "keys are not in the mesh file" in without.err
    assert with_keys.err == ""
    text = Path(f"out/host1{SETTINGS}").read_text()
    assert [peer["public"] for peer in json.loads(text.split("\n", 2)[2])["peers"]] == [
        public_key("host2"),
        public_key("host3"),
    ]


def test_public_keys_that_cannot_be_read_are_told_with_the_way_out(dockmesh: Dockmesh, encrypted: Path) -> None:
    public_keys.save(encrypted, {"host1": public_key("host1")})
    path = next(encrypted.parent.glob(".dockmesh/*/keys/public.json"))
    path.write_text('{"hosts": 7}')

    ran = dockmesh("render", "-o", "out")

    assert ran.code == 2
    assert "public.json" in ran.err
    assert "run `dockmesh apply`: the hosts have them" in " ".join(ran.err.split())


def test_no_encryption_and_no_key_of_any_kind_is_the_same(dockmesh: Dockmesh, encrypted: Path) -> None:
    encrypted.write_text(encrypted.read_text().replace("encryption: wireguard", "encryption: off"))
    off = dockmesh("plan", "--json").json()
    encrypted.write_text(encrypted.read_text().replace(", encryption: off", ""))

    assert off["encryption"] is None
    assert dockmesh("plan", "--json").json() == off
