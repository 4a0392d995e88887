"""How what preflight found looks: hosts with the same findings together."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dockmesh.cli.show import out
from dockmesh.preflight.types import Check, Finding, Level, Report

STYLE = {Level.FINE: "green", Level.WARNING: "yellow", Level.UNKNOWN: "yellow", Level.BLOCKER: "red"}


SYMBOL = {Level.FINE: "✓", Level.WARNING: "!", Level.UNKNOWN: "?", Level.BLOCKER: "✗"}


HOSTS_WIDTH = 24  # of the column, beyond which their names take several lines


WORDS = {
    Check.SSH: "SSH",
    Check.PYTHON: "Python",
    Check.PACKAGES: "packages",
    Check.DISK: "disk",
    Check.CLOCK: "clock",
    Check.REFUSED: "apply refuses",
    Check.DATAPATH: "datapath",
    Check.UNDERLAY: "underlay",
    Check.TUNNEL: "tunnel",
    Check.PATH_MTU: "path MTU",
    Check.ROUTES: "routes",
    Check.ATTACHED: "attached interfaces",
    Check.DOCKER: "Docker",
    Check.DOCKER_API: "Docker's API over TCP",
    Check.NAMES: "names of containers",
    Check.DOCKER_NETWORKS: "Docker networks",
    Check.CONTAINERS: "containers",
    Check.FORWARDING: "forwarding",
    Check.FIREWALL: "firewall",
    Check.NETWORK_MANAGERS: "network managers",
}


def show_findings(report: Report, console: Console = out, *, everything: bool = False) -> None:
    """What is not fine, worst first, each with its fix; then what is, in a line for hosts that have the same."""
    shown = [finding for finding in report.findings if finding.level is not Level.FINE]
    rows = [
        (SYMBOL[each.level], STYLE[each.level], each.hosts, WORDS[each.check], each.what, each.do) for each in shown
    ]
    rows.sort(key=lambda row: list(reversed(SYMBOL.values())).index(row[0]))
    if everything:
        fine = [finding for finding in report.findings if finding.level is Level.FINE]
        fine.sort(key=lambda finding: report.hosts.index(finding.hosts[0]))
        rows += [("✓", "green", each.hosts, WORDS[each.check], each.what, None) for each in fine]
    else:
        rows += [("✓", "green", hosts, "fine", ", ".join(words), None) for words, hosts in _all_fine(report).items()]
    width = min(HOSTS_WIDTH, max((len(", ".join(row[2])) for row in rows), default=0))
    word_width = max((len(row[3]) for row in rows), default=0)
    for symbol, style, hosts, word, what, do in rows:
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(width=1, no_wrap=True)
        table.add_column(width=width, style="bold")
        table.add_column(width=word_width)
        table.add_column()
        table.add_row(f"[{style}]{symbol}[/]", escape(", ".join(hosts)), word, escape(what))
        console.print(table, soft_wrap=False)
        if do:  # in one piece, to be copied
            console.print(f"   do  {escape(do)}")
    console.print(_end(report))


def _all_fine(report: Report) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The checks that are fine, with the hosts of which that is true."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for name in report.hosts:
        if fine := tuple(WORDS[check] for check in Check if _is_fine(report.of(name), check)):
            found[fine] = (*found.get(fine, ()), name)
    return found


def _is_fine(findings: tuple[Finding, ...], check: Check) -> bool:
    levels = [finding.level for finding in findings if finding.check is check]
    return bool(levels) and all(level is Level.FINE for level in levels)


def _end(report: Report) -> str:
    counts = {level: sum(finding.level is level for finding in report.findings) for level in Level}
    said = [
        f"{counts[level]} {word}{'s' if counts[level] > 1 else ''}"
        for level, word in ((Level.BLOCKER, "blocker"), (Level.UNKNOWN, "unknown"), (Level.WARNING, "warning"))
        if counts[level]
    ]
    hosts = f"{len(report.hosts)} host{'s' if len(report.hosts) > 1 else ''}"
    symbol = f"[{STYLE[report.level]}]{SYMBOL[report.level]}[/]"
    return f"{symbol} {hosts}: {', '.join(said) or 'all fine'} ({report.seconds:.1f} s)"
