"""OVN: one logical switch over Geneve, on the same datapath of Open vSwitch; a port of it in each host's docker0."""

from collections.abc import Iterator

from bench.peers import docker
from bench.peers.site import Seats, Site
from bench.peers.types import About
from dockmesh.lab.model import Lab
from dockmesh.model.mesh import ETHERNET_MTU
from dockmesh.model.tunnel import Tunnel, overlay_mtu
from dockmesh.plan.types import HostPlan
from dockmesh.transport.requests import Exec, Request

PORT, SWITCH = "ovn0", "mesh"
SOUTHBOUND = 6642
GENEVE_OPTION = 8  # bytes: OVN carries its logical ports in an option of Geneve
READY_S = 30
MTU = overlay_mtu(ETHERNET_MTU, Tunnel.GENEVE, 4, key=False).mtu - GENEVE_OPTION


class Ovn:
    packages: tuple[str, ...] = ("ovn-central", "ovn-host")
    shown: tuple[str, ...] = ("ovn-central", "ovn-host", "openvswitch-switch", "docker.io")
    watch_s: float | None = None

    def about(self, lab: Lab) -> About:
        return About(
            name="ovn",
            title="OVN",
            datapath=f"Open vSwitch, {lab.datapath}",
            encrypts=False,
            centre=lab.hosts[0].name,
            centre_is="the only ovn-central",
            settings=(
                f"one logical switch over Geneve, a port of each host in docker0 with address `unknown`, MTU {MTU}",
                f"ovn-bridge-datapath-type={lab.datapath}; Docker with bip, fixed-cidr and mtu",
            ),
        )

    def set_up(self, site: Site) -> None:
        central, *_ = site.plan.hosts
        names = site.names
        site.carry_out("make the logical switch", lambda _: tuple(_logical(names)), [central])
        site.carry_out(
            "join the hosts to OVN", lambda host: tuple(_chassis(str(site.lab.datapath), str(central.underlay), host))
        )

    def seats(self, site: Site) -> Seats:
        return docker.start_containers(site)


def _logical(names: tuple[str, ...]) -> Iterator[Request]:
    yield Exec(("ovn-sbctl", f"--timeout={READY_S}", "set-connection", f"ptcp:{SOUTHBOUND}:0.0.0.0"))
    words = ["ovn-nbctl", f"--timeout={READY_S}", "--", "ls-add", SWITCH]
    for name in names:
        words += ["--", "lsp-add", SWITCH, name, "--", "lsp-set-addresses", name, "unknown"]
    yield Exec(tuple(words))


def _chassis(datapath: str, central: str, host: HostPlan) -> Iterator[Request]:
    yield from docker.settle_as_planned(host, MTU)
    yield Exec(
        (
            *("ovs-vsctl", "set", "open_vswitch", ".", f"external_ids:ovn-remote=tcp:{central}:{SOUTHBOUND}"),
            *("external_ids:ovn-encap-type=geneve", f"external_ids:ovn-encap-ip={host.underlay}"),
            f"external_ids:ovn-bridge-datapath-type={datapath}",
        )
    )
    # OVN makes br-int itself, once it knows of what kind.
    yield Exec(("ovs-vsctl", f"--timeout={READY_S}", "wait-until", "bridge", "br-int", f"datapath_type={datapath}"))
    yield Exec(
        (
            *("ovs-vsctl", "add-port", "br-int", PORT, "--", "set", "interface", PORT, "type=internal"),
            *(f"external_ids:iface-id={host.name}", f"mtu_request={MTU}"),
        )
    )
    yield docker.join(PORT)
