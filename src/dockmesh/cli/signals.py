"""A closed terminal and a polite request to end are taken as Ctrl-C is: what was begun is rolled back first."""

import os
import signal
from types import FrameType

OUTPUTS = (1, 2)


def take_as_ctrl_c() -> None:
    """SIGHUP and SIGTERM, from now on; not where they are ignored already, as nohup has it.

    Where Ctrl-C itself is ignored, as in the background of a script, they stay what they were.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return
    terminals = [number for number in OUTPUTS if os.isatty(number)]

    def interrupt(number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP:
            # Every further word to a terminal that is gone would be an error, and the words come before the deeds.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for terminal in terminals:
                os.dup2(nowhere, terminal)
        signal.raise_signal(signal.SIGINT)

    for number in (signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
