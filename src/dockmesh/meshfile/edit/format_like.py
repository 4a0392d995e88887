"""What is new in a mesh file, in the manner in which the file is written: order, quotes, columns."""

from collections.abc import Iterable, Mapping

from dockmesh.meshfile import tree
from dockmesh.meshfile.edit.text import LayoutError, column, line_break
from dockmesh.meshfile.flow import flow
from dockmesh.meshfile.flow import text as quoted
from dockmesh.meshfile.keys.host import AllocationSection, HostSection
from dockmesh.meshfile.keys.network import NetworkSection
from dockmesh.meshfile.tree import Collection, Entry, Item, Plain, Scalar
from dockmesh.model.mesh import Host
from dockmesh.model.network import Allocation, Network


def host_lines(text: str, hosts: Collection, host: Host) -> list[str]:
    """The lines to append to `hosts`, without line breaks.

    Raises LayoutError when no host of the file is written out as a map.
    """
    entry, like = _like(hosts)
    # In a map of flow style each entry is in one line, wherever the others break theirs.
    at = column(text, entry.start) if hosts.flow or line_break(text) in text else 0
    head = " " * at + quoted(host.name, _habit([each.key for each in _entries(hosts)])) + ":"
    keys = _in_order(like, HostSection.told(host))
    if not like.flow:
        return [head, *_block(text, like, keys)]
    between = text[entry.key.end + 1 : like.start]
    aligned = _aligned(text, hosts)
    start = _padded(head, column(text, like.start)) if aligned else head + (between if _is_blank(between) else " ")
    opening = text[like.start + 1 : like.items[0].start]
    closing = text[like.items[-1].end : like.end - 1]
    line = start + "{" + (opening if _is_blank(opening) else "")
    for number, (name, value) in enumerate(keys.items()):
        if number:
            alike = aligned and name in like.entries
            line = _padded(line + ",", column(text, like.entries[name].start)) if alike else line + ", "
        line += f"{quoted(name, _style_of_key(like, name))}: {value}"
    return [line + (closing if _is_blank(closing) else "") + "}"]


def pair_line(text: str, links: Collection, pair: tuple[str, str]) -> list[str]:
    """A link in the manner of the last one, to append to `links`."""
    like = links.items[-1]
    ends = like.value.items if isinstance(like.value, tree.Sequence) else ()
    styles = [end.value.style if isinstance(end.value, Scalar) else "" for end in ends] or ["", ""]
    one, other = (quoted(name, style) for name, style in zip(pair, styles, strict=True))
    return [f"{_opening(text, links, like)}[{one}, {other}]"]


def name_line(text: str, names: Collection, name: str) -> list[str]:
    """A name in the manner of the last one, to append to the list `names`."""
    style = _habit([item.value for item in names.items if isinstance(item.value, Scalar)])
    return [_opening(text, names, names.items[-1]) + quoted(name, style)]


def network_lines(text: str, networks: Collection, network: Network) -> list[str]:
    """A network in the manner of the last one, to append to the list `networks`.

    Raises LayoutError when one of them is not written out as a map.
    """
    like = networks.items[-1].value
    if not isinstance(like, tree.Mapping) or any(item.alias for item in networks.items):
        raise LayoutError
    fields = [
        f"{quoted(name, _style_of_key(like))}: {value}" for name, value in _told(like, NetworkSection.told(network))
    ]
    opening = _opening(text, networks, networks.items[-1])
    if like.flow:
        return [f"{opening}{{{', '.join(fields)}}}"]
    first, *rest = fields
    return [opening + first, *(" " * column(text, like.items[0].start) + field for field in rest)]


def allocation_lines(text: str, into: Collection, allocation: Allocation, *, key: str | None = None) -> list[str]:
    """An entry for a network to append to a map; with `key` that map is a host, and the entry gets one of its own."""
    style = _style_of_key(into)
    entry = f"{quoted(allocation.network, style)}: {flow(AllocationSection.told(allocation), style)}"
    at = 0 if into.flow and line_break(text) not in text[into.start : into.end] else column(text, into.items[0].start)
    if key is None:
        return [" " * at + entry]
    if into.flow:
        return [f"{' ' * at}{quoted(key, style)}: {{{entry}}}"]
    return [" " * at + f"{quoted(key, style)}:", " " * (at + 2) + entry]


def _entries(of: Collection) -> tuple[Entry, ...]:
    return of.items if isinstance(of, tree.Mapping) else ()


def _like(hosts: Collection) -> tuple[Entry, tree.Mapping]:
    """The last host that is a map of its own, no alias."""
    for entry in reversed(_entries(hosts)):
        if isinstance(entry.value, tree.Mapping) and entry.value.entries and not entry.alias:
            return entry, entry.value
    raise LayoutError


def _opening(text: str, into: Collection, like: Item) -> str:
    """What stands before an item in its line; in a block blanks and the hyphen."""
    if into.flow:
        return " " * column(text, like.start)
    return text[: like.start].rsplit("\n", 1)[-1].rsplit("\r", 1)[-1]


def _in_order(like: tree.Mapping, keys: Mapping[str, Plain]) -> dict[str, str]:
    """In the order of the keys that `like` has, and then the others."""
    told = dict(_told(like, keys))
    order = [name for name in like.entries if name in told]
    return {name: told[name] for name in (*order, *(name for name in told if name not in order))}


def _told(like: tree.Mapping, keys: Mapping[str, Plain]) -> Iterable[tuple[str, str]]:
    """Each key with its value as text: quoted as its like is, or as keys are."""
    for name, value in keys.items():
        found = like.get(name)
        yield name, flow(value, found.style if isinstance(found, Scalar) else _style_of_key(like))


def _habit(names: Iterable[Scalar]) -> str:
    """The quotes of the last name that has them, or has none, by choice: some cannot do without."""
    free = (name.style for name in reversed([*names]) if quoted(name.text) == name.text)
    return next(free, "")


def _style_of_key(like: Collection, name: str = "") -> str:
    """Of this key, or of the first."""
    entries = {entry.key.text: entry.key for entry in _entries(like)}
    key = entries.get(name) or next(iter(entries.values()), None)
    return key.style if key is not None else ""


def _block(text: str, like: tree.Mapping, keys: Mapping[str, str]) -> list[str]:
    at = column(text, like.items[0].start)
    columns = {column(text, item.value.start) for item in like.items if not isinstance(item.value, tree.Mapping)}
    value_at = columns.pop() if len(columns) == 1 else 0
    style = _style_of_key(like)
    return [_padded(" " * at + quoted(name, style) + ":", value_at) + value for name, value in keys.items()]


def _padded(line: str, to: int) -> str:
    """Up to the column, or by one space where the line is that long already."""
    return line.ljust(to) if len(line) < to else line + " "


def _is_blank(between: str) -> bool:
    return not between.strip(" ")


def _aligned(text: str, hosts: Collection) -> bool:
    """Whether the hosts stand in columns: one line each, the same keys below one another."""
    columns = set()
    for entry in _entries(hosts):
        value = entry.value
        if entry.alias or not isinstance(value, tree.Mapping) or not value.flow:
            return False
        if line_break(text) in text[entry.start : value.end]:
            return False
        required = (
            (each.key.text, column(text, each.start)) for each in value.items if each.key.text in HostSection.required()
        )
        columns.add((column(text, value.start), *required))
    return len(columns) == 1
