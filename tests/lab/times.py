"""Where the time of lab tests goes.

With `DOCKMESH_LAB_TIMES=FILE` each command of a test is noted there; a wait is many of them.
`python -m tests.lab.times FILE` adds them up, by what was done and by file of tests.
"""

import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOTES = os.environ.get("DOCKMESH_LAB_TIMES")
# Of these the second word says what is done.
GROUPS = ("lab", "drill", "network", "host", "access", "context", "packages")


@contextmanager
def noted(what: str) -> Iterator[None]:
    """Note how long the block takes, where somebody asked for it."""
    begun = time.monotonic()
    try:
        yield
    finally:
        if NOTES:
            test = os.environ.get("PYTEST_CURRENT_TEST", "")
            with Path(NOTES).open("a") as notes:
                notes.write(json.dumps([test, what, round(time.monotonic() - begun, 3)]) + "\n")


def kind_of(argv: tuple[str, ...]) -> str:
    """A command of dockmesh by its verb, another by its program."""
    if "dockmesh" not in argv:
        return argv[0]
    verb, *rest = argv[argv.index("dockmesh") + 1 :]
    return f"dockmesh {verb} {rest[0]}" if verb in GROUPS and rest else f"dockmesh {verb}"


def table(rows: list[tuple[str, float]]) -> str:
    seconds: dict[str, float] = defaultdict(float)
    for what, took in rows:
        seconds[what] += took
    times = Counter(what for what, _ in rows)
    longest_first = sorted(seconds, key=seconds.__getitem__, reverse=True)
    return "\n".join(f"{seconds[what]:8.1f} s  {times[what]:5} ×  {what}" for what in longest_first)


def main(file: str) -> None:
    rows = [json.loads(line) for line in Path(file).read_text().splitlines()]
    print(table([(what, took) for _, what, took in rows]), end="\n\n")  # noqa: T201
    print(table([(test.partition("::")[0] or "?", took) for test, _, took in rows]))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
