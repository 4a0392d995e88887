"""docker0 in iproute2's words. Each command may be run again; none disturbs what is already right."""

from dockmesh.render.types import DockerBridge

Argv = tuple[str, ...]


def make(bridge: DockerBridge) -> tuple[Argv, ...]:
    """For a host without the bridge."""
    return (("ip", "link", "add", "name", bridge.name, "type", "bridge"),)


def detach(bridge: DockerBridge) -> tuple[Argv, ...]:
    """Take the fabric out of the bridge: its containers and addresses are alone then."""
    return (("ip", "link", "set", "dev", bridge.member, "nomaster"),)


def set_up(bridge: DockerBridge) -> tuple[Argv, ...]:
    """Address, MAC address, MTU and no spanning tree of the kernel's: the fabric has its own."""
    return (
        ("ip", "link", "set", "dev", bridge.name, "address", bridge.mac, "mtu", str(bridge.mtu)),
        ("ip", "link", "set", "dev", bridge.name, "type", "bridge", "stp_state", "0", "forward_delay", "0"),
        ("ip", "address", "replace", str(bridge.address), "broadcast", "+", "dev", bridge.name),
        ("ip", "link", "set", "dev", bridge.name, "up"),
    )


def attach(bridge: DockerBridge) -> tuple[Argv, ...]:
    """Put the fabric into the bridge: from here on it is one network with the other hosts."""
    return (("ip", "link", "set", "dev", bridge.member, "master", bridge.name, "up"),)
