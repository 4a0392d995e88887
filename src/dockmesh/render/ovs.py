"""The fabric in Open vSwitch's words: its settings as values, and the one transaction that makes them so.

Names of columns and keys: ovs-vswitchd.conf.db(5).
"""

from collections.abc import Iterable
from itertools import groupby

from dockmesh.model.mesh import Forwarding
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.plan.types import HostAttachment, HostNetwork, HostPlan, Plan, TunnelEnd
from dockmesh.render.types import Setting

MARK = "dockmesh"  # external_ids key: the mesh that a bridge, or an interface, is part of
PEER_MARK = "dockmesh-peer"
NETWORK_MARK = "dockmesh-network"  # the further network that a bridge, or an interface, is for
INTERFACE_MARK = "dockmesh-interface"  # which one it is, or is the bridge of
WAS_MARK = "dockmesh-was"  # of the bridge, whether the interface was "up" or "down" before
# Flows and a rapid spanning tree must never meet: to either the other's bridge is a way that it knows nothing of. So
# under `direct` BFD's packets go to an address of their own, and no others are heard. Between two bridges of which one
# is not `direct`, BFD stays down: then RSTP keeps the tunnel out, and groups do not choose it.
DIRECT_BFD = "0e:6d:bf:d0:00:01"
KEY = "key"  # options key: of GRE, or the VNI of VXLAN and Geneve
LOCAL = "local_ip"
# A device of the kernel's has no speed, and what Open vSwitch takes for it then is not promised. These are what it
# takes for its own tunnels, which are 100 Mbit/s to it (`port_configure_rstp` and `port_configure_stp` in
# vswitchd/bridge.c): all links cost alike, as the plan takes them.
COSTS = {Forwarding.RSTP: ("rstp-path-cost", "200000"), Forwarding.STP: ("stp-path-cost", "19")}
# Options that not every mesh has. Where they are not wanted they must not be: a setting only says what there is.
AT_TIMES = (KEY, LOCAL)


def settings(plan: Plan, host: HostPlan) -> tuple[Setting, ...]:
    """All settings of the fabric on one host: bridge, local port, further networks, tunnels."""
    return (
        *_bridge(plan, host),
        *(setting for network in host.further for setting in _network(plan, network)),
        # Two networks may be attached to one interface, each with a tag of its own there.
        *dict.fromkeys(
            setting
            for network in host.networks
            if network.attach
            for setting in _attached(plan, network, network.attach)
        ),
        *(setting for tunnel in host.tunnels for setting in _tunnel(plan, host, tunnel)),
    )


def _bridge(plan: Plan, host: HostPlan) -> Iterable[Setting]:
    forwarding = plan.fabric.forwarding
    yield Setting("bridge", FABRIC_BRIDGE, "datapath_type", None, str(plan.fabric.datapath))
    # All said, always: what is on must be on in the same transaction that adds the second tunnel, or there is a loop.
    # Without a spanning tree the mode guards: `secure` passes nothing but what flows say, and at first there are none.
    yield Setting("bridge", FABRIC_BRIDGE, "rstp_enable", None, "true" if forwarding is Forwarding.RSTP else "false")
    yield Setting("bridge", FABRIC_BRIDGE, "stp_enable", None, "true" if forwarding is Forwarding.STP else "false")
    if not forwarding.has_tree:
        yield Setting("bridge", FABRIC_BRIDGE, "fail_mode", None, "secure")
    else:
        priority = f"{forwarding}-priority"
        yield Setting("bridge", FABRIC_BRIDGE, "other_config", priority, str(host.tree_priority))
    # Unless told, Open vSwitch gives the bridge another MAC address at each start; here it also breaks the tree's ties.
    yield Setting("bridge", FABRIC_BRIDGE, "other_config", "hwaddr", host.docker0.switch_mac)
    yield Setting("bridge", FABRIC_BRIDGE, "external_ids", MARK, plan.name)
    # By default the local port is a trunk: a container could put a VLAN tag on its frames and be let through.
    yield Setting("port", FABRIC_BRIDGE, "vlan_mode", None, "access")
    yield Setting("port", FABRIC_BRIDGE, "tag", None, "0")
    # What `ip link set mtu` says is undone by Open vSwitch; this is its own way to be told.
    yield Setting("interface", FABRIC_BRIDGE, "mtu_request", None, str(plan.mtu))


def _network(plan: Plan, network: HostNetwork) -> Iterable[Setting]:
    """A bridge of its own, joined to the fabric's by a patch.

    An internal port of the fabric's bridge would be less, but one that is added to a living bridge with a spanning tree
    never gets a broadcast (measured with Open vSwitch 3.5.0); a patch port does. And the bridge between keeps BPDUs of
    containers (IEEE 802.1D) from the tree: Linux bridges pass them on, this one does not.
    """
    bridge = network.switch
    yield Setting("bridge", bridge, "datapath_type", None, str(plan.fabric.datapath))
    yield Setting("bridge", bridge, "other_config", "hwaddr", network.switch_mac)
    yield Setting("bridge", bridge, "external_ids", MARK, plan.name)
    yield Setting("bridge", bridge, "external_ids", NETWORK_MARK, network.name)
    yield Setting("interface", bridge, "mtu_request", None, str(network.mtu))
    yield from _patch(plan, network, network.fabric_port, network.switch_port, network.port)


def _patch(plan: Plan, network: HostNetwork, port: str, peer: str, number: int | None) -> Iterable[Setting]:
    """`port` is the end in the fabric's bridge."""
    yield Setting("port", port, "vlan_mode", None, "access")
    yield Setting("port", port, "tag", None, str(network.vlan or 0))
    if plan.fabric.forwarding is Forwarding.RSTP:
        # Nobody but containers is behind it, so it need not wait for the tree. 802.1D knows no such thing; and a port
        # that takes no part in that tree is never flooded to, if it comes to a living bridge.
        yield Setting("port", port, "other_config", "rstp-port-admin-edge", "true")
    for here, there in ((port, peer), (peer, port)):
        yield Setting("interface", here, "type", None, "patch")
        yield Setting("interface", here, "options", "peer", there)
        if here == port:
            yield Setting("interface", port, "ofport_request", None, str(number))
        yield Setting("interface", here, "external_ids", MARK, plan.name)
        yield Setting("interface", here, "external_ids", NETWORK_MARK, network.name)


def _attached(plan: Plan, network: HostNetwork, attach: HostAttachment) -> Iterable[Setting]:
    """A bridge for the interface, which keeps BPDUs to itself: those from outside, and the fabric's."""
    yield Setting("bridge", attach.switch, "datapath_type", None, str(plan.fabric.datapath))
    yield Setting("bridge", attach.switch, "other_config", "hwaddr", attach.switch_mac)
    yield Setting("bridge", attach.switch, "external_ids", MARK, plan.name)
    yield Setting("bridge", attach.switch, "external_ids", INTERFACE_MARK, attach.interface)
    yield Setting("port", attach.interface, "vlan_mode", None, "trunk")
    yield Setting("interface", attach.interface, "external_ids", MARK, plan.name)
    yield Setting("interface", attach.interface, "external_ids", INTERFACE_MARK, attach.interface)
    peer = attach.switch_port
    yield from _patch(plan, network, attach.fabric_port, peer, attach.port)
    # To Open vSwitch frames without a tag are those of VLAN 0.
    yield Setting("port", peer, "vlan_mode", None, "access")
    yield Setting("port", peer, "tag", None, str(attach.vlan or 0))


def _tunnel(plan: Plan, host: HostPlan, tunnel: TunnelEnd) -> Iterable[Setting]:
    bfd = plan.fabric.bfd
    if (cost := COSTS.get(plan.fabric.forwarding)) and tunnel.device:
        yield Setting("port", tunnel.port, "other_config", *cost)
    yield Setting("interface", tunnel.port, "type", None, tunnel.type)
    yield from _options(plan, host, tunnel)
    if host.forwards:
        # Flows know ports by number.
        yield Setting("interface", tunnel.port, "ofport_request", None, str(plan.host(tunnel.peer).number))
    # RSTP takes a port out when its BFD is down, and groups leave it out. STP does not see it; there it is only the eye
    # of `dockmesh verify`.
    yield Setting("interface", tunnel.port, "bfd", "enable", "true")
    yield Setting("interface", tunnel.port, "bfd", "min_rx", str(bfd.interval_ms))
    yield Setting("interface", tunnel.port, "bfd", "min_tx", str(bfd.interval_ms))
    yield Setting("interface", tunnel.port, "bfd", "mult", str(bfd.multiplier))
    if not plan.has_tree:
        yield Setting("interface", tunnel.port, "bfd", "bfd_local_dst_mac", DIRECT_BFD)
        yield Setting("interface", tunnel.port, "bfd", "bfd_remote_dst_mac", DIRECT_BFD)
    yield Setting("interface", tunnel.port, "external_ids", MARK, plan.name)
    yield Setting("interface", tunnel.port, "external_ids", PEER_MARK, tunnel.peer)


def _options(plan: Plan, host: HostPlan, tunnel: TunnelEnd) -> Iterable[Setting]:
    """Of a tunnel that Open vSwitch makes; where the kernel does, they are the device's (render/tunnel_device.py)."""
    if tunnel.device is not None:
        return
    yield Setting("interface", tunnel.port, "options", "remote_ip", str(tunnel.remote))
    if plan.ip_version == 6 or host.inside is not None:
        # A host often has several addresses of IPv6, and the peer takes packets only from the one of the file. Measured
        # with Open vSwitch 3.5.0: with a second one that is nearer to the peer (RFC 6724) BFD came up only with this.
        # Of an encrypted mesh it is the address inside, which comes after the locks and goes before them: the kernel
        # sends nothing from an address that is not there.
        yield Setting("interface", tunnel.port, "options", LOCAL, str(host.tunnels_from))
    if plan.fabric.key is not None:
        yield Setting("interface", tunnel.port, "options", KEY, str(plan.fabric.key))


def transaction(
    wanted: Iterable[Setting],
    tunnels: Iterable[TunnelEnd],
    further: Iterable[HostNetwork] = (),
    stale: Iterable[str] = (),
    attachments: Iterable[HostAttachment] = (),
) -> tuple[str, ...]:
    """ovs-vsctl's words for one transaction: bridges and ports made where missing, stale ports gone, settings set."""
    words = ["--", "--may-exist", "add-br", FABRIC_BRIDGE]
    for port in stale:
        words += ["--", "--if-exists", "del-port", FABRIC_BRIDGE, port]
    for network in further:
        words += ["--", "--may-exist", "add-br", network.switch]
        words += ["--", "--may-exist", "add-port", FABRIC_BRIDGE, network.fabric_port]
        words += ["--", "--may-exist", "add-port", network.switch, network.switch_port]
    attached = tuple(attachments)
    for switch, interface in dict.fromkeys((each.switch, each.interface) for each in attached):
        words += ["--", "--may-exist", "add-br", switch]
        words += ["--", "--may-exist", "add-port", switch, interface]
    for each in attached:
        words += ["--", "--may-exist", "add-port", FABRIC_BRIDGE, each.fabric_port]
        words += ["--", "--may-exist", "add-port", each.switch, each.switch_port]
    for tunnel in tunnels:
        words += ["--", "--may-exist", "add-port", FABRIC_BRIDGE, tunnel.port]
    return (*words, *set_words(wanted))


def unset_words(options: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """`-- remove interface NAME options KEY …`, by interface and key; what is not there is no error."""
    return tuple(word for name, key in options for word in ("--", "remove", "interface", name, "options", key))


def leave(port: str) -> tuple[str, ...]:
    """Have the spanning tree give up a tunnel that is about to be deleted.

    Measured with Open vSwitch 3.5.0: a bridge whose root port is deleted keeps it as its root port ("unknown root port"
    in rstp/show) and looks for no other; in 8 of 8 runs two hosts had no way to each other after their tunnels to the
    root went, in 6 of 6 they had with this before. Not a setting: the port is gone a moment later.
    """
    return ("ovs-appctl", "bfd/set-forwarding", port, "false")


def stay(port: str) -> tuple[str, ...]:
    """The contrary, for a port that is not deleted after all."""
    return ("ovs-appctl", "bfd/set-forwarding", port, "normal")


def set_words(wanted: Iterable[Setting]) -> tuple[str, ...]:
    """`-- set TABLE RECORD COLUMN=VALUE …`, settings of one record together."""
    words: list[str] = []
    for (table, record), group in groupby(wanted, key=lambda setting: (setting.table, setting.record)):
        words += ["--", "set", table, record, *map(assignment, group)]
    return tuple(words)


def assignment(setting: Setting) -> str:
    """Without quotes: ovs-vsctl needs none for our values, and ifupdown would take them for part of the word."""
    return f"{setting.column}:{setting.key}={setting.value}" if setting.key else f"{setting.column}={setting.value}"


def settings_of(wanted: Iterable[Setting], table: str, record: str) -> tuple[Setting, ...]:
    return tuple(setting for setting in wanted if (setting.table, setting.record) == (table, record))


def make_sure_argv(words: tuple[str, ...], timeout_s: int) -> tuple[str, ...]:
    """Wait for the database and for ovs-vswitchd to have done it, both until a deadline."""
    return ("ovs-vsctl", "--retry", f"--timeout={timeout_s}", *words)


def tree_priority(wanted: Iterable[Setting]) -> Setting | None:
    """The setting that decides who is the root; None: there is no spanning tree."""
    return next((setting for setting in wanted if setting.key in ("rstp-priority", "stp-priority")), None)
