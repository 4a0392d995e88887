"""The public keys of hosts, as an apply last read them there, beside the mesh file's history.

With them `plan`, `render` and `diff` know what stands on a host without asking another. They are no secret.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from dockmesh.errors import UsageError
from dockmesh.history.store import folder_of, ignore_folder, replace_text

FOLDER, NAME = "keys", "public.json"


def load(file: Path) -> Mapping[str, str]:
    """By host; empty where no apply with encryption was made from here.

    Raises UsageError for what cannot be read.
    """
    path = folder_of(file) / FOLDER / NAME
    try:
        text = path.read_text(encoding="utf-8")
        return {str(host): str(key) for host, key in json.loads(text)["hosts"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"cannot read {path}, which holds the hosts' public keys: {error}",
            do="remove it, and run `dockmesh apply`: the hosts have them",
        ) from error


def save(file: Path, keys: Mapping[str, str]) -> None:
    """Raises UsageError where it cannot be written."""
    try:
        folder = ignore_folder(file) / FOLDER
        folder.mkdir(exist_ok=True)
        replace_text(
            folder / NAME, json.dumps({"version": 1, "hosts": dict(sorted(keys.items()))}, indent=2) + "\n", 0o600
        )
    except OSError as error:
        raise UsageError(f"cannot keep the hosts' public keys in {folder_of(file) / FOLDER}: {error}") from error
