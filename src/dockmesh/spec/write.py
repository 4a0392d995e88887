"""A mesh as the text of a mesh file: what `dockmesh init` writes."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict

from dockmesh.model import (
    DOMAIN,
    ETHERNET_MTU,
    Attachment,
    Cluster,
    Degree,
    Fabric,
    FullMesh,
    Host,
    Links,
    Network,
    Ring,
    Seat,
    Sites,
    Star,
    Topology,
)
from dockmesh.spec.excerpt import shown
from dockmesh.spec.tree import Plain, resolve

HEAD = """\
# A mesh: the containers of these hosts share one network.
# `dockmesh plan` shows what follows from this file, `dockmesh apply` makes it real, `dockmesh verify` proves it.
"""

# Text that needs no quotes, in a flow map too, and that no version of YAML takes for something else.
PLAIN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*|([0-9]+\.){3}[0-9]+(/[0-9]+)?")
# Words of YAML 1.1, for which other readers of the file may take text for a truth value.
OLD_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))

REQUIRED = ("underlay", "address", "pool")


def write_cluster(cluster: Cluster, *, notes: Mapping[str, str] | None = None) -> str:
    """The file, with comments; `load` makes the same Cluster of it.

    `notes` are comments to put above a part, by its path in the file: `fabric`, `networks`, `hosts`, `hosts.host1`.
    """
    said = notes or {}
    return "\n".join(
        [
            HEAD + f"name: {text(cluster.name)}",
            "",
            *_comment(said, "fabric", ""),
            "fabric:",
            *_fabric_lines(cluster.fabric),
            "",
            *_comment(said, "networks", ""),
            "networks:",
            *_commented([(f"  - name: {text(cluster.network.name)}", "Docker's default bridge")]),
            *_commented([(f"    prefix: {cluster.network.prefix}", "the whole range, shared by all hosts")]),
            *([f"    attach: {flow(attachment_keys(attach))}"] if (attach := cluster.network.attach) else []),
            *(f"  - {flow(network_keys(network))}" for network in cluster.further),
            "",
            *_domain_lines(cluster.domain),
            "# underlay: where the other hosts reach this one. address: of its docker0. pool: what its containers get.",
            *_comment(said, "hosts", ""),
            "hosts:",
            *_host_lines(cluster.hosts, said),
            *_packages_lines(cluster.packages),
            *([] if cluster.docker_api is None else ["", "docker_api:", f"  listen: {cluster.docker_api}"]),
            "",
        ]
    )


def text(value: str) -> str:
    """The text as a YAML scalar: bare where every reader takes it for text, else in double quotes."""
    bare = PLAIN_TEXT.fullmatch(value) and isinstance(resolve(value), str) and value.lower() not in OLD_WORDS
    return value if bare else json.dumps(value, ensure_ascii=False)


def _comment(notes: Mapping[str, str], path: str, indent: str) -> list[str]:
    return [f"{indent}# {shown(line)}".rstrip() for line in notes[path].splitlines()] if path in notes else []


def _commented(rows: list[tuple[str, str]]) -> list[str]:
    """Lines with a comment after each, in one column where the lines are short enough."""
    return [f"{line:<28} # {comment}" if comment else line for line, comment in rows]


def _fabric_lines(fabric: Fabric) -> list[str]:
    bfd = f"{{interval_ms: {fabric.bfd.interval_ms}, multiplier: {fabric.bfd.multiplier}}}"
    topology, below = _topology(fabric.topology)
    key = [] if fabric.key is None else [(f"  key: {fabric.key}", "GRE key, or VNI of vxlan and geneve")]
    forms = "full-mesh | ring | star | {degree: 4} | {sites: …} | {links: …}"
    return [
        *_commented([(f"  tunnel: {fabric.tunnel}", "gre | vxlan | geneve"), *key, (f"  topology:{topology}", forms)]),
        *below,
        *_commented(
            [
                (f"  forwarding: {fabric.forwarding}", "rstp | stp | direct: what keeps frames from looping"),
                (f"  bfd: {bfd}", "a tunnel is dead after interval × multiplier"),
                (f"  datapath: {fabric.datapath}", "system (kernel) | netdev (userspace)"),
                (f"  renderer: {fabric.renderer}", "systemd | ifupdown: what brings it up at boot"),
            ]
        ),
    ]


def _topology(topology: Topology) -> tuple[str, list[str]]:
    """What stands behind `topology:`, and the lines below it."""
    match topology:
        case FullMesh():
            return " full-mesh", []
        case Degree(k=k):
            return f" {{degree: {k}}}", []
        case Ring():
            return " ring", []
        case Star(hub=hub):
            return (" star" if hub is None else f" {{star: {text(hub)}}}"), []
        case Sites(groups=groups):
            sites = (f"      {text(name)}: [{', '.join(map(text, hosts))}]" for name, hosts in groups)
            return "", ["    sites:", *sites]
        case Links(pairs=pairs):
            return "", ["    links:", *(f"      - [{text(one)}, {text(other)}]" for one, other in pairs)]


def _host_lines(hosts: tuple[Host, ...], notes: Mapping[str, str]) -> list[str]:
    """One line a host, with the values in columns."""
    told = [{key: f"{key}: {flow(value)}" for key, value in host_keys(host).items()} for host in hosts]
    names = [f"{text(host.name)}:" for host in hosts]
    name_width = max(map(len, names))
    widths = {key: max(len(keys[key]) for keys in told) + 1 for key in REQUIRED}
    lines = []
    for host, name, keys in zip(hosts, names, told, strict=True):
        *first, last = (f"{value}," for value in keys.values())
        parts = [each.ljust(widths.get(key, 0)) for key, each in zip(keys, first, strict=False)]
        lines += _comment(notes, f"hosts.{host.name}", "  ")
        lines.append(f"  {name:<{name_width}} {{{' '.join([*parts, last[:-1]])}}}")
    return lines


def _domain_lines(domain: str | None) -> list[str]:
    """What differs from the default."""
    if domain == DOMAIN:
        return []
    return [*_commented([(f"domain: {'false' if domain is None else text(domain)}", "behind the names")]), ""]


def _packages_lines(packages: tuple[str, ...]) -> list[str]:
    if not packages:
        return []
    named = text(packages[0]) if len(packages) == 1 else f"[{', '.join(map(text, packages))}]"
    return ["", "packages:", f"  from: {named}"]


def flow(value: Plain, style: str = "") -> str:
    """A value in one line; `style` is the quote of all text in it, or "" where only some text needs any."""
    match value:
        case str():
            return quoted(value, style)
        case bool() | None:
            return json.dumps(value)
        case list():
            return f"[{', '.join(flow(each, style) for each in value)}]"
        case dict():
            return f"{{{', '.join(f'{quoted(name, style)}: {flow(each, style)}' for name, each in value.items())}}}"
        case _:
            return str(value)


def quoted(value: str, style: str) -> str:
    match style:
        case '"':
            return json.dumps(value, ensure_ascii=False)
        case "'":
            return "'" + value.replace("'", "''") + "'"
        case _:
            return text(value)


def network_keys(network: Network) -> dict[str, Plain]:
    """What a network after docker0 has in the file."""
    return {
        "name": network.name,
        "prefix": str(network.prefix),
        "vlan": network.vlan,
        **({"internal": True} if network.internal else {}),
        **({"hosts": [*network.hosts]} if network.hosts is not None else {}),
        **({"prefix6": str(network.prefix6)} if network.prefix6 is not None else {}),
        **({"attach": attachment_keys(network.attach)} if network.attach is not None else {}),
    }


def attachment_keys(attach: Attachment) -> dict[str, Plain]:
    return {
        "host": attach.host,
        "interface": attach.interface,
        **({"vlan": attach.vlan} if attach.vlan is not None else {}),
        **({"addresses": str(attach.addresses)} if attach.addresses is not None else {}),
        **({"dhcp": True} if attach.dhcp else {}),
    }


def seat_keys(seat: Seat) -> dict[str, Plain]:
    """What a host has in one of them."""
    six: dict[str, Plain] = {"address6": str(seat.address6), "pool6": str(seat.pool6)} if seat.address6 else {}
    return {"address": str(seat.address), "pool": str(seat.pool), **six}


def host_keys(host: Host) -> dict[str, Plain]:
    """What a host has in the file; of what has a default, what differs from it."""
    ssh: dict[str, Plain] = {key: value for key, value in asdict(host.ssh).items() if value is not None}
    return {
        "underlay": str(host.underlay),
        "address": str(host.address),
        "pool": str(host.pool),
        **({"underlay_mtu": host.underlay_mtu} if host.underlay_mtu != ETHERNET_MTU else {}),
        **({"ssh": ssh} if ssh else {}),
        **({"networks": {seat.network: seat_keys(seat) for seat in host.seats}} if host.seats else {}),
    }
