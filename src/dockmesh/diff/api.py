"""The end of TLS before Docker's socket: in what words its files change, and what makes it take them."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime

from dockmesh.facts.types import FileState, HostFacts
from dockmesh.render.paths import API_CERTIFICATE, API_FILES, API_KEY, API_PEMS, API_UNIT
from dockmesh.render.types import File
from dockmesh.transport.requests import Exec, Request

REASON = "Docker's API for clients that have access"
UNTIL = re.compile(r"until (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
# Streams go on with the old certificate.
RELOADED = {API_CERTIFICATE, API_KEY}
# For open connections, too, nobody may stay who has lost their right.
RESTART = Exec(("systemctl", "try-restart", API_UNIT))


def words(text: str) -> str:
    """What a file of ours in PEM says of itself."""
    return text.split("\n", 2)[1].removeprefix("# ").rstrip(".") if text.count("\n") > 1 else ""


def state(present: FileState | None, file: File) -> tuple[str | None, str]:
    """Actual and expected of a file in PEM."""
    if present is None:
        return None, words(file.text)
    was, will = words(present.text), words(file.text)
    if present.text == file.text:
        return f"mode {present.mode:04o}", f"mode {file.mode:04o}"
    return (was, will) if was != will else ("another text", will)


def take(written: Collection[str]) -> Iterator[Request]:
    """After these files are written: nothing where it does not run."""
    changed = {path for path in written if path in API_FILES}
    if changed - RELOADED:
        yield RESTART
    elif changed:
        yield Exec(("systemctl", "try-reload-or-restart", API_UNIT))


def until(files: Mapping[str, FileState]) -> datetime | None:
    """When the certificate of a host ends, as its file says; None where there is none, or one of somebody else's."""
    file = files.get(API_CERTIFICATE)
    found = UNTIL.search(words(file.text)) if file else None
    return datetime.strptime(found.group(1), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) if found else None


def missing(facts: HostFacts) -> tuple[str, ...]:
    """What it cannot start without."""
    return tuple(path for path in (*API_FILES[1:2], *API_PEMS) if path not in facts.files)
