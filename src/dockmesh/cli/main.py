"""The entry point, and the one boundary where errors become words and exit codes."""

import gc
import sys
import traceback

import typer

from dockmesh.cli import streams
from dockmesh.cli.program import build
from dockmesh.cli.signals import take_as_ctrl_c
from dockmesh.errors import DockmeshError, UsageError

OUR_BUG, INTERRUPTED = 3, 130
# Objects between two passes of the garbage collector. While modules are loaded nothing is garbage, and with Python's
# own 700 the passes over what is there already take a seventh of the start of `apply`.
GARBAGE = 50_000


def run() -> None:
    """The entry point of the program."""
    gc.set_threshold(GARBAGE)
    take_as_ctrl_c()
    streams.guard()
    try:
        code = _code()
        sys.stdout.flush()
    except streams.ReaderGoneError:
        streams.lose_output()
        streams.end_by_sigpipe()
        raise
    except streams.OutputError as error:
        streams.lose_output()
        _show(error)
        code = error.exit_code
    sys.exit(code)


def _code() -> int:
    try:
        code = int(build()(prog_name="dockmesh", standalone_mode=False) or 0)
        interrupted = code == INTERRUPTED  # typer, too, makes this of Ctrl-C
    except SystemExit as end:  # of a command that we ran for somebody; whatever it is, 130 is no Ctrl-C of ours
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except streams.OutputError:
        raise
    except DockmeshError as error:
        _show(error)
        return error.exit_code
    except typer.TyperException as error:
        _show(_meant(error))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code, interrupted = INTERRUPTED, True
    except Exception:  # the boundary
        traceback.print_exc()
        _say("\nThis is a bug of dockmesh, not of yours. Please report it with the lines above.")
        return OUR_BUG
    if interrupted:
        _say("interrupted")
    return code


def _show(error: DockmeshError) -> None:
    from dockmesh.meshfile.problems import MeshFileError

    if isinstance(error, MeshFileError):
        _say(str(error))
        return
    from dockmesh.cli.show import show_error

    show_error(error)


def _meant(error: typer.TyperException) -> UsageError:
    """What is wrong with the command line, in the form of our own errors."""
    said = error.format_message().strip().removesuffix(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "dockmesh"
    advice = f"`{command} --help` shows what it takes"
    if command == "dockmesh" and "option" in said.lower():
        advice = "options go after the command, as in `dockmesh plan -f FILE`; `dockmesh --help` shows the commands"
    return UsageError(said[:1].lower() + said[1:], do=advice)


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201
