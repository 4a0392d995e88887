"""Docker's daemon.json, which is the user's as well: ours merged in, theirs left alone, a conflict shown."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dockmesh.errors import ConflictError
from dockmesh.model.mesh import DAEMON_KEYS, MESH_NEEDS
from dockmesh.render.docker import (
    DAEMON_JSON,
    DNS,
    IPV6_KEYS,
    IPV6_MARK,
    LABEL_KEY,
    MORE_KEY,
    OUR_KEYS,
    SEARCH,
    keys_of,
    labels_of,
    text_of,
)
from dockmesh.render.types import DaemonSettings

RESOLV_CONF = "/etc/resolv.conf"
RESTARTING = f"{LABEL_KEY}for one restart, by dockmesh destroy"


@dataclass(frozen=True, slots=True)
class Merged:
    text: str
    ours_before: bool  # the file had our mark already
    before: str | None = None  # what the file of before must say, if it does not


def merge(
    host: str, settings: DaemonSettings, present: str | None, before: str | None = None, resolv_conf: str | None = None
) -> Merged:
    """The present file with our keys in it; their order and all other keys stay. `before` is the user's of before ours.

    Docker gives containers the domains of the host's `resolv_conf` only where its file names none: with ours they are
    named there, once, when ours come.

    Raises ConflictError for a file that is no JSON object, and for keys of the user's own that stand against ours.
    """
    if present is None or not present.strip():
        wanted = keys_of(settings, search_of(resolv_conf))
        return Merged(text_of({"labels": labels_of(settings), **wanted}), ours_before=False)
    theirs = _parsed(host, present)
    labels = [str(label) for label in theirs.get("labels", [])]
    ours_before = any(label.startswith(LABEL_KEY) for label in labels)
    _refuse_conflicts(host, settings, theirs, ours_before=ours_before)
    kept_before = _parsed(host, before) if ours_before and before and before.strip() else {}
    own = _own_names(theirs, kept_before)
    copy = present if not ours_before else None
    if ours_before and settings.dns and own != _names_of(kept_before):
        kept_before = {**{key: value for key, value in kept_before.items() if key not in (DNS, SEARCH)}, **own}
        copy = text_of(kept_before)
    coming = (
        *(IPV6_KEYS if settings.ip6tables and not has_ipv6(theirs) else ()),
        *(settings.more.keys() - more_keys(theirs)),
    )
    if ours_before and (added := {key: theirs[key] for key in coming if key in theirs}):
        kept_before |= added
        copy = text_of(kept_before)
    # What stands behind our domain in a file of ours stays there, whoever put it there.
    known = theirs.get(SEARCH, [])[1:] if has_names(theirs) else own.get(SEARCH, search_of(resolv_conf))
    wanted = {**own, **keys_of(settings, known or ())}
    at_times = _ours_at_times(theirs)
    wanted = {**{key: kept_before[key] for key in at_times if key in kept_before}, **wanted}
    base = {key: value for key, value in theirs.items() if key in wanted or key not in (DNS, SEARCH, *at_times)}
    marks = labels_of(settings)
    if ours_before and set(marks) == {label for label in labels if _is_mark(label)} and {**base, **wanted} == theirs:
        return Merged(present, ours_before=True, before=copy)
    kept = [label for label in labels if not _is_mark(label)]
    return Merged(text_of({**base, "labels": [*marks, *kept], **wanted}), ours_before, copy)


def search_of(resolv_conf: str | None) -> list[str]:
    """The last `search` or `domain` line counts (resolv.conf(5))."""
    lines = [line.split() for line in (resolv_conf or "").splitlines()]
    found = [words[1:] for words in lines if len(words) > 1 and words[0] in ("search", "domain")]
    return [domain for domain in (found[-1] if found else []) if domain != "."]


def has_names(content: Mapping[str, Any]) -> bool:
    """Whether its `dns` is our resolver: the one at the address of docker0, in a file with our mark."""
    address = str(content.get("bip", "")).partition("/")[0]
    servers = content.get(DNS)
    return _has_mark(content) and bool(address) and isinstance(servers, list) and address in servers


def keeps_ipv6(text: str | None) -> bool:
    """Whether a file's keys for IPv6 are ours; in one that Docker would not take none are."""
    return is_ours(text) and has_ipv6(json.loads(text or "{}"))


def has_ipv6(content: Mapping[str, Any]) -> bool:
    """The same of what it says."""
    labels = content.get("labels", [])
    return any(str(label).startswith(LABEL_KEY) and str(label).endswith(IPV6_MARK) for label in labels)


def more_keys(content: Mapping[str, Any]) -> set[str]:
    """Those that are ours because the mesh file names them for this host."""
    found = [str(label) for label in content.get("labels", [])]
    return {key for label in found if label.startswith(MORE_KEY) for key in label.removeprefix(MORE_KEY).split(",")}


def _ours_at_times(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of which our labels say so; else they are the user's."""
    return (*(IPV6_KEYS if has_ipv6(content) else ()), *sorted(more_keys(content)))


def _is_mark(label: object) -> bool:
    return str(label).startswith((LABEL_KEY, MORE_KEY))


def _names_of(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: content[key] for key in (DNS, SEARCH) if key in content}


def _own_names(present: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The user's own `dns` and `dns-search`: in the present file, unless ours stand there."""
    return _names_of(before) if has_names(present) else _names_of(present)


def shown_keys(text: str | None) -> dict[str, str]:
    """Our keys of a file, as people read them."""
    content = json.loads(text) if text and text.strip() else {}
    ours = (*OUR_KEYS, DNS, SEARCH, *_ours_at_times(content))
    found = {key: content[key] for key in ours if key in content}
    return {key: _words(value) for key, value in found.items()}


def _words(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def is_ours(text: str | None) -> bool:
    """Whether a file has our mark; one that Docker would not take has not."""
    try:
        return _has_mark(json.loads(text or "{}"))
    except (ValueError, AttributeError, TypeError):
        return False


def _has_mark(content: Mapping[str, Any]) -> bool:
    return any(str(label).startswith(LABEL_KEY) for label in content.get("labels", []))


def part(host: str, present: str | None, before: str | None) -> str | None:
    """The present file without our keys and with what they replaced; None: there is nothing left, so no file.

    `before` is the user's file of before ours. Where nothing else was changed since, it comes back as it was.
    Raises ConflictError for a file that is no JSON object.
    """
    if not is_ours(present):
        if present and present.strip():
            _parsed(host, present)
        return present
    content = _parsed(host, present or "")
    theirs = _parsed(host, before) if before and before.strip() else {}
    rest: dict[str, Any] = {}
    own = _own_names(content, theirs)
    for key, value in content.items():
        if key in (DNS, SEARCH):
            if key in own:
                rest[key] = own[key]
        elif key == "labels":
            labels = [label for label in value if not _is_mark(label)]
            if labels or key in theirs:
                rest[key] = labels
        elif key not in (*OUR_KEYS, *_ours_at_times(content)):
            rest[key] = value
        elif key in theirs:
            rest[key] = theirs[key]
    return before if rest == theirs else text_of(rest)


def for_restart(after: str | None, bip: str) -> str:
    """What Docker is restarted with once: it keeps the address that it had, unless told another one.

    Live-restore would keep it from taking that. The mark says that it is not what anybody wanted.
    """
    content = json.loads(after) if after and after.strip() else {}
    labels = [RESTARTING, *content.get("labels", [])]
    return text_of({**content, "labels": labels, "bip": content.get("bip", bip), "live-restore": False})


def is_for_restart(text: str | None) -> bool:
    return is_ours(text) and RESTARTING in json.loads(text or "")["labels"]


def without_live_restore(text: str) -> str:
    return text_of({**json.loads(text), "live-restore": False})


def _parsed(host: str, present: str) -> dict[str, Any]:
    try:
        content = json.loads(present)
    except ValueError as error:
        raise ConflictError(
            f"{DAEMON_JSON} is not valid JSON", host=host, answered=str(error), do="fix it, then run the command again"
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get("labels", []), list):
        raise ConflictError(
            f"{DAEMON_JSON} is not what Docker takes: an object, with `labels` a list if it is there",
            host=host,
            do="fix it, then run the command again",
        )
    return content


def _refuse_conflicts(host: str, settings: DaemonSettings, theirs: dict[str, Any], *, ours_before: bool) -> None:
    compared = settings.keys() if not ours_before else {}
    compared |= {key: value for key, value in settings.more.items() if key not in more_keys(theirs)}
    against: list[tuple[str, object, object, str]] = [
        (key, theirs[key], value, "what the mesh file says of this host" if key in settings.more else MESH_NEEDS)
        for key, value in compared.items()
        if key in theirs and theirs[key] != value
    ]
    against += [("bridge", theirs["bridge"], None, DAEMON_KEYS["bridge"])] if theirs.get("bridge") else []
    against += [("icc", False, True, DAEMON_KEYS["icc"])] if theirs.get("icc") is False else []
    if against:
        raise ConflictError(
            f"{DAEMON_JSON} contradicts the mesh file",
            host=host,
            answered="\n".join(f"{key}: theirs {_shown(a)}, ours {_shown(e)} ({why})" for key, a, e, why in against),
            now="nothing was changed on this host",
            do="take these keys out of the file if nothing needs them, or give the mesh addresses that fit them",
        )


def _shown(value: object) -> str:
    return "none" if value is None else json.dumps(value)
