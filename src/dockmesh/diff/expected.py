"""What is wanted of a host, flat: by the subject of a Change the value, for the record and to compare with it.

Tunnels go by their peer and not by their port: the plan's number of a port is a wish.
"""

from collections.abc import Iterator
from hashlib import sha256

from dockmesh.diff import attachments, flows, networks, switches
from dockmesh.diff.host import SWITCH_UNIT, packages_of
from dockmesh.diff.linux_bridge import ROUTERS
from dockmesh.model import FABRIC_BRIDGE
from dockmesh.render import docker, ovs
from dockmesh.render.types import File, HostConfig

FINGERPRINT = "sha256 "


def expected(config: HostConfig) -> dict[str, str]:
    return dict(_expected(config))


def _expected(config: HostConfig) -> Iterator[tuple[str, str]]:
    bridge = config.docker_bridge
    yield from ((package, "installed") for package in packages_of(config).values())
    for package in {deb.package for deb in config.debs}:
        yield (
            package,
            ", ".join(sorted(f"{each.version} {each.architecture}" for each in config.debs if each.package == package)),
        )
    yield SWITCH_UNIT, "running"
    settings = docker.shown_keys(docker.alone(config.daemon).text)
    yield docker.DAEMON_JSON, ", ".join(f"{key} {value}" for key, value in settings.items())
    yield "docker restart", f"{bridge.address}, pool {config.daemon.fixed_cidr}, MTU {config.daemon.mtu}"
    yield from ((file.path, fingerprint(file)) for file in config.files)
    yield from ((unit, "enabled, active") for unit in config.units)
    priority = ovs.tree_priority(config.settings)
    tree = "" if priority is None else f", priority {priority.value}"
    yield f"bridge {FABRIC_BRIDGE}", f"{config.forwarding}, {config.datapath} datapath{tree}"
    peers = {tunnel.port: tunnel.peer for tunnel in config.tunnels}
    for tunnel in config.tunnels:
        yield tunnel_key(tunnel.peer), f"to {tunnel.peer} at {tunnel.remote}"
    for setting in config.settings:
        name = f"{setting.column}:{setting.key}" if setting.key else setting.column
        peer = peers.get(setting.record)
        yield f"{tunnel_key(peer) if peer else setting.record} {name}", setting.value
    yield flows.SUBJECT, flows.PLANNED
    for network in config.networks:
        yield f"bridge {network.bridge.member}", f"{config.datapath} datapath"
    for each in switches.joined(config):
        yield from ((f"patch {port}", f"for {each.network}") for port in (each.fabric_port, each.switch_port))
    yield from networks.recorded(config)
    yield from attachments.recorded(config)
    for linux in (bridge, *(network.bridge for network in config.networks)):
        six = f", {linux.address6}" if linux.address6 else ""
        yield linux.name, f"{linux.address}{six}, MTU {linux.mtu}"
        yield f"{linux.name} MTU", str(linux.mtu)
        yield f"{linux.name} MAC address", linux.mac
        yield f"{linux.name} state", "up"
        yield f"{linux.name} spanning tree", "off"
        yield f"{linux.name} {ROUTERS}", "ignored"
        yield f"{linux.name} address", str(linux.address)
        if linux.address6:
            yield f"{linux.name} address6", str(linux.address6)
        yield linux.member, f"in {linux.name}"
        yield f"{linux.member} MTU", str(linux.mtu)


def tunnel_key(peer: str) -> str:
    return f"tunnel to {peer}"


def fingerprint(file: File) -> str:
    """Of text and mode: enough to see that they are others."""
    return f"{FINGERPRINT}{sha256(file.text.encode()).hexdigest()}, mode {file.mode:04o}"
