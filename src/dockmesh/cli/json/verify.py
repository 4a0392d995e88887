"""The proof of a mesh in JSON, under stable names; docs/reference/json.md describes them."""

from typing import Any

from dockmesh.model.network import DOCKER_BRIDGE
from dockmesh.verify.types import VerifyReport


def verify_json(report: VerifyReport) -> dict[str, Any]:
    """The report under stable names."""
    return {
        "verdict": str(report.verdict),
        "seconds": round(report.seconds, 3),
        "hosts": list(report.hosts),
        "causes": [
            {
                "fault": str(cause.fault),
                "hosts": list(cause.hosts),
                "seen": cause.seen,
                "do": cause.do,
            }
            for cause in report.causes
        ],
        "probes": [
            {
                "kind": str(probe.kind),
                "source": probe.source,
                "target": probe.target,
                "network": probe.network or DOCKER_BRIDGE,
                "verdict": str(probe.verdict),
                "measured": probe.measured,
                "reason": probe.reason,
                "do": probe.do,
            }
            for probe in report.probes
        ],
    }
