"""Network devices, by iproute2's JSON."""

import json
import re
from collections.abc import Collection, Mapping
from ipaddress import IPv4Interface, IPv6Interface, ip_address
from operator import attrgetter

from dockmesh.facts.fact import Fact
from dockmesh.facts.types import LinuxLink
from dockmesh.model.network import TUNNEL_DEVICE
from dockmesh.model.vxlan import VxlanDevice
from dockmesh.transport.requests import Exec, Gro

LINKS = ("ip", "-json", "-details", "address", "show")
# iproute2 does not show it. Where the kernel has no IPv6 there is no such folder.
ROUTERS = ("grep", "--recursive", "--no-messages", "--include=accept_ra", "", "/proc/sys/net/ipv6/conf")
ROUTER = re.compile(r"^/proc/sys/net/ipv6/conf/([^/]+)/accept_ra:([12])$", re.MULTILINE)


# Of tunnels alone: for nobody else does it matter.
GRO = Gro(TUNNEL_DEVICE)


def read_links(answer: str, routers: str = "", gro: str = "") -> tuple[LinuxLink, ...]:
    """The devices of a host with their addresses, sorted by name. `routers`, `gro`: the answers to ROUTERS and GRO."""
    heeding = {device for device, _ in ROUTER.findall(routers)}
    merging = {name: state == "on" for name, _, state in (line.partition(" ") for line in gro.splitlines())}
    # Older iproute2 leaves an empty object for what it filtered out.
    devices = [device for device in json.loads(answer or "[]") if device]
    return tuple(sorted((_link(device, heeding, merging) for device in devices), key=attrgetter("name")))


FACT = Fact(
    (Exec(LINKS), Exec(ROUTERS), GRO),
    lambda links, routers, gro: {"links": read_links(links.out, routers.out, gro.out)},
)


def _link(device: dict[str, object], heeding: Collection[str], merging: Mapping[str, bool]) -> LinuxLink:
    info = device.get("linkinfo")
    kind = info if isinstance(info, dict) else {}
    details = kind.get("info_data") or {}
    said, flags = device.get("addr_info"), device.get("flags")
    addresses = [address for address in (said if isinstance(said, list) else ()) if "local" in address]
    return LinuxLink(
        name=str(device["ifname"]),
        mtu=int(str(device["mtu"])),
        up=isinstance(flags, list) and "UP" in flags,
        mac=str(device.get("address", "")),
        master=str(device["master"]) if "master" in device else None,
        kind=kind.get("info_kind"),
        addresses=tuple(
            IPv4Interface(f"{address['local']}/{address['prefixlen']}")
            for address in addresses
            if address.get("family") == "inet"
        ),
        addresses6=tuple(
            IPv6Interface(f"{address['local']}/{address['prefixlen']}")
            for address in addresses
            if address.get("family") == "inet6" and address.get("scope") != "link"
        ),
        stp=bool(details.get("stp_state", 0)),
        routers=str(device["ifname"]) in heeding,
        index=int(str(device["ifindex"])),
        # Of a pair of veth devices it is the other one, if that is in the same namespace.
        parent=str(device["link"]) if "link" in device and kind.get("info_kind") != "veth" else None,
        alias=str(device["ifalias"]) if "ifalias" in device else None,
        vxlan=_vxlan(details) if kind.get("info_kind") == "vxlan" else None,
        gro=merging.get(str(device["ifname"])),
    )


def _vxlan(details: Mapping[str, object]) -> VxlanDevice:
    """iproute2 leaves out what is off, and older ones have no word for some of it."""
    local, remote = (details.get(name) or details.get(f"{name}6") for name in ("local", "remote"))
    return VxlanDevice(
        vni=int(str(details.get("id", 0))),
        local=ip_address(str(local)) if local else None,
        remote=ip_address(str(remote)) if remote else None,
        port=int(str(details.get("port", 0))),
        learning=bool(details.get("learning")),
        df=details.get("df") == "set",
        external=bool(details.get("external")),
    )
