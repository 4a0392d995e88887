"""The command line: the verbs together, and the one boundary where errors become words and exit codes."""

import os
import sys
import traceback
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated

import typer

from dockmesh import __version__
from dockmesh.cli.signals import take_as_ctrl_c
from dockmesh.errors import DockmeshError
from dockmesh.spec.problems import SpecError

OUR_BUG, INTERRUPTED = 3, 130

# In the order in which the help shows them: modules here, with a function of the same name or an `app` of verbs.
VERBS = (
    *(
        "init",
        "plan",
        "render",
        "diff",
        "preflight",
        "apply",
        "verify",
        "status",
        "ps",
        "logs",
        "exec",
        "context",
        "access",
    ),
    *("history", "rollback", "unlock", "destroy", "schema", "host", "network", "packages", "lab", "drill", "bench"),
)


def build(only: str | None = None) -> typer.Typer:
    """The whole command line; or with one verb, for a run of it: to load them all costs more than what most do."""
    app = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
        help="""Docker containers on several servers as if on one switch.

        One file, `dockmesh.yaml`, describes the mesh; dockmesh makes it real on every host over SSH, and proves it.

        Start with `dockmesh init HOST…`, look with `dockmesh plan`, then `dockmesh apply`.
        To see it on this machine alone: `dockmesh lab up`.
        """,
        epilog="Exit codes: 0 done, 1 failed, 2 usage or a bad file, 3 a bug of dockmesh, 130 interrupted.",
    )
    app.callback()(_main)
    for verb in (only,) if only else VERBS:
        module = import_module(f"dockmesh.cli.{verb}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=verb)
        else:
            app.command(context_settings=getattr(module, "CONTEXT_SETTINGS", None))(getattr(module, verb))
    return app


def _version(*, wanted: bool) -> None:
    if wanted:
        print(f"dockmesh {__version__}")  # noqa: T201
        raise typer.Exit


def _main(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=lambda value: _version(wanted=value), is_eager=True, help="Its version."),
    ] = False,
) -> None:
    pass


def run() -> None:
    """The entry point of the program."""
    take_as_ctrl_c()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no `→` gets a `?`, not an error
    try:
        code = build(next((word for word in sys.argv[1:2] if word in VERBS), None))(standalone_mode=False)
    except SpecError as error:
        print(error, file=sys.stderr)  # noqa: T201
        code = error.exit_code
    except DockmeshError as error:
        from dockmesh.cli.show import show_error

        show_error(error)
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except typer._click.exceptions.ClickException as error:
        error.show()
        code = error.exit_code
    except BrokenPipeError:
        # Somebody read enough of our output, as `head` does. Python would complain again when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception:  # the boundary
        from dockmesh.cli.show import err

        traceback.print_exc()
        err.print("\nThis is a bug of dockmesh, not of yours. Please report it with the lines above.", style="bold red")
        code = OUR_BUG
    if code == INTERRUPTED:  # typer, too, makes this of Ctrl-C
        from dockmesh.cli.show import err

        err.print("interrupted", style="bold")
    sys.exit(code or 0)
