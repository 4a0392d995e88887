"""What a host says of the runs that change it: who holds its lock, what waits to be confirmed, what ran last.

Whoever wrote these files may have been of another version, or killed over it: what cannot be read is told as it is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dockmesh.agent.lock import LOCK
from dockmesh.record.paths import ARMED, RETURNING, RUNS
from dockmesh.transport.requests import Answer, Get, Last, Request, Stat

# The file of the lock outlives it; whether somebody holds it, the kernel knows. To try it would be to hold it.
QUESTIONS: tuple[Request, ...] = (
    Get(LOCK),
    Stat(LOCK),
    Get("/proc/locks"),
    Get(ARMED),
    Get(RETURNING),
    Last(RUNS),
)


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One run, in the words of the host; "" for what it does not say."""

    run: str = ""
    who: str = ""
    come_from: str = ""
    when: str = ""
    what: str = ""
    ended: str = ""

    def text(self) -> str:
        """Half a line: what, by whom, since when."""
        who = f"{self.who} from {self.come_from}" if self.come_from else self.who
        parts = (self.what, f"by {who}" if who else "", _time(self.when))
        return " ".join(filter(None, parts)) or "somebody"


@dataclass(frozen=True, slots=True)
class HostRuns:
    lock: RunEntry | None = None  # None: free
    armed: RunEntry | None = None  # None: nothing waits to be confirmed
    returning: RunEntry | None = None  # what the host rolls back just now
    last: RunEntry | None = None  # None: no run was recorded


def read_runs(answers: tuple[Answer, ...]) -> HostRuns:
    """From the answers to QUESTIONS."""
    lock, place, locks, armed, returning, runs = answers
    return HostRuns(
        lock=read_run(lock.out) if lock.ok and place.ok and is_held(place.out, locks.out) else None,
        armed=read_run(armed.out) if armed.ok else None,
        returning=read_run(returning.out) if returning.ok else None,
        last=read_run(runs.out) if runs.ok and runs.out.strip() else None,
    )


def is_held(place: str, locks: str) -> bool:
    """Whether /proc/locks has an flock on the file of which `place` says device and inode (proc_locks(5))."""
    if len(words := place.split()) != 2:
        return False
    device, inode = map(int, words)
    major = (device >> 8) & 0xFFF | (device >> 32) & ~0xFFF
    minor = device & 0xFF | (device >> 12) & ~0xFF
    name = f"{major:02x}:{minor:02x}:{inode}"
    rows = (line.split() for line in locks.splitlines() if "->" not in line)  # an arrow marks who waits
    return any("FLOCK" in row and name in row for row in rows)


def read_run(text: str) -> RunEntry:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return RunEntry(who=text.strip())
    if isinstance(content, Mapping) and isinstance(content.get("run"), Mapping):
        content = content["run"]
    if not isinstance(content, Mapping):
        return RunEntry(who=text.strip())
    return RunEntry(
        run=_word(content, "run"),
        who=_word(content, "who"),
        come_from=_word(content, "from"),
        when=_word(content, "since", "when"),
        what=_word(content, "why", "what"),
        ended=_word(content, "ended"),
    )


def _word(content: Mapping[str, Any], *keys: str) -> str:
    return next((str(content[key]) for key in keys if content.get(key)), "")


def _time(when: str) -> str:
    """2026-11-26T23:03:51Z, as people write it."""
    return f"at {when[:10]} {when[11:16]} UTC" if len(when) >= len("2026-11-26T23:03") and when[10] == "T" else when
