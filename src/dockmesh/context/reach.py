"""How Docker's command line reaches a host by SSH: it calls `ssh` with what the URL says, and no `-F`."""

from collections.abc import Mapping
from urllib.parse import quote

# What decides where a connection goes, as whom, and whether it is let in; the rest of ssh_config is taste.
DECIDES = (
    *("hostname", "user", "port", "hostkeyalias", "proxycommand", "proxyjump"),
    *("identityfile", "identityagent", "certificatefile", "userknownhostsfile", "globalknownhostsfile"),
)

Settings = Mapping[str, tuple[str, ...]]


def ssh_url(host: str, user: str | None, port: int | None) -> str:
    """docker/cli, cli/connhelper/ssh: `ssh://USER@HOST:PORT`, no more than what is said.

    >>> ssh_url("host1", None, None), ssh_url("fd00::1", "ann", 2222)
    ('ssh://host1', 'ssh://ann@[fd00::1]:2222')
    """
    who = f"{quote(user, safe='')}@" if user else ""
    where = f"[{quote(host, safe=':')}]" if ":" in host else host
    return f"ssh://{who}{where}{f':{port}' if port else ''}"


def apart(ours: Settings, theirs: Settings) -> tuple[str, ...]:
    """The settings that decide and are not alike."""
    return tuple(key for key in DECIDES if ours.get(key) != theirs.get(key))


def read_settings(answer: str) -> Settings:
    """The answer of `ssh -G`: a line a value; a keyword may come again."""
    found: dict[str, tuple[str, ...]] = {}
    for line in answer.splitlines():
        key, _, value = line.partition(" ")
        found[key] = (*found.get(key, ()), value)
    return found
