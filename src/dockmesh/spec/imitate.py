"""A new host in the manner in which the hosts of the file are written: order, quotes, columns."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from dockmesh.model import ETHERNET_MTU, Host, Network, Seat, Ssh
from dockmesh.spec.outline import Piece
from dockmesh.spec.splice import LayoutError, column, line_break
from dockmesh.spec.write import text as scalar

REQUIRED = ("underlay", "address", "pool")


@dataclass(frozen=True, slots=True)
class _Field:
    key: str
    value: str


def host_lines(text: str, hosts: Piece, host: Host) -> list[str]:
    """The lines to append to `hosts`, without line breaks.

    Raises LayoutError when no host of the file is written out as a map.
    """
    name, like = _like(hosts)
    # In a map of flow style each entry is in one line, wherever the others break theirs.
    at = column(text, name.start) if hosts.flow or line_break(text) in text else 0
    head = " " * at + _quoted(host.name, _habit([key for key, _ in hosts.entries])) + ":"
    if not like.flow:
        return [head, *_block(text, like, host)]
    start = head + text[name.end + 1 : like.start] if _is_blank(text[name.end + 1 : like.start]) else head + " "
    aligned = _aligned(text, hosts)
    if aligned:
        start = _padded(head, column(text, like.start))
    opening = text[like.start + 1 : like.keys[0].start]
    closing = text[like.items[-1].end : like.end - 1]
    line = start + "{" + (opening if _is_blank(opening) else "")
    fields = _fields(like, host)
    for number, field in enumerate(fields):
        key = like.keys[[each.text for each in like.keys].index(field.key)] if like.get(field.key) else None
        if number and aligned and key is not None:
            line = _padded(line, column(text, key.start))
        elif number:
            line += " "
        line += f"{_key(field.key, key, like)}: {field.value}" + ("," if number < len(fields) - 1 else "")
    return [line + (closing if _is_blank(closing) else "") + "}"]


def pair_line(text: str, links: Piece, pair: tuple[str, str]) -> str:
    """A link in the manner of the last one, to append to `links`."""
    like = links.items[-1]
    styles = [item.style for item in like.items]
    one, other = (_quoted(name, style) for name, style in zip(pair, styles or ["", ""], strict=True))
    if links.flow:
        return " " * column(text, like.start) + f"[{one}, {other}]"
    return f"{_before(text, like)}[{one}, {other}]"


def name_line(text: str, names: Piece, name: str) -> str:
    """A name in the manner of the last one, to append to the list `names`."""
    like = names.items[-1]
    quoted = _quoted(name, _habit(names.items))
    if names.flow:
        return " " * column(text, like.start) + quoted
    return f"{_before(text, like)}{quoted}"


def network_lines(text: str, networks: Piece, network: Network) -> list[str]:
    """A network in the manner of the last one, to append to the list `networks`."""
    like = networks.items[-1]
    style = like.keys[0].style
    values = {"name": _quoted(network.name, _style(like, "name")), "prefix": _quoted(str(network.prefix), "")}
    values |= {"vlan": str(network.vlan)} | ({"internal": "true"} if network.internal else {})
    if network.hosts is not None:
        values["hosts"] = f"[{', '.join(_quoted(host, _style(like, 'name')) for host in network.hosts)}]"
    if network.prefix6 is not None:
        values["prefix6"] = _quoted(str(network.prefix6), "")
    fields = [f"{_quoted(key, style)}: {value}" for key, value in values.items()]
    if like.flow:
        opening = " " * column(text, like.start) if networks.flow else _before(text, like)
        return [f"{opening}{{{', '.join(fields)}}}"]
    first, *rest = fields
    return [_before(text, like) + first, *(" " * column(text, like.keys[0].start) + field for field in rest)]


def seat_lines(text: str, into: Piece, seat: Seat, *, key: str | None = None) -> list[str]:
    """An entry for a network to append to a map; with `key` that map is a host, and the entry gets one of its own."""
    style = into.keys[0].style
    entry = _seat(seat, style)
    at = 0 if into.flow and line_break(text) not in text[into.start : into.end] else column(text, into.keys[0].start)
    if key is None:
        return [" " * at + entry]
    if into.flow:
        return [f"{' ' * at}{_quoted(key, style)}: {{{entry}}}"]
    return [" " * at + f"{_quoted(key, style)}:", " " * (at + 2) + entry]


def _seats(seats: Iterable[Seat], style: str) -> str:
    return f"{{{', '.join(_seat(seat, style) for seat in seats)}}}"


def _seat(seat: Seat, style: str) -> str:
    address, pool = (_quoted(key, style) for key in ("address", "pool"))
    values: dict[str, object] = {address: seat.address, pool: seat.pool}
    if seat.address6 is not None:
        values |= {_quoted("address6", style): seat.address6, _quoted("pool6", style): seat.pool6}
    inner = ", ".join(f"{key}: {_quoted(str(value), style)}" for key, value in values.items())
    return f"{_quoted(seat.network, style)}: {{{inner}}}"


def _before(text: str, item: Piece) -> str:
    """What stands before an item of a block in its line: blanks and the hyphen."""
    return text[: item.start].rsplit("\n", 1)[-1].rsplit("\r", 1)[-1]


def _like(hosts: Piece) -> tuple[Piece, Piece]:
    """The last host that is a map of its own, no alias."""
    for name, value in reversed(hosts.entries):
        if value.keys and name.text is not None:
            return name, value
    raise LayoutError


def _fields(like: Piece, host: Host) -> list[_Field]:
    values = {name: _quoted(str(getattr(host, name)), _style(like, name)) for name in REQUIRED}
    if host.underlay_mtu != ETHERNET_MTU:
        values["underlay_mtu"] = str(host.underlay_mtu)
    if ssh := _ssh(host.ssh, like):
        values["ssh"] = ssh
    if host.seats:
        values["networks"] = _seats(host.seats, like.keys[0].style)
    order = [key.text for key in like.keys if key.text in values]
    return [_Field(name, values[name]) for name in (*order, *(name for name in values if name not in order)) if name]


def _habit(names: Iterable[Piece]) -> str:
    """The quotes of the last name that has them, or has none, by choice: some cannot do without."""
    free = (name.style for name in reversed([*names]) if name.text is not None and scalar(name.text) == name.text)
    return next(free, "")


def _style(like: Piece, name: str) -> str:
    found = like.get(name)
    return found.style if found is not None else ""


def _ssh(ssh: Ssh, like: Piece) -> str:
    given = {"host": ssh.host, "user": ssh.user, "port": ssh.port}
    style = like.keys[0].style
    parts = [
        f"{_quoted(key, style)}: {_quoted(value, style) if isinstance(value, str) else value}"
        for key, value in given.items()
        if value is not None
    ]
    return f"{{{', '.join(parts)}}}" if parts else ""


def _block(text: str, like: Piece, host: Host) -> list[str]:
    at = column(text, like.keys[0].start)
    columns = {column(text, item.start) for key, item in like.entries if not item.keys}
    value_at = columns.pop() if len(columns) == 1 else 0
    lines = []
    for field in _fields(like, host):
        key = " " * at + _key(field.key, None, like) + ":"
        lines.append(_padded(key, value_at) + field.value)
    return lines


def _key(name: str, key: Piece | None, like: Piece) -> str:
    return _quoted(name, (key or like.keys[0]).style)


def _quoted(value: str, style: str) -> str:
    match style:
        case '"':
            return json.dumps(value, ensure_ascii=False)
        case "'":
            return "'" + value.replace("'", "''") + "'"
        case _:
            return scalar(value)


def _padded(line: str, to: int) -> str:
    """Up to the column, or by one space where the line is that long already."""
    return line.ljust(to) if len(line) < to else line + " "


def _is_blank(between: str) -> bool:
    return not between.strip(" ")


def _aligned(text: str, hosts: Piece) -> bool:
    """Whether the hosts stand in columns: one line each, the same keys below one another."""
    columns = set()
    for name, value in hosts.entries:
        if not value.flow or line_break(text) in text[name.start : value.end]:
            return False
        required = [key for key in value.keys if key.text in REQUIRED]
        columns.add((column(text, value.start), *((key.text, column(text, key.start)) for key in required)))
    return len(columns) == 1
