"""docker0, and the Linux bridges of further networks, in iproute2's words.

Each command may be run again; none disturbs what is already right.
"""

from collections.abc import Iterable
from ipaddress import IPv4Interface, IPv6Interface

from dockmesh.render.types import DockerBridge

Argv = tuple[str, ...]


def make(bridge: DockerBridge) -> tuple[Argv, ...]:
    """For a host without the bridge."""
    return (("ip", "link", "add", "name", bridge.name, "type", "bridge"),)


def make_gone(name: str) -> Argv:
    """Docker may have deleted it with the network, if it made it itself. `find` does not mind."""
    delete = ("ip", "link", "delete", "dev", name)
    return ("find", "/sys/class/net", "-maxdepth", "1", "-name", name, "-exec", *delete, ";")


def detach(bridge: DockerBridge) -> tuple[Argv, ...]:
    """Take the fabric out of the bridge: its containers and addresses are alone then."""
    return (("ip", "link", "set", "dev", bridge.member, "nomaster"),)


def drop(device: str, addresses: Iterable[IPv4Interface | IPv6Interface]) -> tuple[Argv, ...]:
    """Take addresses away; to flush does not mind those that are gone already.

    Before the bridge's own is set: the kernel takes away with a first address of a prefix those that came later.
    """
    return tuple(
        ("ip", "address", "flush", "dev", device, "to", f"{each.ip}/{each.ip.max_prefixlen}") for each in addresses
    )


def set_mtu(bridge: DockerBridge) -> Argv:
    """Of its member, which has it from Open vSwitch as long as nobody else sets it."""
    return ("ip", "link", "set", "dev", bridge.member, "mtu", str(bridge.mtu))


def set_up(bridge: DockerBridge) -> tuple[Argv, ...]:
    """Address, MAC address, MTU and no spanning tree of the kernel's: the fabric has its own."""
    return (
        ignore_routers(bridge.name),
        ("ip", "link", "set", "dev", bridge.name, "address", bridge.mac, "mtu", str(bridge.mtu)),
        ("ip", "link", "set", "dev", bridge.name, "type", "bridge", "stp_state", "0", "forward_delay", "0"),
        ("ip", "address", "replace", str(bridge.address), "broadcast", "+", "dev", bridge.name),
        *_set_address6(bridge),
        ("ip", "link", "set", "dev", bridge.name, "up"),
    )


def ignore_routers(name: str) -> Argv:
    """Before it is up: a container that says it is one would be this host's (router advertisements, RFC 4861).

    Docker does so to a bridge that it makes itself. Where the kernel has no IPv6 there is nothing to set.
    """
    return routers(name, 0)


def routers(name: str, accept: int) -> Argv:
    return ("sysctl", "-q", "-e", "-w", f"net/ipv6/conf/{name}/accept_ra={accept}")


def _set_address6(bridge: DockerBridge) -> tuple[Argv, ...]:
    """At once: no other host asks for it, and until duplicate address detection had ended nobody could use it."""
    if bridge.address6 is None:
        return ()
    return (("ip", "address", "replace", str(bridge.address6), "dev", bridge.name, "nodad"),)


def attach(bridge: DockerBridge) -> tuple[Argv, ...]:
    """Put the fabric into the bridge: from here on it is one network with the other hosts."""
    return (("ip", "link", "set", "dev", bridge.member, "master", bridge.name, "up"),)
