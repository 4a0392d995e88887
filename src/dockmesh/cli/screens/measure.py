"""How a measurement of a mesh looks: what it will send, and what came out."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dockmesh.cli.show import counted, err, out, show_error
from dockmesh.measure.plan import lasts_s, told
from dockmesh.measure.types import Datagrams, Figure, Pace, Pair, Pings, Report, Step, Stream

NOTHING = "[dim]–[/]"
# A stream that came so near to what it was allowed might have been faster.
AT_LIMIT = 0.93
ROWS = 40  # pairs that are shown; JSON has all
COLUMNS = {
    Figure.LATENCY: "ping (95 %)",
    Figure.GOODPUT: "alone",
    Figure.ALL_PAIRS: "all at once",
    Figure.PACKETS: "datagrams",
}


def show_beforehand(
    name: str, hosts: Sequence[str], chosen: Sequence[Step], pace: Pace, console: Console = err
) -> None:
    console.print(
        f"Between the {len(hosts)} hosts of mesh '{name}', for about {lasts_s(chosen, pace):.0f} s, "
        f"{pace.seconds:g} s each:",
        markup=False,
    )
    for figure, text in told(hosts, chosen, pace):
        console.print(f"  {figure:<10} {text}", markup=False)
    console.print("Containers use the same links and share them with this.")


def show_report(report: Report, console: Console = out) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    columns = [each for each in COLUMNS if each in report.figures]
    table.add_column("from → to", no_wrap=True)
    for figure in columns:
        table.add_column(COLUMNS[figure], justify="right", no_wrap=True)
    pairs = sorted({pair for taken in report.figures.values() for pair in taken}, key=lambda pair: _place(report, pair))
    for pair in pairs[:ROWS]:
        table.add_row(escape(str(pair)), *(_cell(report, figure, pair) for figure in columns))
    console.print(table)
    if len(pairs) > ROWS:
        console.print(f"[dim]and {len(pairs) - ROWS} pairs more; --json has all[/]")
    console.print()
    for line in _sums(report):
        console.print(line)
    for error in report.gone.values():
        show_error(error)
    for figure, pair, reason in report.missing:
        if not {pair.source, pair.target} & set(report.gone):
            console.print(f"[red]✗[/] {escape(f'{pair}, {figure}: {reason}')}")
    if report.gone:
        console.print(f"[red]✗[/] {counted(len(report.gone), 'host')} not measured: {escape(', '.join(report.gone))}")


def _place(report: Report, pair: Pair) -> tuple[int, int]:
    return report.hosts.index(pair.source), report.hosts.index(pair.target)


def _cell(report: Report, figure: Figure, pair: Pair) -> str:
    taken = report.figures[figure].get(pair)
    match taken:
        case None:
            return NOTHING
        case Pings():
            return f"{taken.median_ms:.2f} ms ({taken.p95_ms:.2f})"
        case Stream():
            return f"{taken.mbit:,.0f} Mbit/s{'*' if _is_at_limit(report, figure, pair, taken) else ''}"
        case Datagrams():
            return f"{taken.per_second:,.0f}/s, {taken.lost:.1%} lost"
        case _:
            return "[red]✗[/]"


def _is_at_limit(report: Report, figure: Figure, pair: Pair, stream: Stream) -> bool:
    streams = sum(each.source == pair.source for each in report.figures[figure]) if figure is Figure.ALL_PAIRS else 1
    return stream.mbit > AT_LIMIT * report.pace.limit_mbit / streams


def _sums(report: Report) -> list[str]:
    lines = []
    at_once = report.streams(Figure.ALL_PAIRS)
    if at_once:
        slowest = min(at_once, key=lambda pair: at_once[pair].mbit)
        lines.append(
            f"all at once: {report.total_mbit:,.0f} Mbit/s together, the slowest {escape(str(slowest))} with "
            f"{at_once[slowest].mbit:,.0f}"
        )
    limited = [
        pair
        for figure in (Figure.GOODPUT, Figure.ALL_PAIRS)
        for pair, stream in report.streams(figure).items()
        if _is_at_limit(report, figure, pair, stream)
    ]
    if limited:
        lines.append(f"* as fast as --limit {report.pace.limit_mbit} allows: more may be possible")
    return lines
