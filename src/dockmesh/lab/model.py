"""A lab and its hosts: who they are, and the marks by which everything of theirs is found again."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path

from dockmesh.errors import LabError
from dockmesh.lab.release import DEFAULT, Release, releases_of
from dockmesh.model.mesh import ETHERNET_MTU, Datapath, UnderlayAddress

# Addresses of one lab's underlay: the switch (and package server) first, then the hosts.
SWITCH_NUMBER, FIRST_HOST_NUMBER = 1, 11
MAX_HOSTS = 254 - FIRST_HOST_NUMBER + 1
PACKAGES = "packages"  # what the package server serves, in the lab's directory
NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


class HostKind(StrEnum):
    """What stands in for a server."""

    CONTAINER = "container"  # a systemd-nspawn machine, on this machine's kernel
    VM = "vm"  # a virtual machine, on the distribution's own kernel


class UnderlayPlace(StrEnum):
    """What has a host's underlay address, where its datapath is in userspace."""

    BRIDGE = "bridge"  # a bridge of Open vSwitch's, which the card is in
    DEVICE = "device"  # the card itself


class Accelerator(StrEnum):
    """Who carries out a virtual machine's instructions."""

    KVM = "kvm"  # the processor
    TCG = "tcg"  # QEMU itself: anywhere, and many times slower


@dataclass(frozen=True, slots=True)
class LabHost:
    name: str
    address: IPv4Address
    mtu: int = ETHERNET_MTU
    release: Release = DEFAULT
    nat: bool = False  # whether a router hides it, which then has `address`


@dataclass(frozen=True, slots=True)
class Image:
    """Of one release: what hosts start from, and what they can install."""

    root: Path  # a tree; for virtual machines a folder with disk, kernel and initrd
    packages: Path


@dataclass(frozen=True, slots=True)
class Lab:
    """One lab. Its directory makes it: the same directory is the same lab, whoever asks and whenever."""

    name: str
    directory: Path
    prepared: bool
    datapath: Datapath
    images: Mapping[Release, Image]  # of all releases that its hosts have
    hosts: tuple[LabHost, ...]
    ipv6: bool = False  # whether the mesh goes by IPv6; SSH and packages go by IPv4 all the same
    kind: HostKind = HostKind.CONTAINER
    accelerator: Accelerator | None = None  # of virtual machines
    place: UnderlayPlace = UnderlayPlace.BRIDGE

    @property
    def in_bridge(self) -> bool:
        """Whether the underlay address is on a bridge of Open vSwitch's."""
        return self.datapath is Datapath.NETDEV and self.place is UnderlayPlace.BRIDGE

    @property
    def hash(self) -> str:
        return hash_of(self.directory)

    @property
    def mark(self) -> str:
        """The name, or its beginning, of all that the lab has on this machine: namespaces, cgroup, nspawn machines."""
        return mark_of(self.directory)

    @property
    def switch_netns(self) -> str:
        return f"{self.mark}-net"

    @property
    def subnet(self) -> IPv4Network:
        return subnet_of(self.directory)

    @property
    def switch_address(self) -> IPv4Address:
        return self.subnet[SWITCH_NUMBER]

    @property
    def subnet6(self) -> IPv6Network:
        """Of local addresses (RFC 4193), with the lab's hash in them."""
        return IPv6Network(f"fd77:{self.hash[:2]}:{self.hash[2:]}::/64")

    @property
    def hidden_subnet(self) -> IPv4Network:
        """Behind each router the same (RFC 1918)."""
        return IPv4Network("192.168.77.0/24")

    @property
    def router_address(self) -> IPv4Address:
        return self.hidden_subnet[1]

    def router_netns_of(self, host: LabHost) -> str:
        return f"{self.netns_of(host)}-nat"

    def address_of(self, host: LabHost) -> IPv4Address:
        """The host's own IPv4 address."""
        return self.hidden_subnet[2] if host.nat else host.address

    def underlay_of(self, host: LabHost) -> UnderlayAddress:
        """For the mesh file."""
        return self.subnet6[int(host.address) & 0xFF] if self.ipv6 else self.address_of(host)

    @property
    def ssh_config(self) -> Path:
        return self.directory / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"

    @property
    def key(self) -> Path:
        return self.directory / "key"

    @property
    def mesh_file(self) -> Path:
        return self.directory / "dockmesh.yaml"

    @property
    def packages(self) -> Path:
        """What its package server serves: a folder a release."""
        return self.directory / PACKAGES

    def image_of(self, host: LabHost) -> Image:
        return self.images[host.release]

    def netns_of(self, host: LabHost) -> str:
        return f"{self.mark}-{host.name}"

    def state_of(self, host: LabHost) -> Path:
        return self.directory / "hosts" / host.name

    def mac_of(self, host: LabHost) -> str:
        """Fixed over boots, as of a real network card; the lab's hash in it tells two labs' captures apart."""
        return self._mac(int(host.address) & 0xFF)

    @property
    def switch_mac(self) -> str:
        return self._mac(int(self.switch_address) & 0xFF)

    def hidden_mac_of(self, host: LabHost) -> str:
        return self._mac(int(host.address) & 0xFF, "01")

    def _mac(self, number: int, place: str = "00") -> str:
        hash_bytes = [self.hash[i : i + 2] for i in (0, 2, 4)]
        return ":".join(["02", *hash_bytes, place, f"{number:02x}"])

    def host(self, name: str) -> LabHost:
        for host in self.hosts:
            if name in (host.name, str(host.address)):
                return host
        names = ", ".join(host.name for host in self.hosts)
        raise LabError(f"lab {self.name} has no host {name}", do=f"name one of {names}")


def hash_of(directory: Path) -> str:
    return sha256(str(directory.resolve()).encode()).hexdigest()[:6]


def mark_of(directory: Path) -> str:
    return f"dm-{hash_of(directory)}"


def subnet_of(directory: Path) -> IPv4Network:
    """Different labs mostly get different addresses, for the reader's sake: they never share a network anyway."""
    return IPv4Network(f"10.77.{1 + int(hash_of(directory), 16) % 254}.0/24")


def check_name(name: str) -> None:
    """The name is also that of the mesh, and of a folder."""
    if not NAME.fullmatch(name):
        raise LabError(
            f"{name!r} cannot be the name of a lab", do="use lower-case letters, digits and hyphens, a letter first"
        )


def make_hosts(
    directory: Path,
    count: int,
    mtus: Mapping[str, int],
    wanted: Release | Mapping[str, Release] | None = None,
    old: Mapping[str, Release] | None = None,
    *,
    nats: Collection[str] = (),
) -> tuple[LabHost, ...]:
    """So many hosts; what they are asked to be of MTU and release, and what those have that are there.

    `nats`: those that are to be behind a NAT.
    """
    if not 1 <= count <= MAX_HOSTS:
        raise LabError(f"a lab has 1 to {MAX_HOSTS} hosts, not {count}")
    subnet = subnet_of(directory)
    names = [f"host{number}" for number in range(1, count + 1)]
    if unknown := sorted(set(mtus) - set(names)):
        raise LabError(f"an MTU is given for {', '.join(unknown)}, but the hosts are {names[0]} to {names[-1]}")
    if unknown := sorted(set(nats) - set(names)):
        raise LabError(f"a NAT is wanted for {', '.join(unknown)}, but the hosts are {names[0]} to {names[-1]}")
    if set(names) <= set(nats):
        raise LabError("all hosts are to be behind a NAT, and none would find another", do="leave one out of --nat")
    releases = releases_of(names, wanted, old or {})
    return tuple(
        LabHost(name, subnet[FIRST_HOST_NUMBER + index], mtus.get(name, ETHERNET_MTU), release, name in nats)
        for index, (name, release) in enumerate(zip(names, releases, strict=True))
    )
