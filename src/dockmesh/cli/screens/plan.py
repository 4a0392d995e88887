"""How a plan looks."""

from ipaddress import IPv6Network

from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from dockmesh.cli.screens.resilience import show_resilience
from dockmesh.cli.screens.rows import show_rows
from dockmesh.cli.show import counted, out
from dockmesh.model.mesh import API_PORT, Forwarding
from dockmesh.model.tunnel import VLAN_TAG
from dockmesh.plan.remarks import remarks
from dockmesh.plan.resilience import Resilience
from dockmesh.plan.topology import in_words
from dockmesh.plan.tree import tree_links
from dockmesh.plan.types import Link, Plan

MOST_PAIRS = 6  # that are named
MANY = 40  # hosts, beyond which a drawing shows nothing


def show_plan(planned: Plan, found: Resilience) -> None:
    _show_head(planned)
    _show_hosts(planned)
    _show_remarks(planned)
    _show_networks(planned)
    _show_attached(planned)
    _show_mtu(planned)
    _show_guard(planned)
    _show_graph(planned)
    show_resilience(planned, found)
    _show_packages(planned)


def _show_head(planned: Plan) -> None:
    kind = in_words(planned.fabric.topology, planned.hosts[0].name)
    out.print(
        f"[bold]Mesh '{planned.name}'[/]: {len(planned.hosts)} hosts in {planned.prefix}, {kind}, "
        f"{counted(len(planned.links), 'link')} of {planned.fabric.tunnel}{_key(planned)}{_encrypted(planned)}\n"
    )


def _encrypted(planned: Plan) -> str:
    encryption = planned.fabric.encryption
    return "" if encryption is None else f", encrypted by WireGuard on UDP port {encryption.port}"


def _key(planned: Plan) -> str:
    if planned.fabric.kernel_devices:
        return f", devices of the kernel's{'' if planned.fabric.key is None else f', VNIs above {planned.fabric.key}'}"
    if planned.fabric.key is None:
        return ""
    return f", {planned.fabric.tunnel.encapsulation.key_name} {planned.fabric.key}"


def _show_hosts(planned: Plan) -> None:
    columns = ("host", "underlay", "address", "pool", "containers", "tunnels")
    rows = [
        (
            host.name,
            f"{host.underlay}{f' ({host.endpoint})' if host.endpoint else ''}",
            str(host.address.ip),
            str(host.pool),
            f"{host.docker0.containers:,}",
            ", ".join(f"{tunnel.port}→{tunnel.peer}" for tunnel in host.tunnels),
        )
        for host in planned.hosts
    ]
    show_rows(out, columns, rows, folds=True)


def _show_remarks(planned: Plan) -> None:
    for text in (*remarks(planned.networks), *_left_out(planned)):
        out.print(f"\n[bold yellow]![/] {text}")


def _left_out(planned: Plan) -> tuple[str, ...]:
    if not planned.left_out:
        return ()
    pairs = [f"{link.a} – {link.b}" for link in planned.left_out]
    more = f" and {len(pairs) - MOST_PAIRS} more" if len(pairs) > MOST_PAIRS else ""
    text = f"No link of their own, as neither knows where the other is: {', '.join(pairs[:MOST_PAIRS])}{more}."
    return (f"{text} What they send each other goes by a third host.",)


def _show_networks(planned: Plan) -> None:
    """Those beside docker0: what each host has of them, with the host's name where that is another one."""
    for network in planned.further:
        internal = ", internal" if network.internal else ""
        out.print(
            f"\n[bold]Network {network.name}[/]: {network.prefix}{_and(network.prefix6)}, VLAN {network.vlan}, "
            f"MTU {planned.mtu_of(network)}{internal}"
        )
        rows = []
        for host, allocation in planned.allocations(network.name):
            rows.append((host.name, str(allocation.address.ip), str(allocation.pool), f"{allocation.containers:,}"))
            if allocation.address6:
                rows.append(("", str(allocation.address6.ip), str(allocation.pool6), ""))
        show_rows(out, ("host", "address", "pool", "containers"), rows)


def _and(prefix6: IPv6Network | None) -> str:
    return "" if prefix6 is None else f" and {prefix6}"


def _show_attached(planned: Plan) -> None:
    attached = [network for network in planned.networks if network.attach]
    if not attached:
        return
    out.print("\n[bold]Attached[/]  machines outside the mesh, in its networks")
    rows = []
    for network in attached:
        if attach := network.attach:
            addresses = attach.addresses or f"{network.prefix}, but no host's"
            vlan = "" if attach.vlan is None else str(attach.vlan)
            rows.append((network.name, attach.host, attach.interface, vlan, str(addresses)))
    show_rows(out, ("network", "host", "interface", "VLAN", "addresses out there"), rows)


def _show_mtu(planned: Plan) -> None:
    out.print("\n[bold]MTU[/]")
    *terms, total = planned.mtu_sum.lines()
    for line in terms:
        out.print(line)
    out.print(f"[bold]{total}[/]")
    if planned.further:
        out.print(f"        In networks other than docker0 a frame also has a VLAN tag of {VLAN_TAG} bytes.")
    if planned.narrowest:
        out.print(f"        The underlay of {', '.join(planned.narrowest)} has the smallest MTU, so it applies to all.")


def _show_guard(planned: Plan) -> None:
    fabric, tree = planned.fabric, planned.tree
    out.print("\n[bold]Loop prevention[/]")
    dead = fabric.bfd.interval_ms * fabric.bfd.multiplier
    given_up = (
        f"  BFD every {fabric.bfd.interval_ms} ms: a tunnel that is silent for {dead} ms counts as down, "
        "and the next one takes over."
    )
    if tree is None:
        least, most = (choose(len(host.forwards) for host in planned.hosts) for choose in (min, max))
        rules = f"{least:,} at each host" if least == most else f"{least:,} to {most:,} at a host"
        out.print(
            "  direct, no spanning tree: every link carries frames. Rules for each pair of hosts say which\n"
            f"  tunnel is tried next, so that no frame can loop: {rules}.\n{given_up}"
        )
    elif fabric.forwarding is Forwarding.RSTP:
        out.print(
            f"  rstp, rapid spanning tree (802.1D-2004): root {tree.root}, backup {tree.backup_root}.\n{given_up}"
        )
    else:
        out.print(
            f"  stp, spanning tree (802.1D-1998): root {tree.root}, backup {tree.backup_root}.\n"
            "  It needs about 30 s to start and up to 50 s to go round a dead link; rstp does it in under a second."
        )
    if planned.docker_api:
        out.print("\n[bold]Docker's API[/]")
        out.print(
            f"  On TCP port {API_PORT} of each host's address, for the mesh alone, with mutual TLS.\n"
            "  `dockmesh access` gives and revokes access."
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
    root, carrying = _drawn_tree(planned)
    waiting: dict[str, list[str]] = {host.name: [] for host in planned.hosts}
    for link in planned.links:
        if link not in carrying:
            waiting[link.a].append(link.b)
            waiting[link.b].append(link.a)
    peers: dict[str, list[str]] = {host.name: [] for host in planned.hosts}
    for link in carrying:
        peers[link.a].append(link.b)
        peers[link.b].append(link.a)

    def label(name: str) -> str:
        standing_by = f"   [dim]┄┄ {', '.join(waiting[name])}[/]" if waiting[name] else ""
        return f"[bold]{name}[/]{standing_by}"

    drawn = Tree(label(root), guide_style="")
    stack: list[tuple[str, str, Tree]] = [(root, "", drawn)]
    while stack:
        here, came_from, branch = stack.pop()
        for peer in peers[here]:
            if peer != came_from:
                stack.append((peer, here, branch.add(label(peer))))
    out.print(drawn)
    if len(planned.links) > len(carrying):
        legend = (
            "┄┄ backup path, also in use"
            if not planned.has_tree
            else "┄┄ standby, carries frames when another link fails"
        )
        out.print(f"[dim]── carries frames   {legend}[/]")


def _drawn_tree(planned: Plan) -> tuple[str, tuple[Link, ...]]:
    """What is drawn as a tree: the spanning tree, or else the shortest ways to the first host."""
    if planned.tree is not None:
        return planned.tree.root, planned.tree.links
    names = [host.name for host in planned.hosts]
    return names[0], tree_links(names, planned.links, names[0], names[0])
