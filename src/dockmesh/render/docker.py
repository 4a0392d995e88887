"""Docker's daemon.json, which is the user's as well: ours merged in, theirs left alone, a conflict shown."""

import json
from dataclasses import dataclass
from typing import Any

from dockmesh.errors import ConflictError
from dockmesh.remote.seam import Get
from dockmesh.render.types import DaemonSettings, File

DAEMON_JSON = "/etc/docker/daemon.json"
READ = Get(DAEMON_JSON)
BEFORE = f"{DAEMON_JSON}.before-dockmesh"
LABEL_KEY = "dockmesh="
MODE = 0o644  # of a new file; one that is there keeps its own


@dataclass(frozen=True, slots=True)
class Merged:
    text: str
    ours_before: bool  # the file had our mark already


def alone(settings: DaemonSettings) -> File:
    """The file on a host that has none. JSON knows no comments: the first key is the mark, as a label of the engine."""
    return File(DAEMON_JSON, _text({"labels": [settings.label], **settings.keys()}), MODE)


def merge(host: str, settings: DaemonSettings, present: str | None) -> Merged:
    """The present file with our keys in it; their order and all other keys stay.

    Raises ConflictError for a file that is no JSON object, and for keys of the user's own that stand against ours.
    """
    if present is None or not present.strip():
        return Merged(alone(settings).text, ours_before=False)
    theirs = _parsed(host, present)
    labels = [str(label) for label in theirs.get("labels", [])]
    ours_before = any(label.startswith(LABEL_KEY) for label in labels)
    _refuse_conflicts(host, settings, theirs, ours_before=ours_before)
    if ours_before and settings.label in labels and all(theirs.get(k) == v for k, v in settings.keys().items()):
        return Merged(present, ours_before=True)
    kept = [label for label in labels if not label.startswith(LABEL_KEY)]
    return Merged(_text({**theirs, "labels": [settings.label, *kept], **settings.keys()}), ours_before)


def present_keys(settings: DaemonSettings, text: str | None) -> dict[str, object]:
    """Those of our keys that a file has, as it has them."""
    content = json.loads(text) if text and text.strip() else {}
    ours = settings.keys()
    return {key: content[key] for key in ours if key in content}


def without_live_restore(text: str) -> str:
    return _text({**json.loads(text), "live-restore": False})


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _parsed(host: str, present: str) -> dict[str, Any]:
    try:
        content = json.loads(present)
    except ValueError as error:
        raise ConflictError(
            f"{DAEMON_JSON} is not valid JSON", host=host, answered=str(error), do="mend it, then run the command again"
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get("labels", []), list):
        raise ConflictError(
            f"{DAEMON_JSON} is not what Docker takes: an object, with `labels` a list if it is there",
            host=host,
            do="mend it, then run the command again",
        )
    return content


def _refuse_conflicts(host: str, settings: DaemonSettings, theirs: dict[str, Any], *, ours_before: bool) -> None:
    against: list[tuple[str, object, object, str]] = []
    if not ours_before:
        against += [
            (key, theirs[key], value, "what the mesh needs")
            for key, value in settings.keys().items()
            if key in theirs and theirs[key] != value
        ]
    if theirs.get("bridge"):
        # dockerd takes either `bridge` or `bip`, not both.
        against.append(("bridge", theirs["bridge"], None, "Docker's own docker0, so no `bridge`"))
    if theirs.get("icc") is False:
        # Its rule drops what goes from docker0 to docker0, and that is what a frame of another host looks like.
        against.append(("icc", False, True, "containers that may talk to each other"))
    if against:
        raise ConflictError(
            f"{DAEMON_JSON} says otherwise than the mesh",
            host=host,
            answered="\n".join(f"{key}: theirs {_shown(a)}, ours {_shown(e)} ({why})" for key, a, e, why in against),
            now="nothing was changed on this host",
            do="take these keys out of the file if nothing needs them, or give the mesh addresses that fit them",
        )


def _shown(value: object) -> str:
    return "none" if value is None else json.dumps(value)
