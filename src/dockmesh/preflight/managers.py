"""systemd-networkd and NetworkManager, where they take our devices for their own: one host at a time."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from dockmesh.model.network import (
    DOCKER_BRIDGE,
    FABRIC_BRIDGE,
    NETWORK_BRIDGE,
    NETWORK_SWITCH,
    TUNNEL_DEVICE,
    TUNNEL_SINK,
)
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.preflight.types import Check, Finding, HostEvidence, Level


def judge(plan: Plan, evidence: HostEvidence) -> Iterator[Finding]:
    host = plan.host(evidence.facts.name)
    yield from _networkd(host, evidence)
    yield from _network_manager(host, evidence)


def devices_of(host: HostPlan) -> dict[str, str]:
    """Every device that a mesh makes on a host, by name, with its type in systemd-networkd's words.

    Open vSwitch's are `ether`: a tun device has no type of its own.
    """
    found = {FABRIC_BRIDGE: "ether"}
    for network in host.networks:
        found |= {network.bridge: "bridge", network.switch: "ether"}
    tunnels = {end.port: str(end.kind) for end in host.tunnels if end.device}
    return found | tunnels | ({TUNNEL_SINK: "bridge"} if tunnels else {})


def _patterns(host: HostPlan) -> list[str]:
    """That match all of them, and nobody else's; a host that gets one more network needs no others."""
    further = [f"{NETWORK_BRIDGE}*", f"{NETWORK_SWITCH}*"] if len(host.networks) > 1 else []
    tunnels = [f"{TUNNEL_DEVICE}*"] if any(end.device for end in host.tunnels) else []
    return [DOCKER_BRIDGE, FABRIC_BRIDGE, *further, *tunnels]


def _listed(devices: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(devices[:-1]), devices[-1])))


def _is_active(evidence: HostEvidence, unit: str) -> bool:
    return evidence.around.units.get(unit, {}).get("ActiveState") == "active"


def _networkd(host: HostPlan, evidence: HostEvidence) -> Iterator[Finding]:
    """Of the files that match a device, the first in the order of their names counts."""
    if not _is_active(evidence, "systemd-networkd.service"):
        return
    taken: dict[str, list[str]] = {}
    for device, kind in devices_of(host).items():
        for path, text in evidence.around.network_files:
            if matches_device(text, device, kind):
                if not _says(text, "Link", "Unmanaged", ("yes", "true", "1", "on")):
                    taken.setdefault(path, []).append(device)
                break
    name = (host.name,)
    for path, devices in taken.items():
        what = f"systemd-networkd takes {_listed(devices)} for its own: {path} matches"
        do = (
            f"write /etc/systemd/network/00-dockmesh.network with `[Match]`, `Name={' '.join(_patterns(host))}`, "
            "`[Link]`, `Unmanaged=yes`, or name the real device in that file"
        )
        yield Finding(Check.NETWORK_MANAGERS, Level.WARNING, name, what, do)
    if not taken:
        yield Finding(Check.NETWORK_MANAGERS, Level.FINE, name, "systemd-networkd leaves our devices alone")


def matches_device(text: str, device: str, kind: str) -> bool:
    """Whether a .network file's [Match] is met by a device of which only name and type are known.

    systemd.network(5): all keys must hold, each a list of patterns, with `!` in front the opposite. What asks for
    anything else, as a MAC address, is about a real device and does not mean ours. An empty [Match] matches nothing.
    """
    keys = dict(_keys(text, "Match"))
    if not keys or set(keys) - {"Name", "Type"}:
        return False
    return all(_meets(value, device if key == "Name" else kind) for key, value in keys.items())


def _meets(patterns: str, actual: str) -> bool:
    inverted = patterns.startswith("!")
    found = any(fnmatchcase(actual, pattern) for pattern in patterns.removeprefix("!").split())
    return found is not inverted


def _keys(text: str, section: str) -> Iterator[tuple[str, str]]:
    here = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            here = line.strip("[]")
        elif here == section and "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            yield key.strip(), value.strip()


def _says(text: str, section: str, key: str, values: tuple[str, ...]) -> bool:
    return any(found == key and value.lower() in values for found, value in _keys(text, section))


def _network_manager(host: HostPlan, evidence: HostEvidence) -> Iterator[Finding]:
    """It leaves alone what others made, and says so; what it has a connection of its own for, it changes."""
    if not _is_active(evidence, "NetworkManager.service"):
        return
    name, ours = (host.name,), devices_of(host)
    taken = [
        f"{device} ({state})"
        for device, state in evidence.around.managed.items()
        if device in ours and not state.startswith("unmanaged") and "externally" not in state
    ]
    if not taken:
        yield Finding(Check.NETWORK_MANAGERS, Level.FINE, name, "NetworkManager leaves our devices alone")
        return
    what = f"NetworkManager manages {', '.join(taken)}"
    names = ";".join(f"interface-name:{pattern}" for pattern in _patterns(host))
    do = (
        "write /etc/NetworkManager/conf.d/dockmesh.conf with `[keyfile]`, "
        f"`unmanaged-devices={names}`, `nmcli general reload`"
    )
    yield Finding(Check.NETWORK_MANAGERS, Level.WARNING, name, what, do)
