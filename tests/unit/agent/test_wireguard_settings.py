"""What a WireGuard device is told; that it works is seen in the lab."""

import json
from pathlib import Path

import pytest

from dockmesh.agent.preshared import Preshared
from dockmesh.agent.wireguard_settings import configuration, read_settings, rules, without_key

A, B, S = (f"{letter * 43}=" for letter in "AEI")
SETTINGS = {
    "device": "dmw-1",
    "prefix": "198.18.0.0/16",
    "address": "198.18.42.1",
    "port": 51820,
    "peers": [
        {"name": "host2", "public": "B2=", "endpoint": "192.0.2.12:51820", "address": "198.18.42.2"},
        {"name": "host3", "public": "B3=", "endpoint": "[2001:db8::3]:51820", "address": "198.18.42.3"},
    ],
}


def test_each_peer_has_its_one_address_and_the_key_that_both_share(tmp_path: Path) -> None:
    (tmp_path / "private").write_text(f"{A}\n")
    (tmp_path / "preshared-host2").write_text(f"{B}\n")
    (tmp_path / "preshared-host3").write_text(f"{S}\n")

    assert configuration(SETTINGS, Preshared(str(tmp_path))) == (
        f"[Interface]\nListenPort = 51820\nPrivateKey = {A}\n"
        f"\n[Peer]\nPublicKey = B2=\nAllowedIPs = 198.18.42.2/32\nPresharedKey = {B}\n"
        "Endpoint = 192.0.2.12:51820\nPersistentKeepalive = 25\n"
        f"\n[Peer]\nPublicKey = B3=\nAllowedIPs = 198.18.42.3/32\nPresharedKey = {S}\n"
        "Endpoint = [2001:db8::3]:51820\nPersistentKeepalive = 25\n"
    )


def test_of_a_peer_whose_place_is_learned_nothing_is_told_that_would_take_that_away(tmp_path: Path) -> None:
    (tmp_path / "private").write_text(f"{A}\n")
    (tmp_path / "preshared-host2").write_text(f"{S}\n")
    hidden = {"name": "host2", "public": "B2=", "address": "198.18.42.2"}

    told = configuration({**SETTINGS, "peers": [hidden]}, Preshared(str(tmp_path))) or ""

    assert told.endswith(f"AllowedIPs = 198.18.42.2/32\nPresharedKey = {S}\nPersistentKeepalive = 25\n")


def test_a_peer_without_a_preshared_key_or_with_half_of_one_is_no_peer(tmp_path: Path) -> None:
    (tmp_path / "private").write_text(f"{A}\n")
    (tmp_path / "preshared-host2").write_text(f"{S[:43]}\n")

    preshared = Preshared(str(tmp_path))

    assert "[Peer]" not in (configuration(SETTINGS, preshared) or "")
    assert without_key(SETTINGS, preshared) == ["host2", "host3"]


def test_without_a_private_key_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert configuration(SETTINGS, Preshared(str(tmp_path))) is None


def test_rules_name_our_addresses_and_our_vnis_and_nothing_of_others() -> None:
    settings = {**SETTINGS, "vxlan": {"port": 4789, "vnis": [3, 2]}}

    text = rules(settings)

    others = '!= { "dmw-1", "lo" }'
    assert [line for line in text.splitlines() if line.startswith("add rule")] == [
        f"add rule inet dockmesh_encryption in iifname {others} ip saddr 198.18.0.0/16 counter drop",
        f"add rule inet dockmesh_encryption in iifname {others} ip daddr 198.18.0.0/16 counter drop",
        f"add rule inet dockmesh_encryption out oifname {others} ip daddr 198.18.0.0/16 counter drop",
        'add rule inet dockmesh_encryption local iifname != "dmw-1" udp dport 4789 @th,96,24 { 2, 3 } counter drop',
    ]
    assert "add chain inet dockmesh_encryption local { type filter hook input priority -350; policy accept; }" in text
    assert "4789" not in rules({**settings, "vxlan": None})


def test_settings_stand_below_marks() -> None:
    marks = "# Managed by dockmesh.\n# Made for host1.\n"

    assert read_settings(f"{marks}{json.dumps(SETTINGS, indent=1)}\n".splitlines()) == SETTINGS
    with pytest.raises(TypeError):
        read_settings(f"{marks}[]".splitlines())
    with pytest.raises(ValueError, match="it has no prefix"):
        read_settings('{"device": "dmw-1"}'.splitlines())
