"""HostPlan → HostConfig: pure, and the same byte for byte for the same plan."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files as resources
from shlex import join

import jinja2

from dockmesh.facts.docker import SOCKET
from dockmesh.model.mesh import API_PORT, Datapath, Renderer
from dockmesh.model.network import DOCKER_BRIDGE, FABRIC_BRIDGE
from dockmesh.plan.types import Access, HostAttachment, HostCertificate, HostNetwork, HostPlan, Plan
from dockmesh.record.paths import ARMED, DEADLINE, RETURNING, STAY_OUT
from dockmesh.render import bridge, flows, guarded, names, ovs, ports
from dockmesh.render.types import Attachment, DaemonSettings, DockerBridge, DockerNetwork, File, HostConfig, Setting

MARK = "# Managed by dockmesh."
UP = "/etc/dockmesh/up"
UNIT = "dockmesh.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
DOCKER_DROP_IN = "/etc/systemd/system/docker.service.d/dockmesh.conf"
INTERFACES = "/etc/network/interfaces.d/dockmesh"
# The flows, which make the fabric or guard it, and what puts them back.
FLOWS = "/etc/dockmesh/flows"
GUARD = "/etc/dockmesh/flow-guard.py"
FLOWS_UNIT = "dockmesh-flows.service"
FLOWS_UNIT_FILE = f"/etc/systemd/system/{FLOWS_UNIT}"
SWITCH_DROP_IN = "/etc/systemd/system/ovs-vswitchd.service.d/dockmesh.conf"
DATABASE_DROP_IN = "/etc/systemd/system/ovsdb-server.service.d/dockmesh.conf"
# What keeps attached interfaces up.
ATTACH_PROGRAM = "/etc/dockmesh/attach.py"
ATTACH_UNIT = "dockmesh-attach.service"
ATTACH_UNIT_FILE = f"/etc/systemd/system/{ATTACH_UNIT}"
# Docker's API for the mesh; the unit first, so that whoever removes them shuts the port first.
API_UNIT = "dockmesh-api.service"
API_UNIT_FILE = f"/etc/systemd/system/{API_UNIT}"
API_SETTINGS = "/etc/dockmesh/api.conf"
API_CA = "/etc/dockmesh/api-ca.pem"
API_REVOKED = "/etc/dockmesh/api-revoked.pem"
API_CERTIFICATE = "/etc/dockmesh/api-certificate.pem"
API_KEY = "/etc/dockmesh/api-key.pem"
API_PEMS = (API_CA, API_REVOKED, API_CERTIFICATE, API_KEY)
API_FILES = (API_UNIT_FILE, API_SETTINGS, *API_PEMS)
SECRET_MODE = 0o600
# The firewall's words for a connection too many from one address; the same on every host, so that one can be taken away
# by a unit that was made anew meanwhile.
API_LIMIT = (
    *("--in-interface", DOCKER_BRIDGE, "--protocol", "tcp", "--destination-port", str(API_PORT), "--syn"),
    *("--match", "connlimit", "--connlimit-above", "100", "--connlimit-mask", "32"),
    *("--match", "comment", "--comment", API_UNIT),
    *("--jump", "REJECT", "--reject-with", "tcp-reset"),
)
# Every path that a file of ours may have, whatever the renderer.
PATHS = (
    *(UP, UNIT_FILE, DOCKER_DROP_IN, INTERFACES, FLOWS, GUARD, FLOWS_UNIT_FILE, SWITCH_DROP_IN, DATABASE_DROP_IN),
    *API_FILES,
    *(names.PROGRAM, names.SETTINGS, names.UNIT_FILE),
    *ports.FILES,
    *(ATTACH_PROGRAM, ATTACH_UNIT_FILE),
)
UNITS = {
    UNIT_FILE: UNIT,
    FLOWS_UNIT_FILE: FLOWS_UNIT,
    API_UNIT_FILE: API_UNIT,
    names.UNIT_FILE: names.UNIT,
    ports.UNIT_FILE: ports.UNIT,
    ATTACH_UNIT_FILE: ATTACH_UNIT,
}
# How long a boot may wait for Open vSwitch before Docker starts without the mesh, in seconds.
BOOT_DEADLINE_S = 30

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("dockmesh.render"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 — these are no web pages
)
_templates.filters["argv"] = join


def render(plan: Plan, host: HostPlan, bundle: str | None = None) -> HostConfig:
    """All that is to stand on a host. `bundle`: its flows, where they were made already."""
    docker_bridge = _bridge_of(host.docker0)
    networks = tuple(_docker_network(plan, network) for network in host.further)
    attachments = tuple(_attachment(network, each) for network in host.networks if (each := network.attach))
    patches: tuple[DockerNetwork | Attachment, ...] = (*networks, *attachments)
    bridges = (docker_bridge, *(network.bridge for network in networks))
    settings = ovs.settings(plan, host)
    systemd = plan.fabric.renderer is Renderer.SYSTEMD
    bundle = flows_of(plan, host) if bundle is None else bundle
    words = {
        "mark": MARK,
        "made": f"# Made for {host.name} of mesh {plan.name}: change dockmesh.yaml and run `dockmesh apply`; "
        "edits here are undone.",
        "plan": plan,
        "host": host,
        "bridge": docker_bridge,
        "bridges": bridges,
        "networks": networks,
        "attachments": attachments,
        "direct": not plan.has_tree,
        "unit": UNIT,
        "up": UP,
        "deadline_s": BOOT_DEADLINE_S,
        "armed": ARMED,
        "returning": RETURNING,
        "deadline": DEADLINE,
        "stay_out": STAY_OUT,
        "flows": bundle,
        "flows_unit": FLOWS_UNIT,
        "flows_file": FLOWS,
        "ports": ports.words(plan, host),
        "ports_unit": ports.UNIT,
        "port_guard_text": _program("port_guard"),
        "guard": GUARD,
        "guard_text": _program("flow_guard"),
        "api_settings": API_SETTINGS,
        "api_ca": API_CA,
        "api_revoked": API_REVOKED,
        "api_certificate": API_CERTIFICATE,
        "api_key": API_KEY,
        "api_port": API_PORT,
        "api_limit": join(API_LIMIT),
        "socket": SOCKET,
    }
    if systemd:
        fabric = ovs.make_sure_argv(
            ovs.transaction(settings, host.tunnels, networks, attachments=attachments), BOOT_DEADLINE_S
        )
        words |= {
            "clauses": _clauses(fabric),
            "make": {each.name: bridge.make(each) for each in bridges},
            "set_up": {each.name: (*bridge.set_up(each), *bridge.attach(each)) for each in bridges},
        }
        files: tuple[File, ...] = (
            _file("up.sh.j2", UP, words),
            _file("dockmesh.service.j2", UNIT_FILE, words),
            _file("docker.conf.j2", DOCKER_DROP_IN, words),
        )
    else:
        words |= {
            "ignore_routers": {each.name: bridge.ignore_routers(each.name) for each in bridges},
            "fabric_extra": _extra("bridge", FABRIC_BRIDGE, settings, "port", "interface"),
            "switch_extra": {
                network.name: _extra("bridge", network.bridge.member, settings, "interface") for network in networks
            },
            "attach_extra": {each.switch: _attach_extra(each, settings) for each in attachments},
            "attach_ports": _by_switch(attachments),
            "patch_extra": {
                port: _extra("port", port, settings, "interface")
                for each in patches
                for port in (each.fabric_port, each.switch_port)
            },
            "tunnel_options": {tunnel.port: _options(tunnel.port, settings) for tunnel in host.tunnels},
            "tunnel_extra": {tunnel.port: _extra("interface", tunnel.port, settings) for tunnel in host.tunnels},
        }
        files = (_file("interfaces.j2", INTERFACES, words), _file("docker-ifupdown.conf.j2", DOCKER_DROP_IN, words))
    files += (
        _file("flows.j2", FLOWS, words),
        _file("flow-guard.j2", GUARD, words),
        _file("flows.service.j2", FLOWS_UNIT_FILE, words),
        _file("ports.j2", ports.RULES, words),
        _file("port-guard.j2", ports.PROGRAM, words),
        _file("ports.service.j2", ports.UNIT_FILE, words),
    )
    if not plan.has_tree:
        files += (
            _file("ovs-vswitchd.conf.j2", SWITCH_DROP_IN, words),
            _file("ovsdb-server.conf.j2", DATABASE_DROP_IN, words),
        )
    units = (UNIT,) if systemd else ()
    units = (*units, FLOWS_UNIT) if bundle else units
    units = (*units, ports.UNIT)
    own = plan.access.hosts.get(host.name) if plan.access else None
    if plan.docker_api:
        files += (_file("api.service.j2", API_UNIT_FILE, words), _file("api.conf.j2", API_SETTINGS, words))
        files += _pems(plan.access, own) if plan.access and own else ()
        units = (*units, API_UNIT)
    if plan.domain is not None:
        files += _names_files(plan, host, words)
        units = (*units, names.UNIT)
    if attachments:
        files += _attach_files(plan, attachments, words)
        units = (*units, ATTACH_UNIT)
    return HostConfig(
        host=host.name,
        mesh=plan.name,
        underlay=host.underlay,
        renderer=plan.fabric.renderer,
        datapath=plan.fabric.datapath,
        forwarding=plan.fabric.forwarding,
        tunnels=host.tunnels,
        settings=settings,
        docker_bridge=docker_bridge,
        daemon=DaemonSettings(
            label=f"dockmesh=made for {host.name} of mesh {plan.name} by dockmesh apply",
            bip=str(host.address),
            pool=host.pool,
            mtu=plan.mtu,
            dns=names.addresses(host) if plan.domain is not None else (),
            search=plan.domain,
            ip6tables=host.has_ipv6,
            more=host.docker,
        ),
        files=files,
        units=units,
        flows=bundle,
        debs=plan.debs,
        networks=networks,
        domain=plan.domain,
        attachments=attachments,
        docker_api=plan.docker_api,
        unknown=API_PEMS if plan.docker_api and own is None else (),
        given=tuple(prefix for each in plan.hosts for seat in each.networks for prefix in seat.prefixes),
    )


def _pems(access: Access, own: HostCertificate) -> tuple[File, ...]:
    """What the end of TLS cannot start without; the key of the authority is not among it."""
    return (
        File(API_CA, access.ca),
        File(API_REVOKED, access.revoked),
        File(API_CERTIFICATE, own.certificate),
        File(API_KEY, own.key, SECRET_MODE),
    )


def flows_of(plan: Plan, host: HostPlan) -> str:
    """The bundle of flows and groups that make the fabric; where a spanning tree does, of those that guard it."""
    return flows.bundle(plan, host) if not plan.has_tree else guarded.bundle(plan, host)


def _bridge_of(network: HostNetwork) -> DockerBridge:
    return DockerBridge(
        network.bridge, network.switch, network.address, network.bridge_mac, network.mtu, network.address6
    )


def _docker_network(plan: Plan, network: HostNetwork) -> DockerNetwork:
    return DockerNetwork(
        network.name,
        plan.name,
        _bridge_of(network),
        network.pool,
        network.internal,
        fabric_port=f"{ovs.FABRIC_PORT}{network.name}",
        switch_port=f"{ovs.SWITCH_PORT}{network.name}",
        pool6=network.pool6,
    )


def _attachment(network: HostNetwork, attach: HostAttachment) -> Attachment:
    return Attachment(
        network.name,
        attach.interface,
        attach.vlan,
        network.mtu,
        attach.switch,
        fabric_port=f"{ovs.FABRIC_ATTACH}{network.name}",
        switch_port=f"{ovs.SWITCH_ATTACH}{network.name}",
    )


def _attach_files(plan: Plan, attachments: Iterable[Attachment], words: dict[str, object]) -> tuple[File, ...]:
    userspace = plan.fabric.datapath is Datapath.NETDEV
    words = {
        **words,
        "keep_up_text": _program("keep_up"),
        "attach_program": ATTACH_PROGRAM,
        "interfaces": tuple(
            dict.fromkeys(f"{each.interface}={each.switch}" if userspace else each.interface for each in attachments)
        ),
    }
    return (
        _file("attach.py.j2", ATTACH_PROGRAM, words),
        _file("attach.service.j2", ATTACH_UNIT_FILE, words),
    )


def _names_files(plan: Plan, host: HostPlan, words: dict[str, object]) -> tuple[File, ...]:
    """The program first and the unit last: whoever finds the unit finds all that it needs."""
    words = {
        **words,
        "program": names.PROGRAM,
        "names_file": names.SETTINGS,
        "names": names.settings(plan, host),
    }
    return (
        File(names.PROGRAM, _names_program(str(words["made"]))),
        _file("names.conf.j2", names.SETTINGS, words),
        _file("names.service.j2", names.UNIT_FILE, words),
    )


@cache
def _names_program(made: str) -> str:
    return _templates.get_template("names.py.j2").render(mark=MARK, made=made, modules=names.modules())


def _program(name: str) -> str:
    """A module of `agent`, as text."""
    return resources("dockmesh.agent").joinpath(f"{name}.py").read_text(encoding="utf-8")


def _file(template: str, path: str, words: dict[str, object]) -> File:
    return File(path, _templates.get_template(template).render(words))


def _clauses(argv: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """An ovs-vsctl command line, cut before each `--`, for one clause a line."""
    clauses: list[list[str]] = [[]]
    for word in argv:
        if word == "--":
            clauses.append([])
        clauses[-1].append(word)
    return tuple(map(tuple, clauses))


def _extra(table: str, record: str, settings: tuple[Setting, ...], *more: str) -> str:
    """The same settings as ifupdown's ovs_extra wants them, less what its own options say.

    Debian's ifupdown.sh evaluates the text between double quotes and then splits it at its blanks.
    """
    chosen = [
        setting
        for each in (table, *more)
        for setting in ovs.settings_of(settings, each, record)
        if setting.column not in ("type", "options")
    ]
    return _evaluated(ovs.set_words(chosen)[1:])


def _by_switch(attachments: Iterable[Attachment]) -> dict[str, list[str]]:
    """The patch ports of each bridge that an attached interface is in."""
    found: dict[str, list[str]] = {}
    for each in attachments:
        found.setdefault(each.switch, []).append(each.switch_port)
    return found


def _attach_extra(attach: Attachment, settings: tuple[Setting, ...]) -> str:
    """Of its bridge, and the interface with it: a stanza of its own could be the user's already."""
    of_bridge = _extra("bridge", attach.switch, settings)
    add = f"-- --may-exist add-port {attach.switch} {attach.interface}"
    return f"{of_bridge} {add} -- {_extra('port', attach.interface, settings, 'interface')}"


def _options(port: str, settings: tuple[Setting, ...]) -> str:
    chosen = [setting for setting in ovs.settings_of(settings, "interface", port) if setting.column == "options"]
    return _evaluated(map(ovs.assignment, chosen))


def _evaluated(words: Iterable[str]) -> str:
    return " ".join(words).replace('"', r"\"")
