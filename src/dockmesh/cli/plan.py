"""`dockmesh plan`."""

from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from dockmesh.cli import options
from dockmesh.cli.show import out, print_json
from dockmesh.model import Degree, Forwarding, FullMesh, Ring, Sites, Star
from dockmesh.plan.build import build
from dockmesh.plan.shape import Hops, Shape, shape
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.spec.load import load

MANY = 40  # hosts, beyond which a drawing shows nothing
NAMED = 4


def plan(file: options.File = options.DEFAULT_FILE, json: options.Json = False) -> None:
    """Show what follows from the file: addresses, pools, tunnels, MTU, and the graph. Contacts nobody."""
    planned = build(load(file))
    found = shape(planned)
    if json:
        print_json(plan_json(planned, found))
        return
    _show_head(planned)
    _show_hosts(planned)
    _show_mtu(planned)
    _show_guard(planned)
    _show_graph(planned)
    _show_shape(planned, found)
    _show_packages(planned)


def plan_json(planned: Plan, found: Shape) -> dict[str, Any]:
    """The plan under stable names; docs/reference/json.md describes them."""
    tree = set(planned.tree)
    return {
        "name": planned.name,
        "prefix": str(planned.prefix),
        "mtu": planned.mtu,
        "mtu_sum": [
            {"name": "underlay MTU", "bytes": planned.mtu_sum.underlay},
            *({"name": name, "bytes": -size} for name, size in planned.mtu_sum.parts),
        ],
        "mtu_decided_by": list(planned.narrowest),
        "tunnel": str(planned.fabric.tunnel),
        "forwarding": str(planned.fabric.forwarding),
        "datapath": str(planned.fabric.datapath),
        "renderer": str(planned.fabric.renderer),
        "root": planned.root,
        "backup_root": planned.backup_root,
        "hosts": [_host_json(host) for host in planned.hosts],
        "packages": [
            {"package": deb.package, "version": deb.version, "architecture": deb.architecture, "sha256": deb.sha256}
            for deb in planned.debs
        ],
        "links": [{"a": link.a, "b": link.b, "forwards": link in tree} for link in planned.links],
        "shape": _shape_json(found),
    }


def _shape_json(found: Shape) -> dict[str, Any]:
    least, most = found.healing_ms
    return {
        "frames": _hops_json(found.frames),
        "links": _hops_json(found.links),
        "links_may_fail": found.links_may_fail,
        "hosts_may_fail": found.hosts_may_fail,
        "weak_links": [{"a": link.a, "b": link.b} for link in found.weak_links],
        "weak_hosts": list(found.weak_hosts),
        "tunnels": {"least": found.tunnels[0], "most": found.tunnels[1]},
        "healing": {
            "least_ms": least,
            "most_ms": most,
            "terms": [
                {"name": term.name, "least_ms": term.least, "most_ms": term.most, "source": term.source}
                for term in found.healing
            ],
        }
        if found.healing
        else None,
    }


def _hops_json(hops: Hops) -> dict[str, Any]:
    return {"mean": round(hops.mean, 2), "most": hops.most}


def _host_json(host: HostPlan) -> dict[str, Any]:
    return {
        "name": host.name,
        "underlay": str(host.underlay),
        "underlay_mtu": host.underlay_mtu,
        "address": str(host.address.ip),
        "pool": str(host.pool),
        "containers": host.containers,
        "tunnels": [
            {"port": tunnel.port, "peer": tunnel.peer, "remote": str(tunnel.remote)} for tunnel in host.tunnels
        ],
    }


def _show_head(planned: Plan) -> None:
    match planned.fabric.topology:
        case FullMesh():
            kind = "full mesh"
        case Ring():
            kind = "ring"
        case Star():
            kind = f"star around {planned.root}"
        case Degree(k):
            kind = f"degree {k}"
        case Sites(groups):
            kind = f"{len(groups)} sites"
        case _:
            kind = "links as given"
    out.print(
        f"[bold]Mesh '{planned.name}'[/]: {len(planned.hosts)} hosts in {planned.prefix}, {kind}, "
        f"{_count(len(planned.links), 'link')} of {planned.fabric.tunnel}\n"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _show_hosts(planned: Plan) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for column in ("host", "underlay", "address", "pool"):
        table.add_column(column, no_wrap=True)
    table.add_column("containers", justify="right", no_wrap=True)
    table.add_column("tunnels", overflow="fold")
    for host in planned.hosts:
        table.add_row(
            f"[bold]{host.name}[/]",
            str(host.underlay),
            str(host.address.ip),
            str(host.pool),
            f"{host.containers:,}",
            ", ".join(f"{tunnel.port}→{tunnel.peer}" for tunnel in host.tunnels),
        )
    out.print(table)


def _show_mtu(planned: Plan) -> None:
    out.print("\n[bold]MTU[/]")
    *terms, total = planned.mtu_sum.lines()
    for line in terms:
        out.print(line)
    out.print(f"[bold]{total}[/]")
    if planned.narrowest:
        out.print(f"        The underlay of {', '.join(planned.narrowest)} is the narrowest, so it counts for all.")


def _show_guard(planned: Plan) -> None:
    fabric = planned.fabric
    out.print("\n[bold]Loop guard[/]")
    if fabric.forwarding is Forwarding.RSTP:
        dead = fabric.bfd.interval_ms * fabric.bfd.multiplier
        out.print(
            f"  rstp, rapid spanning tree (802.1D-2004): root {planned.root}, after it {planned.backup_root}.\n"
            f"  BFD every {fabric.bfd.interval_ms} ms: a tunnel that is silent for {dead} ms is given up, "
            "and the next one takes over."
        )
    else:
        out.print(
            f"  stp, spanning tree (802.1D-1998): root {planned.root}, after it {planned.backup_root}.\n"
            "  It needs about 30 s to start and up to 50 s to go round a dead link; rstp does it in under a second."
        )


def _show_packages(planned: Plan) -> None:
    """Of many, as Docker's are, a host takes what it lacks."""
    if not planned.debs:
        return
    out.print("\n[bold]Packages[/]  carried to hosts that lack them")
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for column in ("package", "version", "", "sha256"):
        table.add_column(column, no_wrap=True)
    for deb in planned.debs:
        table.add_row(escape(deb.package), escape(deb.version), escape(deb.architecture), f"[dim]{deb.sha256}[/]")
    out.print(table)


def _show_graph(planned: Plan) -> None:
    out.print("\n[bold]Graph[/]")
    if len(planned.hosts) > MANY:
        out.print(f"  not drawn for more than {MANY} hosts; `--json` has all links")
        return
    waiting: dict[str, list[str]] = {host.name: [] for host in planned.hosts}
    for link in planned.links:
        if link not in planned.tree:
            waiting[link.a].append(link.b)
            waiting[link.b].append(link.a)
    peers: dict[str, list[str]] = {host.name: [] for host in planned.hosts}
    for link in planned.tree:
        peers[link.a].append(link.b)
        peers[link.b].append(link.a)

    def label(name: str) -> str:
        standing_by = f"   [dim]┄┄ {', '.join(waiting[name])}[/]" if waiting[name] else ""
        return f"[bold]{name}[/]{standing_by}"

    drawn = Tree(label(planned.root), guide_style="")
    stack: list[tuple[str, str, Tree]] = [(planned.root, "", drawn)]
    while stack:
        here, came_from, branch = stack.pop()
        for peer in peers[here]:
            if peer != came_from:
                stack.append((peer, here, branch.add(label(peer))))
    out.print(drawn)
    if len(planned.links) > len(planned.tree):
        out.print("[dim]── carries frames   ┄┄ stands by, and carries them when another fails[/]")


def _show_shape(planned: Plan, found: Shape) -> None:
    out.print("\n[bold]Shape[/]")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    rows = [
        (
            "hops",
            f"{found.frames.mean:.1f} on average, {found.frames.most} at most, as frames go; "
            f"{found.links.mean:.1f} and {found.links.most} by the shortest ways",
        ),
        ("tunnels", _tunnels(*found.tunnels)),
        ("may fail", _may_fail(found)),
        ("healing", _healing(planned, found)),
    ]
    for name, says in rows:
        table.add_row(f"  {name}", says)
    out.print(table)


def _tunnels(least: int, most: int) -> str:
    return f"{least} at every host" if least == most else f"{least} to {most} at a host"


def _may_fail(found: Shape) -> str:
    """What is nobody's loss, and what would be."""
    lines = [
        f"any {_count(found.links_may_fail, 'link')}, and nobody loses anybody"
        if found.links_may_fail
        else f"not every link: {_some([f'{link.a} – {link.b}' for link in found.weak_links])} alone "
        f"{'parts' if len(found.weak_links) == 1 else 'part'} the mesh",
        f"any {_count(found.hosts_may_fail, 'host')}, and the others keep one another"
        if found.hosts_may_fail
        else "no host: there is no third one to lose another"
        if not found.weak_hosts
        else f"not every host: {_some(list(found.weak_hosts))} alone "
        f"{'parts' if len(found.weak_hosts) == 1 else 'part'} the others",
    ]
    return "\n".join(lines)


def _some(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= NAMED else f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"


def _healing(planned: Plan, found: Shape) -> str:
    if not found.healing:
        return "none: each link is the only way for somebody; it is down until it is mended"
    least, most = found.healing_ms
    lines = [f"{_seconds(least, most)} for a link that carries frames and is cut: the sum of"]
    lines += [f"{_seconds(term.least, term.most)}  {term.name} ({term.source})" for term in found.healing]
    if planned.fabric.forwarding is Forwarding.STP:
        lines.append("Measured were about 55 s, and once more than 110 s.")
    else:
        lines.append("Usually: one of six cuts with the kernel datapath took 9.2 s. Larger meshes were not measured.")
    return "\n".join(lines)


def _seconds(least: int, most: int) -> str:
    return f"{most / 1000:g} s" if least == most else f"{least / 1000:g} to {most / 1000:g} s"
