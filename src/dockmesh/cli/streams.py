"""Standard output that cannot be written, and standard streams that are not there: no bug of ours."""

import io
import os
import signal
import sys
from typing import Any

from dockmesh.errors import DockmeshError

INPUT, OUTPUT, ERRORS = range(3)


class OutputError(DockmeshError):
    """Standard output took no more. It is no OSError: who handles one of these means a file of theirs."""

    @classmethod
    def of(cls, error: OSError) -> "OutputError":
        reason = (error.strerror or str(error)).lower()
        return cls(f"cannot write to standard output: {reason}", do="see where it leads to, then run the command again")


class ReaderGoneError(OutputError):
    """Somebody read enough of our output, as `head` does."""


class _Output(io.FileIO):
    def write(self, content: Any, /) -> int:
        try:
            return super().write(content)
        except BrokenPipeError as error:
            raise ReaderGoneError.of(error) from error
        except OSError as error:
            raise OutputError.of(error) from error


class _Errors(io.FileIO):
    def write(self, content: Any, /) -> int:
        """Whoever closes it wants to hear nothing; what is being done to hosts is no worse for that."""
        try:
            return super().write(content)
        except OSError:
            return len(content)


def guard() -> None:
    """From now on a full or closed standard output is an OutputError, and the same of standard error is nothing."""
    _fill_gaps()
    sys.stdout = _guarded(sys.stdout, sys.__stdout__, _Output, OUTPUT)
    sys.stderr = _guarded(sys.stderr, sys.__stderr__, _Errors, ERRORS)
    if sys.stdin is None:
        sys.stdin = open(INPUT, encoding="utf-8", closefd=False)  # noqa: SIM115


def _fill_gaps() -> None:
    """A file opened where a standard stream is closed would take its number, and get what is meant for the stream.

    What stands there instead of standard output cannot be written, so that this is told.
    """
    for number, flags in ((INPUT, os.O_RDONLY), (OUTPUT, os.O_RDONLY), (ERRORS, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, flags)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)


def _guarded(stream: Any, own: Any, kind: type[io.FileIO], number: int) -> Any:
    if stream is not own:
        return stream  # somebody put another in its place, as tests do
    return io.TextIOWrapper(
        io.BufferedWriter(kind(number, "w", closefd=False)),
        encoding=stream.encoding if stream is not None else "utf-8",
        errors="replace",  # a terminal that knows no `→` gets a `?`, not an error
        line_buffering=os.isatty(number) or number == ERRORS,
    )


def lose_output() -> None:
    """What is not written yet goes nowhere: Python would try again at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), OUTPUT)
    sys.stdout.flush()


def end_by_sigpipe() -> None:
    """As a program ends that does not care: no shell speaks of it, and 141 is its code there."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.raise_signal(signal.SIGPIPE)
