"""How the proof of a mesh looks: who reaches whom, and why what fails fails."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dockmesh.cli.show import out
from dockmesh.verify.matrix import MEANINGS, Cell, Matrix, by_kind, matrices
from dockmesh.verify.types import ProbeKind, Verdict, VerifyReport, worst

MANY = 10  # hosts, beyond which a cell has room for a symbol only


STYLE = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.UNKNOWN: "yellow"}


SYMBOL = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.UNKNOWN: "?"}


TITLES = {"containers": "from container to container", "hosts": "from bridge address to bridge address"}


WORDS = {
    ProbeKind.DOCKER: "Docker",
    ProbeKind.BRIDGE: "docker0 and br0",
    ProbeKind.TREE: "spanning tree",
    ProbeKind.FLOWS: "flows",
    ProbeKind.ENCRYPTION: "encryption",
    ProbeKind.NETWORK: "other networks",
    ProbeKind.TUNNEL: "tunnels",
    ProbeKind.HOST_PING: "ping, hosts",
    ProbeKind.HOST_SIZE: "full-size packet, hosts",
    ProbeKind.HOST_TRANSFER: "TCP transfer, hosts",
    ProbeKind.CONTAINER_PING: "ping, containers",
    ProbeKind.CONTAINER_SIZE: "full-size packet, containers",
    ProbeKind.CONTAINER_TRANSFER: "TCP transfer, containers",
    ProbeKind.ADDRESS: "one owner of each address",
    ProbeKind.NAME: "found by name",
    ProbeKind.BROADCAST: "a broadcast arrives once",
    ProbeKind.NETWORK_PING: "ping, other networks",
    ProbeKind.NETWORK_SIZE: "full-size packet, other networks",
    ProbeKind.NETWORK_PING6: "ping by IPv6, other networks",
    ProbeKind.NETWORK_SIZE6: "full-size packet by IPv6",
}


def show_report(report: VerifyReport, console: Console = out) -> None:
    tables = matrices(report)
    for matrix in tables:
        title = TITLES.get(matrix.title) or f"network {matrix.title}, from bridge address to bridge address"
        console.print(f"[bold]{title}[/]")
        console.print(_table(matrix))
        console.print()
    if legend := _legend(tables):
        console.print(f"{legend}\n")
    console.print(_counts(report))
    console.print()
    for cause in report.causes:
        console.print(f"[bold red]✗[/] [bold]{escape(', '.join(cause.hosts))}[/]: {escape(cause.seen)}")
        console.print(f"   do  {escape(cause.do)}")
    console.print(_end(report))


def _table(matrix: Matrix) -> Table:
    small = len(matrix.hosts) <= MANY
    table = Table(box=None, pad_edge=False, padding=(0, 2 if small else 1, 0, 0), header_style="dim")
    table.add_column("from \\ to", no_wrap=True)
    for number, name in enumerate(matrix.hosts, start=1):
        table.add_column(escape(name) if small else str(number), justify="left" if small else "right", no_wrap=True)
    for number, source in enumerate(matrix.hosts, start=1):
        cells = (_cell(matrix.cells.get((source, target)), small=small) for target in matrix.hosts)
        table.add_row(f"[bold]{escape(source)}[/]" if small else f"{number:>3} [bold]{escape(source)}[/]", *cells)
    return table


def _cell(cell: Cell | None, *, small: bool) -> str:
    if cell is None:
        return "[dim]–[/]"
    style, symbol = STYLE[cell.verdict], SYMBOL[cell.verdict]
    if not small:
        return f"[{style}]{'·' if cell.verdict is Verdict.PASS else symbol}[/]"
    if cell.verdict is Verdict.PASS:
        return f"[{style}]{cell.ping}[/]"
    return f"[{style}]{symbol} {cell.failed or cell.unknown}[/]"


def _legend(tables: tuple[Matrix, ...]) -> str:
    """Only of what is there to be seen."""
    cells = [cell for matrix in tables for cell in matrix.cells.values()]
    letters = {letter for cell in cells for letter in (cell.failed or cell.unknown)}
    few = all(len(matrix.hosts) <= MANY for matrix in tables)
    said = ["✗ fails", "? could not be measured"] if letters else []
    if not few:
        said = ["· passes", *said]
    return "   ".join([*said, *(f"{letter} {MEANINGS[letter]}" for letter in MEANINGS if few and letter in letters)])


def _counts(report: VerifyReport) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for kind, verdicts in by_kind(report).items():
        verdict, passed = worst(verdicts), verdicts.count(Verdict.PASS)
        symbol = f"[{STYLE[verdict]}]{SYMBOL[verdict]}[/]"
        table.add_row(symbol, WORDS[kind], f"{passed} of {len(verdicts)}")
    return table


def _end(report: VerifyReport) -> str:
    if report.verdict is Verdict.PASS:
        return f"[green]✓[/] all {len(report.probes)} probes pass ({report.seconds:.1f} s)"
    return f"[red]✗[/] {of_probes(report)} ({report.seconds:.1f} s)"


def of_probes(report: VerifyReport) -> str:
    """How many did not pass, in half a line."""
    failed, unknown = len(report.of(Verdict.FAIL)), len(report.unknown)
    parts = [f"{failed} fail"] if failed else []
    parts += [f"{unknown} could not be measured"] if unknown else []
    return f"of {len(report.probes)} probes {' and '.join(parts)}"
