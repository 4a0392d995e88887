"""Packages that were built, in JSON."""

from typing import Any

from dockmesh.packages.build import Built


def built_json(built: Built) -> dict[str, Any]:
    """What was built under stable names; docs/reference/json.md describes them."""
    return {
        "log": str(built.log),
        "installed": list(built.installed),
        "packages": [
            {
                "file": deb.path,
                "package": deb.package,
                "version": deb.version,
                "architecture": deb.architecture,
                "sha256": deb.sha256,
            }
            for deb in built.debs
        ],
    }
