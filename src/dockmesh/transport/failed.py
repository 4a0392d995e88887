"""Why ssh did not lead to our program, in words, with the command by which a person can see it again."""

import re
from dataclasses import dataclass
from pathlib import Path
from shlex import join

from dockmesh.errors import ConnectError
from dockmesh.model.mesh import Ssh, UnderlayAddress
from dockmesh.transport.settings import ssh_settings

USERS = "users_ssh_config"  # beside ours, without our addresses
SSH_FAILED = 255  # ssh(1): its own errors; every other code is the remote command's


@dataclass(frozen=True, slots=True)
class Call:
    """How a host was called. `chosen` is `--ssh-config`; `dialled` the address of ours that ssh took for its name."""

    name: str
    ssh: Ssh
    chosen: Path | None = None
    dialled: str | None = None

    @property
    def target(self) -> str:
        return self.ssh.host or self.name

    def by_hand(self) -> str:
        """The same way in by a person's hand: it asks for a password or a host key where ours may not."""
        config = ("-F", str(self.chosen)) if self.chosen else ()
        address = ("-o", f"HostName={self.dialled}") if self.dialled else ()
        port = ("-p", str(self.ssh.port)) if self.ssh.port else ()
        target = f"{self.ssh.user}@{self.target}" if self.ssh.user else self.target
        return join(("ssh", *config, *address, *port, *(("--",) if target.startswith("-") else ()), target))


async def dialled(name: str, ssh: Ssh, underlay: UnderlayAddress | None, config: Path) -> str | None:
    """Our address, if ssh took it of us: the user's own configuration comes first, and may have the same."""
    try:
        with_ours, users = [
            await ssh_settings(name, ssh.user, ssh.port, each) for each in (config, config.with_name(USERS))
        ]
    except ConnectError:
        return None
    line = f"hostname {underlay}"
    return str(underlay) if line in with_ours.splitlines() and line not in users.splitlines() else None


def explain(call: Call, code: int, said: str) -> ConnectError:
    """The error of a failed log-in; `said` came on standard error."""
    shown = call.by_hand()
    what, do = _reading(code, said, call, shown)
    return ConnectError(what, host=call.name, ran=shown, answered=said or f"exit {code}, and no reason given", do=do)


def _reading(code: int, said: str, call: Call, shown: str) -> tuple[str, str]:
    if code == SSH_FAILED:
        if re.search(r"REMOTE HOST IDENTIFICATION HAS CHANGED", said):
            return (
                "its host key is not the one that known_hosts has",
                "find out why: a new installation, or somebody in between. Only then `ssh-keygen -R` the old key",
            )
        if re.search(r"Host key verification failed|No .* host key is known", said):
            return (
                "its host key is unknown",
                f"log in once by hand (`{shown}`), compare the fingerprint with the host's own, and say yes",
            )
        if "Permission denied" in said:
            return (
                "it refuses the SSH login",
                "check that your key or agent is the right one and that the user may log in",
            )
        if call.dialled is not None:
            return (
                f"no SSH connection to {call.dialled}, its underlay address: "
                f"this machine's resolver does not know {call.name}",
                f"give the host a name that resolves here, or `ssh: {{host: …}}` in the file; "
                f"or try `{shown}` by hand until it works",
            )
        return "no SSH connection", f"try `{shown}` by hand until it works"
    if code <= 0:  # it ended at our word, or of itself and well
        return (
            "the login does not start dockmesh's program",
            f"check that `{shown} true` ends at once and prints nothing: a login script may wait, or say too much",
        )
    if "sudo" in said:
        return (
            "sudo does not let this user in without a password",
            "log in as root, or give the user NOPASSWD in /etc/sudoers.d",
        )
    return "python3 did not start there", "install it: apt-get install python3"
