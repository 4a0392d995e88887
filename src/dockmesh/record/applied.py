"""What the last run made of a host, kept there: it tells a change of the file from a change by hand.

Its text has the number of its form; the first had none, and is of form 1.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from dockmesh.facts.types import HostFacts
from dockmesh.record.form import form_of, refuse_newer
from dockmesh.record.paths import APPLIED

FORM = 1
MODE = 0o600


@dataclass(frozen=True, slots=True)
class Applied:
    """The record. `expected` is what was wanted of each subject, by its key (diff/subject.py)."""

    mesh: str
    version: str  # of dockmesh
    when: str  # UTC, ISO 8601, to the second
    run: str = ""  # its identifier in the history; "" where it has none
    hosts: tuple[str, ...] = ()  # all hosts of the mesh, as the file of that time had them, sorted
    expected: Mapping[str, str] = field(default_factory=dict)

    def says_the_same(self, other: "Applied | None") -> bool:
        """Whether nothing but the time and the run tells them apart."""
        return other is not None and (self.mesh, self.hosts, self.expected) == (other.mesh, other.hosts, other.expected)


def write(record: Applied) -> str:
    """The text of the record: sorted, so that the same record is the same text."""
    content = {
        "form": FORM,
        "mesh": record.mesh,
        "version": record.version,
        "when": record.when,
        "run": record.run,
        "hosts": list(record.hosts),
        "expected": dict(sorted(record.expected.items())),
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def read(text: str | None) -> Applied | None:
    """None where there is no record, or one that cannot be read: both mean that nobody knows."""
    try:
        content = json.loads(text or "")
        expected = {str(subject): str(value) for subject, value in content["expected"].items()}
        mesh, version, when, run = (str(content.get(key, "")) for key in ("mesh", "version", "when", "run"))
        return Applied(mesh, version, when, run, tuple(map(str, content.get("hosts", ()))), expected)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def of(facts: HostFacts) -> Applied | None:
    """The record of a host.

    Raises HostError where a newer dockmesh wrote it in another form.
    """
    text = facts.file(APPLIED)
    refuse_newer(facts.name, APPLIED, form_of(text), FORM)
    return read(text)
