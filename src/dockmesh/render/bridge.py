"""The Linux bridges of networks, docker0 first, in iproute2's words.

Each command may be run again; none disturbs what is already right.
"""

from collections.abc import Iterable
from ipaddress import IPv4Interface, IPv6Interface

from dockmesh.plan.types import HostNetwork

Argv = tuple[str, ...]


def make(network: HostNetwork) -> tuple[Argv, ...]:
    """For a host without the bridge."""
    return (("ip", "link", "add", "name", network.bridge, "type", "bridge"),)


def make_gone(name: str) -> Argv:
    """Docker may have deleted it with the network, if it made it itself. `find` does not mind."""
    delete = ("ip", "link", "delete", "dev", name)
    return ("find", "/sys/class/net", "-maxdepth", "1", "-name", name, "-exec", *delete, ";")


def detach(network: HostNetwork) -> tuple[Argv, ...]:
    """Take the fabric out of the bridge: its containers and addresses are alone then."""
    return (("ip", "link", "set", "dev", network.switch, "nomaster"),)


def drop(device: str, addresses: Iterable[IPv4Interface | IPv6Interface]) -> tuple[Argv, ...]:
    """Take addresses away; to flush does not mind those that are gone already.

    Before the bridge's own is set: the kernel takes away with a first address of a prefix those that came later.
    """
    return tuple(
        ("ip", "address", "flush", "dev", device, "to", f"{each.ip}/{each.ip.max_prefixlen}") for each in addresses
    )


def set_mtu(network: HostNetwork) -> Argv:
    """Of its member, which has it from Open vSwitch as long as nobody else sets it."""
    return ("ip", "link", "set", "dev", network.switch, "mtu", str(network.mtu))


def set_up(network: HostNetwork) -> tuple[Argv, ...]:
    """Address, MAC address, MTU and no spanning tree of the kernel's: the fabric has its own."""
    return (
        ignore_routers(network.bridge),
        ("ip", "link", "set", "dev", network.bridge, "address", network.bridge_mac, "mtu", str(network.mtu)),
        ("ip", "link", "set", "dev", network.bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0"),
        ("ip", "address", "replace", str(network.address), "broadcast", "+", "dev", network.bridge),
        *_set_address6(network),
        ("ip", "link", "set", "dev", network.bridge, "up"),
    )


def ignore_routers(name: str) -> Argv:
    """Before it is up: a container that says it is one would be this host's (router advertisements, RFC 4861).

    Docker does so to a bridge that it makes itself. Where the kernel has no IPv6 there is nothing to set.
    """
    return routers(name, 0)


def routers(name: str, accept: int) -> Argv:
    return ("sysctl", "-q", "-e", "-w", f"net/ipv6/conf/{name}/accept_ra={accept}")


def _set_address6(network: HostNetwork) -> tuple[Argv, ...]:
    """At once: no other host asks for it, and until duplicate address detection had ended nobody could use it."""
    if network.address6 is None:
        return ()
    return (("ip", "address", "replace", str(network.address6), "dev", network.bridge, "nodad"),)


def attach(network: HostNetwork) -> tuple[Argv, ...]:
    """Put the fabric into the bridge: from here on it is one network with the other hosts."""
    return (("ip", "link", "set", "dev", network.switch, "master", network.bridge, "up"),)
