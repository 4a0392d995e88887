"""Put one item into a list or map of a YAML text, or take one out; not a character elsewhere changes."""

import re

from dockmesh.meshfile.source import LINE_BREAK
from dockmesh.meshfile.tree import Collection

# Between two items of a flow collection on one line.
COMMA = re.compile(r"[ \t]*,")
PLAIN_COMMA = re.compile(r"\s*,\s*")
AFTER_ITEM = re.compile(r"[ \t]*,?[ \t]*(#.*)?")
BEFORE_ITEM = re.compile(r"[ \t]*(-[ \t]+)?")


class LayoutError(Exception):
    """The text is laid out in a way that is not edited here."""


def line_start(text: str, at: int) -> int:
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def line_end(text: str, at: int) -> int:
    """Where the line ends, its line break excluded."""
    found = LINE_BREAK.search(text, at)
    return found.start() if found else len(text)


def column(text: str, at: int) -> int:
    return at - line_start(text, at)


def line_break(text: str) -> str:
    found = LINE_BREAK.search(text)
    return found[0] if found else "\n"


def append(text: str, into: Collection, lines: list[str]) -> str:
    """The text with one item more at the end of `into`; `lines` are indented already, without line breaks.

    In a list of a block, the first of them starts with its `- `.
    """
    if not into.items:
        raise LayoutError
    last = into.items[-1]
    if not into.flow:
        end = _block_end(text, into, len(into.items) - 1)
        gap = line_break(text) if _parted_by_blank_lines(text, into) else ""
        return text[:end] + gap + "".join(line_break(text) + line for line in lines) + text[end:]
    (line,) = lines
    comma = COMMA.match(text, last.end)
    if _on_own_line(text, into, len(into.items) - 1):
        end = line_end(text, last.end)
        head = text[:end] if comma else f"{text[: last.end]},{text[last.end : end]}"
        return head + line_break(text) + line + ("," if comma else "") + text[end:]
    if comma:
        return f"{text[: comma.end()]} {line.lstrip()},{text[comma.end() :]}"
    return f"{text[: last.end]}, {line.lstrip()}{text[last.end :]}"


def remove(text: str, out_of: Collection, index: int) -> str:
    """The text without that item, its comments included: after it, below it if deeper, and right above it.

    Comments right above the first item stay, for they may be about all; unless other items have their own.
    """
    if out_of.flow and not _on_own_line(text, out_of, index):
        return _remove_within_line(text, out_of, index)
    item = out_of.items[index]
    if not BEFORE_ITEM.fullmatch(text, line_start(text, item.start), item.start):
        raise LayoutError
    if not AFTER_ITEM.fullmatch(text, item.end, line_end(text, item.end)):
        raise LayoutError
    top, end = _with_comments(text, out_of, index)
    if out_of.flow and index == len(out_of.items) - 1 and index > 0 and not COMMA.match(text, item.end):
        if (comma := COMMA.match(text, out_of.items[index - 1].end)) is None:
            raise LayoutError
        text, top, end = text[: comma.end() - 1] + text[comma.end() :], top - 1, end - 1
    if found := LINE_BREAK.match(text, end):
        return text[:top] + text[found.end() :]
    # The last line of a file that ends without a line break: then the one before it does.
    return text[: top - _break_before(text, top)] + text[end:]


def _break_before(text: str, start: int) -> int:
    """The length of the line break that ends right before `start`."""
    return 2 if text[:start].endswith("\r\n") else min(start, 1)


def _with_comments(text: str, within: Collection, index: int) -> tuple[int, int]:
    """From where to where the item reaches with its comments, and the blank lines that part it from the others."""
    top, end = line_start(text, within.items[index].start), _block_end(text, within, index)
    if index > 0 or any(_comment_above(text, within, other) for other in range(1, len(within.items))):
        while (above := _comment_above_line(text, top, _item_column(text, within, index))) is not None:
            top = above
    if index > 0:
        while (above := _line_above(text, top)) is not None and not text[above:top].strip():
            top = above
    elif len(within.items) > 1:
        while (found := LINE_BREAK.match(text, end)) and not text[found.end() : line_end(text, found.end())].strip():
            if line_end(text, found.end()) == len(text):
                break
            end = line_end(text, found.end())
    return top, end


def _item_column(text: str, within: Collection, index: int) -> int:
    start = line_start(text, within.items[index].start)
    return len(text[start:]) - len(text[start:].lstrip(" "))


def _line_above(text: str, start: int) -> int | None:
    """Where the line above the one that starts here starts."""
    if start == 0:
        return None
    return line_start(text, start - _break_before(text, start))


def _comment_above_line(text: str, start: int, at_column: int) -> int | None:
    above = _line_above(text, start)
    if above is None:
        return None
    line = text[above:start]
    return above if line.lstrip(" ").startswith("#") and len(line) - len(line.lstrip(" ")) == at_column else None


def _comment_above(text: str, within: Collection, index: int) -> bool:
    start = line_start(text, within.items[index].start)
    return _comment_above_line(text, start, _item_column(text, within, index)) is not None


def _block_end(text: str, within: Collection, index: int) -> int:
    """The end of the item's last line, or of the last comment below it that is indented deeper than it."""
    end = line_end(text, within.items[index].end)
    at = _item_column(text, within, index)
    while found := LINE_BREAK.match(text, end):
        line = text[found.end() : line_end(text, found.end())]
        if not line.lstrip(" ").startswith("#") or len(line) - len(line.lstrip(" ")) <= at:
            break
        end = line_end(text, found.end())
    return end


def _parted_by_blank_lines(text: str, within: Collection) -> bool:
    if len(within.items) < 2:
        return False
    between = text[_block_end(text, within, len(within.items) - 2) : within.items[-1].start]
    return any(not line.strip() for line in LINE_BREAK.split(between)[1:-1])


def _on_own_line(text: str, within: Collection, index: int) -> bool:
    item = within.items[index]
    alone = not text[line_start(text, item.start) : item.start].strip()
    return alone and AFTER_ITEM.fullmatch(text, item.end, line_end(text, item.end)) is not None


def _remove_within_line(text: str, within: Collection, index: int) -> str:
    item = within.items[index]
    if index < len(within.items) - 1:
        start, end = item.start, within.items[index + 1].start
        between = text[item.end : end]
    elif index > 0:
        start, end = within.items[index - 1].end, item.end
        between = text[start : item.start]
    else:
        raise LayoutError
    if not PLAIN_COMMA.fullmatch(between):
        raise LayoutError
    return text[:start] + text[end:]
