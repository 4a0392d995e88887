"""How the containers of a mesh look."""

from collections.abc import Mapping, Sequence

from rich.markup import escape
from rich.table import Table

from dockmesh.cli.show import out, show_error
from dockmesh.containers.find import SHORT_ID
from dockmesh.containers.types import Container, Published
from dockmesh.errors import DockmeshError

STYLE = {"running": "green", "exited": "dim", "created": "dim", "dead": "red"}


def show(
    names: Sequence[str],
    found: Mapping[str, tuple[Container, ...]],
    gone: Mapping[str, DockmeshError],
    *,
    stopped: bool,
) -> None:
    containers = [each for name in names for each in found.get(name, ())]
    if containers:
        # On a terminal words stay whole; in a log a line stays a line.
        out.print(table(containers), soft_wrap=not out.is_terminal)
    elif found:
        what = "no container is" if stopped else "no container runs"
        out.print(f"{what} on {', '.join(name for name in names if name in found)}", markup=False)
    for name in names:
        if name in gone:
            show_error(gone[name])


def show_ids(
    names: Sequence[str], found: Mapping[str, tuple[Container, ...]], gone: Mapping[str, DockmeshError]
) -> None:
    """For other programs, as `docker ps -q` has them."""
    for name in names:
        for each in found.get(name, ()):
            out.print(each.id[:SHORT_ID], markup=False)
        if name in gone:
            show_error(gone[name])


def table(containers: Sequence[Container]) -> Table:
    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("host", "container", "image", "state", "address", "ports"):
        rows.add_column(column, overflow="fold", no_wrap=column in ("host", "address"))
    for each in containers:
        style = STYLE.get(each.state, "yellow")
        rows.add_row(
            escape(each.host),
            f"[bold]{escape(each.name)}[/]",
            escape(each.image),
            f"[{style}]{escape(each.status or each.state)}[/]",
            ", ".join(map(str, each.addresses)) or "–",
            escape(", ".join(map(port_text, each.ports))) or "–",
        )
    return rows


def port_text(port: Published) -> str:
    """`8080→80/tcp`, with the host's address in front where it is not every one of them."""
    where = "" if port.address is None else f"{f'[{port.address}]' if ':' in port.address else port.address}:"
    return f"{where}{port.host_port}→{port.port}/{port.protocol}"
