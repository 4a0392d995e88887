"""The guard of containers' ports: whose address it learns, when, and what it puts back."""

import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dockmesh.agent import netlink, port_guard, telling
from dockmesh.agent.netlink import Device
from dockmesh.agent.port_guard import PortGuard
from dockmesh.render import ports
from tests.support.meshes import mesh_of
from tests.support.plans import config_of

MAC, OTHER_MAC = "02:42:ac:11:40:02", "0a:00:00:00:00:07"
OWN, OTHER = "172.17.64.2", "172.17.64.3"
HERE, THERE = 1, 7  # docker0, and a number of a container's namespace


def attribute(kind: int, value: bytes) -> bytes:
    return (struct.pack("=HH", 4 + len(value), kind) + value).ljust(4 + (len(value) + 3) // 4 * 4, b"\0")


def link(index: int, name: str, *, carrier: bool = True, mac: str = "", **numbers: int) -> Device:
    keys = {"master": netlink.MASTER, "other_end": netlink.OTHER_END, "namespace": netlink.NAMESPACE}
    body = struct.pack("=BxHiII", 0, 1, index, netlink.CARRIER if carrier else 0, 0)
    body += attribute(netlink.NAME, name.encode() + b"\0")
    body += attribute(netlink.ADDRESS, bytes.fromhex(mac.replace(":", "")))
    return Device(body + b"".join(attribute(keys[key], struct.pack("=i", value)) for key, value in numbers.items()))


class World:
    """A kernel and its nftables."""

    def __init__(self) -> None:
        self.links = [link(HERE, "docker0"), link(2, "br0", master=HERE), link(3, "eth0")]
        self.macs: dict[tuple[int, int], str] = {}  # of containers' ends
        self.addresses: tuple[str, ...] = ()
        self.loaded: list[str] = []
        self.table: str | None = None
        self.peers: str | None = None  # the table about who may send tunnels' packets
        self.fails = False
        self.cannot: tuple[str, ...] = ()  # words that this kernel does not know

    def start(self, name: str, mac: str = MAC, *, index: int = 10, carrier: bool = True, address: str = OWN) -> None:
        self.stop(index)
        self.addresses = (address,)
        self.macs[2, THERE] = mac
        self.links.append(link(index, name, carrier=carrier, master=HERE, other_end=2, namespace=THERE))

    def stop(self, index: int) -> None:
        self.links = [each for each in self.links if each.index != index]

    def ask(self, index: int = 0, namespace: int | None = None) -> list[Device]:
        if not index:
            return self.links
        assert namespace is not None
        if (index, namespace) not in self.macs:
            raise OSError(19, "No such device")
        return [link(index, "eth0", mac=self.macs[index, namespace])]

    def run(self, *words: str, text: str = "") -> tuple[str | None, str]:
        if words[0] == "--stateless":
            return (self.peers if "inet" in words else self.table), ""
        assert words == ("-f", "-")
        text = text.removeprefix(f"{port_guard.NO_PEERS}\n")  # what an older file may have left there
        if self.fails:
            return None, "interrupted"
        if any(word in line.partition("#")[0] for word in self.cannot for line in text.splitlines()):
            return None, "Error: Could not process rule: Operation not supported"
        self.loaded.append(text)
        self.table = (self.table or "") + text
        return "", ""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(port_guard, "links", world.ask)
    monkeypatch.setattr(port_guard, "addresses", lambda *_: world.addresses)
    monkeypatch.setattr(port_guard, "run", world.run)
    monkeypatch.setattr(telling, "SAID", [])
    return world


@pytest.fixture
def guard(world: World, tmp_path: Path) -> PortGuard:
    (tmp_path / "ports").write_text("the rules\n")
    guard = PortGuard(str(tmp_path / "ports"), ["docker0=br0"])
    assert guard.look()
    assert world.loaded == ["the rules\n"]
    return guard


def lines_of(name: str, mac: str, address: str) -> list[str]:
    both, alone = f'"{name}" . {address}', f'"{name}"'
    sets = {"members": alone, "macs": f'"{name}" . {mac}', "addresses": both, "given": address, "ports": alone}
    return [f"element bridge dockmesh {each} {{ {values} }}\n" for each, values in sets.items()]


def added(name: str, mac: str = MAC, address: str = OWN) -> str:
    """A port that is known without what it may send would be silent."""
    return "".join(f"add {line}" for line in lines_of(name, mac, address))


def gone(name: str, mac: str = MAC, address: str = OWN) -> str:
    return "".join(f"delete {line}" for line in reversed(lines_of(name, mac, address)))


def test_who_has_no_address_is_known_by_its_mac_address_alone(world: World, guard: PortGuard) -> None:
    world.start("veth1")
    world.addresses = ()

    assert guard.look()

    member, mac, *_, port = added("veth1").splitlines(keepends=True)
    assert world.loaded[1:] == [member + mac + port]


def test_whose_address_another_one_gets_has_it_no_more(world: World, guard: PortGuard) -> None:
    world.start("veth1")
    guard.look()
    world.stop(10)
    world.start("veth2", OTHER_MAC, index=11)

    assert guard.look()

    assert world.loaded[2:] == [gone("veth1") + added("veth2", OTHER_MAC)]


def test_a_container_is_known_as_soon_as_it_has_its_link(world: World, guard: PortGuard) -> None:
    world.start("veth1", carrier=False)
    assert guard.look()
    member, *rest = added("veth1").splitlines(keepends=True)
    assert world.loaded[1:] == [member]

    world.start("veth1")
    assert guard.look()

    assert world.loaded[2:] == ["".join(rest)]


def test_what_it_calls_itself_later_is_not_believed(world: World, guard: PortGuard) -> None:
    world.start("veth1")
    guard.look()
    world.macs[2, THERE] = OTHER_MAC
    world.addresses = (OWN, OTHER)

    assert guard.look()

    assert world.loaded[1:] == [added("veth1")]


def test_one_that_goes_is_forgotten_and_one_in_its_place_is_new(world: World, guard: PortGuard) -> None:
    world.start("veth1")
    guard.look()
    world.stop(10)
    world.start("veth1", OTHER_MAC, index=11)
    guard.look()
    world.stop(11)
    guard.look()

    # Of the same name, so it is a member all the time.
    old, (_, *new) = gone("veth1").splitlines(keepends=True)[:-1], added("veth1", OTHER_MAC).splitlines(keepends=True)
    assert world.loaded[2:] == ["".join(old + new), gone("veth1", OTHER_MAC)]


@pytest.mark.parametrize(
    ("device", "is_member"),
    [
        (link(2, "br0", master=HERE), False),
        (link(10, "veth-lan", master=HERE, other_end=11), True),  # its other end is on this host
        (link(10, "tap0", master=HERE), True),
        (link(10, "veth1", other_end=2, namespace=THERE), False),
        (link(10, "veth1", master=3, other_end=2, namespace=THERE), False),
    ],
    ids=["to other hosts", "of a pair here", "of no pair", "in no bridge", "in another bridge"],
)
def test_whose_port_is_no_containers_has_no_mac_address_that_it_must_send_by(
    world: World, guard: PortGuard, device: Device, is_member: bool
) -> None:
    world.stop(2)
    world.macs[2, THERE] = MAC
    world.links.append(device)

    assert guard.look()

    assert world.loaded[1:] == ([f'add element bridge dockmesh members {{ "{device.name}" }}\n'] if is_member else [])


def test_one_that_goes_while_it_is_asked_harms_nobody(world: World, guard: PortGuard) -> None:
    world.start("veth1")
    world.macs.clear()

    assert guard.look()
    assert world.loaded[1:] == [added("veth1").splitlines(keepends=True)[0]]


def test_rules_that_somebody_flushed_come_back_with_all_ports(
    world: World, guard: PortGuard, capsys: pytest.CaptureFixture[str]
) -> None:
    world.start("veth1")
    guard.look()
    world.table = None

    assert guard.look()

    assert world.loaded[2:] == ["the rules\n" + added("veth1")]
    assert "put back" in capsys.readouterr().err


def test_so_do_those_about_peers_where_the_file_has_them(world: World, guard: PortGuard, tmp_path: Path) -> None:
    (tmp_path / "ports").write_text("table inet dockmesh_peers {}\n")
    world.peers = "as told"
    assert guard.look()
    there = len(world.loaded)
    assert guard.look()
    assert len(world.loaded) == there

    world.peers = None

    assert not guard.look()
    assert world.loaded[there:] == ["table inet dockmesh_peers {}\n"]


def test_a_rule_that_somebody_changed_is_put_back(world: World, guard: PortGuard) -> None:
    assert world.table is not None
    world.table += "another"

    assert guard.look()
    assert guard.look()

    assert world.loaded[1:] == ["the rules\n"]


def test_a_kernel_that_cannot_is_told_of_once_and_tried_again(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ports").write_text("the rules\n")
    guard = PortGuard(str(tmp_path / "ports"), ["docker0=br0"])
    world.fails = True

    assert [guard.look(), guard.look()] == [False, False]
    world.fails = False
    assert guard.look()

    assert capsys.readouterr().err.count("interrupted") == 1


OPTIONAL = "always\nibrname docker0 # needs ibrname\niifkind bridge # needs iifkind\n"


@pytest.mark.parametrize(
    ("cannot", "left"),
    [
        ((), OPTIONAL),
        (("ibrname",), "always\niifkind bridge # needs iifkind\n"),
        (("iifkind",), "always\nibrname docker0 # needs ibrname\n"),
        (("ibrname", "iifkind"), "always\n"),
    ],
    ids=["all", "no ibrname", "no iifkind", "neither"],
)
def test_a_kernel_that_cannot_do_some_of_it_gets_the_rest(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], cannot: tuple[str, ...], left: str
) -> None:
    (tmp_path / "ports").write_text(OPTIONAL)
    guard = PortGuard(str(tmp_path / "ports"), ["docker0=br0"])
    world.cannot = cannot

    assert guard.look()
    assert guard.look()

    assert world.loaded == [left]
    assert capsys.readouterr().err == (
        f"this kernel, or nft, cannot do {', '.join(cannot)}: the rest of the rules is there\n" if cannot else ""
    )


def test_what_fails_for_another_reason_is_tried_again_whole(world: World, tmp_path: Path) -> None:
    (tmp_path / "ports").write_text(OPTIONAL)
    guard = PortGuard(str(tmp_path / "ports"), ["docker0=br0"])
    world.fails = True
    assert not guard.look()
    world.fails = False

    assert guard.look()

    assert world.loaded == [OPTIONAL]


@pytest.mark.parametrize("cannot", [(), ("ibrname",)], ids=["by name", "by its set"])
def test_a_port_is_a_member_at_once_where_the_rules_do_not_see_it_by_themselves(
    world: World, tmp_path: Path, cannot: tuple[str, ...]
) -> None:
    (tmp_path / "ports").write_text(OPTIONAL)
    guard = PortGuard(str(tmp_path / "ports"), ["docker0=br0"])
    world.cannot = cannot
    guard.look()
    world.start("veth1", carrier=False)

    guard.join()
    guard.join()
    joined = world.loaded[1:]
    assert guard.look()

    member = added("veth1").splitlines(keepends=True)[0]
    assert joined == ([member] if cannot else [])
    assert world.loaded[1:] == [member]


def test_other_rules_take_the_place_of_the_old_ones(
    world: World, guard: PortGuard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.start("veth1")
    guard.look()
    (tmp_path / "ports").write_text("other rules\n")

    assert guard.look()
    assert guard.look()

    assert world.loaded[2:] == ["other rules\n" + added("veth1")]
    assert capsys.readouterr().err == ""


def test_a_kernel_that_tells_no_addresses_is_told_of_once_and_the_port_is_known(
    world: World, guard: PortGuard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> tuple[str, ...]:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(port_guard, "addresses", fail)
    world.start("veth1")
    world.links.append(link(11, "veth2", master=HERE, other_end=2, namespace=THERE))

    assert guard.look()

    assert sorted(port.mac for port in guard.there.values()) == [MAC, MAC]
    assert capsys.readouterr().err.count("cannot read the addresses of containers") == 1


@pytest.mark.parametrize("error", [OSError("no"), TimeoutError("no")])
def test_a_kernel_that_does_not_answer_changes_nothing(
    world: World, guard: PortGuard, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> list[Device]:
        raise error

    monkeypatch.setattr(port_guard, "links", fail)

    assert not guard.look()
    assert world.loaded == ["the rules\n"]


NFT = """\
#!/bin/sh
echo "$*" >> {log}
case "$1" in -f) echo $$ > {pid}; exec sleep 100 ;; esac
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets want root")
def test_stopped_it_leaves_the_rules_and_no_nft_at_work(tmp_path: Path) -> None:
    """Whoever takes them away afterwards is not undone, and whoever replaces them leaves no gap."""
    log, rules, nft = tmp_path / "log.txt", tmp_path / "ports", tmp_path / "nft"
    program = tmp_path / "port-guard.py"
    program.write_text(next(file.text for file in config_of(mesh_of(3)).files if file.path == ports.PROGRAM))
    rules.write_text("the rules\n")
    nft.write_text(NFT.format(log=log, pid=log.with_suffix(".pid")))
    nft.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = (sys.executable, str(program), str(rules), "nobridge0=nobridge1")
    pid = log.with_suffix(".pid")
    with subprocess.Popen(command, env=environment) as guard:
        end = time.monotonic() + 60
        while not pid.exists() or not pid.read_text():
            assert time.monotonic() < end
            time.sleep(0.01)
        guard.send_signal(signal.SIGTERM)
        assert guard.wait(60) == 0

    assert log.read_text().splitlines() == ["-f -"]
    end = time.monotonic() + 10  # it is ended before the guard is, and gone when the kernel comes to it
    while at_work(pid.read_text().strip()):
        assert time.monotonic() < end
        time.sleep(0.01)


def at_work(pid: str) -> bool:
    """Not what has ended, and waits for its parent to hear of it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
