"""The bare underlay, host to host: what all others are compared with, and measured like them."""

from bench.peers.site import Seats, Site
from bench.peers.types import About
from dockmesh.lab.model import Lab
from dockmesh.model.mesh import Datapath


class Underlay:
    packages: tuple[str, ...] = ()
    shown: tuple[str, ...] = ("iperf3",)
    watch_s: float | None = 5.0  # it is what is cut

    def about(self, lab: Lab) -> About:
        return About(
            name="underlay",
            title="bare underlay",
            datapath=f"Open vSwitch, {lab.datapath}" if lab.datapath is Datapath.NETDEV else "the kernel's",
            encrypts=False,
            centre=lab.hosts[0].name,
            centre_is="nothing: the hosts themselves are measured",
            settings=("host to host, no container; its ratio to itself shows how far the figures of a run may be off",),
        )

    def set_up(self, site: Site) -> None:
        """It is there."""

    def seats(self, site: Site) -> Seats:
        return site.underlay
