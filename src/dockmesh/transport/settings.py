"""What ssh makes of its configuration for a host, without a connection."""

from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from dockmesh.errors import ConnectError
from dockmesh.transport.start import start


async def ssh_settings(host: str, user: str | None, port: int | None, config: Path | None) -> str:
    """The answer of `ssh -G`; with no `config` by the user's and the system's, as anybody calls ssh.

    Raises ConnectError.
    """
    chosen = ("-F", str(config)) if config else ()
    who = ("-l", user) if user else ()
    where = ("-p", str(port)) if port else ()
    argv = ("ssh", "-G", *chosen, *who, *where, "--", host)
    process = await start(*argv, end=Process.wait, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
    out, said = await process.communicate()
    if process.returncode:
        raise ConnectError(
            "ssh does not accept its configuration",
            host=host,
            answered=said.decode(errors="replace").strip() or f"exit {process.returncode}",
            do=f"try `ssh -G {host}` by hand until it works",
        )
    return out.decode(errors="replace")
