"""What the YAML parser complains of, in words for someone who doesn't know YAML's grammar."""

import re

from ruamel.yaml.error import MarkedYAMLError

from dockmesh.meshfile.excerpt import clipped
from dockmesh.meshfile.problems import Problem, Span
from dockmesh.meshfile.source import Source

ESCAPE = re.compile(r"\\U([0-9a-fA-F]{8})")
LAST_CHARACTER = 0x10FFFF
BLANK = re.compile(r"\s*(#.*)?")

# Part of the parser's own words, what is wrong, what to do. The first that fits is taken.
WORDS = (
    (
        "mapping values are not allowed",
        "a second `: ` in one line",
        "Break the line after the first, or quote the value.",
    ),
    ("sequence entries are not allowed", "a list cannot begin here", "Put `- ` on a line of its own, or write [a, b]."),
    ("could not find expected ':'", "a key without `:`", "A line is `key: value`, with a space after the colon."),
    ("found unexpected end of stream", "a quote that is never closed", "Close it with the same quote."),
    ("unexpected document separator", "a quote that is never closed", "Close it with the same quote."),
    ("unknown escape character", "an escape that does not exist", "In double quotes a backslash is written `\\\\`."),
    (
        "while parsing a block mapping",
        "this does not fit into the map around it",
        "Is it indented like the lines above, and is a value that starts with a quote or `*` complete?",
    ),
    (
        "while parsing a block collection",
        "this does not fit into the list around it",
        "Every entry of a list starts with `- `, all at one indentation.",
    ),
    ("the node content", "a value was expected here", "Is a bracket, comma or colon too many?"),
    (
        "expected '<document start>'",
        "there is something after the end",
        "Is a bracket too many, or the indentation wrong?",
    ),
)
CLOSING = {"while parsing a flow mapping": ("{", "}"), "while parsing a flow sequence": ("[", "]")}


# What the parser says where a colon is missing, or is none: it notices at a colon that follows.
NO_COLON = ("mapping values are not allowed", "could not find expected ':'")
FULL_WIDTH = "\uff1a"
# A key, and what stands behind it where no colon and space do.
KEY_ALONE = re.compile(r"(?P<indent> *)(?P<key>[\w.-]+)(?:(?P<glued>:\S.*)|(?P<rest> +[^ :].*))?")


def explain_colon(source: Source, number: int) -> Problem | None:
    """What is wrong with the colon of this line (from 1), if it is that."""
    line = re.sub(r"(^| )#.*", "", source.lines[number - 1]).rstrip()
    if FULL_WIDTH in line:
        at = line.index(FULL_WIDTH)
        return Problem("a full-width colon", "Write `:`, with a space after it.", Span(number, at + 1, 1))
    found = KEY_ALONE.fullmatch(line.replace("- ", "  ", 1) if re.match(" *- .*[^ ] ", line) else line)
    if found is None:
        return None
    key, glued, rest = found["key"], found["glued"], found["rest"]
    value = clipped((glued[1:] if glued else rest or "").strip())
    span = Span(number, found.start("key") + 1, len(key) + (1 if glued else 0))
    what = f"`{clipped(key)}:` has no space behind it" if glued else f"`{clipped(key)}` has no colon"
    return Problem(what, f"Expected `{f'{clipped(key)}: {value}'.strip()}`.", span)


def _colon_before(source: Source, error: MarkedYAMLError, number: int) -> Problem | None:
    """In the line where the parser noticed, in that where the key begins that it looks at, or in the one above."""
    above = next((line for line in range(number - 1, 0, -1) if not BLANK.fullmatch(source.lines[line - 1])), None)
    begun = error.context_mark.line + 1 if error.context_mark is not None else None
    lines = (begun, number, above) if "could not find" in (error.problem or "") else (number, above)
    found = (explain_colon(source, line) for line in lines if line is not None)
    return next((problem for problem in found if problem is not None), None)


def explain_syntax(source: Source, error: MarkedYAMLError) -> Problem:
    """The one problem that a syntax error is; nothing after it can be read."""
    said = f"{error.context or ''} {error.problem or ''}"
    mark = error.problem_mark or error.context_mark
    span = (
        Span(len(source.lines), 1) if mark is None else source.span(mark.line, mark.column, mark.line, mark.column + 1)
    )
    if error.context in CLOSING and error.context_mark is not None and "expected" in said:
        return _unclosed(error, span)
    if any(words in said for words in NO_COLON) and (problem := _colon_before(source, error, span.line)):
        return problem
    if found := re.search(r"found character (.+) that cannot start any token", said):
        hint = "To begin a value with it, quote the whole value."
        return Problem(f"a value cannot begin with {clipped(found[1])}", hint, span)
    if "mapping values are not allowed" in said and ": " not in source.lines[span.line - 1][: span.column]:
        return Problem("no `:` is allowed here", "Is the line above `key: value`, with a space after the colon?", span)
    for words, what, hint in WORDS:
        if words in said:
            if "a quote" in what and error.context_mark is not None:
                span = source.span(*[error.context_mark.line, error.context_mark.column] * 2)
            return Problem(what, hint, span)
    return Problem(f"this is not YAML: {clipped(error.problem or said)}", "Compare it with the lines around it.", span)


def _unclosed(error: MarkedYAMLError, span: Span) -> Problem:
    opening, closing = CLOSING[str(error.context)]
    line = error.context_mark.line + 1
    what = f"`,` or `{closing}` expected"
    return Problem(
        what,
        f"The `{opening}` is in line {line}: its entries are separated by commas, and it ends with `{closing}`.",
        span,
    )


def explain_bad_escape(source: Source) -> Problem:
    """The problem of an escape beyond the last character of Unicode, of which the parser doesn't say the place."""
    hint = "The last one is \\U0010FFFF."
    for number, line in enumerate(source.lines, 1):
        for found in ESCAPE.finditer(line):
            if int(found[1], 16) > LAST_CHARACTER:
                return Problem("this character does not exist", hint, Span(number, found.start() + 1, len(found[0])))
    return Problem("an escape means no character", hint)
