"""The kernel's devices that are tunnels, made what they were: pure."""

from dockmesh.diff.tunnel_devices import del_ports, ours
from dockmesh.facts.types import HostFacts, LinuxLink
from dockmesh.model.network import TUNNEL_SINK
from dockmesh.plan.types import TunnelEnd
from dockmesh.render import tunnel_device
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Exec, Request


def restored(facts: HostFacts, config: HostConfig) -> tuple[Request, ...]:
    """What comes before the ports are made what they were.

    Each device that the run touches is deleted and, if it was there, made; and its port goes first, in a transaction of
    its own, or Open vSwitch would not take the device up.
    """
    wanted = {end.port: end for end in config.tunnels if end.device}
    present = {link.name: link for link in ours(config.mesh, facts)}
    # By the name that the plan has for it a device may be there without any mark of ours.
    present |= {name: link for name in wanted if (link := facts.link(name)) is not None and link.vxlan}
    touched = [name for name in sorted({*wanted, *present}) if _is_touched(config, wanted.get(name), present.get(name))]
    if not touched:
        return ()
    came = facts.link(TUNNEL_SINK) is None and config.kernel_devices
    return (
        *map(Exec, (tunnel_device.delete(TUNNEL_SINK),) if came else tunnel_device.sink(config.mesh)),
        del_ports(touched),
        *(Exec(tunnel_device.delete(name)) for name in touched),
        *(request for name in touched if name in present for request in _made(config, present[name])),
    )


def _is_touched(config: HostConfig, end: TunnelEnd | None, link: LinuxLink | None) -> bool:
    return end is None or link is None or (link.vxlan, link.mtu, link.up) != (end.device, config.docker0.mtu, True)


def _made(config: HostConfig, link: LinuxLink) -> tuple[Request, ...]:
    if link.vxlan is None:
        return ()
    set_up = tunnel_device.set_up(link.name, config.mesh, link.mtu, up=link.up)
    return tuple(map(Exec, (tunnel_device.make(link.name, link.vxlan), *set_up)))
