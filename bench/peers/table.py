"""The figures in words, a row a contender: for the screen and for the page. Pure."""

from collections.abc import Sequence
from statistics import median

from bench.peers.types import Mtu, Result, Silence

NOTHING = "—"
NAME = "contender"
TRAFFIC = ("ping ms (p95)", "TCP × (worst)", "all pairs ×", "packets ×", "CPU ×")
LIFE = ("cut ms", "heal ms", "crash ms", "back ms", "MTU", "set up s", "connected s")
COLUMNS = (NAME, *TRAFFIC, *LIFE)


def row(result: Result) -> tuple[str, ...]:
    """All columns."""
    return (result.about.title, *traffic(result), *life(result))


def traffic(result: Result) -> tuple[str, ...]:
    return (
        ping(result),
        tcp(result),
        _ratio([result.all_pairs.mbit.ratio] if result.all_pairs else []),
        _ratio([result.packets.per_second.ratio] if result.packets else []),
        _ratio([each.cpu_s_per_gbit.ratio for each in result.goodput]),
    )


def life(result: Result) -> tuple[str, ...]:
    """What becomes of it when links and hosts fail, and how it began."""
    start = result.start
    return (
        *map(silence, (result.cut, result.heal, result.crash, result.back)),
        mtu(result.mtu),
        f"{start.set_up_s:.1f}" if start else NOTHING,
        f"{start.connected_s:.1f}" if start else NOTHING,
    )


def ping(result: Result) -> str:
    """Medians over the pairs."""
    if not result.latency:
        return NOTHING
    middle = median(each.own.median_ms for each in result.latency)
    slow = median(each.own.p95_ms for each in result.latency)
    return f"{middle:.2f} ({slow:.1f})"


def tcp(result: Result) -> str:
    """The median of the pairs' ratios, and the least."""
    ratios = [each.mbit.ratio for each in result.goodput]
    remark = f", {result.about.remark}" if result.about.remark else ""
    return f"{median(ratios):.2f} ({min(ratios):.2f}){remark}" if ratios else NOTHING


def silence(found: Silence | None) -> str:
    if found is None:
        return NOTHING
    return f"never, {found.watched_s:.0f} s" if found.gap_ms is None else f"{found.gap_ms:,.0f}"


def mtu(found: Mtu | None) -> str:
    if found is None:
        return NOTHING
    if found.passes is None:
        return f"{found.inside}, not passed"
    return f"{found.inside}" if found.passes >= found.inside else f"{found.inside}, passes {found.passes}"


def _ratio(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.2f}" if ratios else NOTHING


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines: list[Sequence[str]] = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
