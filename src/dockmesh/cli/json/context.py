"""Contexts of Docker's command line in JSON."""

from collections.abc import Sequence

from dockmesh.context.meta import Context


def contexts_json(contexts: Sequence[Context], written: Sequence[bool], include: str | None) -> dict[str, object]:
    return {
        "contexts": [
            {"name": each.name, "host": each.host, "url": each.url, "written": new}
            for each, new in zip(contexts, written, strict=True)
        ],
        "include": include,
    }
