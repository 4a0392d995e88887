"""A host in memory behind the transport: it answers the questions of facts/ and does what diff/ asks for.

Only as true as a real host needs to be for what the tests ask; tests/lab has the real ones.
"""

import asyncio
import base64
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from ipaddress import IPv4Interface, ip_interface
from typing import Any, TypeVar

from dockmesh import __version__
from dockmesh.agent.wireguard_settings import read_settings
from dockmesh.apply import outage
from dockmesh.debian.deb import read_deb
from dockmesh.diff.host import FACT_PATHS, INTERFACES_FILE, SWITCH_UNIT
from dockmesh.diff.origin import expected
from dockmesh.errors import ConnectError
from dockmesh.facts import docker as docker_facts
from dockmesh.facts import gather, link, packages, system
from dockmesh.facts.types import HostFacts
from dockmesh.model.mesh import Datapath
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.record import applied as record
from dockmesh.record import initial_state
from dockmesh.record.paths import APPLIED, ARMED, STATE
from dockmesh.render import network as render_network
from dockmesh.render import wireguard
from dockmesh.render.docker import DAEMON_JSON, IPV6_KEYS, alone
from dockmesh.render.paths import FLOWS
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import (
    Answer,
    Arm,
    Ask,
    Begin,
    Confirm,
    Exec,
    Find,
    Get,
    GetBytes,
    Gro,
    Lock,
    Put,
    PutBytes,
    Reading,
    Remove,
    Request,
    RollBack,
    Stat,
    Transact,
    Units,
    Unlock,
)
from tests.support.fake_flows import FakeFlows
from tests.support.fake_keys import FakeKeys, order_of
from tests.support.fake_ovs import Bridge, FakeOvs, Port, assign
from tests.support.known_commands import UnknownCommandError, take
from tests.support.requests import from_line

OK = Answer(0)
BARE = frozenset(("apt-get", "ip", "ifup", "systemctl", "nft", "python3"))
DEBIANS_INTERFACES = {INTERFACES_FILE: ("source /etc/network/interfaces.d/*\n", 0o644)}
COMES_WITH = {
    "openvswitch-switch": ("ovs-vsctl",),
    "docker.io": ("dockerd",),
    "docker-cli": ("docker",),
    "iptables": ("iptables",),
    "nftables": ("nft",),
    "bridge-utils": ("brctl",),
    "ethtool": ("ethtool",),
    "python3-dnslib": (system.LIBRARY,),
    "stunnel4": ("stunnel",),
    "wireguard-tools": ("wg",),
    "wireguard-go": ("wireguard-go",),
}


@dataclass
class Device:
    mac: str = "02:00:00:00:00:01"
    mtu: int = 1500
    up: bool = True
    master: str | None = None
    kind: str | None = None
    addresses: list[str] = field(default_factory=list)
    stp: int = 0
    accept_ra: int = 0
    parent: str | None = None
    alias: str | None = None
    vxlan: dict[str, Any] | None = None  # as iproute2 shows it
    gro: bool = True
    taken_up: bool = False  # as a port, by Open vSwitch: one that is made under a living port is not

    def json(self, index: int, name: str) -> dict[str, Any]:
        details: dict[str, Any] = {"info_data": {"stp_state": self.stp}} if self.kind == "bridge" else {}
        details = {"info_data": self.vxlan} if self.vxlan else details
        return {
            "ifindex": index,
            "ifname": name,
            "mtu": self.mtu,
            "address": self.mac,
            "flags": ["BROADCAST", *(["UP"] if self.up else [])],
            **({"master": self.master} if self.master else {}),
            **({"link": self.parent} if self.parent else {}),
            **({"ifalias": self.alias} if self.alias else {}),
            **({"linkinfo": {"info_kind": self.kind, **details}} if self.kind else {}),
            "addr_info": [
                {
                    "family": "inet" if each.version == 4 else "inet6",
                    "local": str(each.ip),
                    "prefixlen": each.network.prefixlen,
                    "scope": "global",
                }
                for each in map(ip_interface, self.addresses)
            ],
        }


@dataclass
class Container:
    name: str
    policy: str = "no"  # of restart; "rm" for a container that goes when it stops
    runs: bool = True
    network: str = "bridge"


@dataclass
class Daemon:
    settings: dict[str, Any] = field(default_factory=dict)  # what it uses
    live_restore: bool = False
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)  # as its API lists them, without those of its own


@dataclass
class FakeHost:
    """The Transport, with a host behind it. `asked` has every request in its order."""

    name: str
    programs: set[str] = field(default_factory=lambda: set(BARE))
    files: dict[str, tuple[str, int]] = field(default_factory=lambda: dict(DEBIANS_INTERFACES))
    units: dict[str, dict[str, str]] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    ovs: FakeOvs | None = None
    flows: FakeFlows = field(default_factory=FakeFlows)  # of br0
    docker: Daemon | None = None
    containers: list[Container] = field(default_factory=list)
    packages: dict[str, str] = field(default_factory=dict)  # what dpkg has, with versions
    offers: set[str] = field(default_factory=set)  # relations that its sources meet
    blobs: dict[str, bytes] = field(default_factory=dict)  # files that are no text
    locked_by: str | None = None
    begun: set[str] = field(default_factory=set)
    runs: list[str] = field(default_factory=list)
    remembered: str = "172.17.0.1/16"  # docker0's address, in Docker's own store
    folders: set[str] = field(default_factory=set)  # that are there even if nothing is in them
    needs: dict[str, str] = field(default_factory=dict)  # what packages depend on
    keys: FakeKeys = field(init=False)
    fails: Callable[[Request], Answer | None] = lambda _: None
    asked: list[Request] = field(default_factory=list)
    reached_from: str | None = None

    def __post_init__(self) -> None:
        self.keys = FakeKeys(self.name)

    async def ask(
        self, *requests: Request, together: bool = False, until_failure: bool = False, within_s: float | None = None
    ) -> tuple[Answer, ...]:
        answers: list[Answer] = []
        for request in requests:
            await asyncio.sleep(0)  # the other hosts get their turn
            self.asked.append(request)
            answers.append(self.fails(request) or self.answer(request))
            if until_failure and not answers[-1].ok:
                break
        return tuple(answers)

    def roll_back(self, *, booted: bool = False) -> str:
        """What agent/back.py does when its deadline is over; the line that it leaves."""
        way = json.loads(self.files.pop(ARMED)[0])
        failures = []
        for part in way["parts"]:
            if not self.begun.intersection([*part["when"], *(part["booted"] if booted else ())]):
                continue
            for line in part["requests"]:
                done = self._by_itself(from_line(line))
                if not done.ok and part["must"] and line["kind"] != "remove":
                    failures.append(f"{part['name']}: exit {done.code}: {done.err}")
        for line in way["last"]:
            self.answer(from_line(line))
        self.runs.append(json.dumps({**way["run"], "ended": "gone back", "failures": failures, "changes": []}))
        return self.runs[-1]

    def _by_itself(self, request: Request) -> Answer:
        """Whatever became of the connection."""
        try:
            return self.fails(request) or self.answer(request)
        except ConnectError:
            return self.answer(request)

    def wait_out(self) -> None:
        """Nobody is heard of any more until the deadline is over."""
        self.locked_by = None
        if ARMED in self.files:
            self.roll_back()

    def restart(self) -> None:
        """A boot: the kernel's things are recreated as they were, and Docker takes the file that it finds."""
        self.locked_by = None
        if self.docker:
            self.docker.live_restore = False
            self._restart_docker()
        if ARMED in self.files:
            self.roll_back(booted=True)

    async def close(self) -> None:
        pass

    def facts(self, bundle: str | None = None) -> HostFacts:
        """`bundle`: the flows that are wanted; without it those of the host's own file."""
        bundle = bundle or self.files.get(FLOWS, (None, 0))[0]
        inquiry = gather.Inquiry(FACT_PATHS, bundle)
        return inquiry.read(self.name, tuple(map(self.answer, inquiry.requests)))

    def state(self) -> object:
        """All facts but when they were made so; a unit that was switched off is one that never was."""
        facts = self.facts()
        off = ("inactive", "disabled")
        units = {
            unit: {key: value for key, value in states.items() if value not in off}
            for unit, states in facts.units.items()
        }
        made = record.read(facts.file(APPLIED))
        files = {path: state for path, state in facts.files.items() if path != APPLIED}
        links = tuple(replace(link, index=0) for link in facts.links)
        return replace(facts, units=units, files=files, links=links), made and replace(made, when="", run="")

    def answer_with_ovs(self, bridges: dict[str, Bridge]) -> None:
        """Open vSwitch runs, with these bridges of somebody's."""
        self.ovs = self.ovs or FakeOvs()
        self.ovs.bridges |= bridges

    def answer_delete(self, device: str) -> None:
        self._delete(device)

    def answer_install(self, packages: tuple[str, ...]) -> None:
        self._apt_get(["install", *packages])

    def writes(self) -> list[str]:
        """The requests that change something, by their text."""
        return [str(request) for request in self.asked if not _only_reads(request)]

    def answer(self, request: Request) -> Answer:
        match request:
            case Lock() | Unlock():
                return self._lock(request)
            case Arm() | Begin() | Confirm() | RollBack():
                return self._rollback(request)
            case Get(path):
                text, mode = self.files.get(path, ("", 0))
                return Answer(0, text, oct(mode)) if path in self.files else Answer(2)
            case Put(path, text, mode):
                self.files[path] = (text, mode)
                return OK
            case Remove(path):
                return OK if self.files.pop(path, None) else Answer(2)
            case Ask(_, url):
                return self._docker_api(url)
            case Find(programs):
                return Answer(0, "".join(f"/usr/bin/{name}\n" for name in programs if name in self.programs))
            case Exec(("ovs-ofctl", *words), stdin):
                return self.flows.answer(words, stdin, self.files.get(words[-1], ("", 0))[0])
            case Exec(argv, stdin) if (order := order_of(argv, stdin)) is not None:
                return self.keys.answer(order, self.files.get(wireguard.SETTINGS, (None, 0))[0])
            case Exec(argv):
                return self._run(argv)
            case _:
                return self._rest(request)

    def _rest(self, request: Request) -> Answer:
        match request:
            case PutBytes(path, text, offset):
                self.blobs[path] = self.blobs.get(path, b"")[:offset] + base64.b64decode(text)
                return OK
            case GetBytes(path, offset, length) if path in self.blobs:
                return Answer(0, base64.b64encode(self.blobs[path][offset : offset + length]).decode())
            case Units(names):
                return Answer(0, "\n".join(self._unit_states(name) for name in names))
            case Stat(system.LIBRARY_FILE) if system.LIBRARY in self.programs:
                return Answer(0, "1 1")
            case Gro(prefix):
                there = ((name, device) for name, device in self.devices.items() if name.startswith(prefix))
                return Answer(0, "".join(f"{name} {'on' if device.gro else 'off'}\n" for name, device in there))
            case Transact() if self.ovs:
                return Answer(0, self.ovs.tables())
            case _:
                return Answer(2)

    def _lock(self, request: Lock | Unlock) -> Answer:
        holder = self.locked_by
        if isinstance(request, Lock):
            return OK if holder is None else Answer(75, "0", holder)
        self.locked_by = None
        return Answer(3) if holder is None else Answer(0, holder)

    def _rollback(self, request: Arm | Begin | Confirm | RollBack) -> Answer:
        match request:
            case Arm(text):
                self.files[ARMED] = (text, 0o600)
                self.begun.clear()
            case Begin(step):
                self.begun.add(step)
            case Confirm(_, line, files) if ARMED in self.files:
                del self.files[ARMED]
                self.files |= {path: (text, 0o600) for path, text in files.items()}
                self.runs.append(line)
            case Confirm():
                return Answer(76, self.runs[-1], "the host rolled back to what it was")
            case RollBack():
                return Answer(0, self.roll_back()) if ARMED in self.files else Answer(3)
        return OK

    def _run(self, argv: tuple[str, ...]) -> Answer:
        match argv:
            case link.LINKS:
                rows = enumerate(self.devices.items(), start=1)
                return Answer(0, json.dumps([device.json(index, name) for index, (name, device) in rows]))
            case system.MODULE:
                return OK
            case ("ovs-vsctl", *words):
                return self._ovs_vsctl(tuple(words))
            case ("ip", *words):
                return self._ip(words)
            case ("systemctl", *words):
                return self._systemctl(words)
            case ("apt-get", "--simulate", *_, "satisfy", relation):
                return (
                    OK if relation in self.offers else Answer(100, err=f"Depends: {relation} but it is not installable")
                )
            case ("python3", _, "apt-get", *words):
                return self._apt_get(words)
            case ("apt-get", *words):
                return Answer(0, self._simulated(words)) if "--simulate" in words else self._apt_get(words)
            case ("docker", "start", *ids):
                return self._docker_start(ids)
            case ("docker", "network", *words) if self.docker:
                return self._docker_network(self.docker, words)
            case ("find", "/sys/class/net", *words):
                return self._find_device(words)
        return self._around(argv)

    def _find_device(self, words: list[str]) -> Answer:
        match words:
            case ["-maxdepth", "0", "!", "-exec", "test", "-e", there, ";", "-exec", "ip", *command]:
                return OK if there.rpartition("/")[2] in self.devices else self._ip(command[:-1])
            case ["-maxdepth", "1", "-name", name, "-exec", "ip", "link", "delete", "dev", same, ";"] if name == same:
                self._delete(name)
            case _:
                raise UnknownCommandError(("find", "/sys/class/net", *words))
        return OK

    def _around(self, argv: tuple[str, ...]) -> Answer:
        """What is asked before the first change of a host, and after the last; and what its kernel is told."""
        match argv:
            case link.ROUTERS:
                folder = "/proc/sys/net/ipv6/conf"
                values = ((name, device.accept_ra) for name, device in self.devices.items())
                return Answer(0, "".join(f"{folder}/{name}/accept_ra:{value}\n" for name, value in values))
            case ("sysctl", "-q", "-e", "-w", setting):
                _, _, _, name, value = setting.split("/")
                if name in self.devices:
                    self.devices[name].accept_ra = int(value.removeprefix("accept_ra="))
                return OK
            case ("ethtool", "-K", name, "gro", "off"):
                if name not in self.devices:
                    return Answer(1, err="netlink error: No such device")
                self.devices[name].gro = False
                return OK
            case ("find", *paths, "-maxdepth", "0"):
                return Answer(0, "".join(f"{path}\n" for path in paths if self._is_folder(path)))
            case ("find", above, "-maxdepth", "1", "-name", name, "-type", "d", "-empty", "-delete"):
                if not any(path.startswith(f"{above}/{name}/") for path in self.files):
                    self.folders.discard(f"{above}/{name}")
                return OK
            case ("find", *words, "-empty", "-delete"):
                for path in {each for each in words if each in self.folders}:
                    if not any(each.startswith(f"{path}/") for each in self.files):
                        self.folders.discard(path)
                return OK
        return self._carried(argv)

    def _carried(self, argv: tuple[str, ...]) -> Answer:
        """What is asked where a mesh brings packages of its own."""
        match argv:
            case (
                "systemd-run",
                "--quiet",
                "--collect",
                _,
                "--nice=0",
                "python3",
                _,
                outage.PINGER.file,
                _,
                _,
                *others,
            ):
                self.blobs[outage.PINGER.file] = _heard(len(others)).encode()
            case packages.ARCHITECTURE:
                return Answer(0, "amd64\n")
            case packages.INSTALLED:
                lines = (f"installed\t{name}\tamd64\t{version}\t\n" for name, version in self.packages.items())
                return Answer(0, "".join(lines))
            case ("sha256sum", "--", *paths):
                there = [path for path in paths if path in self.blobs]
                return Answer(0, "".join(f"{hashlib.sha256(self.blobs[path]).hexdigest()}  {path}\n" for path in there))
            case packages.DEPENDENCIES:
                lines = (f"installed\t{name}\t{self.needs.get(name, '')}\t\n" for name in self.packages)
                return Answer(0, "".join(lines))
            case ("rm", "--recursive", "--force", *folders):
                below = tuple(f"{folder}/" for folder in folders)
                self.blobs = {path: blob for path, blob in self.blobs.items() if not path.startswith(below)}
                self.files = {path: file for path, file in self.files.items() if not path.startswith(below)}
                if STATE in folders:
                    self.keys.forget()
            case _:
                return take(argv)
        return OK

    def _unit_states(self, name: str) -> str:
        return "".join(f"{key}={value}\n" for key, value in {"Id": name, **self.units.get(name, {})}.items())

    def _ovs_vsctl(self, words: tuple[str, ...]) -> Answer:
        if self.ovs is None:
            return Answer(127, err="ovs-vsctl: command not found")
        before = self.ovs.ports()
        wrong = self.ovs.transact(words)
        for name, device in self.devices.items():
            # Both in one transaction is no change to it.
            device.taken_up = name in self.ovs.ports() and (device.taken_up or name not in before)
        for name in [name for name, device in self.devices.items() if device.kind == "openvswitch"]:
            if name not in self.ovs.bridges:
                del self.devices[name]
                if name == FABRIC_BRIDGE:
                    self.flows = FakeFlows()
        for name in self.ovs.bridges:
            device = self.devices.setdefault(name, Device(kind="openvswitch", up=False))
            device.mtu = int(str(self.ovs.bridges[name].ports[name].interface.get("mtu_request", device.mtu)))
        return Answer(1, err=wrong) if wrong else OK

    def _delete(self, name: str) -> bool:
        for device in self.devices.values():
            device.master = None if device.master == name else device.master
        return self.devices.pop(name, None) is not None

    def _add_vxlan(self, name: str, words: list[str]) -> Answer:
        made = vxlan(words)
        if name in self.devices:
            return Answer(2, err="RTNETLINK answers: File exists")
        for other in self.devices.values():
            if other.vxlan and (other.vxlan["id"], other.vxlan["port"]) == (made["id"], made["port"]):
                return Answer(2, err="Error: A VXLAN device with the specified VNI already exists.")
        self.devices[name] = Device(up=False, kind="vxlan", vxlan=made)
        return OK

    def _ip(self, words: list[str]) -> Answer:
        match words:
            case ["link", "delete", "dev", name]:
                return OK if self._delete(name) else Answer(1, err=f'Cannot find device "{name}"')
            case ["link", "add", "name", name, "type", "vxlan", *rest]:
                return self._add_vxlan(name, rest)
            case ["link", "add", "name", name, "type", "bridge"]:
                self.devices[name] = Device(kind="bridge", up=False, accept_ra=1)
            case ["address", "flush", "dev", name, "to", address]:
                if name not in self.devices:
                    return Answer(1, err=f'Cannot find device "{name}"')
                old = self.devices[name].addresses
                self.devices[name].addresses = [each for each in old if str(ip_interface(each).ip) != address[:-3]]
            case ["address", "del", address, "dev", name]:
                self.devices[name].addresses.remove(address)
            case ["link", "set", "dev", name, *rest]:
                master = [rest[place + 1] for place, word in enumerate(rest) if word == "master"]
                for each in (name, *master):
                    if each not in self.devices:
                        return Answer(1, err=f'Cannot find device "{each}"')
                self._set_device(self.devices[name], rest)
            case ["address", "replace", address, "broadcast", "+", "dev", name] | [
                "address",
                "replace",
                address,
                "dev",
                name,
                "nodad",
            ]:
                if address not in self.devices[name].addresses:
                    self.devices[name].addresses.append(address)
            case _:
                return take(("ip", *words))
        return OK

    def _set_device(self, device: Device, words: list[str]) -> None:
        rest = iter(words)
        for word in rest:
            match word:
                case "up" | "down":
                    device.up = word == "up"
                case "nomaster":
                    device.master = None
                case "master":
                    device.master = next(rest)
                case "alias":
                    device.alias = next(rest)
                case "mtu":
                    device.mtu = int(next(rest))
                case "address":
                    device.mac = next(rest)
                case "type":
                    assert next(rest) == device.kind
                case "forward_delay":
                    next(rest)
                case "stp_state":
                    device.stp = int(next(rest))
                case _:
                    raise UnknownCommandError(("ip", "link", "set", *words))

    def _systemctl(self, words: list[str]) -> Answer:  # noqa: PLR0912  a table
        match words:
            case ["enable" | "disable" as verb, *units] if "--now" not in units:
                for unit in units:
                    self.units.setdefault(unit, {})["UnitFileState"] = f"{verb}d"
            case ["show", "--property=Id,ActiveState,ExecStart", *_]:
                return Answer(0)  # asked about firewalls and network managers, of which it has none
            case ["show", *_] if ("systemctl", *words) == initial_state.SERVICE_STATES:
                return Answer(0, self._service_states())
            case ["enable", "--now", unit] if unit == SWITCH_UNIT:
                self.ovs = self.ovs or FakeOvs()
            case ["disable", "--now", unit]:
                self.units[unit] = {"UnitFileState": "disabled", "ActiveState": "inactive"}
            case ["start", *_, unit]:
                self.units.setdefault(unit, {})["ActiveState"] = "active"
                self._encrypt(unit)
            case ["reload", wireguard.UNIT]:
                pass  # the device takes what the files and keys are now
            case ["stop", *units]:
                for unit in units:
                    self.units.setdefault(unit, {})["ActiveState"] = "inactive"
                if "docker.service" in units:
                    self.docker = None
                if SWITCH_UNIT in units:
                    self.ovs = None
            case ["restart", "docker.service"]:
                return self._restart_docker()
            case ["restart", *_, unit]:
                self.units.setdefault(unit, {})["ActiveState"] = "active"
                self._encrypt(unit)
            case ["reload", "docker.service"] if self.docker:
                self.docker.live_restore = bool(self._daemon_json().get("live-restore"))
            case _:
                return take(("systemctl", *words))
        return OK

    def _encrypt(self, unit: str) -> None:
        if unit == wireguard.UNIT and self.keys.private and wireguard.SETTINGS in self.files:
            told = read_settings(self.files[wireguard.SETTINGS][0].splitlines())
            self.devices[told["device"]] = Device("", told["mtu"], kind="tun", alias=told["alias"])

    def _daemon_json(self) -> dict[str, Any]:
        settings: dict[str, Any] = json.loads(self.files.get(DAEMON_JSON, ("{}", 0))[0])
        return settings

    def _restart_docker(self) -> Answer:
        try:
            settings = self._daemon_json()
        except ValueError:
            self.docker = None
            return Answer(1, err="Job for docker.service failed")
        keeps = self.docker is not None and self.docker.live_restore and bool(settings.get("live-restore"))
        running = [container for container in self.containers if container.runs]
        if self.docker and keeps and running:
            # and ignores bip, fixed-cidr and mtu without a word
            taken = {key: settings[key] for key in IPV6_KEYS if key in settings}
            self.docker.settings = {k: v for k, v in self.docker.settings.items() if k not in IPV6_KEYS} | taken
            return OK
        for container in running:
            container.runs = container.policy == "always"
        self.containers = [each for each in self.containers if each.runs or each.policy != "rm"]
        networks = self.docker.networks if self.docker else {}
        self.docker = Daemon(settings, bool(settings.get("live-restore")), networks)
        bridge = self.devices.setdefault("docker0", Device(kind="bridge"))
        # Without a `bip` it has what it had last, and makes docker0 so even if that is gone.
        self.remembered = settings.get("bip", self.remembered)
        settings["bip"] = self.remembered
        bridge.addresses = [self.remembered]
        bridge.mtu = settings.get("mtu", 1500)
        return OK

    def _simulated(self, words: list[str]) -> str:
        known = [word for word in words if word in COMES_WITH]
        if "purge" in words:
            return "".join(f"Purg {name} [1]\n" for name in known if name in self.packages)
        return "".join(f"Inst {name} (1 Debian [amd64])\n" for name in known if name not in self.packages)

    def _service_states(self) -> str:
        runs = {SWITCH_UNIT: ("ovs-vsctl", self.ovs), "docker.service": ("dockerd", self.docker)}
        return "\n".join(
            f"Id={unit}\nLoadState={'loaded' if program in self.programs else 'not-found'}\n"
            f"ActiveState={'active' if it else 'inactive'}\nUnitFileState={'enabled' if it else 'disabled'}\n"
            for unit, (program, it) in runs.items()
        )

    def _is_folder(self, path: str) -> bool:
        return path in self.folders or any(each.startswith(f"{path}/") for each in self.files)

    def _purge(self, words: list[str]) -> Answer:
        for package in [word for word in words if word in COMES_WITH]:
            self.packages.pop(package, None)
            self.programs.difference_update(COMES_WITH[package])
        self.docker = self.docker if "dockerd" in self.programs else None
        self.ovs = self.ovs if "ovs-vsctl" in self.programs else None
        return OK

    def _apt_get(self, words: list[str]) -> Answer:
        if "purge" in words or "remove" in words:
            return self._purge(words)
        carried = [read_deb(io.BytesIO(self.blobs[path]), path) for path in words if path in self.blobs]
        self.packages |= {deb.package: deb.version for deb in carried}
        words = [*words, *(deb.package for deb in carried)]
        for package in [word for word in words if word in COMES_WITH]:
            self.programs.update(COMES_WITH[package])
            self.packages.setdefault(package, "1")
        if "openvswitch-switch" in words:
            self.ovs = self.ovs or FakeOvs()
        if "docker.io" in words:
            return self._restart_docker()
        return OK

    def _docker_start(self, ids: list[str]) -> Answer:
        known = {container.name: container for container in self.containers}
        if gone := [each for each in ids if each not in known]:
            return Answer(1, err=f"Error response from daemon: No such container: {gone[0]}")
        for each in ids:
            known[each].runs = True
        return OK

    def _docker_network(self, docker: Daemon, words: list[str]) -> Answer:
        match words:
            case ["rm", name]:
                if any(each.network == name and each.runs for each in self.containers):
                    return Answer(1, err=f"error while removing network: network {name} has active endpoints")
                return OK if docker.networks.pop(name, None) else Answer(1, err=f"network {name} not found")
            case ["create", *options, name]:
                if name in docker.networks:
                    return Answer(1, err=f"network with name {name} already exists")
                docker.networks[name] = network_row(name, options)
                made = docker.networks[name]["Options"].get(docker_facts.BRIDGE_NAME, "")
                bridge = self.devices.setdefault(made, Device(kind="bridge"))
                configs = docker.networks[name]["IPAM"]["Config"]
                bridge.addresses = [f"{each['Gateway']}/{each['Subnet'].partition('/')[2]}" for each in configs]
            case _:
                raise UnknownCommandError(("docker", "network", *words))
        return OK

    def _docker_api(self, url: str) -> Answer:
        if self.docker is None:
            return Answer(3)
        bip = IPv4Interface(self.docker.settings.get("bip", "172.17.0.1/16"))
        pool = {"IPRange": self.docker.settings["fixed-cidr"]} if "fixed-cidr" in self.docker.settings else {}
        options = {"com.docker.network.bridge.name": "docker0"}
        if "mtu" in self.docker.settings:
            options["com.docker.network.driver.mtu"] = str(self.docker.settings["mtu"])
        body: object = {
            docker_facts.INFO: {
                "ServerVersion": "26.1.5",
                "LiveRestoreEnabled": self.docker.live_restore,
                "ExperimentalBuild": bool(self.docker.settings.get("experimental")),
            },
            docker_facts.NETWORK: {
                "IPAM": {"Config": [{"Subnet": str(bip.network), "Gateway": str(bip.ip), **pool}]},
                "Options": options,
            },
            docker_facts.NETWORKS: [
                {"Id": "0" * 64, "Name": "bridge", "Driver": "bridge"},
                *self.docker.networks.values(),
            ],
        }.get(url)
        if body is None:
            body = [
                {
                    "Id": each.name,
                    "Names": [f"/{each.name}"],
                    "Image": "busybox",
                    "State": "running" if each.runs else "exited",
                    "Status": "Up 5 minutes" if each.runs else "Exited (0)",
                    "Created": 1_780_000_000,
                    "NetworkSettings": {"Networks": {each.network: {}}},
                }
                for each in self.containers
                if each.runs or "all=1" in url
            ]
        return Answer(0, json.dumps(body))


H = TypeVar("H", bound=FakeHost)


def remake(kind: type[H], host: FakeHost, **more: object) -> H:
    """The host as one that can more."""
    parts = {each.name: getattr(host, each.name) for each in fields(host) if each.init}
    return kind(**parts, **more)  # type: ignore[arg-type]


def vxlan(words: list[str]) -> dict[str, Any]:
    """As iproute2 shows what it was told to make."""
    made: dict[str, Any] = {"learning": True}
    rest = iter(words)
    for word in rest:
        match word:
            case "nolearning" | "learning":
                made["learning"] = word == "learning"
            case "external":
                made["external"] = True
            case "id":
                made["id"] = int(next(rest))
            case "dstport":
                made["port"] = int(next(rest))
            case "local" | "remote":
                address = next(rest)
                made[f"{word}6" if ":" in address else word] = address
            case "df":
                made["df"] = next(rest)
            case _:
                raise UnknownCommandError(("ip", "link", "add", "type", "vxlan", *words))
    return made


def network_row(name: str, options: list[str]) -> dict[str, Any]:
    """As Docker's API shows what its command line was told."""
    said: dict[str, list[str]] = {}
    words = iter(word for word in options if word not in ("--internal", "--ipv6"))
    for word in words:
        said.setdefault(word.removeprefix("--"), []).append(next(words))
    one = {key: values[0] for key, values in said.items()}
    config = {"subnet": "Subnet", "ip-range": "IPRange", "gateway": "Gateway"}
    return {
        "Id": name.ljust(64, "0"),
        "Name": name,
        "Driver": one["driver"],
        "Internal": "--internal" in options,
        "EnableIPv6": "--ipv6" in options,
        "IPAM": {
            "Config": [
                {theirs: said[ours][place] for ours, theirs in config.items() if len(said.get(ours, ())) > place}
                for place in range(len(said.get("subnet", ())))
            ]
        },
        "Options": dict(each.split("=", 1) for each in said.get("opt", [])),
        "Labels": dict(each.split("=", 1) for each in said.get("label", [])),
    }


def _heard(others: int) -> str:
    """What agent/pinger.py says of hosts that answer, but for one ping of nine."""
    rounds = [(number, 1_000_000 + number * 20_000) for number in range(1, 10)]
    answers = [f"A {number} {place} 400\n" for number, _ in rounds if number != 3 for place in range(others)]
    return "".join([*(f"R {number} {at}\n" for number, at in rounds), *answers])


def _only_reads(request: Request) -> bool:
    if isinstance(request, Exec):
        if request.argv == initial_state.SERVICE_STATES or request.argv[-2:] == ("-maxdepth", "0"):
            return True
        if {"diff-flows", "dump-groups"}.intersection(request.argv):
            return True
        reading = ("journalctl", "modprobe", "apt-cache", "dpkg", "dpkg-query", "sha256sum")
        if "--simulate" in request.argv:
            return True
        return request.argv[0] in reading or request.argv in (link.LINKS, link.ROUTERS)
    return isinstance(request, Reading | Lock | Arm | Begin | Confirm)


def bare(config: HostConfig) -> FakeHost:
    """A host with neither Open vSwitch nor Docker."""
    host = FakeHost(config.host, devices={"eth0": Device(addresses=[f"{config.underlay}/24"])})
    if config.datapath is Datapath.NETDEV and not config.kernel_devices:
        # As on a host that was made ready for the datapath in userspace: the underlay is on a bridge of its.
        host.ovs = FakeOvs()
        host.ovs.bridges["br-phy"] = Bridge({"datapath_type": "netdev"}, {"br-phy": Port(), "eth0": Port()})
        host.devices = {"br-phy": Device(kind="openvswitch", addresses=[f"{config.underlay}/24"])}
        host.programs.add("ovs-vsctl")
    for attach in config.attachments:
        host.devices[attach.interface] = Device(mac="02:00:00:00:00:02", up=False)
    return host


def installed(config: HostConfig) -> FakeHost:
    """A host on which Open vSwitch and Docker run with their defaults, as their packages start them."""
    host = bare(config)
    host.programs |= {program for programs in COMES_WITH.values() for program in programs}
    host.ovs = host.ovs or FakeOvs()
    host.docker = Daemon()
    host.devices["docker0"] = Device("02:42:5e:00:00:01", kind="bridge", addresses=["172.17.0.1/16"])
    return host


def record_of(config: HostConfig) -> str:
    """What apply leaves of itself, where every two hosts are linked."""
    hosts = sorted((config.host, *(tunnel.peer for tunnel in config.tunnels)))
    return record.write(
        record.Applied(config.mesh, __version__, "2026-11-26T12:00:00+00:00", "", tuple(hosts), expected(config))
    )


def applied(config: HostConfig) -> FakeHost:
    """The host as it is when all of `config` is real; made from the config itself, by none of apply's commands."""
    host = installed(config)
    daemon = alone(config.daemon)
    host.files |= {file.path: (file.text, file.mode) for file in (*config.files, daemon)}
    host.files[APPLIED] = (record_of(config), record.MODE)
    host.docker = Daemon(json.loads(daemon.text))
    host.remembered = config.daemon.bip
    host.units = {unit: {"UnitFileState": "enabled", "ActiveState": "active"} for unit in config.units}
    ports = {
        config.docker0.switch: (
            *(tunnel.port for tunnel in config.tunnels),
            *(each.fabric_port for each in config.further),
            *(each.fabric_port for each in config.attachments),
        )
    }
    for attach in config.attachments:
        ports[attach.switch] = (*ports.get(attach.switch, (attach.interface,)), attach.switch_port)
        host.devices[attach.interface] = Device(mac="02:00:00:00:00:02")
        host.devices[attach.switch] = Device(kind="openvswitch", up=False)
    for end in config.tunnels:
        if end.device is not None:
            local, remote = str(end.device.local), str(end.device.remote)
            six = "6" if ":" in local else ""
            details = {"id": end.device.vni, f"local{six}": local, f"remote{six}": remote, "port": 4789, "df": "set"}
            host.devices["dmt-sink"] = Device(kind="bridge", up=False, alias=f"dockmesh={config.mesh}")
            host.devices[end.port] = Device(
                mtu=config.docker0.mtu,
                master="dmt-sink",
                kind="vxlan",
                alias=f"dockmesh={config.mesh}",
                vxlan={**details, "learning": False},
                gro=False,
                taken_up=True,
            )
    for network in config.networks:
        addresses = [str(each) for each in (network.address, network.address6) if each]
        host.devices[network.bridge] = Device(network.bridge_mac, network.mtu, kind="bridge", addresses=addresses)
        host.devices[network.switch] = Device(mtu=network.mtu, master=network.bridge, kind="openvswitch")
    for network in config.further:
        ports[network.switch] = (network.switch_port,)
        *_, name = argv = render_network.create(network, config.mesh)
        host.docker.networks[name] = network_row(name, list(argv[3:-1]))
    assert host.ovs is not None
    for switch, others in ports.items():
        host.ovs.bridges[switch] = Bridge(ports={name: Port() for name in (switch, *others)})
        host.ovs.bridges[switch].ports[switch].interface["type"] = "internal"
    for setting in config.settings:
        key = f":{setting.key}" if setting.key else ""
        owning = next(each for each in host.ovs.bridges.values() if setting.record in each.ports)
        assign(owning.record(setting.table, setting.record), f"{setting.column}{key}={setting.value}")
    host.flows.install(config.flows)
    return host
