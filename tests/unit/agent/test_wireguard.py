"""The keeper of the encryption: what it does first, and what it does where something is missing."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dockmesh.agent import telling, wireguard, wireguard_device, wireguard_locks
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

    def __init__(self, device: Path) -> None:
        self.device = device  # its folder in sysfs
        self.link: dict[str, object] = {"ifname": "dmw-1", "flags": ["POINTOPOINT"], "mtu": 1420}
        self.routes: list[str] = []
        self.said: list[str] = []
        self.missing: set[str] = set()  # programs
        self.unreachable: list[str] = []
        self.policies: list[str] = []
        self.addresses: list[str] = []
        self.table: str | None = None

    def run(self, *argv: str, text: str = "", may_fail: bool = False, secret: bool = False) -> str | None:
        if argv[0] in self.missing:
            telling.say_once(f"{argv[0]}: not there")
            return None
        self.said.append(" ".join(argv))
        return self.change(argv, text) if (answer := self.answer(argv)) is None else answer

    def answer(self, argv: tuple[str, ...]) -> str | None:
        """To a question; None where it is none."""
        match argv:
            case ("ip", "-4", "route", "show", "type", "unreachable", *_):
                return "".join(f"unreachable {each} proto 83 metric 4278198272\n" for each in self.unreachable)
            case ("ip", "-4", "rule", "show"):
                of_ours = (f"83:\tfrom all to {each} lookup main proto 83\n" for each in self.policies)
                return "0:\tfrom all lookup local\n" + "".join(of_ours) + "32766:\tfrom all lookup main\n"
            case ("ip", "-json", "-4", "address", *_):
                return json.dumps([{**self.link, "addr_info": [{"local": each} for each in self.addresses]}])
            case ("ip", "-4", "route", "show", "exact", prefix, *_):
                return "".join(f"{each} scope link\n" for each in self.routes if each == prefix)
            case ("ip", "-4", "route", "show", "dev", *_):
                return "".join(f"{each} scope link\n" for each in self.routes)
        return None

    def change(self, argv: tuple[str, ...], text: str) -> str | None:
        match argv:
            case ("ip", "route", "replace", "unreachable", prefix, *_):
                self.unreachable.append(prefix)
            case ("ip", "route", "flush", "type", "unreachable", *_, prefix):
                self.unreachable.remove(prefix)
            case ("ip", "-4", "rule", "add", "to", prefix, *_):
                self.policies.append(prefix)
            case ("ip", "-4", "rule", "del", *_, prefix):
                self.policies.remove(prefix)
            case ("ip", "link", "set", "dev", _, "mtu", mtu, "alias", alias, "up"):
                self.link |= {"mtu": int(mtu), "flags": ["POINTOPOINT", "UP", "LOWER_UP"]}
                (self.device / "ifalias").write_text(f"{alias}\n")
            case ("ip", "route", "replace", prefix, *_):
                self.routes = [*{*self.routes, prefix}]
            case ("ip", "route", "flush", "exact", prefix, *_):
                self.routes.remove(prefix)
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
    made = Kernel(tmp_path / "devices/dmw-1")
    for module in (wireguard, wireguard_device, wireguard_locks):
        monkeypatch.setattr(module, "run", made.run)
    (tmp_path / "devices/dmw-1").mkdir(parents=True)
    (tmp_path / "devices/dmw-1/uevent").write_text("DEVTYPE=wireguard\n")
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


CHANGES = re.compile(r"^(ip (.* )?(set|add|del|delete|replace|flush) |wg (set|syncconf) |nft -f)")


def test_a_second_look_changes_nothing(kernel: Kernel, tmp_path: Path) -> None:
    """Each change would be heard, and looked at, and so on without end."""
    here = keeper(tmp_path)
    assert here.look()
    assert [line for line in kernel.said if CHANGES.search(line)]
    kernel.said.clear()

    assert here.look()

    assert [line for line in kernel.said if CHANGES.search(line)] == []


def test_without_nft_there_are_the_route_and_the_device_and_an_alarm(kernel: Kernel, tmp_path: Path) -> None:
    kernel.missing = {"nft"}
    here = keeper(tmp_path)

    assert not here.look()

    assert here.locks.closed
    assert kernel.addresses == ["198.18.42.1"]
    assert telling.SAID == ["nft: not there"]
    assert here.state(well=False) == "encrypting; trouble: nft: not there"


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

    assert (kernel.unreachable, kernel.policies) == (["198.18.0.0/16"], ["198.18.0.0/16"])
    assert kernel.addresses == ["198.18.42.1"]
    order = [
        kernel.when(words)
        for words in (
            "replace unreachable 198.18.0.0/16",
            "address del 198.19.42.1/32",
            "flush type unreachable proto 83 exact 198.19.0.0/16",
        )
    ]
    assert order == sorted(order)


def test_a_device_of_that_name_that_is_somebody_elses_is_not_touched(kernel: Kernel, tmp_path: Path) -> None:
    device = tmp_path / "devices/dmw-1"
    for file, text in (("ifalias", "office\n"), ("uevent", "INTERFACE=dmw-1\n")):
        before = (device / file).read_text() if (device / file).exists() else ""
        (device / file).write_text(text)
        here = keeper(tmp_path)

        assert not here.look()

        assert here.locks.closed
        assert not [line for line in kernel.said if line.startswith(("wg ", "ip address", "ip link"))]
        assert here.state(well=False).startswith("not encrypting: a device dmw-1 is not dockmesh's: rename it")
        (device / file).write_text(before)
    (device / "ifalias").write_text("dockmesh=another mesh\n")
    assert keeper(tmp_path).look()


def test_it_says_what_does_not_encrypt_and_with_whom_it_has_no_key(kernel: Kernel, tmp_path: Path) -> None:
    peer = {"name": "host2", "public": "B2=", "address": "198.18.42.2"}
    here = keeper(tmp_path, peers=[peer])

    assert here.state(well=here.look()) == "encrypting; no key with: host2"

    kernel.missing = {"wg"}
    here.given = None
    assert here.state(well=here.look()) == "not encrypting: wg: not there"


def test_settings_that_are_lost_while_it_encrypts_are_a_trouble_and_no_end_of_it(
    kernel: Kernel, tmp_path: Path
) -> None:
    here = keeper(tmp_path)
    here.look()
    (tmp_path / "settings").unlink()

    assert here.state(well=here.look()).startswith("encrypting; trouble: cannot read ")

    shutil.rmtree(tmp_path / "devices/dmw-1")
    assert here.state(well=here.look()).startswith("not encrypting: cannot read ")
