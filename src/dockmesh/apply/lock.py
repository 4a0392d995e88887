"""One writer a host."""

import getpass
import os
import socket

from dockmesh.errors import HostError
from dockmesh.remote.seam import Lock, Transport


async def lock(host: Transport) -> None:
    """Be the only one who changes the host, until the connection ends.

    Raises HostError when somebody else is, and ConnectError.
    """
    (locked,) = await host.ask(Lock(_who()))
    if not locked.ok:
        raise HostError(
            f"somebody else is changing this host: {locked.err or 'unknown'}",
            host=host.name,
            now="nothing was changed on this host",
            do="wait until that one is done, then run the command again",
        )


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # in a container, a user may have a number and no name
        user = f"user {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
