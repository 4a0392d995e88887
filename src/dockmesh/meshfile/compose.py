"""Text to tree. The parser is ruamel.yaml's; the tree, its limits and its refusals are ours."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from dockmesh.meshfile.excerpt import clipped
from dockmesh.meshfile.nearest import did_you_mean
from dockmesh.meshfile.problems import Mistake, Problem, Span
from dockmesh.meshfile.source import Source
from dockmesh.meshfile.syntax import explain_bad_escape, explain_syntax
from dockmesh.meshfile.tree import Entry, Item, Kind, Mapping, Node, Scalar, Sequence, resolve

# The format is five levels deep.
MAX_DEPTH = 12
# Values once every alias is written out: ten thousand hosts have 150,000.
MAX_VALUES = 250_000
MERGE_KEY = "<<"
# ruamel.yaml 0.19 takes time by the square of a tag's length; 1 MiB of it took 13 s.
LONG_TAG = re.compile(r"(?:^|(?<=[\s,\[{:?-]))!\S{500}")


@dataclass(slots=True)
class _Composing:
    source: Source
    events: Iterator[Event]
    problems: list[Problem]
    anchors: dict[str, tuple[Node, int]] = field(default_factory=dict)
    open_anchors: set[str] = field(default_factory=set)
    values: int = 0
    depth: int = 0


def compose(source: Source, problems: list[Problem]) -> Node:
    """The one document of the file as a tree; mistakes that leave a tree are added to `problems`.

    Raises MeshFileError, with `problems` too, when there is no tree to go on with.
    """
    if "!" in source.text:
        problems += _long_tags(source)
        if problems:
            raise source.refuse(*problems)
    state = _Composing(source, _events(source, problems), problems)
    root: Node | None = None
    for event in state.events:
        match event:
            case StreamStartEvent() | StreamEndEvent() | DocumentEndEvent():
                continue
            case DocumentStartEvent() if root is not None:
                hint = "A mesh file is one document: put everything before the `---`, or into another file."
                raise source.refuse(*problems, Problem("a second document starts here", hint, _span(source, event)))
            case DocumentStartEvent(version=version) if version is not None and tuple(version) != (1, 2):
                hint = "Mesh files are YAML 1.2: delete the %YAML line."
                span = Span(1, 1, max(1, len(source.lines[0])))
                problems.append(Problem(f"this is declared as YAML {version[0]}.{version[1]}", hint, span))
            case DocumentStartEvent():
                continue
            case _:
                root = _item(state, event).value
    if root is None or (isinstance(root, Scalar) and root.text == ""):
        hint = "Write one with `dockmesh init HOST…`; it needs name, networks and hosts."
        raise source.refuse(*problems, Problem("the file is empty", hint))
    return root


def _long_tags(source: Source) -> Iterator[Problem]:
    for number, line in enumerate(source.lines, 1):
        if found := LONG_TAG.search(line):
            hint = "A mesh file needs no tags. To make text of something, write it in quotes."
            yield Problem("a tag of more than 500 characters", hint, Span(number, found.start() + 1, len(found[0])))


def _events(source: Source, problems: list[Problem]) -> Iterator[Event]:
    try:
        yield from YAML(typ="safe", pure=True).parse(source.text)
    except MarkedYAMLError as error:
        raise source.refuse(*problems, explain_syntax(source, error)) from None
    except (ValueError, OverflowError):
        # ruamel.yaml 0.19 makes a character of an escape such as "\U00110000" without asking whether there is one.
        raise source.refuse(*problems, explain_bad_escape(source)) from None
    except YAMLError:
        hint = "Compare it with the reference file in the documentation."
        raise source.refuse(*problems, Problem("this is not YAML", hint)) from None


def _span(source: Source, event: Event) -> Span:
    start, end = event.start_mark, event.end_mark
    return source.span(start.line, start.column, end.line, end.column)


def _node(state: _Composing, event: Event) -> Node:
    before = state.values
    _count(state, event, 1)
    anchor = event.anchor if isinstance(event, NodeEvent) else None
    if anchor is not None:
        state.open_anchors.add(anchor)
    _refuse_tag(state, event)
    match event:
        case ScalarEvent():
            node: Node = _scalar(state, event)
        case SequenceStartEvent():
            node = _sequence(state, event)
        case MappingStartEvent():
            node = _mapping(state, event)
        case _:  # pragma: no cover
            raise AssertionError(event)
    if anchor is not None:
        state.open_anchors.discard(anchor)
        state.anchors[anchor] = (node, state.values - before)
    return node


def _item(state: _Composing, event: Event) -> Item:
    start = event.start_mark.index
    if isinstance(event, AliasEvent):
        return Item(_alias(state, event), start, event.end_mark.index, alias=True)
    node = _node(state, event)
    return Item(node, start, node.end, alias=False)


def _alias(state: _Composing, event: AliasEvent) -> Node:
    name, span = event.anchor, _span(state.source, event)
    if name in state.open_anchors:
        hint = "An alias repeats a complete value from before it."
        raise state.source.refuse(*state.problems, Problem(f"`*{clipped(name)}` contains itself", hint, span))
    if name not in state.anchors:
        hint = f"Mark the value to repeat with `&{clipped(name)}`, before this line.{did_you_mean(name, state.anchors)}"
        what = f"no `&{clipped(name)}` before this"
        raise state.source.refuse(*state.problems, Problem(what, hint, span, Mistake.UNKNOWN_ANCHOR))
    node, values = state.anchors[name]
    _count(state, event, values)
    return node


def _count(state: _Composing, event: Event, values: int) -> None:
    state.values += values
    if state.values > MAX_VALUES:
        what = f"more than {MAX_VALUES:,} values, with every alias written out"
        hint = "Aliases of aliases multiply. Write the hosts out, or is this the right file?"
        raise state.source.refuse(*state.problems, Problem(what, hint, _span(state.source, event)))


def _refuse_tag(state: _Composing, event: Event) -> None:
    tag = event.tag if isinstance(event, ScalarEvent | CollectionStartEvent) else None
    if tag is not None:
        hint = 'A mesh file needs no tags. To make text of something, write it in quotes: "1".'
        state.problems.append(Problem(f"tag `{clipped(str(tag))}` is not understood", hint, _span(state.source, event)))


def _scalar(state: _Composing, event: ScalarEvent) -> Scalar:
    value = resolve(event.value) if event.style in (None, "") else event.value
    start, end = event.start_mark.index, event.end_mark.index
    return Scalar(event.value, value, _span(state.source, event), start, end, event.style or "")


def _enter(state: _Composing, event: CollectionStartEvent) -> None:
    state.depth += 1
    if state.depth > MAX_DEPTH:
        hint = "No part of a mesh file is deeper than five levels. Is a bracket too many?"
        problem = Problem(f"nested more than {MAX_DEPTH} levels deep", hint, _span(state.source, event))
        raise state.source.refuse(*state.problems, problem)


def _sequence(state: _Composing, start: SequenceStartEvent) -> Sequence:
    _enter(state, start)
    items: list[Item] = []
    while not isinstance(event := next(state.events), SequenceEndEvent):
        items.append(_item(state, event))
    state.depth -= 1
    end = _end(start, event, items)
    return Sequence(tuple(items), _whole(state.source, start, event), start.start_mark.index, end, start.flow_style)


def _mapping(state: _Composing, start: MappingStartEvent) -> Mapping:
    _enter(state, start)
    entries: dict[str, Entry] = {}
    repeated: list[Scalar] = []
    items: list[Item] = []
    while not isinstance(event := next(state.events), MappingEndEvent):
        key = _item(state, event).value
        items.append(_item(state, next(state.events)))
        if isinstance(key, Scalar) and key.text in entries:
            repeated.append(key)
            state.problems.append(_stands_twice(key, entries[key.text].key))
        else:
            _add_entry(state, entries, key, items[-1])
    state.depth -= 1
    end = _end(start, event, items)
    span = _whole(state.source, start, event)
    return Mapping(entries, tuple(repeated), span, start.start_mark.index, end, start.flow_style)


def _end(start: CollectionStartEvent, end: Event, items: list[Item]) -> int:
    """A block ends where its last item does: the parser sees its end only at what follows, comments skipped."""
    if start.flow_style or not items:
        return int((end if start.flow_style else start).end_mark.index)
    return items[-1].end


def _stands_twice(key: Scalar, first: Scalar) -> Problem:
    hint = f"The first is in line {first.span.line}. Delete one of them, or rename it."
    return Problem(f"duplicate key `{clipped(key.text)}`", hint, key.span)


def _add_entry(state: _Composing, entries: dict[str, Entry], key: Node, item: Item) -> None:
    if not isinstance(key, Scalar):
        state.problems.append(Problem(f"a key that is a {key.kind}", "A key is a word, such as `pool`.", key.span))
        return
    name = clipped(key.text)
    if key.text == MERGE_KEY:
        hint = "Write the keys out, or repeat a whole value: `ssh: &admin {user: admin}`, and then `ssh: *admin`."
        state.problems.append(Problem("merge keys (`<<`) are not understood", hint, key.span))
        return
    if not isinstance(key.value, str):
        state.problems.append(Problem(f"key `{name}` is not text", _key_instead(key), key.span))
    entries[key.text] = Entry(item.value, key.start, item.end, item.alias, key)


def _key_instead(key: Scalar) -> str:
    name = clipped(key.text)
    match key.kind:
        case Kind.NUMBER:
            return f"Without quotes this is a number. Choose a word, such as `host{name}`."
        case Kind.TRUTH:
            return f'Without quotes this is a truth value. To mean the word, write "{name}".'
        case _:
            return "A word is expected before the colon, such as `pool`."


def _whole(source: Source, start: Event, end: Event) -> Span:
    return source.span(start.start_mark.line, start.start_mark.column, end.end_mark.line, end.end_mark.column)
