"""The form of a record on a host: its number, and what becomes of one that a newer dockmesh wrote."""

import json

from dockmesh.errors import HostError


def form_of(text: str | None) -> int:
    """1 where it says none, as the first ones did, or where nobody can read it."""
    try:
        form = json.loads(text or "").get("form", 1)
    except (ValueError, AttributeError, RecursionError):
        return 1
    return form if isinstance(form, int) else 1


def refuse_newer(host: str, path: str, form: int, known: int) -> None:
    """Raises HostError: what it does not say in our words we would take for what is not there."""
    if form > known:
        raise HostError(
            f"a newer dockmesh wrote {path}, in form {form}, and this one reads no form after {known}",
            host=host,
            now="nothing was changed on this host",
            do="use that dockmesh, or a newer one",
        )
