"""A fact of a host: what is asked, and how the answers are read, side by side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dockmesh.transport.requests import Request


@dataclass(frozen=True, slots=True)
class Fact:
    """`read` takes an Answer for each request, in their order; it gives fields of HostFacts, by their names.

    It raises what Python raises where an answer is of another form.
    """

    requests: tuple[Request, ...]
    read: Callable[..., Mapping[str, object]]
