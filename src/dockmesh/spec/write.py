"""A mesh as the text of a mesh file: what `dockmesh init` writes."""

import json
import re
from collections.abc import Iterable, Mapping

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
    Ssh,
    Star,
    Topology,
)
from dockmesh.spec.excerpt import shown
from dockmesh.spec.nodes import resolve

HEAD = """\
# A mesh: the containers of these hosts share one network.
# `dockmesh plan` shows what follows from this file, `dockmesh apply` makes it real, `dockmesh verify` proves it.
"""

# Text that needs no quotes, in a flow map too, and that no version of YAML takes for something else.
PLAIN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*|([0-9]+\.){3}[0-9]+(/[0-9]+)?")
# Words of YAML 1.1, for which other readers of the file may take text for a truth value.
OLD_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))


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
            *([f"    attach: {attachment_text(attach)}"] if (attach := cluster.network.attach) else []),
            *(f"  - {network_text(network)}" for network in cluster.further),
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
    rows = [
        (
            f"{text(host.name)}:",
            f"underlay: {text(str(host.underlay))},",
            f"address: {host.address},",
            f"pool: {host.pool}",
            _rest(host),
        )
        for host in hosts
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    pool_width = max(len(row[3]) + 1 for row in rows)
    lines = []
    for host, (name, underlay, address, pool, rest) in zip(hosts, rows, strict=True):
        lines += _comment(notes, f"hosts.{host.name}", "  ")
        end = f"{pool + ',':<{pool_width}} {rest}" if rest else pool
        lines.append(f"  {name:<{widths[0]}} {{{underlay:<{widths[1]}} {address:<{widths[2]}} {end}}}")
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


def network_text(network: Network) -> str:
    """A network after docker0, in one line."""
    parts = [f"name: {text(network.name)}", f"prefix: {network.prefix}", f"vlan: {network.vlan}"]
    if network.internal:
        parts.append("internal: true")
    if network.hosts is not None:
        parts.append(f"hosts: [{', '.join(map(text, network.hosts))}]")
    if network.prefix6 is not None:
        parts.append(f"prefix6: {text(str(network.prefix6))}")
    if network.attach is not None:
        parts.append(f"attach: {attachment_text(network.attach)}")
    return f"{{{', '.join(parts)}}}"


def attachment_text(attach: Attachment) -> str:
    parts = [f"host: {text(attach.host)}", f"interface: {text(attach.interface)}"]
    if attach.vlan is not None:
        parts.append(f"vlan: {attach.vlan}")
    if attach.addresses is not None:
        parts.append(f"addresses: {attach.addresses}")
    if attach.dhcp:
        parts.append("dhcp: true")
    return f"{{{', '.join(parts)}}}"


def seat_text(seat: Seat) -> str:
    """What a host has in one of them."""
    six = "" if seat.address6 is None else f", address6: {text(str(seat.address6))}, pool6: {text(str(seat.pool6))}"
    return f"{{address: {seat.address}, pool: {seat.pool}{six}}}"


def seats_text(seats: Iterable[Seat]) -> str:
    return f"{{{', '.join(f'{text(seat.network)}: {seat_text(seat)}' for seat in seats)}}}"


def _rest(host: Host) -> str:
    """What differs from the defaults."""
    mtu = f"underlay_mtu: {host.underlay_mtu}" if host.underlay_mtu != ETHERNET_MTU else ""
    networks = f"networks: {seats_text(host.seats)}" if host.seats else ""
    return ", ".join(part for part in (mtu, _ssh(host.ssh), networks) if part)


def _ssh(ssh: Ssh) -> str:
    parts = [
        f"host: {text(ssh.host)}" if ssh.host is not None else "",
        f"user: {text(ssh.user)}" if ssh.user is not None else "",
        f"port: {ssh.port}" if ssh.port is not None else "",
    ]
    given = ", ".join(part for part in parts if part)
    return f"ssh: {{{given}}}" if given else ""
