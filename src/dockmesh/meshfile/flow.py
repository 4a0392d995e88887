"""Values as YAML in one line."""

import json
import re

from dockmesh.meshfile.tree import Plain, resolve

# Text that needs no quotes, in a flow map too, and that no version of YAML takes for something else.
PLAIN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*|([0-9]+\.){3}[0-9]+(/[0-9]+)?")
# Words of YAML 1.1, for which other readers of the file may take text for a truth value.
OLD_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))


def flow(value: Plain, style: str = "") -> str:
    """`style` is the quote of all text in the value, or "" where only some text needs any.

    >>> flow({"host": "host1", "vlan": 30, "others": ["no"]})
    '{host: host1, vlan: 30, others: ["no"]}'
    """
    match value:
        case str():
            return text(value, style)
        case bool() | None:
            return json.dumps(value)
        case list():
            return f"[{', '.join(flow(each, style) for each in value)}]"
        case dict():
            return f"{{{', '.join(f'{text(name, style)}: {flow(each, style)}' for name, each in value.items())}}}"
        case _:
            return str(value)


def text(value: str, style: str = "") -> str:
    """The text as a YAML scalar in these quotes; without any where every reader takes it for text, else in double."""
    if style == "'":
        return "'" + value.replace("'", "''") + "'"
    bare = PLAIN_TEXT.fullmatch(value) and isinstance(resolve(value), str) and value.lower() not in OLD_WORDS
    return value if bare and not style else json.dumps(value, ensure_ascii=False)
