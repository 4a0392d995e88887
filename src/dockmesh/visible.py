"""Text of hosts on a screen: what a terminal would obey is shown as what it is.

An error of a program, the name of a container or a line of a log may have bytes in it that move the cursor, colour what
follows, write into the clipboard (OSC 52), or turn letters round so that one reads another name.
"""

import re

# C0 without tab and newline, DEL, C1 (ECMA-48), and Unicode's marks and overrides of direction (UAX #9) and of lines.
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""The text, with `\x1b` where there is an escape.

    >>> print(visible("web\x1b]52;c;AAAA\x07"))
    web\x1b]52;c;AAAA\x07
    """
    return OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


def visible_json(text: str) -> str:
    """The same for a text in JSON, which stays JSON, and means the same: there it is all within strings."""
    return OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
