"""What a host was before the first change: kept there, and never written again, until `dockmesh destroy`."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dockmesh.facts.types import FileState, HostFacts
from dockmesh.record.form import form_of, refuse_newer
from dockmesh.record.paths import ORIGIN

FORM = 1
MODE = 0o600
# The services that apply may start, and Docker's socket, which starts one of them.
SERVICES = ("openvswitch-switch.service", "docker.service", "docker.socket")
SERVICE_STATES = ("systemctl", "show", "--property=Id,LoadState,ActiveState,UnitFileState", *SERVICES)
# What apply may make to put a file into it.
FOLDERS = (
    "/etc/docker",
    "/etc/dockmesh",
    "/etc/systemd/system/docker.service.d",
    "/etc/systemd/system/ovs-vswitchd.service.d",
    "/etc/systemd/system/ovsdb-server.service.d",
)
FORWARDING = "/proc/sys/net/ipv4/ip_forward"
# What packages of ours make and leave empty behind them, by a program that is there while they are.
LEFT_BY = {
    "ovs-vsctl": ("/var/lib/openvswitch", "/var/log/openvswitch"),
    "dockerd": ("/etc/cni/net.d", "/etc/cni", "/var/lib/containerd"),
}
FOLDERS_THERE = ("find", *FOLDERS, *(folder for each in LEFT_BY.values() for folder in each), "-maxdepth", "0")
# Whether frames between members of any bridge of the host meet the firewall; the module, which Docker loads, says yes.
BRIDGE_NF = tuple(f"net.bridge.bridge-nf-call-{each}" for each in ("arptables", "ip6tables", "iptables"))


def file_of(setting: str) -> str:
    """Where the kernel shows a setting of sysctl."""
    return f"/proc/sys/{setting.replace('.', '/')}"


@dataclass(frozen=True, slots=True)
class InitialState:
    """`packages` are those that we installed since, by name, with what they brought along."""

    mesh: str
    daemon: FileState | None  # daemon.json
    services: Mapping[str, Mapping[str, str]]  # by unit what systemd said; those that there were
    folders: tuple[str, ...]  # of FOLDERS, and those of LEFT_BY, those that there were
    docker_bridge: bool  # whether there was a docker0
    docker_address: str | None = None  # that Docker gave it
    forwarded: bool = True  # IPv4 packets of others; Docker switches it on
    packages: tuple[str, ...] = ()
    bridge_nf: Mapping[str, str] | None = None  # of BRIDGE_NF those that there were; None: not known

    def ran(self, service: str) -> bool:
        return self.services.get(service, {}).get("ActiveState") == "active"

    def enabled(self, service: str) -> bool:
        return self.services.get(service, {}).get("UnitFileState") == "enabled"

    def with_packages(self, names: Iterable[str]) -> "InitialState":
        return replace(self, packages=tuple(sorted({*self.packages, *names})))


def write(initial: InitialState) -> str:
    content = {
        "form": FORM,
        "mesh": initial.mesh,
        "daemon": None if initial.daemon is None else {"text": initial.daemon.text, "mode": initial.daemon.mode},
        "services": {unit: dict(states) for unit, states in initial.services.items()},
        "folders": list(initial.folders),
        "docker_bridge": initial.docker_bridge,
        "docker_address": initial.docker_address,
        "forwarded": initial.forwarded,
        "packages": list(initial.packages),
        "bridge_nf": None if initial.bridge_nf is None else dict(initial.bridge_nf),
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def read(text: str | None) -> InitialState | None:
    """None where there is none, or one that cannot be read: what a host was is then not known."""
    try:
        content = json.loads(text or "")
        daemon = content["daemon"]
        return InitialState(
            str(content["mesh"]),
            None if daemon is None else FileState(str(daemon["text"]), int(daemon["mode"])),
            {
                str(unit): {str(key): str(value) for key, value in states.items()}
                for unit, states in content["services"].items()
            },
            tuple(map(str, content["folders"])),
            bool(content["docker_bridge"]),
            None if content["docker_address"] is None else str(content["docker_address"]),
            bool(content["forwarded"]),
            tuple(map(str, content["packages"])),
            content.get("bridge_nf"),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def of(facts: HostFacts) -> InitialState | None:
    """What a host was, as it keeps it.

    Raises HostError where a newer dockmesh wrote it in another form.
    """
    text = facts.file(ORIGIN)
    refuse_newer(facts.name, ORIGIN, form_of(text), FORM)
    return read(text)
