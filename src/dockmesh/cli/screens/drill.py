"""How drills look: what there is, one that runs, and what came out."""

import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from dockmesh.cli.show import counted, err, out
from dockmesh.drill.faults import ABOUT
from dockmesh.drill.record import DrillRecord, FaultRecord, PairRecord, Phase, record_of
from dockmesh.drill.report import ORDER, SYMBOL
from dockmesh.drill.types import Fault, FaultResult, Pair, PairState, Prediction
from dockmesh.plan.types import Plan
from dockmesh.verify.types import Verdict

STYLE = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.UNKNOWN: "yellow"}
FEW = 10  # hosts, up to which each pair has its place on the live screen
ROWS = 12  # pairs that are shown of one fault, those that did not pass first
SILENT_MS = 1000


def table(*columns: str) -> Table:
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        made.add_column(column)
    return made


def show_kinds() -> None:
    shown = table("fault", "of", "on real hosts", "what")
    for kind, about in ABOUT.items():
        amount = f",{about.amount[0]}{about.amount[1]}" if about.amount else ""
        shown.add_row(f"[bold]{kind}[/]", f"{about.of}{amount}", "✓" if about.harmless else "–", about.what)
    out.print(shown, soft_wrap=False)
    out.print("\nWrite cut:host1,host2, or cut alone for a place chosen at random.")


class Screen:
    """The progress of a drill: live on a terminal, in plain lines elsewhere. Keeps what came out so far."""

    def __init__(self, plan: Plan):
        self.records: list[FaultRecord] = []
        self._names = [host.name for host in plan.hosts]
        self._began = time.monotonic()
        self._live = Live(console=err, auto_refresh=True, transient=True) if err.is_terminal else None
        self._head = self._at = ""
        self._silent: Mapping[Pair, float | None] = {}
        self._prediction: Prediction = {}

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def begin(self, fault: Fault, number: int, of: int, prediction: Prediction) -> None:
        self._prediction, self._silent = prediction, {}
        self._head = f"{number} of {of}  {fault}"
        stay = sum(each.state is PairState.CONNECTED for each in prediction.values())
        longest = max((each.during.ms for each in prediction.values() if each.state is PairState.CONNECTED), default=0)
        predicted = f"{stay} of {len(prediction)} pairs must stay connected"
        predicted += f", the longest outage that is allowed is {longest / 1000:g} s" if stay else ""
        self._line(f"{self._head}: {predicted}")

    def say(self, text: str) -> None:
        self._at = text
        if self._live:
            self._refresh()
        else:
            self._line(f"  {text}")

    def silent(self, pairs: Mapping[Pair, float | None]) -> None:
        self._silent = pairs
        self._refresh()

    def end(self, result: FaultResult) -> None:
        self.records.append(record_of(result))
        self._line(f"  {result.verdict}", style=STYLE[result.verdict])

    def _line(self, text: str, style: str = "") -> None:
        err.print(f"{time.monotonic() - self._began:6.1f} s  {text}", markup=False, style=style)

    def _refresh(self) -> None:
        if self._live:
            parts: list[RenderableType] = [Spinner("dots", Text(f"{self._head}: {self._at}"))]
            parts += [self._matrix()] if len(self._names) <= FEW and self._silent else []
            self._live.update(Group(*parts))

    def _matrix(self) -> Table:
        shown = table("from \\ to", *map(escape, self._names))
        for source in self._names:
            cells = [self._cell((source, target)) if source != target else "–" for target in self._names]
            shown.add_row(f"[bold]{escape(source)}[/]", *cells)
        return shown

    def _cell(self, pair: Pair) -> str:
        ms = self._silent.get(pair)
        expected = self._prediction.get(pair)
        if ms is not None and ms < SILENT_MS:
            return "[green]✓[/]"
        style = "red" if expected and expected.state is PairState.CONNECTED else "yellow"
        return f"[{style}]{'no answer' if ms is None else f'silent {ms / 1000:.1f} s'}[/]"


def show_end(record: DrillRecord) -> None:
    for fault in record.faults:
        out.print()
        _show_fault(fault)
    if sums := tuple(_sums([pair for fault in record.faults for pair in fault.pairs])):
        out.print("\n[bold]Allowed outages[/]")
        for text in sums:
            out.print(f"  {text}", markup=False)
    number = len(record.faults)
    verdict = record.verdict
    seed = f"; seed {record.seed}" if record.seed is not None else ""
    ended = (
        "" if record.ended == "done" else f", then it {'was ' if record.ended == 'interrupted' else ''}{record.ended}"
    )
    out.print(
        f"\n[{STYLE[verdict]}]{SYMBOL[verdict]} {verdict}[/]: {counted(number, 'fault')}{ended}; "
        f"drill {record.run}{seed}"
    )


def _show_fault(fault: FaultRecord) -> None:
    verdict = Verdict(fault.verdict)
    out.print(f"[{STYLE[verdict]}]{SYMBOL[verdict]}[/] [bold]{escape(fault.fault)}[/]  {escape(fault.words)}")
    if fault.lacks:
        out.print(f"  the fault had no effect: {fault.lacks}", markup=False)
        return
    pairs = sorted(fault.pairs, key=lambda pair: ORDER[Verdict(pair.verdict)])
    shown = table("", "from → to", "while it lasts", "after it", "expected")
    for pair in pairs[:ROWS]:
        shown.add_row(*_row(pair))
    out.print(shown, soft_wrap=False)
    if len(pairs) > ROWS:
        passed = sum(pair.verdict == Verdict.PASS for pair in pairs[ROWS:])
        out.print(f"  and {counted(len(pairs) - ROWS, 'pair')} more, {passed} of which passed")
    for pair in pairs[:ROWS]:
        for phase in (pair.during, pair.after):
            if phase.why:
                out.print(f"  {pair.source} → {pair.target}: {phase.why}", markup=False, style="red")


def _row(pair: PairRecord) -> tuple[str, ...]:
    verdict = Verdict(pair.verdict)
    arrow = f"{escape(pair.source)} → {escape(pair.target)}"
    return (
        f"[{STYLE[verdict]}]{SYMBOL[verdict]}[/]",
        arrow,
        _phase(pair.during, pair.expected),
        _phase(pair.after, "connected"),
        escape(pair.why),
    )


def _phase(phase: Phase, expected: str) -> str:
    if phase.gap_ms is None:
        return "–"
    if expected == PairState.APART:
        return "apart"
    allowed = f" of {phase.allowed_ms}" if phase.allowed_ms is not None else ""
    return f"{phase.gap_ms:.0f}{allowed} ms"


def _sums(pairs: Sequence[PairRecord]) -> Iterator[str]:
    """Each sum that is allowed, once, in words; that one ping may be lost needs none."""
    phases = [phase for pair in pairs for phase in (pair.during, pair.after) if len(phase.terms) > 1]
    sums = dict.fromkeys((phase.allowed_ms or 0, phase.terms) for phase in phases)
    for ms, terms in sorted(sums, key=lambda each: each[0]):
        yield f"{ms:>6} ms: the sum of"
        for term in terms:
            yield f"{term.most_ms:>8} ms  {term.name} ({term.source})"


def show_history(records: Sequence[DrillRecord]) -> None:
    if not records:
        out.print("no drill was run with this file")
        return
    shown = table("drill", "when", "who", "mesh", "faults", "verdict")
    for record in records:
        verdict = record.verdict
        shown.add_row(
            record.run,
            record.since.replace("T", " ").replace("Z", " UTC"),
            escape(record.who),
            escape(record.mesh),
            escape(" ".join(record.chosen)),
            f"[{STYLE[verdict]}]{SYMBOL[verdict]} {verdict}[/]",
        )
    out.print(shown)
