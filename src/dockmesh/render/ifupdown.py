"""The fabric and its bridges as interfaces of ifupdown: `renderer: ifupdown`."""

from collections.abc import Iterable

from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.plan.types import HostAttachment, HostNetwork, HostPlan, TunnelEnd
from dockmesh.render import bridge, ovs
from dockmesh.render.paths import DOCKER_DROP_IN, INTERFACES
from dockmesh.render.template import Words, from_template
from dockmesh.render.types import File, Setting


def files(host: HostPlan, settings: tuple[Setting, ...], words: Words) -> tuple[File, ...]:
    patches: tuple[HostNetwork | HostAttachment, ...] = (*host.further, *host.attachments)
    words = {
        **words,
        "ignore_routers": {each.bridge: bridge.ignore_routers(each.bridge) for each in host.networks},
        "fabric_extra": _extra("bridge", FABRIC_BRIDGE, settings, "port", "interface"),
        "switch_extra": {
            network.name: _extra("bridge", network.switch, settings, "interface") for network in host.further
        },
        "attach_extra": {each.switch: _attach_extra(each, settings) for each in host.attachments},
        "attach_ports": _by_switch(host.attachments),
        "patch_extra": {
            port: _extra("port", port, settings, "interface")
            for each in patches
            for port in (each.fabric_port, each.switch_port)
        },
        "tunnel_options": {tunnel.port: _options(tunnel.port, settings) for tunnel in host.tunnels},
        "tunnel_extra": {tunnel.port: _tunnel_extra(tunnel, settings) for tunnel in host.tunnels},
    }
    return (
        from_template("interfaces.j2", INTERFACES, words),
        from_template("docker-ifupdown.conf.j2", DOCKER_DROP_IN, words),
    )


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


def _by_switch(attachments: Iterable[HostAttachment]) -> dict[str, list[str]]:
    """The patch ports of each bridge that an attached interface is in."""
    found: dict[str, list[str]] = {}
    for each in attachments:
        found.setdefault(each.switch, []).append(each.switch_port)
    return found


def _attach_extra(attach: HostAttachment, settings: tuple[Setting, ...]) -> str:
    """Of its bridge, and the interface with it: a stanza of its own could be the user's already."""
    of_bridge = _extra("bridge", attach.switch, settings)
    add = f"-- --may-exist add-port {attach.switch} {attach.interface}"
    return f"{of_bridge} {add} -- {_extra('port', attach.interface, settings, 'interface')}"


def _tunnel_extra(end: TunnelEnd, settings: tuple[Setting, ...]) -> str:
    """Of a device the type, too: ifupdown has no word of its own for it."""
    if end.device is None:
        return _extra("interface", end.port, settings)
    chosen = [setting for setting in settings if setting.record == end.port]
    return _evaluated(ovs.set_words(chosen)[1:])


def _options(port: str, settings: tuple[Setting, ...]) -> str:
    chosen = [setting for setting in ovs.settings_of(settings, "interface", port) if setting.column == "options"]
    return _evaluated(map(ovs.assignment, chosen))


def _evaluated(words: Iterable[str]) -> str:
    return " ".join(words).replace('"', r"\"")
