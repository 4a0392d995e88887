"""Lines of a stranger's file, made fit for a terminal."""

import unicodedata

# What is shown of a long line, in characters around the mistake.
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
    start = column - 1
    low = 0 if len(line) <= WINDOW else max(0, min(start - BEFORE_CARET, len(line) - WINDOW))
    high = min(len(line), low + WINDOW)
    end = max(min(start + length, high), start + 1)

    head = ("…" if low else "") + shown(line[low:start])
    marked = shown(line[start:end])
    tail = shown(line[end:high]) + ("…" if high < len(line) else "")
    return head + marked + tail, " " * _cells(head) + "^" * max(1, _cells(marked))


def _cells(text: str) -> int:
    """How many columns of a terminal the text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
