"""A command on a host that has the standard streams of this process: the user's own ssh carries them."""

import asyncio
import contextlib
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from shlex import join

from dockmesh.transport.ssh import CONNECT_TIMEOUT_S, SUDO, argv_of
from dockmesh.transport.start import start
from dockmesh.transport.target import SshTarget

# Without a terminal nothing tells a command on the host that ssh has ended: it would go on until it next writes.
# So where it does not need our standard input itself, that goes to somebody who ends the command when it ends.
# The background of a shell has no standard input (POSIX, 2.9.3.1), hence the copy.
WATCHED = """\
exec 3<&0
"$@" </dev/null 3<&- & command=$!
{ while read -r _; do :; done <&3; kill $command; } >/dev/null 2>&1 & watcher=$!
exec 3<&-
wait $command 2>/dev/null; code=$?
kill $watcher 2>/dev/null
exit $code"""
PATIENCE_S = 2
BY_SIGNAL = 128  # what a shell adds to the number of the signal that ended a command


async def run_interactive(
    host: SshTarget, config: Path, words: Sequence[str], *, terminal: bool = False, reads: bool = False
) -> int:
    """Run an argv on a host as root; its exit code, or 255 if ssh fails, which says why itself (ssh(1)).

    `config` is what `fleet` reached the host by. `terminal`: with a terminal there, for ours. `reads`: it gets our
    standard input. Without either it has none, and ends with this process.

    Raises ConnectError where there is no ssh.
    """
    watched = not (terminal or reads)
    argv = argv_of(host, config, CONNECT_TIMEOUT_S, terminal=terminal)
    process = await start(
        *argv,
        command_line(words, watched=watched),
        end=_end,
        stdin=PIPE if watched else None,
        # With a terminal ssh is in the foreground, to read from it and to hear of its size. Else Ctrl-C is ours to
        # pass on: ssh and what it goes through would all end of it at once, and complain of one another.
        start_new_session=not terminal,
    )
    try:
        code = await process.wait()
    except BaseException:
        await _end(process)
        raise
    return code if code >= 0 else BY_SIGNAL - code


async def _end(process: Process) -> None:
    """What we ended in the middle ends, too."""
    if process.stdin is not None:
        process.stdin.close()
    else:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    try:
        await asyncio.wait_for(process.wait(), PATIENCE_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def command_line(words: Sequence[str], *, watched: bool) -> str:
    """What the login shell of a host is given for an argv: whatever shell that is, it only has to take quotes off."""
    inner = ("sh", "-c", WATCHED, "sh", *words) if watched else tuple(words)
    script = f'[ "$(id -u)" = 0 ] && exec "$@"; exec {join(SUDO)} "$@"'
    return join(("exec", "sh", "-c", script, "sh", *inner))
