"""Attached interfaces as the hosts have them: what of one is not as it should be, and what will not do for all."""

import re
from collections.abc import Iterator

from dockmesh.facts.types import HostFacts
from dockmesh.plan.types import HostNetwork, HostPlan

# How Docker calls the devices of containers.
OF_DOCKER = re.compile(r"veth[0-9a-f]{7}")


def problem(network: HostNetwork, facts: HostFacts) -> tuple[str, str] | None:
    """Why what is behind the interface is cut off, and what to do; None where it is not, or nothing is attached."""
    if (attach := network.attach) is None:
        return None
    name, whose = attach.interface, f"attached to {network.name}"
    link, switch = facts.link(name), facts.bridge(attach.switch)
    port = None if switch is None else switch.interface(name)
    if link is None:
        do = "plug it in: it comes into the network by itself; or take `attach` out of the file"
        return f"{name}, {whose}, is not there", do
    if not link.up:
        return f"{name}, {whose}, is down", "see `journalctl -u dockmesh-attach` for why it cannot be set up"
    if facts.ovs is not None and port is None:
        return f"{name}, {whose}, is not in {attach.switch}", "run `dockmesh apply`: it sets this right"
    if port is not None and port.error:
        return f"Open vSwitch cannot use {name}, {whose}: {port.error}", "check that nothing else uses it"
    return None


def around(network: HostNetwork, facts: HostFacts) -> Iterator[tuple[str, str]]:
    """Devices in the Linux bridge of a network that has something attached, which neither Docker nor we put there.

    What they lead to may be what is attached; and no flow sees what goes from one member of a bridge to another.
    """
    for link in facts.links:
        if link.master == network.bridge and link.name != network.switch and not OF_DOCKER.fullmatch(link.name):
            what = (
                f"{link.name} is in {network.bridge}, and neither Docker nor dockmesh put it there: where it leads to "
            )
            what += "what is attached to the network, frames loop, and nothing ends that"
            yield what, f"take it out: `ip link set dev {link.name} nomaster`"


def warnings(host: HostPlan, facts: HostFacts) -> Iterator[tuple[str, str]]:
    """What passes, but not all of it, or more than it should."""
    for network in host.networks:
        attach = network.attach
        link = None if attach is None else facts.link(attach.interface)
        if link is None:
            continue
        if link.mtu < network.mtu:
            what = f"{link.name} has MTU {link.mtu}, less than the {network.mtu} of {network.name}: larger packets to "
            what += "what is behind it are lost, and nobody is told"
            yield what, f"raise it (`ip link set dev {link.name} mtu {network.mtu}`, and what is behind it as well)"
        if link.ips:
            what = (
                f"{link.name}, attached to {network.name}, got an address of this host ({link.ips[0]}): it may answer "
            )
            what += "out there past the mesh"
            yield what, f"take it away, and keep from {link.name} what gave it: a DHCP client, or IPv6 (`accept_ra`)"
