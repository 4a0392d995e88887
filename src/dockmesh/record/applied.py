"""What the last run made of a host, kept there: it tells a change of the file from a change by hand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

MODE = 0o600


@dataclass(frozen=True, slots=True)
class Applied:
    """The record. `expected` is what was wanted of each subject, by the subject of a Change."""

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
