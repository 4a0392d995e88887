"""Our keys of Docker's daemon.json, and the file where the user has none; diff/daemon_json.py merges them."""

import json
from collections.abc import Iterable
from typing import Any

from dockmesh.render.types import DaemonSettings, File

DAEMON_JSON = "/etc/docker/daemon.json"
BEFORE = f"{DAEMON_JSON}.before-dockmesh"
LABEL_KEY = "dockmesh="
OUR_KEYS = ("bip", "fixed-cidr", "mtu")
# Ours only where the first names our resolver; else they are the user's. Theirs are kept in the file of before, where
# the resolver finds whom to ask.
DNS, SEARCH = "dns", "dns-search"
# Without its rules for IPv6 Docker lets packets from one network into another (measured with 26.1.5); until 27 it makes
# them as an experiment only. Ours where our label says so; else they are the user's.
IPV6_KEYS = ("ip6tables", "experimental")
IPV6_MARK = "with Docker's rules for IPv6"
# A label as well: the keys that the mesh file names for this host, with commas between them.
MORE_KEY = "dockmesh-keys="
MODE = 0o644  # of a new file; one that is there keeps its own


def labels_of(settings: DaemonSettings) -> list[str]:
    """Our marks: labels of the engine, as JSON knows no comments."""
    more = [MORE_KEY + ",".join(sorted(settings.more))] if settings.more else []
    return [f"{settings.label}, {IPV6_MARK}" if settings.ip6tables else settings.label, *more]


def alone(settings: DaemonSettings) -> File:
    """The file on a host that has none. The first key has our marks."""
    return File(DAEMON_JSON, text_of({"labels": labels_of(settings), **keys_of(settings)}), MODE)


def keys_of(settings: DaemonSettings, domains: Iterable[str] = ()) -> dict[str, Any]:
    """Our keys; `domains` are the user's own, which come after ours."""
    if not settings.dns:
        return dict(settings.keys())
    search = [settings.search, *(domain for domain in domains if domain != settings.search)]
    return {**settings.keys(), DNS: list(settings.dns), SEARCH: search}


def text_of(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
