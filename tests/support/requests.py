"""Requests as they come off the wire, and as they stand in a rollback."""

from typing import Any, get_args

from dockmesh.transport.requests import Exec, Reading, Request, RollBack

KINDS: dict[str, Any] = {
    kind.__name__.lower(): kind for each in (Request, Reading) for kind in get_args(each) if isinstance(kind, type)
} | {"run": Exec, "recall": RollBack}


def from_line(line: dict[str, Any]) -> Request:
    """The other half of `as_line`."""
    words = {key: tuple(value) if isinstance(value, list) else value for key, value in line.items() if key != "kind"}
    request: Request = KINDS[line["kind"]](**words)
    return request
