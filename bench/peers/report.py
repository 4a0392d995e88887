"""The page and the picture of a run. Pure."""

from collections.abc import Iterator, Sequence
from math import log10
from statistics import median

import jinja2

from bench.peers import table
from bench.peers.chart import Bar, Panel, picture
from bench.peers.types import Bench, Load, Result, Silence, Turns

DETAILS = ("contender", "figure", "between", "own", "underlay, by turns", "ratio", "load")
LEAST_MS = 10.0  # the interval of the pings: a shorter gap is none

_templates = jinja2.Environment(  # noqa: S701  Markdown
    loader=jinja2.PackageLoader("bench.peers"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def page(bench: Bench, picture_name: str) -> str:
    """Markdown."""
    loads = [each for result in bench.results for load in _loads(result) for each in (load.before, load.after)]
    return _templates.get_template("peers.md.j2").render(
        bench=bench,
        runs=runs(bench),
        least=min(loads, default=0.0),
        most=max(loads, default=0.0),
        picture=picture_name,
        summary=table.markdown(table.COLUMNS, [table.row(result) for result in bench.results]),
        details=table.markdown(DETAILS, [line for result in bench.results for line in _details(result)]),
    )


def chart(bench: Bench) -> str:
    """SVG."""
    others = [result for result in bench.results if result.about.name != "underlay"]
    return picture(
        (
            Panel("TCP between two hosts, share of the underlay", tuple(map(_tcp, others))),
            Panel("all pairs at once, share of the underlay", tuple(map(_all_pairs, others))),
            Panel("processor time a gigabit of TCP, times the underlay's", tuple(_cpu(others))),
            Panel("silence when a link is cut, logarithmic", tuple(map(_cut, others))),
            Panel("ping, median", tuple(_pings(others))),
        ),
        f"{bench.since}, {bench.machine.cores} cores, lab hosts on one machine; {runs(bench)}",
    )


def _loads(result: Result) -> Iterator[Load]:
    figures = (result.start, result.all_pairs, result.packets, result.cut, result.heal, result.crash, result.back)
    yield from (each.load for each in (*figures, *result.latency, *result.goodput) if each)


def runs(bench: Bench) -> str:
    pace = bench.pace
    return f"one run of {pace.seconds} s" if pace.runs == 1 else f"medians of {pace.runs} runs of {pace.seconds} s"


def _tcp(result: Result) -> Bar:
    ratios = [each.mbit.ratio for each in result.goodput]
    return _bar(result, median(ratios) if ratios else None, table.tcp(result))


def _all_pairs(result: Result) -> Bar:
    ratio = result.all_pairs.mbit.ratio if result.all_pairs else None
    return _bar(result, ratio, f"{ratio:.2f}" if ratio is not None else table.NOTHING)


def _cut(result: Result) -> Bar:
    """From the interval of the pings to 100 s."""
    if result.cut is None:
        return _bar(result, None, table.NOTHING)
    gap_ms = result.cut.gap_ms
    if gap_ms is None:
        return Bar(result.about.title, 1.0, table.silence(result.cut), "never")
    share = log10(max(gap_ms, LEAST_MS) / LEAST_MS) / log10(100_000 / LEAST_MS)
    return _bar(result, max(share, 0.01), f"{gap_ms:,.0f} ms")


def _cpu(results: Sequence[Result]) -> Iterator[Bar]:
    ratios = [
        median(each.cpu_s_per_gbit.ratio for each in result.goodput) if result.goodput else None for result in results
    ]
    most = max((each for each in ratios if each is not None), default=1.0)
    for result, ratio in zip(results, ratios, strict=True):
        yield _bar(result, None if ratio is None else ratio / most, table.NOTHING if ratio is None else f"{ratio:.2f}")


def _pings(results: Sequence[Result]) -> Iterator[Bar]:
    medians = [median(each.own.median_ms for each in result.latency) if result.latency else None for result in results]
    most = max((each for each in medians if each is not None), default=1.0)
    for result, each in zip(results, medians, strict=True):
        yield _bar(result, None if each is None else each / most, table.ping(result))


def _bar(result: Result, share: float | None, said: str) -> Bar:
    return Bar(result.about.title, share, said, "ours" if result.about.name.startswith("dockmesh") else "other")


def _details(result: Result) -> Iterator[tuple[str, ...]]:
    name = result.about.title
    if result.start:
        yield name, "set-up", "", f"{result.start.connected_s:.1f} s", "", "", _load(result.start.load)
    for latency in result.latency:
        own, below = latency.own, latency.underlay
        yield (
            *(name, "ping, median (p95), ms", str(latency.pair), f"{own.median_ms:.2f} ({own.p95_ms:.1f})"),
            *(f"{below.median_ms:.2f} ({below.p95_ms:.1f})", f"{own.median_ms / below.median_ms:.2f}"),
            _load(latency.load),
        )
    for goodput in (*result.goodput, *([result.all_pairs] if result.all_pairs else [])):
        between = str(goodput.pair) if goodput.pair else "all at once"
        yield name, "TCP, Mbit/s", between, *_turns(goodput.mbit, 0), _load(goodput.load)
        yield name, "CPU, s a gigabit", between, *_turns(goodput.cpu_s_per_gbit, 2), _load(goodput.load)
    if result.packets:
        packets = result.packets
        yield name, "packets a second", str(packets.pair), *_turns(packets.per_second, 0), _load(packets.load)
    centre = result.about.centre
    silences = (
        ("silence at the cut", result.cut),
        ("silence at the heal", result.heal),
        (f"silence at the crash of {centre}, {result.about.centre_is}", result.crash),
        (f"silence when {centre} is back", result.back),
    )
    for what, found in silences:
        if found:
            yield name, *_silence(what, found)


def _turns(turns: Turns, digits: int) -> tuple[str, str, str]:
    own = " ".join(f"{each:.{digits}f}" for each in turns.own)
    underlay = " ".join(f"{each:.{digits}f}" for each in turns.underlay)
    return own, underlay, f"{turns.ratio:.2f}"


def _silence(what: str, found: Silence) -> tuple[str, ...]:
    said = table.silence(found)
    own = f"{said} ms" if found.gap_ms is not None else said
    return what, str(found.pair), own, "", "", _load(found.load)


def _load(load: Load) -> str:
    return f"{load.before:.1f} → {load.after:.1f}"
