"""What a difference is about, as a value; its name for people, and the one in the record of a host."""

from dataclasses import dataclass, replace
from enum import StrEnum

from dockmesh.model.network import FABRIC_BRIDGE


class Thing(StrEnum):
    """The kinds of things that a host has of a mesh."""

    PACKAGE = "package"
    UNIT = "unit"  # of systemd
    FILE = "file"  # or a folder, by its path
    DOCKER = "docker"  # the daemon itself, by what of it
    DEVICE = "device"  # of the kernel
    BRIDGE = "bridge"  # of Open vSwitch
    TUNNEL = "tunnel"  # by its peer: the number of its port is no matter of the file
    PATCH = "patch"  # a port that joins two bridges
    INTERFACE = "interface"  # that is attached to networks
    NETWORK = "network"  # of Docker


# Before the name where people read it; what is not here is known by its name alone.
WORDS = {kind: f"{kind} " for kind in (Thing.BRIDGE, Thing.TUNNEL, Thing.PATCH, Thing.INTERFACE, Thing.NETWORK)}


@dataclass(frozen=True, slots=True)
class Subject:
    """A thing of a host, or one aspect of it, as `MTU` or `options:remote_ip`; "": the thing itself.

    `port` is what a tunnel is called on its host. One that has our mark and leads to no peer has no other name.
    """

    kind: Thing
    name: str
    aspect: str = ""
    port: str = ""

    def of(self, aspect: str) -> "Subject":
        return replace(self, aspect=aspect)

    @property
    def key(self) -> str:
        """Its name in records: they are kept on hosts, so it stays what it was."""
        if self.kind is Thing.TUNNEL and self.name:
            return f"tunnel to {self.name} {self.aspect}".rstrip()
        return str(self)

    def __str__(self) -> str:
        name = self.port or self.name
        return f"{name} {self.aspect}" if self.aspect else f"{WORDS.get(self.kind, '')}{name}"


FABRIC = Subject(Thing.BRIDGE, FABRIC_BRIDGE)
FLOWS, OLD_FLOWS, TUNNELS = FABRIC.of("flows"), FABRIC.of("flows of before"), FABRIC.of("tunnels")
# Of a network's Linux bridge, or what is in it.
MTU, ADDRESS, ADDRESS6 = "MTU", "address", "address6"
MAC, STATE, ROUTERS, TREE = "MAC address", "state", "router advertisements", "spanning tree"
DOCKER = Subject(Thing.DOCKER, "docker")
RESTART = DOCKER.of("restart")
# Docker takes `dns` only when it starts, but nothing of docker0 changes with it.
RESTART_FOR_NAMES = DOCKER.of("restart for names")
# It makes its rules for IPv6, or leaves them, only when it starts, and nothing of docker0 changes with them either.
RESTART_FOR_IPV6 = DOCKER.of("restart for IPv6")
# Nor with what the mesh file says of one host alone.
RESTART_FOR_KEYS = DOCKER.of("restart for keys of this host")


def tunnel(peer: str | None, port: str) -> Subject:
    """`peer` is None where its port has our mark and does not say."""
    return Subject(Thing.TUNNEL, peer or "", port=port)


@dataclass(frozen=True, slots=True)
class Desired:
    """What a host is to have of a subject, in the words of its record; and what that is for."""

    subject: Subject
    value: str
    reason: str = ""
