"""The network that the hosts already have: a switch in a network namespace, with a cable to each host's namespace.

Nothing of it is in the machine's own namespace, neither interface nor route, and the switch has no way out.
"""

import subprocess
from contextlib import suppress
from pathlib import Path

from dockmesh.lab.command import run, try_run
from dockmesh.lab.model import Lab, LabHost
from dockmesh.model.mesh import ETHERNET_MTU

NETNS_FOLDER = Path("/run/netns")
SWITCH = "underlay"  # the Linux bridge in the switch's namespace; its ports have the hosts' names
UPLINK = "eth0"
LAN = "lan"  # of a router that hides a host, the side of the host


def inside(netns: str, *argv: str) -> tuple[str, ...]:
    """`argv`, run in a network namespace. Not `ip netns exec`: that mounts a new /sys each time, which is slower."""
    return ("nsenter", f"--net={NETNS_FOLDER / netns}", *argv)


def netns_exists(netns: str) -> bool:
    return (NETNS_FOLDER / netns).exists()


def make_switch(lab: Lab) -> None:
    netns = lab.switch_netns
    if netns_exists(netns):
        return
    what = f"make the switch of lab {lab.name}"
    run(("ip", "netns", "add", netns), what)
    lines = (
        "link set lo up",
        # A fixed MTU and MAC address: by itself a bridge takes the smallest of its ports, and changes its address when
        # that port goes. Open SSH sessions then stall until the other hosts ask for the address again, 20 s and more.
        f"link add {SWITCH} address {lab.switch_mac} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
        f"link set {SWITCH} mtu {ETHERNET_MTU} up",
        f"address add {lab.switch_address}/{lab.subnet.prefixlen} dev {SWITCH}",
    )
    run(("ip", "-n", netns, "-batch", "-"), what, text="\n".join(lines))
    compute_checksums(netns, SWITCH)


def plug(lab: Lab, host: LabHost) -> None:
    """A new namespace for the host with a configured eth0, and the cable to the switch.

    New at each boot: in an old one docker0, tunnels and firewall rules of the last boot would still be there.
    """
    unplug(lab, host)
    what = f"connect {host.name} to the switch"
    netns = lab.netns_of(host)
    run(("ip", "netns", "add", netns), what)
    port = (
        f"link add {host.name} mtu {host.mtu} type veth peer name {UPLINK} netns {netns} "
        f"address {lab.mac_of(host)} mtu {host.mtu}",
        f"link set {host.name} master {SWITCH} up",
    )
    run(("ip", "-n", lab.switch_netns, "-batch", "-"), what, text="\n".join(port))
    uplink = (
        "link set lo up",
        f"address add {host.address}/{lab.subnet.prefixlen} broadcast + dev {UPLINK}",
        *([f"address add {lab.underlay_of(host)}/{lab.subnet6.prefixlen} dev {UPLINK} nodad"] if lab.ipv6 else []),
        f"link set {UPLINK} up",
    )
    run(("ip", "-n", netns, "-batch", "-"), what, text="\n".join(uplink))
    compute_checksums(netns, UPLINK)
    compute_checksums(lab.switch_netns, host.name)


def plug_tap(lab: Lab, host: LabHost) -> None:
    """A port of the switch for a virtual machine: QEMU is the other end. Its card has the MTU and the MAC address."""
    pull_cable(lab, host)
    lines = (
        f"tuntap add dev {host.name} mode tap",
        f"link set {host.name} mtu {host.mtu} master {SWITCH} up",
    )
    run(("ip", "-n", lab.switch_netns, "-batch", "-"), f"connect {host.name} to the switch", text="\n".join(lines))


def pull_cable(lab: Lab, host: LabHost) -> None:
    """From now on not one more frame of the host gets out, the FIN and RST of its dying processes included."""
    if host.nat:
        try_run(("ip", "-n", lab.router_netns_of(host), "link", "delete", LAN))
    else:
        try_run(("ip", "-n", lab.switch_netns, "link", "delete", host.name))


def unplug(lab: Lab, host: LabHost) -> None:
    pull_cable(lab, host)
    delete_netns(lab.netns_of(host))


def delete_netns(netns: str) -> None:
    if netns_exists(netns):
        run(("ip", "netns", "delete", netns), f"delete the network namespace {netns}")


def netns_of_mark(mark: str) -> tuple[str, ...]:
    with suppress(FileNotFoundError):
        return tuple(sorted(path.name for path in NETNS_FOLDER.glob(f"{mark}-*")))
    return ()


def pids_in(netns: str) -> tuple[int, ...]:
    """Processes in the namespace: in the switch's these are SSH connections of the controller."""
    answer = subprocess.run(("ip", "netns", "pids", netns), capture_output=True, text=True, check=False)
    return tuple(int(pid) for pid in answer.stdout.split())


def compute_checksums(netns: str, device: str) -> None:
    """Virtual devices leave checksums to hardware that is not there; a userspace datapath then sees wrong ones.

    Ping works, TCP does not.
    """
    run(inside(netns, "ethtool", "-K", device, "tx", "off"), f"turn off checksum offload of {device} in {netns}")
