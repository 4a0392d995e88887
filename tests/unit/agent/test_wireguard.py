"""The keeper of the encryption: what it does first, and what it does where something is missing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dockmesh.agent import telling, wireguard, wireguard_locks
from dockmesh.agent.wireguard import DeviceKeeper

SETTINGS = {
    "device": "dmw-1",
    "alias": "dockmesh=prod",
    "port": 51820,
    "mtu": 1440,
    "address": "198.18.42.1",
    "prefix": "198.18.0.0/16",
    "peers": [],
}
Run = Callable[..., str | None]


class Kernel:
    """Its routes and addresses, as far as the keeper asks; and what it was told, in order."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.missing: set[str] = set()  # programs
        self.unreachable: list[str] = []
        self.addresses: list[str] = []
        self.table: str | None = None

    def run(self, *argv: str, text: str = "", may_fail: bool = False, secret: bool = False) -> str | None:
        if argv[0] in self.missing:
            telling.say_once(f"{argv[0]}: not there")
            return None
        self.said.append(" ".join(argv))
        match argv:
            case ("ip", "-4", "route", "show", "type", "unreachable", *_):
                return "".join(f"unreachable {each} proto 83 metric 4278198272\n" for each in self.unreachable)
            case ("ip", "route", "replace", "unreachable", prefix, *_):
                self.unreachable.append(prefix)
            case ("ip", "route", "flush", "type", "unreachable", *_, prefix):
                self.unreachable.remove(prefix)
            case ("ip", "-json", "-4", "address", *_):
                return json.dumps([{"addr_info": [{"local": each} for each in self.addresses]}])
            case ("ip", "address", "replace", address, *_):
                self.addresses.append(address.partition("/")[0])
            case ("ip", "address", "del", address, *_):
                self.addresses.remove(address.partition("/")[0])
            case ("nft", "-f", "-"):
                self.table = text
            case ("nft", *_):
                return self.table
        return ""

    def when(self, words: str) -> int:
        """Which it was, of all that was said."""
        return next(number for number, line in enumerate(self.said) if words in line)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Kernel:
    made = Kernel()
    for module in (wireguard, wireguard_locks):
        monkeypatch.setattr(module, "run", made.run)
    (tmp_path / "devices/dmw-1").mkdir(parents=True)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/private").write_text("A" * 43 + "=\n")
    (tmp_path / "rp_filter").write_text("")
    monkeypatch.setattr(wireguard, "DEVICES", str(tmp_path / "devices"))
    monkeypatch.setattr(wireguard, "KEYS", str(tmp_path / "keys"))
    monkeypatch.setattr(wireguard, "REVERSE_PATH", str(tmp_path / "rp_filter"))
    monkeypatch.setattr(wireguard, "UNCONFIRMED", ())
    telling.forget()
    return made


def keeper(tmp_path: Path, **changed: object) -> DeviceKeeper:
    path = tmp_path / "settings"
    path.write_text(json.dumps({**SETTINGS, **changed}))
    return DeviceKeeper(str(path), "dmw-1", "198.18.0.0/16")


def test_both_locks_come_before_the_address_that_tunnels_send_from(kernel: Kernel, tmp_path: Path) -> None:
    assert keeper(tmp_path).look()

    order = [kernel.when(words) for words in ("replace unreachable", "nft -f -", "wg syncconf", "ip address replace")]
    assert order == sorted(order)


def test_without_nft_there_are_the_route_and_the_device_and_an_alarm(kernel: Kernel, tmp_path: Path) -> None:
    kernel.missing = {"nft"}
    here = keeper(tmp_path)

    assert not here.look()

    assert here.locks.closed
    assert kernel.addresses == ["198.18.42.1"]
    assert telling.SAID == ["nft: not there"]


@pytest.mark.parametrize("text", [None, "", "[]", "{}", "\0" * 100])
def test_settings_that_are_gone_or_nonsense_leave_the_locks_and_no_address(
    kernel: Kernel, tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "settings"
    if text is not None:
        path.write_text(text)
    here = DeviceKeeper(str(path), "dmw-1", "198.18.0.0/16")

    assert not here.look()

    assert here.locks.closed
    assert kernel.unreachable == ["198.18.0.0/16"]
    assert "ip saddr 198.18.0.0/16 counter drop" in (kernel.table or "")
    assert kernel.addresses == []
    assert "run `dockmesh apply`" in telling.SAID[0]


def test_without_the_route_nobody_is_told_that_it_is_ready_and_no_address_comes(kernel: Kernel, tmp_path: Path) -> None:
    kernel.missing = {"ip"}
    here = keeper(tmp_path)

    assert not here.look()

    assert not here.locks.closed
    assert kernel.addresses == []


def test_of_another_prefix_nothing_stays_and_its_lock_goes_last(kernel: Kernel, tmp_path: Path) -> None:
    keeper(tmp_path, prefix="198.19.0.0/16", address="198.19.42.1").look()
    kernel.said.clear()

    assert keeper(tmp_path).look()

    assert (kernel.unreachable, kernel.addresses) == (["198.18.0.0/16"], ["198.18.42.1"])
    order = [
        kernel.when(words)
        for words in (
            "replace unreachable 198.18.0.0/16",
            "address del 198.19.42.1/32",
            "flush type unreachable proto 83 exact 198.19.0.0/16",
        )
    ]
    assert order == sorted(order)
