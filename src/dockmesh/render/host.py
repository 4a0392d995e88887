"""HostPlan → HostConfig: pure, and the same byte for byte for the same plan."""

from dockmesh.agent.texts import FLOW_GUARD, PACKAGE, PORT_GUARD, WIREGUARD, modules_of
from dockmesh.model.mesh import Datapath, Renderer
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.render import api, flows, ifupdown, names, ovs, ports, stp_flows, systemd, tunnel_device, wireguard
from dockmesh.render.paths import (
    API_UNIT,
    ATTACH_PROGRAM,
    ATTACH_UNIT,
    ATTACH_UNIT_FILE,
    DATABASE_DROP_IN,
    FLOWS,
    FLOWS_UNIT,
    FLOWS_UNIT_FILE,
    GUARD,
    SWITCH_DROP_IN,
    UNIT,
)
from dockmesh.render.template import Words, from_template, program
from dockmesh.render.types import DaemonSettings, File, HostConfig


def render(plan: Plan, host: HostPlan, bundle: str | None = None) -> HostConfig:
    """All that is to stand on a host. `bundle`: its flows, where they were made already."""
    settings = ovs.settings(plan, host)
    bundle = flows_of(plan, host) if bundle is None else bundle
    words: Words = {
        "made": f"# Made for {host.name} of mesh {plan.name}: change dockmesh.yaml and run `dockmesh apply`; "
        "edits here are undone.",
        "plan": plan,
        "host": host,
        "direct": not plan.has_tree,
        "flows": bundle,
        "ports": ports.words(plan, host),
        **tunnel_device.words(plan, host),
    }
    renderer = systemd if plan.fabric.renderer is Renderer.SYSTEMD else ifupdown
    return HostConfig(
        host=host.name,
        mesh=plan.name,
        underlay=host.underlay,
        renderer=plan.fabric.renderer,
        datapath=plan.fabric.datapath,
        forwarding=plan.fabric.forwarding,
        tunnels=host.tunnels,
        settings=settings,
        networks=host.networks,
        daemon=_daemon(plan, host),
        files=(
            *renderer.files(host, settings, words),
            *_guard_files(plan, words),
            *(api.files(plan, host, words) if plan.docker_api else ()),
            *(_names_files(plan, host, words) if plan.domain is not None else ()),
            *(_attach_files(plan, host, words) if host.attachments else ()),
            *_wireguard_files(plan, host, words),
        ),
        units=_units(plan, host),
        flows=bundle,
        debs=plan.debs,
        domain=plan.domain,
        docker_api=plan.docker_api,
        unknown=(*api.unknown(plan, host), *wireguard.unknown(plan, host)),
        encrypted=plan.fabric.encryption is not None,
        preshared=wireguard.preshared(plan, host),
        given=tuple(prefix for each in plan.hosts for allocation in each.networks for prefix in allocation.prefixes),
    )


def _units(plan: Plan, host: HostPlan) -> tuple[str, ...]:
    """In the order in which they are started."""
    return (
        *([wireguard.UNIT] if plan.fabric.encryption else []),
        *([UNIT] if plan.fabric.renderer is Renderer.SYSTEMD else []),
        *(FLOWS_UNIT, ports.UNIT),
        *([API_UNIT] if plan.docker_api else []),
        *([names.UNIT] if plan.domain is not None else []),
        *([ATTACH_UNIT] if host.attachments else []),
    )


def _daemon(plan: Plan, host: HostPlan) -> DaemonSettings:
    return DaemonSettings(
        label=f"dockmesh=made for {host.name} of mesh {plan.name} by dockmesh apply",
        bip=str(host.address),
        pool=host.pool,
        mtu=plan.mtu,
        dns=names.addresses(host) if plan.domain is not None else (),
        search=plan.domain,
        ip6tables=host.has_ipv6,
        more=host.docker,
    )


def _guard_files(plan: Plan, words: Words) -> tuple[File, ...]:
    """The flows and the rules at ports, with what keeps each; and who must wait for flows without a spanning tree."""

    def guard(path: str, about: str, of: tuple[str, ...]) -> File:
        return program(path, str(words["made"]), about, f"{PACKAGE}.{of[-1]}", modules_of(of))

    files = (
        from_template("flows.j2", FLOWS, words),
        guard(GUARD, "The guard of this host's flows.", FLOW_GUARD),
        from_template("flows.service.j2", FLOWS_UNIT_FILE, words),
        from_template("ports.j2", ports.RULES, words),
        guard(ports.PROGRAM, "The guard of this host's ports.", PORT_GUARD),
        from_template("ports.service.j2", ports.UNIT_FILE, words),
    )
    if plan.has_tree:
        return files
    return (
        *files,
        from_template("ovs-vswitchd.conf.j2", SWITCH_DROP_IN, words),
        from_template("ovsdb-server.conf.j2", DATABASE_DROP_IN, words),
    )


def flows_of(plan: Plan, host: HostPlan) -> str:
    """The bundle of flows and groups that make the fabric; where a spanning tree does, of those that guard it."""
    return flows.bundle(plan, host) if not plan.has_tree else stp_flows.bundle(plan, host)


def _attach_files(plan: Plan, host: HostPlan, words: Words) -> tuple[File, ...]:
    userspace = plan.fabric.datapath is Datapath.NETDEV
    interfaces = (f"{each.interface}={each.switch}" if userspace else each.interface for each in host.attachments)
    words = {**words, "interfaces": tuple(dict.fromkeys(interfaces))}
    return (
        from_template("attach.py.j2", ATTACH_PROGRAM, words),
        from_template("attach.service.j2", ATTACH_UNIT_FILE, words),
    )


def _wireguard_files(plan: Plan, host: HostPlan, words: Words) -> tuple[File, ...]:
    if plan.fabric.encryption is None:
        return ()
    told = wireguard.settings(plan, host)
    main, modules = f"{PACKAGE}.{WIREGUARD[-1]}", modules_of(WIREGUARD)
    return (
        program(wireguard.PROGRAM, str(words["made"]), wireguard.ABOUT, main, modules),
        from_template("wireguard.json.j2", wireguard.SETTINGS, {**words, "wireguard": told}),
        from_template("wireguard.service.j2", wireguard.UNIT_FILE, words),
    )


def _names_files(plan: Plan, host: HostPlan, words: Words) -> tuple[File, ...]:
    """The program first and the unit last: whoever finds the unit finds all that it needs."""
    words = {**words, "names": names.settings(plan, host)}
    return (
        program(names.PROGRAM, str(words["made"]), names.ABOUT, names.MAIN, names.modules()),
        from_template("names.conf.j2", names.SETTINGS, words),
        from_template("names.service.j2", names.UNIT_FILE, words),
    )
