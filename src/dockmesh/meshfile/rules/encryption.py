"""Rules about encryption: what it takes, and addresses that are nobody else's."""

from collections.abc import Iterator
from ipaddress import IPv4Network, ip_address

from dockmesh.meshfile.blocks import RESERVED
from dockmesh.meshfile.excerpt import listed
from dockmesh.meshfile.keys.encryption import EncryptionSection
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.types import Located
from dockmesh.model.encryption import DEFAULT_PORT, LONGEST_PREFIX, Encryption
from dockmesh.model.mesh import Datapath, TunnelDevices, UnderlayAddress
from dockmesh.model.tunnel import Tunnel

TAILSCALE = IPv4Network("100.64.0.0/10")
EXAMPLE = "such as 198.18.0.0/16 or 198.19.0.0/16 (RFC 2544)"


def check_devices(mesh: MeshSection) -> Iterator[Problem]:
    """Open vSwitch's userspace datapath sends tunnels' packets itself, past the kernel's routes, so also past this."""
    encryption, devices, datapath = mesh.fabric.encryption, mesh.fabric.tunnel_devices, mesh.fabric.datapath
    if not encryption or encryption.value is None or not devices or not datapath:
        return
    if datapath.value is Datapath.NETDEV and devices.value is not TunnelDevices.KERNEL:
        hint = (
            f"Tunnels that Open vSwitch's userspace datapath makes go past the encryption. Expected `tunnel: "
            f"{Tunnel.VXLAN}` and `tunnel_devices: {TunnelDevices.KERNEL}` beside it."
        )
        what = f"encryption is wireguard, datapath is {datapath.value}, and tunnel_devices is {devices.value}"
        yield Problem(what, hint, encryption.span)


def check_prefix(mesh: MeshSection) -> Iterator[Problem]:
    if not (prefix := _prefix(mesh)):
        return
    what = f"the prefix of encryption is {prefix.value}" if prefix.given else f"encryption uses {prefix.value}"
    if prefix.value.prefixlen > LONGEST_PREFIX:
        hint = f"Each host has a number of up to 16 bits there. Expected a /{LONGEST_PREFIX} or larger, {EXAMPLE}."
        yield Problem(f"{what}, which is too small", hint, prefix.span)
    if overlapped := [use for use in RESERVED if prefix.value.overlaps(use.network)]:
        whys = " ".join(f"{use.shown} is {use.why}." for use in overlapped)
        yield Problem(f"{what}, which nobody may use", f"{whys} Expected a range {EXAMPLE}.", prefix.span)
    if prefix.value.overlaps(TAILSCALE):
        hint = f"Carriers and Tailscale give out {TAILSCALE} (RFC 6598). Expected a range {EXAMPLE}."
        yield Problem(f"{what}, which others use", hint, prefix.span)
    inside = [host for host in mesh.every_host if host.underlay and host.underlay.value in prefix.value]
    if inside:
        names = listed([host.label.value for host in inside])
        hint = f"The hosts would look for each other inside the encryption. Expected a range {EXAMPLE}."
        yield Problem(f"{what}, which contains the underlay of {names}", hint, prefix.span)
    for network in mesh.every_network:
        if network.prefix and network.prefix.value.overlaps(prefix.value):
            hint = f"{network.prefix.value} is in line {network.prefix.line}. Expected a range {EXAMPLE}."
            yield Problem(f"{what}, which overlaps the prefix of {network.shown}", hint, prefix.span)


def check_reached(mesh: MeshSection) -> Iterator[Problem]:
    """WireGuard would send its own packets into itself, and SSH would depend on what an apply may change."""
    if not (prefix := _prefix(mesh)):
        return
    why = f"Encryption takes {prefix.value} (line {prefix.line}), so packets to that address enter WireGuard."
    for host in mesh.every_host:
        if host.endpoint and _is_inside(host.endpoint.value.address, prefix.value):
            hint = f"{why} Expected the address at which the other hosts reach {host.shown}."
            yield Problem(f"{host.endpoint.subject} is inside the encryption", hint, host.endpoint.span)
        if (name := host.ssh.host) and _is_inside(_address(name.value), prefix.value):
            hint = f"{why} Expected an address or a name that leads to {host.shown} without it."
            yield Problem(f"{name.subject} is inside the encryption", hint, name.span)


def _is_inside(address: UnderlayAddress | None, prefix: IPv4Network) -> bool:
    return address is not None and address in prefix


def _address(text: str) -> UnderlayAddress | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def check_port(mesh: MeshSection) -> Iterator[Problem]:
    encryption = mesh.fabric.encryption
    port = encryption.value.port if encryption and isinstance(encryption.value, EncryptionSection) else None
    taken = {kind.encapsulation.port: kind for kind in Tunnel if kind.encapsulation.port}
    if port and port.value in taken:
        hint = f"It is {taken[port.value].encapsulation.name}'s. Expected another, such as {DEFAULT_PORT}."
        yield Problem(f"the port of encryption is {port.value}", hint, port.span)


def port_of(mesh: MeshSection) -> int:
    """At which hosts reach each other; the default one where it is wrong by itself."""
    encryption = mesh.fabric.encryption
    port = encryption.value.port if encryption and isinstance(encryption.value, EncryptionSection) else None
    return port.value if port else DEFAULT_PORT


def _prefix(mesh: MeshSection) -> Located[IPv4Network] | None:
    """None without encryption, and where it is wrong by itself."""
    encryption = mesh.fabric.encryption
    match encryption.value if encryption else None:
        case Encryption() as found if encryption:
            return Located(found.prefix, encryption.span, given=False)
        case EncryptionSection() as section:
            return section.prefix
    return None


RULES = (check_devices, check_prefix, check_reached, check_port)
