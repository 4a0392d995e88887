import asyncio
import os
import sys
from pathlib import Path

import pytest

from dockmesh.cli.ask import said_yes


@pytest.mark.parametrize(
    ("typed", "yes"), [("y\n", True), ("Yes\n", True), ("n\n", False), ("\n", False), ("yy\n", False), ("", False)]
)
def test_only_yes_is_yes(monkeypatch: pytest.MonkeyPatch, typed: str, yes: bool) -> None:
    reading, writing = os.pipe()
    os.write(writing, typed.encode())
    os.close(writing)
    with Path(f"/proc/self/fd/{reading}").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)

        assert asyncio.run(said_yes("Make these changes?")) is yes
    os.close(reading)


def test_others_have_their_turn_while_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()

    async def ask() -> bool:
        question = asyncio.create_task(said_yes("Make these changes?"))
        await asyncio.sleep(0)
        os.write(writing, b"y\n")
        return await question

    with Path(f"/proc/self/fd/{reading}").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)

        assert asyncio.run(ask())
    os.close(reading)
    os.close(writing)
