"""From what a host was, the requests that make it so again, whatever was done to it in between: pure."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from dockmesh.diff import attachments, daemon_json
from dockmesh.diff.docker import RESTART_DOCKER, restart_docker
from dockmesh.diff.flows import INSTALL
from dockmesh.diff.networks import differing, ours, switches
from dockmesh.diff.switches import joined
from dockmesh.diff.tunnel_devices import remade
from dockmesh.facts.keys import order as key_order
from dockmesh.facts.types import Docker, FileState, HostFacts, LinuxLink, OvsBridge, OvsInterface
from dockmesh.model.network import DOCKER_BRIDGE, FABRIC_BRIDGE, NETWORK_SWITCH
from dockmesh.record.paths import STAY_OUT
from dockmesh.render import bridge, docker, network, ovs, ports, wireguard
from dockmesh.render.paths import FLOWS, INTERFACES, PATHS, UNITS
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Exec, Put, Remove, Request
from dockmesh.undo import tunnel_devices

TIMEOUT_S = 20
# As it is without a controller and without flows of anybody's, at once and with no moment in between.
UNGUARDED = Exec(
    ("ovs-ofctl", "-O", "OpenFlow15", "bundle", FABRIC_BRIDGE, "-"),
    stdin="flow delete\nflow add priority=0,actions=NORMAL\n",
    timeout_s=30,
)
NO_MASTER = Exec(("ip", "link", "set", "dev", FABRIC_BRIDGE, "nomaster"))


def docker_file(facts: HostFacts) -> tuple[Request, ...]:
    """daemon.json, and the copy of it."""
    return tuple(_file(facts.files, path) for path in (docker.DAEMON_JSON, docker.BEFORE))


def docker_daemon(facts: HostFacts, *, only_restart: bool = False) -> tuple[Request, ...]:
    """With its old settings in place; it was stopped before if it did not answer.

    `only_restart`: docker0 is as it was, so that containers may go on running where live-restore is on.
    """
    if only_restart:
        return RESTART_DOCKER
    if facts.docker is None and "dockerd" in facts.programs:
        return (Exec(("systemctl", "stop", "docker.socket", "docker.service")),)
    state = facts.files.get(docker.DAEMON_JSON)
    text, mode = (state.text, state.mode) if state else (None, docker.MODE)
    address = docker_address(facts.docker)
    if address is None or "bip" in (json.loads(text) if text and text.strip() else {}):
        live_restore = facts.docker is not None and facts.docker.live_restore and state is not None
        return restart_docker(text or "", mode, live_restore=live_restore)
    reload = (Exec(("systemctl", "reload", "docker.service")),) if facts.docker and facts.docker.live_restore else ()
    return (
        Put(docker.DAEMON_JSON, daemon_json.for_restart(text, address), mode),
        *RESTART_DOCKER,
        _file(facts.files, docker.DAEMON_JSON),
        *reload,
    )


def docker_address(running: Docker | None) -> str | None:
    """docker0's, as Docker has it; without a `bip` it keeps what it had last, so it must be told once."""
    if running is None or running.gateway is None or running.prefix is None:
        return None
    return f"{running.gateway}/{running.prefix.prefixlen}"


def containers(facts: HostFacts) -> tuple[Request, ...]:
    """Those that ran, one by one: one that its owner wanted gone must not keep the others down."""
    running = facts.docker.containers if facts.docker else ()
    return tuple(Exec(("docker", "start", container.id)) for container in running)


def own_units(facts: HostFacts) -> tuple[Request, ...]:
    """Off, if they were off. A unit may be there no more, or not yet."""
    requests = []
    for unit in UNITS.values():
        states = facts.units.get(unit, {})
        if states.get("ActiveState") != "active":
            requests.append(Exec(("systemctl", "stop", unit)))
        if states.get("UnitFileState") != "enabled":
            requests.append(Exec(("systemctl", "disable", unit)))
    return tuple(requests)


def own_files(facts: HostFacts, fewer_flows: str | None) -> tuple[Request, ...]:
    """`fewer_flows`: what of the flows may meet those that other hosts keep of the run."""
    old = facts.files
    if fewer_flows is not None:
        old = {**old, FLOWS: replace(old[FLOWS], text=fewer_flows)}
    enabled = [unit for unit in UNITS.values() if facts.units.get(unit, {}).get("UnitFileState") == "enabled"]
    # To enable units reads all units again, too.
    last = Exec(("systemctl", "enable", *enabled) if enabled else ("systemctl", "daemon-reload"))
    return (*(_file(old, path) for path in PATHS), last)


def keys(facts: HostFacts) -> tuple[Request, ...]:
    """Preshared keys that the run took out of use; those that it brought stay."""
    names = tuple(facts.keys.preshared) if facts.keys else ()
    return (key_order(restore=names),) if names else ()


def locks(facts: HostFacts) -> tuple[Request, ...]:
    """Those of the encryption that the host had, with its device: before any tunnel leads inside again."""
    active = facts.units.get(wireguard.UNIT, {}).get("ActiveState") == "active"
    return (Exec(("systemctl", "restart", wireguard.UNIT)),) if active else ()


def locks_that_came(facts: HostFacts, *, encrypted: bool) -> tuple[Request, ...]:
    """Off, when no tunnel leads inside any more. `encrypted`: by this run."""
    return () if wireguard.SETTINGS in facts.files or not encrypted else tuple(map(Exec, wireguard.FORGET))


def rules_that_came(facts: HostFacts) -> tuple[Request, ...]:
    """Those at ports of containers: their guard, which is stopped by now, leaves them."""
    return () if ports.UNIT_FILE in facts.files else (Exec(ports.FORGET),)


def flows(facts: HostFacts) -> tuple[Request, ...]:
    """With the file and the bridge as they were; beside a spanning tree there may have been none."""
    bridge = facts.bridge(FABRIC_BRIDGE)
    if bridge is None:
        return ()
    if FLOWS in facts.files:
        return (INSTALL,)
    return (UNGUARDED,) if bridge.rstp or bridge.stp else ()


def networks_that_came(facts: HostFacts, config: HostConfig) -> tuple[Request, ...]:
    """Out of Docker and out of the kernel, what was not there or was otherwise; while Docker has no more of it."""
    requests: list[Request] = []
    for wanted in config.further:
        present = facts.docker.network(wanted.name) if facts.docker else None
        if present is None or differing(wanted, facts):
            requests.append(Exec(network.remove(wanted.name)))
        if facts.link(wanted.bridge) is None:
            requests.append(Exec(bridge.make_gone(wanted.bridge)))
    return tuple(requests)


def networks(facts: HostFacts, config: HostConfig, held_back: Collection[str]) -> tuple[Request, ...]:
    """Those that the host had, where the run takes them apart or recreates them; with the fabric as it was.

    Not those of which another host has got addresses: the next apply makes them.
    """
    requests: list[Request] = []
    wanted = {each.name: each for each in config.further}
    for name, linux_bridge in ours(config.mesh, facts).items():
        if name in held_back:
            continue
        link, member = facts.link(linux_bridge), facts.link(f"{NETWORK_SWITCH}{name}")
        if link is not None:
            if name not in wanted:
                requests.append(Exec(("ip", "link", "add", "name", link.name, "type", "bridge")))
            requests += _linux_bridge(link)
        if member is not None and member.master:
            requests.append(Exec(("ip", "link", "set", "dev", member.name, "master", member.master, "up")))
        present = facts.docker.network(name) if facts.docker else None
        if present is not None and (name not in wanted or differing(wanted[name], facts)):
            requests.append(Exec(network.create_again(present)))
    return tuple(requests)


def _file(old: Mapping[str, FileState], path: str) -> Request:
    state = old.get(path)
    return Remove(path) if state is None else Put(path, state.text, state.mode)


def tunnels(facts: HostFacts, config: HostConfig) -> tuple[Request, ...]:
    """The spanning tree gives up those that go, and takes those again that it was to give up."""
    bridge = facts.bridge(FABRIC_BRIDGE)
    old = {interface.name for interface in bridge.interfaces} if bridge else set()
    # A device that is made again has a new port, by the name of the old one.
    anew = {end.port for end in remade(config, facts)}
    old, new = old - anew, {tunnel.port for tunnel in config.tunnels}
    # Patches have no BFD that could be told so.
    patches = {port.name for port in bridge.interfaces if port.type == "patch"} if bridge else set()
    leaving, staying = sorted(new - old), sorted(old - {FABRIC_BRIDGE} - patches - new)
    return tuple(Exec(argv) for argv in (*map(ovs.leave, leaving), *map(ovs.stay, staying)))


def fabric(facts: HostFacts, config: HostConfig, *, recreated: bool) -> tuple[Request, ...]:
    """`recreated`: the run recreates the bridge, so that its rollback does, too."""
    present = facts.bridge(FABRIC_BRIDGE)
    drop = Exec(ovs.make_sure_argv(("--", "--if-exists", "del-br", FABRIC_BRIDGE), TIMEOUT_S))
    wanted = dict.fromkeys(each.switch for each in joined(config))
    came = [name for name in wanted if facts.bridge(name) is None]
    words = [word for name in came for word in ("--", "--if-exists", "del-br", name)]
    down = tuple(attachments.undone(config, facts))
    devices = tunnel_devices.restored(facts, config)
    if present is None:
        return (drop, *devices, *((Exec(ovs.make_sure_argv(tuple(words), TIMEOUT_S)),) if words else ()), *down)
    words += _words(present, ports_of(config))
    for switch in switches(config.mesh, facts).values():
        words += _words(switch, ())
    for switch in attachments.switches(config.mesh, facts):
        words += _words(switch, _ports(config, switch.name))
    return (*((drop,) if recreated else ()), *devices, Exec(ovs.make_sure_argv(tuple(words), TIMEOUT_S)), *down)


def _ports(config: HostConfig, switch: str) -> tuple[str, ...]:
    """Those that the run wants in the bridge of an attached interface."""
    return tuple(
        port for each in config.attachments if each.switch == switch for port in (each.switch_port, each.interface)
    )


def ports_of(config: HostConfig) -> tuple[str, ...]:
    """The ports of the fabric's bridge."""
    return (*(tunnel.port for tunnel in config.tunnels), *(each.fabric_port for each in joined(config)))


def _words(bridge: OvsBridge, new_ports: Iterable[str]) -> Iterator[str]:
    yield from ("--", "--may-exist", "add-br", bridge.name)
    old = {interface.name for interface in bridge.interfaces}
    for port in (port for port in new_ports if port not in old):
        yield from ("--", "--if-exists", "del-port", bridge.name, port)
    for port in sorted(old - {bridge.name}):
        yield from ("--", "--may-exist", "add-port", bridge.name, port)
    yield from ("--", "set", "bridge", bridge.name)
    yield f"datapath_type={_text(bridge.datapath_type)}"
    yield f"rstp_enable={str(bridge.rstp).lower()}"
    yield f"stp_enable={str(bridge.stp).lower()}"
    yield f"fail_mode={bridge.fail_mode or '[]'}"
    yield f"other_config={_map(bridge.other_config)}"
    yield f"external_ids={_map(bridge.external_ids)}"
    for interface in bridge.interfaces:
        yield from _interface_words(interface)


def _interface_words(interface: OvsInterface) -> Iterator[str]:
    yield from ("--", "set", "port", interface.name)
    yield f"tag={'[]' if interface.tag is None else interface.tag}"
    yield f"vlan_mode={interface.vlan_mode or '[]'}"
    yield f"other_config={_map(interface.other_config)}"
    yield from ("--", "set", "interface", interface.name)
    yield f"type={_text(interface.type)}"
    yield f"options={_map(interface.options)}"
    yield f"bfd={_map(interface.bfd)}"
    yield f"external_ids={_map(interface.external_ids)}"
    yield f"mtu_request={'[]' if interface.mtu_request is None else interface.mtu_request}"
    yield f"ofport_request={'[]' if interface.ofport_request is None else interface.ofport_request}"


def _map(values: Mapping[str, str]) -> str:
    """A whole column: what is not named goes."""
    return "{" + ",".join(f"{_text(key)}={_text(value)}" for key, value in sorted(values.items())) + "}"


def _text(value: str) -> str:
    """ovs-vsctl's strings are JSON's, where they are more than a bare word."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def links(facts: HostFacts, config: HostConfig, *, stay_out: bool) -> tuple[Request, ...]:
    """docker0 as it was, then br0 where it was; or alone, where another host got this one's old addresses."""
    bridge, member = facts.link(DOCKER_BRIDGE), facts.link(FABRIC_BRIDGE)
    requests = list(_docker_bridge(bridge, config))
    if stay_out:
        marker = Put(STAY_OUT, "another host has the addresses of this one\n", 0o600)
        return (*requests, NO_MASTER, marker, *_apart_at_boot(facts))
    if member is not None and member.kind != "bridge":
        place = ("master", member.master) if member.master else ("nomaster",)
        requests.append(Exec(("ip", "link", "set", "dev", FABRIC_BRIDGE, *place, "up" if member.up else "down")))
    return tuple(requests)


def _apart_at_boot(facts: HostFacts) -> Iterator[Request]:
    """For ifupdown, which knows no marker: its file says it, and the next apply writes it again."""
    if (state := facts.files.get(INTERFACES)) is not None:
        text = state.text.replace(f"bridge_ports {FABRIC_BRIDGE}\n", "bridge_ports none\n")
        yield Put(INTERFACES, text, state.mode)


def _docker_bridge(link: LinuxLink | None, config: HostConfig) -> Iterator[Request]:
    if link is None:
        return  # Docker, if it is there, has made one since; without it, docker0 is a bridge with nothing in it
    yield from _linux_bridge(link)
    if config.docker0.address not in link.addresses:
        yield Exec(("ip", "address", "flush", "dev", link.name, "to", f"{config.docker0.address.ip}/32"))


def _linux_bridge(link: LinuxLink) -> Iterator[Request]:
    name = link.name
    yield Exec(("ip", "link", "set", "dev", name, "address", link.mac, "mtu", str(link.mtu)))
    yield Exec(("ip", "link", "set", "dev", name, "type", "bridge", "stp_state", "1" if link.stp else "0"))
    yield Exec(bridge.routers(name, int(link.routers)))
    for address in link.addresses:
        yield Exec(("ip", "address", "replace", str(address), "broadcast", "+", "dev", name))
    for address6 in link.addresses6:
        yield Exec(("ip", "address", "replace", str(address6), "dev", name, "nodad"))
    yield Exec(("ip", "link", "set", "dev", name, "up" if link.up else "down"))
