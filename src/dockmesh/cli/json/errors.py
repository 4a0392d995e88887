"""An error in JSON, as all commands print it."""

from dockmesh.errors import DockmeshError


def error_json(error: DockmeshError) -> dict[str, str | None]:
    report = error.report
    return {
        "what": report.what,
        "step": report.step,
        "ran": report.ran,
        "answered": report.answered,
        "now": report.now,
        "do": report.do,
    }
