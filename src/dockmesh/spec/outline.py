"""Where every piece of a mesh file begins and ends in its text: what an edit has to know."""

from collections.abc import Iterator
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A value or key. `start` and `end` count characters of the text from 0, end excluded.

    `style` is the quote of a scalar that has one. A map has a key for every item; an alias is a scalar without text.
    """

    start: int
    end: int
    text: str | None = None
    style: str = ""
    flow: bool = False
    keys: tuple["Piece", ...] = ()
    items: tuple["Piece", ...] = ()

    def get(self, key: str) -> "Piece | None":
        found = (item for name, item in zip(self.keys, self.items, strict=False) if name.text == key)
        return next(found, None)

    @property
    def entries(self) -> tuple[tuple["Piece", "Piece"], ...]:
        """Of a map, key and value; of a list, each item twice."""
        return tuple(zip(self.keys or self.items, self.items, strict=True))


def outline(text: str) -> Piece:
    """The one document of a text that `parse` has taken."""
    events = iter(YAML(typ="safe", pure=True).parse(text))
    first = next(event for event in events if isinstance(event, NodeEvent))
    return _piece(first, events)


def _piece(event: Event, events: Iterator[Event]) -> Piece:
    start, end = event.start_mark.index, event.end_mark.index
    match event:
        case ScalarEvent(value=value, style=style):
            return Piece(start, end, value, style or "")
        case SequenceStartEvent(flow_style=flow):
            items: list[Piece] = []
            while not isinstance(event := next(events), SequenceEndEvent):
                items.append(_piece(event, events))
            return Piece(start, _end(event, items, end, flow=flow), flow=flow, items=tuple(items))
        case MappingStartEvent(flow_style=flow):
            keys, values = [], []
            while not isinstance(event := next(events), MappingEndEvent):
                keys.append(_piece(event, events))
                values.append(_piece(next(events), events))
            end = _end(event, values, end, flow=flow)
            return Piece(start, end, flow=flow, keys=tuple(keys), items=tuple(values))
        case AliasEvent():
            return Piece(start, end)
        case _:  # pragma: no cover
            raise AssertionError(event)


def _end(event: Event, items: list[Piece], start_end: int, *, flow: bool) -> int:
    """A block ends where its last item does: the parser sees its end only at what follows, comments skipped."""
    if flow:
        return int(event.end_mark.index)
    return items[-1].end if items else start_end
