"""How it looks what a mesh bears: a part of `dockmesh plan`."""

from rich.table import Table

from dockmesh.cli.show import counted, out
from dockmesh.model.mesh import Forwarding
from dockmesh.plan.resilience import Resilience
from dockmesh.plan.types import Plan

NAMED = 4


def show_resilience(planned: Plan, found: Resilience) -> None:
    out.print("\n[bold]Resilience[/]")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    rows = [
        (
            "hops",
            f"{found.frames.mean:.1f} on average, {found.frames.most} at most, along the actual paths; "
            f"{found.links.mean:.1f} and {found.links.most} along the shortest paths",
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


def _may_fail(found: Resilience) -> str:
    """What is nobody's loss, and what would be."""
    if found.links_may_fail:
        links = f"any {counted(found.links_may_fail, 'link')}: all hosts stay connected"
    else:
        links = f"not every link: {_alone([f'{link.a} – {link.b}' for link in found.weak_links])} the mesh"
    if found.hosts_may_fail:
        hosts = f"any {counted(found.hosts_may_fail, 'host')}: the rest stay connected"
    elif found.weak_hosts:
        hosts = f"not every host: {_alone(list(found.weak_hosts))} the others"
    else:
        hosts = "of two hosts none: there is no third one"
    return f"{links}\n{hosts}"


def _alone(names: list[str]) -> str:
    some = ", ".join(names) if len(names) <= NAMED else f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"
    return f"{some} {'alone splits' if len(names) == 1 else 'each split'}"


def _healing(planned: Plan, found: Resilience) -> str:
    if not found.healing:
        return "none: each link is the only path for some hosts, until it is repaired"
    least, most = found.healing_ms
    lines = [f"{_seconds(least, most)} for a link that carries frames and is cut: the sum of"]
    lines += [f"{_seconds(term.least, term.most)}  {term.name} ({term.source})" for term in found.healing]
    if planned.fabric.forwarding is Forwarding.STP:
        lines.append("Measured were about 55 s, and once more than 110 s.")
    elif not planned.has_tree:
        lines.append("A link that comes back costs nothing.")
    else:
        lines.append("Usually: one of six cuts with the kernel datapath took 9.2 s. Larger meshes were not measured.")
    return "\n".join(lines)


def _seconds(least: int, most: int) -> str:
    return f"{most / 1000:g} s" if least == most else f"{least / 1000:g} to {most / 1000:g} s"
