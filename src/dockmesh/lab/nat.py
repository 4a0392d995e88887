"""A host behind a NAT of its own: between its cable and the switch, a router that hides it behind its own address.

As the routers of homes and of mobile networks do: nobody gets in who was not spoken to, and what goes out comes from
another port. All hosts behind one have the same address, as the private addresses of two sites may be.
"""

from dockmesh.lab.command import run, try_run
from dockmesh.lab.model import Lab, LabHost
from dockmesh.lab.underlay import (
    LAN,
    SWITCH,
    UPLINK,
    compute_checksums,
    delete_netns,
    inside,
    netns_exists,
    unplug,
)

# Ports other than those that the host sends from: RFC 4787 has routers of both kinds.
PORTS = "40000-49999"
TABLE = f"""
table ip nat {{
    chain postrouting {{
        type nat hook postrouting priority 100; policy accept;
        oifname "{UPLINK}" meta l4proto {{ tcp, udp }} masquerade to :{PORTS} random
        oifname "{UPLINK}" masquerade
    }}
}}
table ip filter {{
    chain forward {{
        type filter hook forward priority 0; policy drop;
        iifname "{LAN}" accept
        ct state established,related accept
    }}
}}
"""


def plug(lab: Lab, host: LabHost) -> None:
    """A new namespace for the host with a configured eth0, and the cable to its router, which stays over boots."""
    unplug(lab, host)
    _ensure_router(lab, host)
    what, netns, router = f"connect {host.name} to its router", lab.netns_of(host), lab.router_netns_of(host)
    run(("ip", "netns", "add", netns), what)
    port = (
        f"link add {LAN} mtu {host.mtu} type veth peer name {UPLINK} netns {netns} "
        f"address {lab.hidden_mac_of(host)} mtu {host.mtu}",
        f"address add {lab.router_address}/{lab.hidden_subnet.prefixlen} dev {LAN}",
        f"link set {LAN} up",
    )
    run(("ip", "-n", router, "-batch", "-"), what, text="\n".join(port))
    uplink = (
        "link set lo up",
        f"address add {lab.address_of(host)}/{lab.hidden_subnet.prefixlen} broadcast + dev {UPLINK}",
        f"link set {UPLINK} up",
        f"route add default via {lab.router_address}",
    )
    run(("ip", "-n", netns, "-batch", "-"), what, text="\n".join(uplink))
    compute_checksums(netns, UPLINK)
    compute_checksums(router, LAN)


def forget(lab: Lab, host: LabHost) -> None:
    """The router forgets what it has mapped, as after a while without a packet, or after a reboot of its own."""
    what = f"let the router of {host.name} forget"
    for state in ("down", "up"):
        # A masquerading router forgets what goes out by a device that goes down (nf_nat_masquerade.c).
        run(("ip", "-n", lab.router_netns_of(host), "link", "set", UPLINK, state), what)


def _ensure_router(lab: Lab, host: LabHost) -> None:
    router, what = lab.router_netns_of(host), f"make the router of {host.name}"
    if netns_exists(router) and try_run(("ip", "-n", lab.switch_netns, "link", "show", host.name)):
        return
    delete_netns(router)
    run(("ip", "netns", "add", router), what)
    port = (
        f"link add {host.name} mtu {host.mtu} type veth peer name {UPLINK} netns {router} "
        f"address {lab.mac_of(host)} mtu {host.mtu}",
        f"link set {host.name} master {SWITCH} up",
    )
    run(("ip", "-n", lab.switch_netns, "-batch", "-"), what, text="\n".join(port))
    uplink = (
        "link set lo up",
        f"address add {host.address}/{lab.subnet.prefixlen} broadcast + dev {UPLINK}",
        f"link set {UPLINK} up",
    )
    run(("ip", "-n", router, "-batch", "-"), what, text="\n".join(uplink))
    run(inside(router, "sysctl", "--quiet", "--write", "net.ipv4.ip_forward=1"), what)
    run(inside(router, "nft", "-f", "-"), what, text=TABLE)
    compute_checksums(router, UPLINK)
    compute_checksums(lab.switch_netns, host.name)
