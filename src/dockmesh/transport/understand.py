"""What one host answers that nobody can read is that host's error, and no end for the others."""

import contextlib
import traceback
from collections.abc import Iterator
from pathlib import Path

from dockmesh.errors import HostError

# What Python raises where an answer has another form than the one that is read: whatever a host may say can make it.
MISREAD = (AttributeError, LookupError, OverflowError, RecursionError, TypeError, ValueError)
SHOWN = 200  # characters of it


@contextlib.contextmanager
def understanding(host: str) -> Iterator[None]:
    """Around the reading of what a host said.

    Raises HostError for what is of no form that we know.
    """
    try:
        yield
    except MISREAD as error:
        raise misread(host, error) from error


def misread(host: str, error: BaseException) -> HostError:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "dockmesh" in frame.filename]
    where = f" ({Path(ours[-1].filename).name}:{ours[-1].lineno})" if ours else ""
    return HostError(
        "gave an answer that cannot be read",
        host=host,
        answered=f"{type(error).__name__}: {error}"[:SHOWN] + where,
        do="find out what is unusual about this host and its programs; if nothing is, report it as a bug of dockmesh",
    )
