"""Who gets in to Docker's API, in JSON; docs/reference/json.md describes it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dockmesh.access import store
from dockmesh.cli.json.errors import error_json
from dockmesh.errors import DockmeshError
from dockmesh.model.mesh import API_PORT
from dockmesh.plan.secrets import Client
from dockmesh.plan.types import Plan


def created_json(plan: Plan, made: Client) -> dict[str, Any]:
    return {
        "name": made.name,
        "serial": f"{made.serial:x}",
        "until": made.until.isoformat(),
        "folder": made.folder,
        "urls": {host.name: f"tcp://{host.address.ip}:{API_PORT}" for host in plan.hosts},
    }


def clients_json(kept: store.Kept | None, now: datetime) -> dict[str, Any]:
    return {
        "authority_until": kept.ca_until.isoformat() if kept else None,
        "clients": [
            {
                "name": each.name,
                "serial": f"{each.serial:x}",
                "made": each.made.isoformat(),
                "until": each.until.isoformat(),
                "revoked": each.revoked.isoformat() if each.revoked else None,
                "valid": each.revoked is None and each.until > now,
                "folder": each.folder,
            }
            for each in (kept.clients if kept else ())
        ],
    }


def revoked_json(name: str, told: Mapping[str, DockmeshError | None]) -> dict[str, Any]:
    return {
        "name": name,
        "hosts": [
            {"name": host, "error": error_json(error) if error else None} for host, error in sorted(told.items())
        ],
    }


def rotated_json(new: store.Kept, folders: Mapping[str, Path], lost: Sequence[str]) -> dict[str, Any]:
    reissued = {name: str(folder) for name, folder in sorted(folders.items())}
    return {
        "authority_until": new.ca_until.isoformat(),
        "reissued": reissued,
        "made_anew": reissued,  # its name until 0.1.0
        "lost": list(lost),
    }
