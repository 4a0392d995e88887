"""The same bridge made by hand: what the fewest commands of Open vSwitch and Docker make of it, without dockmesh."""

from collections.abc import Iterator

from bench.peers import docker
from bench.peers.site import Seats, Site
from bench.peers.types import About
from dockmesh.lab.model import Lab
from dockmesh.plan.types import HostPlan
from dockmesh.transport.requests import Exec, Request

BRIDGE = "br0"
BFD = ("bfd:enable=true", "bfd:min_rx=100", "bfd:min_tx=100")
ROOT_PRIORITY, PRIORITY = 4096, 32768


class ByHand:
    packages: tuple[str, ...] = ()
    shown: tuple[str, ...] = ("openvswitch-switch", "docker.io")
    watch_s: float | None = None

    def about(self, lab: Lab) -> About:
        return About(
            name="by-hand",
            title="the same by hand",
            datapath=f"Open vSwitch, {lab.datapath}",
            encrypts=False,
            centre=lab.hosts[0].name,
            centre_is="the root of the tree",
            settings=(
                "a bridge of Open vSwitch with RSTP, a GRE tunnel to each other host with BFD 100 ms × 3, in docker0; "
                "Docker with bip, fixed-cidr and mtu",
            ),
        )

    def set_up(self, site: Site) -> None:
        site.carry_out("build the bridge by hand", lambda host: tuple(_orders(site, host)))

    def seats(self, site: Site) -> Seats:
        return docker.start_containers(site)


def _orders(site: Site, host: HostPlan) -> Iterator[Request]:
    """Docker first: before it has its own pool, all hosts own the same addresses, and must not meet."""
    yield from docker.settle_as_planned(host, site.plan.mtu)
    root = site.plan.hosts[0]
    priority = ROOT_PRIORITY if host is root else PRIORITY
    words = ["ovs-vsctl", "--", "add-br", BRIDGE, "--", "set", "bridge", BRIDGE]
    words += [f"datapath_type={site.lab.datapath}", "rstp_enable=true", f"other_config:rstp-priority={priority}"]
    words += ["--", "set", "interface", BRIDGE, f"mtu_request={site.plan.mtu}"]
    for number, peer in enumerate(site.peers(host), start=1):
        port = f"gre{number}"
        words += ["--", "add-port", BRIDGE, port, "--", "set", "interface", port, "type=gre"]
        words += [f"options:remote_ip={peer.underlay}", *BFD]
    yield Exec(tuple(words))
    yield docker.join(BRIDGE)
