"""How the clients of Docker's API look."""

from collections.abc import Sequence
from datetime import datetime

from rich.markup import escape
from rich.table import Table

from dockmesh.access.lifetimes import in_last_third
from dockmesh.plan.secrets import Client

SERIAL_SHOWN = 8


def clients_table(clients: Sequence[Client], now: datetime) -> Table:
    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("name", "certificate", "until", ""):
        rows.add_column(column, no_wrap=True)
    for each in sorted(clients, key=lambda each: (each.name, each.made)):
        serial = f"{each.serial:x}"[:SERIAL_SHOWN]
        rows.add_row(f"[bold]{escape(each.name)}[/]", serial, when_utc(each.until), _state(each, now))
    return rows


def _state(client: Client, now: datetime) -> str:
    if client.revoked is not None:
        return f"[dim]revoked {when_utc(client.revoked)}[/]"
    if client.until <= now:
        return "[dim]ended[/]"
    return "[yellow]ends soon[/]" if in_last_third(client.made, client.until, now) else "[green]gets in[/]"


def when_utc(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
