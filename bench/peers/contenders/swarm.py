"""Docker Swarm's attachable overlay network, as Docker's manual sets it up: one manager, the others are workers."""

from bench.peers import docker
from bench.peers.site import Seats, Site
from bench.peers.types import About
from dockmesh.lab.model import Lab
from dockmesh.model.mesh import Datapath
from dockmesh.transport.requests import Exec

NETWORK = "overlay-bench"
# The kernel's VXLAN hands packets with unfinished checksums to the userspace underlay of a lab: ping passes, TCP does
# not. That is the lab's doing, so the lab mends it. It makes the underlay beside it slower by far: measured, a third of
# what it was in the labs of other contenders of the same run.
MEND = Exec(("ethtool", "-K", "br-phy", "tx", "off"))


class Swarm:
    packages: tuple[str, ...] = ()
    shown: tuple[str, ...] = ("docker.io",)
    watch_s: float | None = None

    def about(self, lab: Lab) -> About:
        mended = (
            "checksum offload of the hosts' underlay device off: with it TCP does not pass in a lab; "
            "this slows the underlay beside it, so its ratios flatter it: compare Mbit/s",
        )
        return About(
            name="swarm",
            title="Docker Swarm overlay",
            datapath="the kernel's VXLAN and Linux bridge",
            encrypts=False,
            centre=lab.hosts[0].name,
            centre_is="the only manager",
            settings=(
                "`docker swarm init`, two workers, `docker network create -d overlay --attachable`",
                *(mended if lab.datapath is Datapath.NETDEV else ()),
            ),
            remark="underlay slowed" if lab.datapath is Datapath.NETDEV else "",
        )

    def set_up(self, site: Site) -> None:
        manager, *workers = site.plan.hosts
        address = str(manager.underlay)
        mend = (MEND,) if site.lab.datapath is Datapath.NETDEV else ()
        begin = (
            *mend,
            Exec(("docker", "swarm", "init", "--advertise-addr", address)),
            Exec(("docker", "network", "create", "--driver", "overlay", "--attachable", NETWORK)),
            Exec(("docker", "swarm", "join-token", "--quiet", "worker")),
        )
        answers = site.carry_out("begin the swarm", lambda _: begin, [manager])
        token = answers[manager.name][-1].out.strip()
        # Docker takes it in no other way; it is good for this lab only.
        join = Exec(("docker", "swarm", "join", "--token", token, f"{address}:2377"))
        site.carry_out("join the swarm", lambda _: (*mend, join), workers)

    def seats(self, site: Site) -> Seats:
        return docker.start_containers(site, NETWORK)
