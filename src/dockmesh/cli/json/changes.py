"""Changes of hosts in JSON, under stable names; docs/reference/json.md describes them."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from dockmesh.cli.json.errors import error_json
from dockmesh.cli.json.verify import verify_json
from dockmesh.cli.results import Destroyed, Result
from dockmesh.diff import silence
from dockmesh.diff.types import Change


def result_json(result: Result) -> dict[str, Any]:
    """The result of an apply under stable names; docs/reference/json.md describes them."""
    outages = {outcome.host: outcome.outages for outcome in result.outcomes}
    fabric = result.plan.fabric

    def of_host(name: str) -> dict[str, Any]:
        deferred = [change_json(change) for change in _deferred(result, name)]
        return {
            "deferred": deferred,
            "left": deferred,  # its name until 0.1.0
            "outages": [asdict(each) for each in outages.get(name, ())],
            "gaps": [asdict(each) for each in outages.get(name, ())],  # its name until 0.1.0
            "silence_ms": silence.silence_ms(inspection.diff, inspection.facts, fabric)
            if (inspection := result.inspections.get(name))
            else 0,
        }

    return {
        **run_json(result, of_host),
        "proof_silence_ms": silence.proof_silence_ms((each.facts for each in result.inspections.values()), fabric),
        "verify": verify_json(result.report) if result.report else None,
    }


def run_json(result: Result, of_host: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """What every run that changes hosts tells, and for each host what `of_host` has."""
    made = {outcome.host: outcome.changes for outcome in result.outcomes}
    planned = {name: inspection.diff.changes for name, inspection in result.inspections.items()}
    shown = planned if result.dry_run else made
    return {
        "name": result.plan.name,
        "dry_run": result.dry_run,
        "changed": any(made.values()),
        "run": result.run,
        "seconds": round(result.seconds, 3),
        "hosts": [
            {
                "name": name,
                "changes": [change_json(change) for change in shown.get(name, ())],
                "error": error_json(result.errors[name]) if name in result.errors else None,
                **of_host(name),
            }
            for name in result.hosts
        ],
    }


def _deferred(result: Result, name: str) -> tuple[Change, ...]:
    inspection = result.inspections.get(name)
    return inspection.diff.deferred if inspection else ()


def destroyed_json(destroyed: Destroyed) -> dict[str, Any]:
    """The result under stable names; docs/reference/json.md describes them."""
    return run_json(destroyed.result, lambda name: {"kept": destroyed.kept.get(name, {})})


def change_json(change: Change) -> dict[str, Any]:
    return {
        "subject": str(change.subject),
        "actual": change.actual,
        "expected": change.expected,
        "reason": change.reason,
        "origin": str(change.origin),
        "because": change.because,
        "disturbs": list(change.disturbs),
    }
