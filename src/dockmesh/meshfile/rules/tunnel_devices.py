"""Rules about tunnels that are the kernel's devices: what they take, and whether each pair of hosts has a VNI."""

from collections.abc import Iterator

from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.problems import Problem
from dockmesh.model.mesh import Datapath, Guard, TunnelDevices
from dockmesh.model.tunnel import Tunnel
from dockmesh.model.vxlan import LARGEST_VNI, largest_difference


def check_fits(mesh: MeshSection) -> Iterator[Problem]:
    fabric = mesh.fabric
    devices, tunnel, datapath = fabric.tunnel_devices, fabric.tunnel, fabric.datapath
    if not devices or devices.value is not TunnelDevices.KERNEL:
        return
    if tunnel and tunnel.value is not Tunnel.VXLAN:
        hint = f"The kernel's devices are VXLAN's. Expected `tunnel: {Tunnel.VXLAN}` beside it."
        yield Problem(f"tunnel_devices is {devices.value}, and tunnel is {tunnel.value}", hint, devices.span)
    if datapath and datapath.value is not Datapath.NETDEV:
        hint = (
            f"The kernel's datapath makes tunnels itself. Expected `datapath: {Datapath.NETDEV}` beside it, or no "
            "tunnel_devices."
        )
        yield Problem(f"tunnel_devices is {devices.value}, and datapath is {datapath.value}", hint, devices.span)


def check_vni(mesh: MeshSection) -> Iterator[Problem]:
    """Each pair of hosts has a VNI of its own: `key` and what their addresses differ by (model/vxlan.py)."""
    devices, key = mesh.fabric.tunnel_devices, mesh.fabric.key
    prefix = mesh.every_network[0].prefix if mesh.every_network else None
    if not prefix or not devices or devices.value is not TunnelDevices.KERNEL:
        return
    room = LARGEST_VNI - largest_difference(prefix.value)
    if room < 0:
        hint = "A VNI has 24 bits, and each pair of hosts needs one. Expected a prefix of /8 or longer."
        yield Problem(f"the prefix is too large for tunnel_devices {devices.value}", hint, prefix.span)
    elif key and key.value > room:
        most = f"at most {room}" if room else "no key"
        hint = f"Each pair of hosts has a VNI from {key.value} on, and it has 24 bits. With {prefix.value}: {most}."
        yield Problem(f"key is {key.value}, which is too large for tunnel_devices {devices.value}", hint, key.span)


def check_guard(mesh: MeshSection) -> Iterator[Problem]:
    """The kernel's rules hold for what the kernel sends and receives, and for nobody who has another address."""
    guard, devices, datapath = mesh.fabric.guard, mesh.fabric.tunnel_devices, mesh.fabric.datapath
    if not guard or guard.value is Guard.OFF:
        return
    what = f"guard is {guard.value}"
    if datapath and devices and datapath.value is Datapath.NETDEV and devices.value is not TunnelDevices.KERNEL:
        hint = (
            f"Open vSwitch takes these tunnels' packets before any rule of the kernel's. Expected `tunnel: "
            f"{Tunnel.VXLAN}` and `tunnel_devices: {TunnelDevices.KERNEL}` beside it."
        )
        yield Problem(f"{what}, and Open vSwitch's userspace datapath makes the tunnels", hint, guard.span)
    if mesh.fabric.encryption and mesh.fabric.encryption.value is not None:
        hint = "The encryption refuses more than that, and its hosts may have addresses that change. Leave guard out."
        yield Problem(f"{what}, and encryption is on", hint, guard.span)


RULES = (check_fits, check_vni, check_guard)
