"""What preflight found in JSON, under stable names; docs/reference/json.md describes them."""

from typing import Any

from dockmesh.preflight.types import Report


def preflight_json(report: Report) -> dict[str, Any]:
    """The report under stable names; docs/reference/json.md describes them."""
    return {
        "level": str(report.level),
        "seconds": round(report.seconds, 3),
        "hosts": list(report.hosts),
        "findings": [
            {
                "check": str(finding.check),
                "level": str(finding.level),
                "hosts": list(finding.hosts),
                "what": finding.what,
                "do": finding.do,
                "pairs": [{"source": source, "target": target} for source, target in finding.pairs],
            }
            for finding in report.findings
        ],
    }
