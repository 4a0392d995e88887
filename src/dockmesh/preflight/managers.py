"""systemd-networkd and NetworkManager, where they take our bridges for their own: one host at a time."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from dockmesh.model.network import DOCKER_BRIDGE, FABRIC_BRIDGE
from dockmesh.preflight.types import Check, Finding, HostEvidence, Level


def judge(evidence: HostEvidence) -> Iterator[Finding]:
    name = (evidence.facts.name,)
    yield from _networkd(evidence, name)
    yield from _network_manager(evidence, name)


def _is_active(evidence: HostEvidence, unit: str) -> bool:
    return evidence.around.units.get(unit, {}).get("ActiveState") == "active"


def _networkd(evidence: HostEvidence, name: tuple[str, ...]) -> Iterator[Finding]:
    """Of the files that match a device, the first in the order of their names counts."""
    if not _is_active(evidence, "systemd-networkd.service"):
        return
    taken: dict[str, list[str]] = {}
    for device, kind in ((DOCKER_BRIDGE, "bridge"), (FABRIC_BRIDGE, "ether")):
        for path, text in evidence.around.network_files:
            if matches_device(text, device, kind):
                if not _says(text, "Link", "Unmanaged", ("yes", "true", "1", "on")):
                    taken.setdefault(path, []).append(device)
                break
    for path, devices in taken.items():
        what = f"systemd-networkd takes {' and '.join(devices)} for its own: {path} matches"
        do = (
            f"write /etc/systemd/network/00-dockmesh.network with `[Match]`, `Name={DOCKER_BRIDGE} {FABRIC_BRIDGE}`, "
            "`[Link]`, `Unmanaged=yes`, or name the real device in that file"
        )
        yield Finding(Check.NETWORK_MANAGERS, Level.WARNING, name, what, do)
    if not taken:
        yield Finding(Check.NETWORK_MANAGERS, Level.FINE, name, "systemd-networkd leaves our bridges alone")


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


def _network_manager(evidence: HostEvidence, name: tuple[str, ...]) -> Iterator[Finding]:
    """It leaves alone what others made, and says so; what it has a connection of its own for, it changes."""
    if not _is_active(evidence, "NetworkManager.service"):
        return
    taken = [
        f"{device} ({state})"
        for device, state in evidence.around.managed.items()
        if device in (DOCKER_BRIDGE, FABRIC_BRIDGE) and not state.startswith("unmanaged") and "externally" not in state
    ]
    if not taken:
        yield Finding(Check.NETWORK_MANAGERS, Level.FINE, name, "NetworkManager leaves our bridges alone")
        return
    what = f"NetworkManager manages {', '.join(taken)}"
    do = (
        "write /etc/NetworkManager/conf.d/dockmesh.conf with `[keyfile]`, "
        f"`unmanaged-devices=interface-name:{DOCKER_BRIDGE};interface-name:{FABRIC_BRIDGE}`, `nmcli general reload`"
    )
    yield Finding(Check.NETWORK_MANAGERS, Level.WARNING, name, what, do)
