"""Scripts of ours that run on a host, by its own Python: sent as text, so nothing is installed there."""

import json
from collections.abc import Mapping
from typing import Any

from dockmesh.transport.requests import Answer, Exec

# As for the runner: the source is the first line of standard input, so that it shows in no process list.
PYTHON = ("python3", "-I", "-S", "-c", "import sys,json;exec(json.loads(sys.stdin.readline()),{'__name__':'__main__'})")


def script(source: str, order: Mapping[str, Any], timeout_s: float, *, role: str = "") -> Exec:
    """The request that runs `source` with an order in JSON, and its role, if it knows several, as its argument."""
    words = (role,) if role else ()
    return Exec((*PYTHON, *words), stdin=f"{json.dumps(source)}\n{json.dumps(order)}", timeout_s=timeout_s)


def read_said(answer: Answer) -> dict[str, Any]:
    """The JSON of a script, or its failure in the same form, as `error`."""
    if not answer.ok:
        lines = answer.err.strip().splitlines()
        return {"error": lines[-1] if lines else f"exit {answer.code}"}
    result: dict[str, Any] = json.loads(answer.out)
    return result
