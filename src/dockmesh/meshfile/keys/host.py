"""A host: where it is reached, and what it has in each network."""

from typing import Any

from dockmesh.meshfile.excerpt import clipped
from dockmesh.meshfile.explain import Place
from dockmesh.meshfile.keys.endpoint import ENDPOINT
from dockmesh.meshfile.lists import JsonObject, MapOf
from dockmesh.meshfile.section import Inner, Key, Keys, Section
from dockmesh.meshfile.tree import Node, Scalar
from dockmesh.meshfile.types import Located
from dockmesh.meshfile.values import (
    ADDRESS,
    ADDRESS6,
    LABEL,
    MTU,
    NETWORK,
    NETWORK6,
    PORT,
    SSH_HOST,
    SSH_USER,
    UNDERLAY,
)
from dockmesh.model import mesh as of
from dockmesh.model.network import DOCKER_BRIDGE, Allocation


class AllocationSection(
    Section,
    title="A network, by its name in `networks` of a host",
    where="under `networks` of a host",
    model=Allocation,
):
    """What a host has in one of the networks after docker0."""

    address = Key(
        ADDRESS,
        "The address of this host's bridge in that network: its containers' gateway.",
        examples=("10.80.42.1",),
    )
    pool = Key(
        NETWORK,
        "The part of that network's prefix which this host's dockerd gives to containers.",
        examples=("10.80.64.0/18",),
    )
    address6 = Key(
        ADDRESS6,
        "The IPv6 address of this host's bridge, where the network has a prefix6.",
        None,
        examples=("fd00:80::1",),
    )
    pool6 = Key(
        NETWORK6,
        "The part of prefix6 which this host's dockerd gives to containers.",
        None,
        examples=("fd00:80:0:0:1::/80",),
    )

    @classmethod
    def within(cls, place: Place) -> tuple[str, str]:
        return "", f"{place.of} in {clipped(place.key.text) if place.key else ''}"

    def parts(self) -> dict[str, Any]:
        return {**super().parts(), "network": self.label.value}


class SshSection(Section, title="`ssh` of a host", where="under `ssh`", example={"user": "root"}, model=of.Ssh):
    """How to reach a host, where ssh_config does not say it under the host's name."""

    host = Key(SSH_HOST, "Host name, address or a Host of ssh_config.", None, examples=("host1.example.com",))
    user = Key(SSH_USER, "User to log in as: root, or one who may use sudo.", None, examples=("root",))
    port = Key(PORT, "TCP port of sshd.", None, examples=(22,))

    @classmethod
    def within(cls, place: Place) -> tuple[str, str]:
        return "ssh ", place.of

    @classmethod
    def instead_of(cls, node: Node) -> str:
        if not isinstance(node, Scalar) or not node.text:
            return cls.expected
        user, _, host = node.text.rpartition("@")
        return f"a map such as {{host: {clipped(host)}, user: {clipped(user or 'root')}}}"


class HostSection(Section, title="A host, under its name in `hosts`", where="at a host", model=of.Host):
    """One host that runs Docker."""

    underlay = Key(
        UNDERLAY,
        "The address at which the other hosts reach this one; tunnels end there. IPv4 at all hosts, or IPv6 at all.",
        examples=("192.0.2.1",),
    )
    address = Key(
        ADDRESS,
        "The address of this host's docker0, inside the prefix and outside the other hosts' pools.",
        examples=("172.17.42.1",),
    )
    pool = Key(
        NETWORK,
        "The part of the prefix that this host's dockerd gives to containers.",
        examples=("172.17.64.0/18",),
    )
    underlay_mtu = Key(
        MTU, "MTU of the interface that has the underlay address, in bytes.", of.ETHERNET_MTU, examples=(1500,)
    )
    endpoint = Key(
        ENDPOINT,
        "Where the others find the host, if not at its underlay address: an address, with a port if that is another "
        "one, which a NAT maps to it one to one; or dynamic, for a host behind another NAT, or with an address that "
        "changes. Only with `encryption: wireguard`.",
        None,
        examples=("dynamic", "203.0.113.7"),
    )
    ssh = Inner(SshSection, "How to reach the host, where ssh_config does not say it under the host's name.", of.Ssh())
    networks = Key(
        MapOf(
            LABEL,
            Keys(AllocationSection),
            "network",
            "a map such as {blue: {address: 10.80.42.1, pool: 10.80.64.0/18}}, one for each network after docker0",
            pairs=lambda allocations: ((allocation.network, allocation) for allocation in allocations),
        ),
        "What it has in each of the networks after docker0 that it is on, by their names; `dockmesh network add` "
        "writes it.",
        (),
        examples=({"blue": {"address": "10.80.42.1", "pool": "10.80.64.0/18"}},),
        attribute="further",
    )
    docker = Key(
        JsonObject(),
        "More keys of this host's daemon.json, as Docker's documentation has them; none that dockmesh sets.",
        {},
        examples=({"log-driver": "journald"},),
    )

    @property
    def allocations(self) -> tuple[AllocationSection, ...]:
        return self.networks.value if self.networks else ()

    def parts(self) -> dict[str, Any]:
        """What stands at the host itself is its part of docker0."""
        parts = super().parts()
        parts.pop("further")
        docker0 = Allocation(DOCKER_BRIDGE, parts.pop("address"), parts.pop("pool"))
        allocations = (docker0, *(allocation.made() for allocation in self.allocations))
        return {**parts, "name": self.label.value, "allocations": allocations}

    @property
    def ssh_target(self) -> Located[tuple[str, int | None]]:
        """Where SSH goes: the name or address of `ssh.host`, or the host's own name, with the port."""
        host, port = self.ssh.host or self.label, self.ssh.port
        return Located((host.value, port.value if port else None), host.span)
