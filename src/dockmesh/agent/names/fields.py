"""JSON of somebody else, field by field: what is not of its kind is as if it were not there."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any


def as_map(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def as_list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def as_text(found: Any) -> str:
    return found if isinstance(found, str) else ""


def as_number(found: Any) -> int:
    return found if isinstance(found, int) and found > 0 else 0


def as_address(found: Any, version: int) -> str:
    """In its one form; empty where it is none of this version."""
    try:
        address = ip_address(as_text(found))
    except ValueError:
        return ""
    return str(address) if address.version == version else ""
