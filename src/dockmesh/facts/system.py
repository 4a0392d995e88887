"""The distribution, the programs that are there, and systemd's units."""

from collections.abc import Mapping

from dockmesh.facts.fact import Fact
from dockmesh.transport.requests import Answer, Exec, Find, Get, Stat, Units

OS_RELEASE = "/etc/os-release"
SWITCH_UNIT = "ovs-vswitchd.service"
UNITS = (
    *("dockmesh.service", "dockmesh-flows.service", "dockmesh-names.service", "dockmesh-api.service"),
    *("dockmesh-attach.service", "dockmesh-ports.service", "dockmesh-wireguard.service", "docker.service", SWITCH_UNIT),
    "networking.service",
)
UNIT_STATES = Units(UNITS, ("LoadState", "UnitFileState", "StatusText"))
PROGRAMS = (
    *("apt-get", "ovs-vsctl", "dockerd", "docker", "iptables", "ip", "brctl", "ifup", "stunnel", "systemctl"),
    *("nft", "python3", "ethtool", "wg", "wireguard-go"),
)
# What the resolver needs of the distribution, where Debian and Ubuntu put it; among the programs by this name.
LIBRARY, LIBRARY_FILE = "dnslib", "/usr/lib/python3/dist-packages/dnslib/__init__.py"
# The kernel datapath: loaded, or there to be loaded. A system container has no modprobe of its own.
MODULE = ("modprobe", "--dry-run", "--quiet", "openvswitch")
LOADED_MODULES = "/proc/modules"
# Whether the kernel makes VXLAN devices, and iproute2 has the words: one is made where nobody is, in a network
# namespace of its own that ends with the command. A module that is not loaded is loaded by it.
VXLAN = (
    *("unshare", "--net", "ip", "link", "add", "name", "dockmesh", "type", "vxlan", "id", "1"),
    *("remote", "192.0.2.1", "dstport", "4789", "nolearning", "df", "set"),
)


# Whether it has WireGuard. A module that is not loaded is loaded by it.
WIREGUARD = ("unshare", "--net", "ip", "link", "add", "name", "dockmesh", "type", "wireguard")


def read_os_release(text: str) -> str:
    """PRETTY_NAME, the name that people know the system by."""
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip("\"'")
    return "unknown"


def read_kernel_datapath(loaded: str, *, loadable: bool) -> bool:
    return loadable or any(line.startswith("openvswitch ") for line in loaded.splitlines())


def read_units(answer: str) -> Mapping[str, Mapping[str, str]]:
    """Properties by unit; systemd parts the units by an empty line."""
    units = {}
    for block in answer.strip().split("\n\n"):
        properties = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in properties:
            units[properties.pop("Id")] = properties
    return units


def read_programs(answer: str) -> frozenset[str]:
    """The programs that were found, by their bare names."""
    return frozenset(line.rsplit("/", 1)[-1] for line in answer.split())


def _read_programs(found: Answer, library: Answer) -> Mapping[str, object]:
    programs = read_programs(found.out) | ({LIBRARY} if library.ok else frozenset())
    return {"programs": programs}


FACTS = (
    Fact((UNIT_STATES,), lambda units: {"units": read_units(units.out)}),
    Fact((Find(PROGRAMS), Stat(LIBRARY_FILE)), _read_programs),
    Fact(
        (Exec(MODULE), Get(LOADED_MODULES)),
        lambda module, loaded: {"kernel_datapath": read_kernel_datapath(loaded.out, loadable=module.ok)},
    ),
    Fact((Get(OS_RELEASE),), lambda release: {"system": read_os_release(release.out)}),
)
# Asked only where the mesh encrypts.
WIREGUARD_FACT = Fact((Exec(WIREGUARD),), lambda made: {"kernel_wireguard": made.ok})
