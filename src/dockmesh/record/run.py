"""A run: who changes what, as it stands in locks, rollbacks and lists of runs."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Run:
    """One command that changes hosts. `since` is UTC, as in RFC 3339."""

    id: str
    who: str
    come_from: str
    since: str
    why: str  # the command, as a person would say it

    def json(self) -> dict[str, str]:
        return {"run": self.id, "who": self.who, "from": self.come_from, "since": self.since, "why": self.why}


@dataclass(frozen=True, slots=True)
class Ended:
    """What a host says of a run that is over."""

    run: Run
    how: str
    changes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        return self.how == CONFIRMED


CONFIRMED = "confirmed"
# What agent/back.py writes, and hosts have in their lists of runs.
SHOWN = {"gone back": "rolled back", "gone back, but for what failed": "rolled back, except for what failed"}


def shown(how: str) -> str:
    """How a run ended, as people read it; `how` is the word that stands on the host."""
    return SHOWN.get(how, how)


def lock_text(run: Run) -> str:
    """The runner puts its process' id where "PID" stands."""
    return json.dumps({**run.json(), "pid": "PID"}) + "\n"


def confirmed_line(run: Run, changes: tuple[str, ...]) -> str:
    return json.dumps({**run.json(), "ended": CONFIRMED, "failures": [], "changes": list(changes)})


def read_run(text: str) -> Run | None:
    """Who stands in a lock, or in a rollback; None where nobody can be read."""
    try:
        content = json.loads(text)
        return _run(content.get("run") if isinstance(content.get("run"), dict) else content)
    except (ValueError, AttributeError, RecursionError):
        return None


def read_runs(text: str) -> tuple[Ended, ...]:
    """A host's list of runs, the oldest first; a line that a full disk cut short is left out."""
    return tuple(ended for line in text.splitlines() if (ended := read_ended(line)) is not None)


def read_ended(line: str) -> Ended | None:
    try:
        content = json.loads(line)
        changes, failures = (tuple(map(str, content.get(key, ()))) for key in ("changes", "failures"))
        return Ended(_run(content), str(content["ended"]), changes, failures)
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None


def _run(content: dict[str, Any]) -> Run:
    word = {key: str(content.get(key) or "unknown") for key in ("run", "who", "from", "since", "why")}
    return Run(word["run"], word["who"], word["from"], word["since"], word["why"])
