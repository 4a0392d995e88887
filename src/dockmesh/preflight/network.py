"""Datapath, underlay address, and what stands in the way of the prefix: one host at a time."""

from collections.abc import Iterator

from dockmesh.diff import attached_interfaces, tunnel_devices
from dockmesh.facts.types import LinuxLink
from dockmesh.model.mesh import Datapath
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.types import HostNetwork, HostPlan, Plan
from dockmesh.preflight.types import Check, Finding, HostEvidence, Level
from dockmesh.render.network import LABEL

# What Open vSwitch calls its devices for VXLAN and Geneve in the kernel; their ports follow.
OWN_DEVICES = ("vxlan_sys_", "genev_sys_")


def judge(plan: Plan, evidence: HostEvidence) -> Iterator[Finding]:
    host, name = plan.host(evidence.facts.name), (evidence.facts.name,)
    yield _datapath(plan, evidence, name)
    yield _underlay(host, evidence, name)
    if plan.fabric.kernel_devices:
        yield from _port_for_kernel(plan, host, evidence, name)
    else:
        yield from _port(plan, evidence, name)
    for allocation in host.networks:
        yield from _prefix(host, allocation, evidence, name)
    yield from _attached(host, evidence, name)
    yield from _docker_networks(plan, host, evidence, name)


def _datapath(plan: Plan, evidence: HostEvidence, name: tuple[str, ...]) -> Finding:
    """Without the module the kernel datapath is what apply refuses, and it is said there."""
    kernel = evidence.facts.kernel_datapath
    if plan.fabric.kernel_devices:
        return _kernel_devices(evidence, name)
    if plan.fabric.datapath is Datapath.NETDEV:
        why = "its kernel has the module too" if kernel else "its kernel has no openvswitch module"
        what = f"the userspace datapath, as the file says; {why}"
        if "ovs-vsctl" not in evidence.facts.programs:
            # Before Open vSwitch is there apply cannot see it, and would stop after it has installed it.
            do = (
                "set `tunnel: vxlan` and `tunnel_devices: kernel` under `fabric`, which need none; or make that bridge "
                "first (docs/howto/netdev.md), unless something makes it once Open vSwitch comes"
            )
            what += "; the underlay address must then be on a bridge of Open vSwitch, which is not there yet"
            return Finding(Check.DATAPATH, Level.WARNING, name, what, do)
        return Finding(Check.DATAPATH, Level.FINE, name, what)
    wire = plan.fabric.tunnel.encapsulation
    module = wire.modules[plan.ip_version == 6]
    if kernel and module not in evidence.around.tunnel_modules:
        do = f"install a kernel with {wire.name}, or set `datapath: netdev` under `fabric`"
        return Finding(Check.DATAPATH, Level.BLOCKER, name, f"its kernel has openvswitch, but no module {module}", do)
    return Finding(Check.DATAPATH, Level.FINE, name, f"the kernel datapath, and {wire.name} in the kernel")


def _kernel_devices(evidence: HostEvidence, name: tuple[str, ...]) -> Finding:
    if not evidence.around.makes_vxlan:
        what = "the tunnels are to be VXLAN devices of the kernel's, and its kernel makes none"
        do = (
            "see what `modprobe vxlan` says there; or set `tunnel_devices: openvswitch` under `fabric`, which needs "
            "the underlay address on a bridge of Open vSwitch (docs/howto/netdev.md)"
        )
        return Finding(Check.DATAPATH, Level.BLOCKER, name, what, do)
    return Finding(Check.DATAPATH, Level.FINE, name, "the userspace datapath, and VXLAN devices of the kernel's")


def _port_for_kernel(plan: Plan, host: HostPlan, evidence: HostEvidence, name: tuple[str, ...]) -> Iterator[Finding]:
    """All VXLAN devices of a port share the kernel's socket, if they are of one kind."""
    wire, links = plan.fabric.tunnel.encapsulation, evidence.facts.links
    if conflict := next(tunnel_devices.conflicts(plan.name, host.tunnels, evidence.facts), None):
        yield Finding(
            Check.TUNNEL, Level.BLOCKER, name, tunnel_devices.what_excludes(*conflict), tunnel_devices.INSTEAD
        )
    elif wire.port in evidence.around.udp_ports and not any(
        link.vxlan and link.vxlan.port == wire.port for link in links
    ):
        what = f"its {wire.protocol} is used already, and by no VXLAN device; the kernel needs it for {wire.name}"
        yield Finding(Check.TUNNEL, Level.BLOCKER, name, what, "end what uses it: `ss --udp --listening --processes`")


def _port(plan: Plan, evidence: HostEvidence, name: tuple[str, ...]) -> Iterator[Finding]:
    """Open vSwitch's own sockets, too, are the kernel's: then there is its device for that kind of tunnels."""
    wire = plan.fabric.tunnel.encapsulation
    own = any(link.name.startswith(OWN_DEVICES) for link in evidence.facts.links)
    if wire.port not in evidence.around.udp_ports or own:
        return
    others = [link.name for link in evidence.facts.links if link.kind == str(plan.fabric.tunnel)]
    by = f"by {', '.join(others)}" if others else "by somebody else: Docker Swarm's overlay networks are VXLAN, too"
    what = f"its {wire.protocol} is used already, {by}; Open vSwitch needs it for {wire.name}"
    left = next(str(kind) for kind in (Tunnel.GENEVE, Tunnel.VXLAN) if kind is not plan.fabric.tunnel)
    do = f"set `tunnel: {left}` or `tunnel: gre` under `fabric`, or end what uses it"
    yield Finding(Check.TUNNEL, Level.BLOCKER, name, what, do)


def _device_of_underlay(host: HostPlan, links: tuple[LinuxLink, ...]) -> LinuxLink | None:
    return next((link for link in links if link.has(host.underlay)), None)


def _underlay(host: HostPlan, evidence: HostEvidence, name: tuple[str, ...]) -> Finding:
    device = _device_of_underlay(host, evidence.facts.links)
    if device is None and host.is_dynamic:
        what = f"no device has the {host.underlay} of the file; its address may change"
        return Finding(Check.UNDERLAY, Level.FINE, name, what)
    if device is None:
        has = [str(ip) for link in evidence.facts.links for ip in link.ips if not ip.is_loopback]
        what = f"no device has the underlay address {host.underlay} of the file"
        do = f"write the address that the other hosts reach it at; it has {', '.join(has) or 'none'}"
        # Behind a NAT that maps one to one the host does not have the address that others use: tunnels work then.
        return Finding(Check.UNDERLAY, Level.WARNING, name, what, do)
    if device.mtu < host.underlay_mtu:
        what = f"{device.name} has MTU {device.mtu}, less than the {host.underlay_mtu} of the file"
        do = f"set `underlay_mtu: {device.mtu}` for this host in the file"
        return Finding(Check.UNDERLAY, Level.BLOCKER, name, what, do)
    return Finding(Check.UNDERLAY, Level.FINE, name, f"{host.underlay} on {device.name}, MTU {device.mtu}")


def _prefix(
    host: HostPlan, allocation: HostNetwork, evidence: HostEvidence, name: tuple[str, ...]
) -> Iterator[Finding]:
    prefix, whose = allocation.prefix, _whose(allocation)
    of_docker = {network.bridge for network in evidence.around.networks}
    ours = {device for each in host.networks for device in (each.bridge, each.switch)}
    skipped = {*ours, *of_docker}
    for link in evidence.facts.links:
        inside = [each for each in link.addresses if each.ip in prefix and link.name not in skipped]
        if inside:
            skipped.add(link.name)
            what = f"{link.name} has the address {inside[0]}, which is in {whose} {prefix}"
            do = (
                f"take it away (`ip address del {inside[0]} dev {link.name}`), or give {_it(allocation)} another prefix"
            )
            yield Finding(Check.ROUTES, Level.BLOCKER, name, what, do)
    found = False
    for route in evidence.around.routes:
        if route.device in skipped or not route.network.overlaps(prefix):
            continue
        found = True
        via = f"leads to {route.device}" if route.device else "drops what goes there"
        if route.network.subnet_of(prefix):
            what = f"the route {route.network} {via} and takes a part of {whose} {prefix}"
            do = f"remove that route, or give {_it(allocation)} another prefix"
            yield Finding(Check.ROUTES, Level.BLOCKER, name, what, do)
        else:
            what = f"the route {route.network} {via}; {whose} {prefix} hides a part of it"
            do = f"give {_it(allocation)} another prefix if somebody is reached there"
            yield Finding(Check.ROUTES, Level.WARNING, name, what, do)
    if not found and skipped == {*ours, *of_docker}:
        yield Finding(Check.ROUTES, Level.FINE, name, f"nothing else has routes or addresses in {prefix}")


def _whose(allocation: HostNetwork) -> str:
    return "the mesh's prefix" if allocation.vlan is None else f"the prefix of {allocation.name}"


def _it(allocation: HostNetwork) -> str:
    return "the mesh" if allocation.vlan is None else allocation.name


def _attached(host: HostPlan, evidence: HostEvidence, name: tuple[str, ...]) -> Iterator[Finding]:
    """What apply refuses is said there."""
    warnings = tuple(attached_interfaces.warnings(host, evidence.facts))
    yield from (Finding(Check.ATTACHED, Level.WARNING, name, *each) for each in warnings)
    allocations = [(allocation, allocation.attach) for allocation in host.networks if allocation.attach is not None]
    if allocations and not warnings and evidence.refusal is None:
        words = ", ".join(
            f"{attach.interface}{f' (VLAN {attach.vlan})' if attach.vlan else ''} for {allocation.name}"
            for allocation, attach in allocations
        )
        yield Finding(Check.ATTACHED, Level.FINE, name, words)


def _docker_networks(plan: Plan, host: HostPlan, evidence: HostEvidence, name: tuple[str, ...]) -> Iterator[Finding]:
    """Those that apply did not make."""
    docker = evidence.facts.docker
    ours = {each.name for each in docker.networks if each.labels.get(LABEL) == plan.name} if docker else set()
    others = [each for each in evidence.around.networks if each.name != "bridge" and each.name not in ours]
    wrong = False
    for allocation in host.networks:
        for network, prefix in [(each.name, prefix) for each in others for prefix in each.prefixes]:
            if not prefix.overlaps(allocation.prefix):
                continue
            wrong = True
            # "networks have overlapping IPv4", and with its bip dockerd does not start any more.
            whose = f"{_whose(allocation)} {allocation.prefix}"
            what = f"Docker's network {network} has {prefix}, which overlaps {whose}: Docker refuses"
            do = (
                f"recreate {network} with another subnet (`docker network rm {network}` first), "
                f"or give {_it(allocation)} another prefix"
            )
            yield Finding(Check.DOCKER_NETWORKS, Level.BLOCKER, name, what, do)
        if allocation.vlan is not None and allocation.name in {each.name for each in others}:
            wrong = True
            what = f"Docker has a network {allocation.name} that is not of this mesh"
            do = f"give one of the two another name; or, if nothing needs it, run `docker network rm {allocation.name}`"
            yield Finding(Check.DOCKER_NETWORKS, Level.BLOCKER, name, what, do)
    if docker is not None and not wrong:
        prefixes = ", ".join(str(allocation.prefix) for allocation in host.networks)
        yield Finding(Check.DOCKER_NETWORKS, Level.FINE, name, f"no other network of Docker's in {prefixes}")
