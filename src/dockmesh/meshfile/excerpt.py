"""Lines of a stranger's file, made fit for a terminal."""

import unicodedata

# What is shown of a long line, and of what stands before the mistake in it, in columns of a terminal.
WINDOW = 120
BEFORE_CARET = 60
# What is quoted of a value inside a sentence.
QUOTED = 60


def shown(text: str) -> str:
    r"""The text with everything that a terminal would obey or hide written as an escape.

    >>> shown("a\x1b[31m\tb")
    'a\\x1b[31m\\tb'
    """
    if text.isprintable():
        return text
    # repr's escapes are the ones that people know; its quotes go, and its doubled backslash never comes in.
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def quoted(text: str) -> str:
    """The text as a short quotation for a sentence."""
    return f'"{clipped(text)}"'


def clipped(text: str) -> str:
    return shown(text if len(text) <= QUOTED else text[: QUOTED - 1] + "…")


def listed(names: list[str], *, limit: int = 4) -> str:
    """Names for a sentence, and how many are not named.

    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], limit=1)
    ('a, b, c', 'a and 2 more')
    """
    few = ", ".join(clipped(name) for name in names[:limit])
    return few if len(names) <= limit else f"{few} and {len(names) - limit} more"


def excerpt(line: str, column: int, length: int) -> tuple[str, str]:
    """The line around `column` (from 1), and the carets that stand under `length` of its characters."""
    start, stop = column - 1, column - 1 + length
    tail = line[start : start + WINDOW]
    # What stands before the mistake may take the room that what follows leaves, and a half of the window in any case.
    room = max(BEFORE_CARET, WINDOW - _cells(shown(tail)))
    head = _fitting(line[max(0, start - WINDOW) : start][::-1], room)[::-1]
    tail = _fitting(tail, WINDOW - _cells(shown(head)))

    left = ("…" if len(head) < start else "") + shown(head)
    right = shown(tail) + ("…" if start + len(tail) < len(line) else "")
    marked = shown(tail[: stop - start])
    return left + right, " " * _cells(left) + "^" * max(1, _cells(marked))


def _fitting(text: str, room: int) -> str:
    """As much of the start of the text as `room` columns of a terminal show."""
    if len(text) <= room and _cells(shown(text)) <= room:
        return text
    used = 0
    for count, char in enumerate(text):
        used += _cells(shown(char))
        if used > room:
            return text[:count]
    return text


def _cells(text: str) -> int:
    """How many columns of a terminal the text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
