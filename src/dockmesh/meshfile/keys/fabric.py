"""How the hosts are joined."""

from dockmesh.meshfile.keys.encryption import EncryptionType
from dockmesh.meshfile.keys.topology import TOPOLOGY
from dockmesh.meshfile.section import Inner, Key, Section
from dockmesh.meshfile.types import Choice
from dockmesh.meshfile.values import BFD_INTERVAL_MS, BFD_MULTIPLIER, TUNNEL_KEY
from dockmesh.model import mesh as of
from dockmesh.model.tunnel import Tunnel

FABRIC, BFD = of.Fabric(), of.Bfd()


class BfdSection(
    Section,
    title="`fabric.bfd`",
    where="under `bfd`",
    example={"interval_ms": BFD.interval_ms, "multiplier": BFD.multiplier},
    model=of.Bfd,
):
    """How fast a dead tunnel is noticed (BFD, RFC 5880): after interval × multiplier."""

    interval_ms = Key(
        BFD_INTERVAL_MS, "Milliseconds between two hellos on a tunnel.", BFD.interval_ms, examples=(30, 100, 300)
    )
    multiplier = Key(
        BFD_MULTIPLIER, "So many hellos missing in a row make a tunnel dead.", BFD.multiplier, examples=(3,)
    )


class FabricSection(
    Section,
    title="`fabric`",
    where="under `fabric`",
    example={"topology": "full-mesh"},
    otherwise="; without it every setting has its default",
    model=of.Fabric,
    alone=True,
):
    """How the hosts are joined. Everything here has a default."""

    tunnel = Key(Choice(Tunnel), "What carries frames between hosts.", FABRIC.tunnel, note="gre | vxlan | geneve")
    key = Key(
        TUNNEL_KEY,
        "GRE key, or VNI of vxlan and geneve (at most 16777215): tells this mesh's packets from others'.",
        None,
        examples=(4711,),
        note="GRE key, or VNI of vxlan and geneve",
    )
    topology = Key(
        TOPOLOGY,
        "Which hosts have a tunnel to which: full-mesh, ring, star, or a map of one of the forms below.",
        FABRIC.topology,
        note="full-mesh | ring | star | {degree: 4} | {sites: …} | {links: …}",
    )
    forwarding = Key(
        Choice(of.Forwarding),
        "What keeps frames from looping: a spanning tree, which heals a cut link within a second (rstp) or a minute "
        "(stp), or rules for each pair of hosts, which use every link (direct).",
        FABRIC.forwarding,
        note="rstp | stp | direct: what keeps frames from looping",
    )
    bfd = Inner(
        BfdSection,
        "How fast a dead tunnel is noticed; stp does not look at it.",
        BFD,
        note="a tunnel is dead after interval × multiplier",
    )
    datapath = Key(
        Choice(of.Datapath),
        "Where Open vSwitch moves frames: system (its kernel module) or netdev (userspace).",
        FABRIC.datapath,
        note="system (kernel) | netdev (userspace)",
    )
    tunnel_devices = Key(
        Choice(of.TunnelDevices),
        "Who makes the tunnels: openvswitch, or kernel: each is a VXLAN device of the kernel's, for `tunnel: vxlan` "
        "with `datapath: netdev`. Then the underlay address need not be on a bridge of Open vSwitch.",
        FABRIC.tunnel_devices,
        note="openvswitch | kernel: who makes the tunnels",
    )
    encryption = Key(
        EncryptionType(),
        "Whether what goes between hosts is encrypted: by WireGuard, or not at all (off, as without this key).",
        None,
        note="wireguard | off",
    )
    guard = Key(
        Choice(of.Guard),
        "Without encryption, whose tunnel packets a host takes and whom it sends them to: peers, only the underlay "
        "addresses of the mesh; off, as without this key. Addresses can be forged.",
        FABRIC.guard,
        note="off | peers",
    )
    renderer = Key(
        Choice(of.Renderer),
        "What brings the network up at boot: systemd or ifupdown (Debian).",
        FABRIC.renderer,
        note="systemd | ifupdown: what brings it up at boot",
    )
