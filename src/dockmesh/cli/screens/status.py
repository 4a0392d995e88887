"""How the status of a mesh looks: one screen, and one line of it for a log."""

from collections.abc import Callable, Iterator

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from dockmesh.diff.types import Origin
from dockmesh.model.mesh import Forwarding
from dockmesh.record.run import shown
from dockmesh.status.types import HostStatus, Status
from dockmesh.verify.tunnel import TunnelState

_NOBODY = "not agreed"
FEW = 10  # hosts, up to which each pair of them has its place on the screen


def screen(status: Status) -> RenderableType:
    parts: list[RenderableType] = [_markup(_head(status)), Text(), _hosts(status), Text()]
    parts += [_ways(status), Text()] if len(status.hosts) > 1 else []
    parts += _names(status)
    parts += [_markup(line) for line in _runs(status)]
    for warning in status.warnings:
        parts.append(_markup(f"[bold yellow]![/] [bold]{escape(', '.join(warning.hosts))}[/]: {escape(warning.what)}"))
        parts.append(_markup(f"   do  {escape(warning.do)}"))
    for finding in status.findings:
        parts.append(_markup(f"[bold red]✗[/] [bold]{escape(', '.join(finding.hosts))}[/]: {escape(finding.what)}"))
        parts.append(_markup(f"   do  {escape(finding.do)}"))
    return Group(*parts, _markup(_end(status)))


def line(status: Status) -> str:
    """The whole in one line without colour."""
    answer = sum(host.error is None for host in status.hosts)
    up = sum(end.state is TunnelState.UP for end in status.tunnels)
    number = len(status.findings)
    return (
        f"{answer} of {_count(len(status.hosts), 'host')} answer, {up} of {_count(len(status.tunnels), 'tunnel')} up, "
        f"{'' if status.forwarding == Forwarding.DIRECT else f'root {status.root or _NOBODY}, '}"
        f"{'all is well' if not number else f'{number} not right'}"
    )


def _markup(text: str) -> Text:
    return Text.from_markup(text)


def _head(status: Status) -> str:
    if status.forwarding == Forwarding.DIRECT:
        return f"[bold]Mesh '{escape(status.name)}'[/]: {_count(len(status.hosts), 'host')}, {status.forwarding}"
    root = f"root {escape(status.root)}" if status.root else "[red]no root on which all agree[/]"
    return f"[bold]Mesh '{escape(status.name)}'[/]: {_count(len(status.hosts), 'host')}, {status.forwarding}, {root}"


def _hosts(status: Status) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("host", "", "tunnels", "differs", "containers", "pool", "Docker", "OVS", "datapath", "applied"):
        right = column in ("containers", "pool")
        table.add_column(column, justify="right" if right else "left", no_wrap=column != "applied")
    for host in status.hosts:
        if host.error:
            table.add_row(f"[bold]{escape(host.name)}[/]", "[red]✗[/]", "[red]no answer[/]")
            continue
        table.add_row(
            f"[bold]{escape(host.name)}[/]",
            "[green]✓[/]",
            _tunnels(status, host),
            _differs(host),
            "–" if host.containers is None else str(host.containers),
            _pool(host),
            _version(host.docker),
            _version(host.switch),
            host.datapath or "–",
            _applied(host),
        )
    return table


def _names(status: Status) -> list[RenderableType]:
    """How many names the resolvers answer, in one line; nothing where none has said so."""
    told = [(host.name, host.names.count) for host in status.hosts if host.names and host.names.count is not None]
    if not told:
        return []
    each = f": {', '.join(f'{count} on {escape(name)}' for name, count in told)}" if len(told) <= FEW else ""
    return [_markup(f"[dim]names[/]  {sum(count for _, count in told)}{each}"), Text()]


def _pool(host: HostStatus) -> str:
    """The fullest."""
    pool = max(host.pools, key=lambda each: each.used / each.total, default=None)
    if pool is None:
        return "–"
    text = f"{pool.used}/{pool.total}"
    return f"[red]{text}[/]" if pool.full else f"[yellow]{text}[/]" if pool.nearly_full else text


def _version(version: str | None) -> str:
    """Without what a distribution adds to it."""
    return escape(version.split("+")[0]) if version else "[red]✗[/]"


def _tunnels(status: Status, host: HostStatus) -> str:
    ends = [end for end in status.tunnels if end.host == host.name]
    up = sum(end.state is TunnelState.UP for end in ends)
    text = f"{up} of {len(ends)} up"
    return text if up == len(ends) else f"[red]{text}[/]"


def _differs(host: HostStatus) -> str:
    if host.refused:
        return "[red]✗[/]"
    drift = sum(change.origin in (Origin.DRIFT, Origin.BOTH) for change in host.differences)
    others = len(host.differences) - drift
    parts = [f"[yellow]{drift} drift[/]"] if drift else []
    parts += [f"{others} to apply"] if others else []
    return ", ".join(parts) or "–"


def _applied(host: HostStatus) -> str:
    if host.applied is None:
        return "no record"
    when = host.applied.when.replace("T", " ")[:16]
    return escape(f"{when}, {host.applied.version}")


def _ways(status: Status) -> RenderableType:
    return _matrix(status) if len(status.hosts) <= FEW else _summary(status)


def _matrix(status: Status) -> Table:
    """The way there is the way back, so half of it is enough."""
    names = [host.name for host in status.hosts]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("path of frames", no_wrap=True)
    for name in names[1:]:
        table.add_column(escape(name), no_wrap=True)
    ways = {(way.a, way.b): way for way in status.ways}
    silent = {host.name for host in status.hosts if host.error}
    for number, a in enumerate(names[:-1], start=1):
        cells = []
        for b in names[1:number] + names[number:]:
            way = ways.get((a, b))
            if b in names[number:] and {a, b} <= silent:
                cells.append("[yellow]? not read[/]")
            elif way is None:
                cells.append("")
            elif not way.hosts:
                cells.append("[red]✗ none[/]")
            else:
                cells.append(f"via {escape(', '.join(way.through))}" if way.through else "direct")
        table.add_row(f"[bold]{escape(a)}[/]", *cells)
    return table


def _summary(status: Status) -> Text:
    direct = sum(len(way.hosts) == 2 for way in status.ways)
    lost = sum(not way.hosts for way in status.ways)
    text = f"path of frames  {direct} of {_count(len(status.ways), 'pair')} direct"
    through = len(status.ways) - direct - lost
    text += f", {through} through other hosts" if through else ""
    return _markup(text + (f", [red]{lost} without a path[/]" if lost else ""))


def _runs(status: Status) -> Iterator[str]:
    def last(host: HostStatus) -> str | None:
        run = host.runs.last
        return f"{run.text()}{f': {shown(run.ended)}' if run.ended else ''}" if run else None

    def dropped(host: HostStatus) -> str | None:
        return ", ".join(f"{number} {why}" for why, number in host.drop_counters.items()) or None

    def api(host: HostStatus) -> str | None:
        if host.api is None:
            return None
        until = f", certificate until {host.api.until:%Y-%m-%d}" if host.api.until else ""
        return f"open{until}" if host.api.open else "shut"

    yield from _alike(status, "Docker's API", api)
    yield from _alike(status, "last run", last)
    yield from _alike(status, "frames dropped", dropped)
    yield from _alike(status, "[yellow]locked[/]", lambda host: host.runs.lock.text() if host.runs.lock else None)
    waits = "[yellow]not confirmed yet, the host rolls back by itself[/]"
    back = "[yellow]rolls back to what it was before[/]"
    yield from _alike(status, back, lambda host: host.runs.returning.text() if host.runs.returning else None)
    yield from _alike(status, waits, lambda host: host.runs.armed.text() if host.runs.armed else None)


def _alike(status: Status, label: str, text_of: Callable[[HostStatus], str | None]) -> Iterator[str]:
    """A line for hosts that say the same."""
    texts: dict[str, list[str]] = {}
    for host in status.hosts:
        if (text := text_of(host)) is not None:
            texts.setdefault(text, []).append(host.name)
    for text, names in texts.items():
        where = "all hosts" if len(names) == len(status.hosts) > 1 else ", ".join(names)
        yield f"{label}  {escape(where)}: {escape(text)}"


def _end(status: Status) -> str:
    if not status.findings:
        warnings = f", {_count(len(status.warnings), 'warning')}" if status.warnings else ""
        return f"[green]✓[/] all is well{warnings}"
    number = len(status.findings)
    return f"[red]✗[/] {_count(number, 'thing')} {'is' if number == 1 else 'are'} not right"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
