"""Tunnels as the kernel's VXLAN devices, in iproute2's and ethtool's words.

Open vSwitch has them as ports like any other. It knows a device by its index: one that is made anew under a port is not
taken up, it sends and receives nothing; the port must be deleted in one transaction and added in another (measured with
Open vSwitch 3.5.0, userspace datapath; both in one transaction do not do).

What comes in at a device goes to Open vSwitch and to the host itself, which answers every ARP request for an address of
its own with the device's MAC address, beside Open vSwitch's answer (measured: two answers, and pings between hosts that
end until the right one is learnt). So all are in a Linux bridge that is never up. Such a bridge drops what its ports
receive (`br_handle_frame` in net/bridge/br_input.c), and Open vSwitch's packet socket has seen it by then. It needs no
rules that a flush would take away.
"""

from typing import Any

from dockmesh.model.network import TUNNEL_SINK
from dockmesh.model.vxlan import VxlanDevice
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.render.bridge import make_gone

Argv = tuple[str, ...]
MARK = "dockmesh"  # before the mesh in a device's alias


def alias(mesh: str) -> str:
    """By which a device is known as this mesh's."""
    return f"{MARK}={mesh}"


def is_ours(of_device: str | None) -> bool:
    """Whether an alias says that the device is a mesh's, whichever."""
    return of_device is not None and of_device.startswith(f"{MARK}=")


def make(name: str, device: VxlanDevice) -> Argv:
    """For a host without a device of that name."""
    return (
        *("ip", "link", "add", "name", name, "type", "vxlan", "id", str(device.vni)),
        *(("local", str(device.local)) if device.local else ()),
        *(("remote", str(device.remote)) if device.remote else ()),
        *("dstport", str(device.port), "learning" if device.learning else "nolearning"),
        *(("df", "set") if device.df else ()),
    )


def set_up(name: str, mesh: str, mtu: int, *, up: bool = True) -> tuple[Argv, ...]:
    """What of a device can be set while it lives. May be run again.

    The kernel would merge what comes in to packets longer than Open vSwitch reads, and with TCP nothing else comes.
    """
    state = "up" if up else "down"
    return (
        ("ethtool", "-K", name, "gro", "off"),
        ("ip", "link", "set", "dev", name, "alias", alias(mesh), "master", TUNNEL_SINK, "mtu", str(mtu), state),
    )


def make_sink() -> Argv:
    """For a host without the bridge."""
    return ("ip", "link", "add", "name", TUNNEL_SINK, "type", "bridge")


def sink(mesh: str) -> tuple[Argv, ...]:
    """The bridge that keeps what tunnels receive from the host itself; no error if it is there."""
    there = ("find", "/sys/class/net", "-maxdepth", "0", "!", "-exec", "test", "-e", f"{{}}/{TUNNEL_SINK}", ";")
    return ((*there, "-exec", *make_sink(), ";"), set_up_sink(mesh))


def set_up_sink(mesh: str) -> Argv:
    return ("ip", "link", "set", "dev", TUNNEL_SINK, "alias", alias(mesh), "down")


def delete(name: str) -> Argv:
    """No error if it is gone already."""
    return make_gone(name)


def words(plan: Plan, host: HostPlan) -> dict[str, Any]:
    """For the templates: the devices' names, and by name what makes each."""
    devices = {end.port: end.device for end in host.tunnels if end.device}
    return {
        "devices": tuple(devices),
        "sink": TUNNEL_SINK,
        "make_sink": make_sink(),
        "set_up_sink": set_up_sink(plan.name),
        "make_device": {name: make(name, device) for name, device in devices.items()},
        "set_up_device": {name: set_up(name, plan.name, plan.mtu) for name in devices},
    }
