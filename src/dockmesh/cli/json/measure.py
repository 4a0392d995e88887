"""What was measured of a mesh, in JSON; docs/reference/json.md describes it."""

from typing import Any

from dockmesh.cli.json.errors import error_json
from dockmesh.measure.types import Datagrams, Figure, Missing, Pings, Report, Stream, Taken


def measure_json(report: Report) -> dict[str, Any]:
    pace = report.pace
    return {
        "name": report.name,
        "complete": report.complete,
        "seconds": pace.seconds,
        "limit_mbit": pace.limit_mbit,
        "packets_limit": pace.packets,
        "hosts": [
            {"name": name, "error": error_json(report.gone[name]) if name in report.gone else None}
            for name in report.hosts
        ],
        "all_pairs_mbit": round(report.total_mbit, 1) if Figure.ALL_PAIRS in report.figures else None,
        **{
            str(figure).replace("-", "_"): [
                {"source": pair.source, "target": pair.target, **_taken_json(taken)}
                for pair, taken in report.figures.get(figure, {}).items()
            ]
            for figure in Figure
        },
    }


def _taken_json(taken: Taken) -> dict[str, Any]:
    match taken:
        case Missing(reason):
            return {"reason": reason}
        case Pings():
            return {
                "median_ms": taken.median_ms,
                "p95_ms": taken.p95_ms,
                "sent": taken.sent,
                "answered": len(taken.us),
            }
        case Stream():
            return {"mbit": round(taken.mbit, 1), "bytes": taken.bytes, "seconds": round(taken.seconds, 3)}
        case Datagrams():
            return {"per_second": round(taken.per_second), "sent": taken.sent, "arrived": taken.arrived}
