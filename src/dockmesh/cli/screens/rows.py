"""Tables that lose nothing on a narrow terminal: what does not fit beside one another stands below."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

GAP = 3
RIGHT = ("containers",)
LEAST_LAST = 20  # columns for a last column that may be folded


def show_rows(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], *, folds: bool = False) -> None:
    """The first column is what a row is about. `folds`: the last one takes several lines where it must."""
    if _width(columns, rows, folds=folds) <= console.width:
        console.print(_table(columns, rows, folds=folds))
        return
    for first, *rest in rows:
        console.print(f"[bold]{escape(first)}[/]")
        for name, value in zip(columns[1:], rest, strict=True):
            if value:
                console.print(f"  [dim]{name}[/] {escape(value)}" if name else f"  {escape(value)}")


def _width(columns: Sequence[str], rows: Sequence[Sequence[str]], *, folds: bool) -> int:
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    if folds:
        widths[-1] = min(widths[-1], LEAST_LAST)
    return sum(widths) + GAP * (len(widths) - 1)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, folds: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    for number, column in enumerate(columns):
        last = folds and number == len(columns) - 1
        justify = "right" if column in RIGHT else "left"
        if last:
            table.add_column(column, overflow="fold")
        else:
            table.add_column(column, no_wrap=True, justify="right" if justify == "right" else "left")
    for first, *rest in rows:
        table.add_row(f"[bold]{escape(first)}[/]", *map(escape, rest))
    return table
