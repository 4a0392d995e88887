"""What is asked of a host beside its facts, and pure readers of the answers."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

from dockmesh.facts import docker, iptables, system
from dockmesh.model.tunnel import Tunnel
from dockmesh.preflight.types import Around, DockerNetwork, Listener, Route, Route6
from dockmesh.transport.requests import Answer, Ask, Exec, Get, Request

DISKS = ("/etc", "/var", "/var/lib/docker")
MANAGERS = ("ufw.service", "firewalld.service", "nftables.service", "netfilter-persistent.service")
NETWORK_MANAGERS = ("NetworkManager.service", "systemd-networkd.service")
SNAP = "snap.docker.dockerd.service"
UNITS = (*MANAGERS, *NETWORK_MANAGERS, SNAP, docker.UNIT)
NETWORK_FOLDERS = ("/etc/systemd/network", "/run/systemd/network", "/usr/lib/systemd/network")

LISTENS = "0A"  # TCP_LISTEN
MODULES = tuple(sorted({module for tunnel in Tunnel for module in tunnel.encapsulation.modules}))

IPV6_DEVICES = "/proc/sys/net/ipv6/conf"

QUESTIONS: Mapping[str, Request] = {
    "date": Exec(("date", "+%s.%N")),
    "routes": Exec(("ip", "-json", "-4", "route", "show", "table", "all")),
    "python": Exec(("python3", "--version")),
    # What is not there is said on standard error, and the rest is answered all the same.
    "disk": Exec(("df", "--block-size=1", "--output=avail,file", *DISKS)),
    "networks": Ask(docker.SOCKET, "/networks", docker.UNIT, timeout_s=4),
    "units": Exec(("systemctl", "show", "--property=Id,ActiveState,ExecStart", *UNITS)),
    "options": Get("/etc/default/docker"),
    "ufw": Get("/etc/ufw/ufw.conf"),
    "networkd": Exec(("grep", "--recursive", "--include=*.network", "", *NETWORK_FOLDERS)),
    "nmcli": Exec(("nmcli", "--terse", "--fields", "DEVICE,STATE", "device"), timeout_s=4),
    "iptables": iptables.RULES,
    "ip6tables": iptables.RULES6,
    "iptables_kind": Exec(("iptables", "--version")),
    "legacy": Get("/proc/net/ip_tables_names"),
    "nftables": Exec(("nft", "--json", "list", "ruleset")),
    "bridge_netfilter": Get(iptables.BRIDGE_NETFILTER),
    "ip_forward": Get("/proc/sys/net/ipv4/ip_forward"),
    **{f"module {name}": Exec(("modprobe", "--dry-run", "--quiet", name)) for name in MODULES},
    "modules": Get(system.LOADED_MODULES),
    "vxlan": Exec(system.VXLAN),
    "udp": Get("/proc/net/udp"),
    "udp6": Get("/proc/net/udp6"),
    "tcp": Get("/proc/net/tcp"),
    "tcp6": Get("/proc/net/tcp6"),
    "routes6": Exec(("ip", "-json", "-6", "route", "show", "table", "main")),
    "ipv6_off": Get("/proc/sys/net/ipv6/conf/default/disable_ipv6"),
    "ipv6_forward": Get("/proc/sys/net/ipv6/conf/all/forwarding"),
    "accept_ra": Exec(("find", IPV6_DEVICES, "-name", "accept_ra", "-exec", "grep", "-H", "", "{}", "+")),
}


def read(answers: tuple[Answer, ...]) -> Around:
    """From the answers to QUESTIONS, in their order."""
    named = dict(zip(QUESTIONS, answers, strict=True))
    text = {name: answer.out for name, answer in named.items()}
    return Around(
        routes=tuple(read_routes(text["routes"])),
        python=read_python(text["python"]),
        free=dict(read_free(text["disk"])),
        networks=tuple(read_networks(text["networks"])),
        units=system.read_units(text["units"]),
        docker_options=text["options"],
        ufw=any(line.strip().lower() == "enabled=yes" for line in text["ufw"].splitlines()),
        network_files=read_network_files(text["networkd"]),
        managed=dict(read_managed(text["nmcli"])),
        iptables=text["iptables"] if named["iptables"].ok else None,
        ip6tables=text["ip6tables"] if named["ip6tables"].ok else None,
        iptables_kind=read_kind(text["iptables_kind"]),
        legacy_tables=tuple(text["legacy"].split()),
        nftables=text["nftables"] if named["nftables"].ok else None,
        bridge_netfilter=text["bridge_netfilter"].strip() == "1",
        ip_forward=text["ip_forward"].strip() == "1",
        tunnel_modules=frozenset(
            name
            for name in MODULES
            if named[f"module {name}"].ok or any(line.startswith(f"{name} ") for line in text["modules"].splitlines())
        ),
        makes_vxlan=named["vxlan"].ok,
        udp_ports=frozenset((*read_ports(text["udp"]), *read_ports(text["udp6"]))),
        tcp_listeners=frozenset((*read_listeners(text["tcp"]), *read_listeners(text["tcp6"]))),
        routes6=tuple(read_routes6(text["routes6"])),
        ipv6_off=text["ipv6_off"].strip() == "1",
        ipv6_forward=text["ipv6_forward"].strip() == "1",
        accept_ra=dict(read_accept_ra(text["accept_ra"])),
        seconds=read_seconds(text["date"]),
    )


def read_routes(answer: str) -> Iterator[Route]:
    """The routes to networks of others; a host's own addresses stand in the table `local`."""
    for route in json.loads(answer or "[]"):
        if route.get("table") != "local" and route.get("dst", "default") != "default":
            yield Route(IPv4Network(route["dst"]), str(route.get("dev", "")))


def read_routes6(answer: str) -> Iterator[Route6]:
    """With those that lead to everybody, and without link-local ones, which every device has."""
    for route in json.loads(answer or "[]"):
        network = IPv6Network("::/0" if route["dst"] == "default" else route["dst"])
        if not network.is_link_local:
            yield Route6(network, str(route.get("dev", "")), route.get("protocol") == "ra")


def read_accept_ra(answer: str) -> Iterator[tuple[str, int]]:
    """`/proc/sys/net/ipv6/conf/eth0/accept_ra:1` each."""
    for line in answer.splitlines():
        path, _, value = line.rpartition(":")
        if path.startswith(f"{IPV6_DEVICES}/") and value.strip().isdecimal():
            yield path.removeprefix(f"{IPV6_DEVICES}/").removesuffix("/accept_ra"), int(value)


def read_ports(answer: str) -> Iterator[int]:
    """The local ports in /proc/net/udp, those of the kernel's own sockets among them (proc_net_udp(5))."""
    for line in answer.splitlines()[1:]:
        yield int(line.split()[1].rpartition(":")[2], 16)


def read_listeners(answer: str) -> Iterator[Listener]:
    """From /proc/net/tcp: addresses are words of 32 bits in the order of the machine's bytes (proc_net_tcp(5))."""
    for line in answer.splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        address, _, port = local.rpartition(":")
        if state == LISTENS:
            words = (int(address[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(address), 8))
            found = ip_address(b"".join(words))
            mapped = found.ipv4_mapped if found.version == 6 else None
            yield Listener(mapped or found, int(port, 16))


def read_python(answer: str) -> tuple[int, ...]:
    """`Python 3.13.5` → (3, 13, 5)."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", answer)
    return tuple(int(part) for part in found.groups() if part) if found else ()


def read_free(answer: str) -> Iterator[tuple[str, int]]:
    for line in answer.splitlines()[1:]:
        free, path = line.split(maxsplit=1)
        if free.isdecimal():  # a file system may not know: `-`
            yield path, int(free)


def read_networks(answer: str) -> Iterator[DockerNetwork]:
    rows: list[dict[str, Any]] = json.loads(answer or "[]")
    for row in sorted(rows, key=lambda row: str(row["Name"])):
        configs = (row.get("IPAM") or {}).get("Config") or []
        subnets = [str(config.get("Subnet", "")) for config in configs]
        named = (row.get("Options") or {}).get("com.docker.network.bridge.name")
        yield DockerNetwork(
            name=str(row["Name"]),
            prefixes=tuple(IPv4Network(subnet) for subnet in subnets if "." in subnet and ":" not in subnet),
            bridge=str(named or f"br-{row['Id'][:12]}"),
        )


def read_network_files(answer: str) -> tuple[tuple[str, str], ...]:
    """`PATH:LINE` each, as grep says; systemd goes by the file's name, and takes /etc before /run before /usr."""
    files: dict[str, list[str]] = {}
    for line in answer.splitlines():
        path, _, text = line.partition(":")
        files.setdefault(path, []).append(text)
    by_name: dict[str, str] = {}
    for path in sorted(files, key=_rank):
        by_name.setdefault(path.rsplit("/", 1)[-1], path)
    return tuple((path, "\n".join(files[path])) for _, path in sorted(by_name.items()))


def _rank(path: str) -> tuple[int, str]:
    place = next((place for place, folder in enumerate(NETWORK_FOLDERS) if path.startswith(f"{folder}/")), 9)
    return place, path


def read_managed(answer: str) -> Iterator[tuple[str, str]]:
    for line in answer.splitlines():
        device, _, state = line.rpartition(":")
        if device:
            yield device.replace("\\:", ":"), state


def read_kind(answer: str) -> str:
    """`iptables v1.8.11 (nf_tables)` → nf_tables; before 1.8 there was legacy only, and it did not say so."""
    found = re.search(r"\((\w+)\)", answer)
    return found.group(1) if found else "legacy" if answer else ""


def read_seconds(answer: str) -> float | None:
    try:
        return float(answer)
    except ValueError:
        return None
