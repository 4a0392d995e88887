"""File and hosts compared, in JSON; docs/reference/json.md describes it."""

from typing import Any

from dockmesh.cli.json.changes import change_json
from dockmesh.cli.json.errors import error_json
from dockmesh.cli.results import Comparison
from dockmesh.record.applied import Applied


def comparison_json(found: Comparison) -> dict[str, Any]:
    """The comparison under stable names; docs/reference/json.md describes them."""
    return {
        "name": found.name,
        "different": bool(found.differences),
        "hosts": [
            {
                "name": name,
                "applied": applied_json(found.applied(name)),
                "differences": [change_json(change) for change in found.inspections[name].diff.differences]
                if name in found.inspections
                else [],
                "error": error_json(found.errors[name]) if name in found.errors else None,
            }
            for name in found.hosts
        ],
    }


def applied_json(record: Applied | None) -> dict[str, str] | None:
    return {"when": record.when, "version": record.version, "run": record.run} if record else None
