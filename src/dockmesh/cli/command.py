"""How a command line is read, and how help looks: plain text that fits any terminal.

Typer's own help draws tables, in which narrow terminals lose the options' names.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from dockmesh.errors import UsageError

# What other programs call a verb that has another name here.
ALIASES = {"rm": "remove", "ls": "list"}
# Where there is none of these, what shows the same.
LISTS = {"context": "`docker context ls` shows them"}
LIST = "`dockmesh plan` shows what the file has"
JSON = "--json"


def usage(parameters: Sequence[Any]) -> Iterator[str]:
    """What stands behind the name of a command."""
    if any(is_option(parameter) for parameter in parameters):
        yield "[OPTIONS]"
    for parameter in parameters:
        if not is_option(parameter) and not parameter.hidden:
            name = argument_name(parameter)
            yield name if parameter.required else f"[{name}]"


def is_option(parameter: Any) -> bool:
    return any(name.startswith("-") for name in parameter.opts)


def argument_name(parameter: Any) -> str:
    name: str = parameter.metavar or parameter.name.upper()
    return f"{name}…" if parameter.nargs == -1 and " " not in name else name


def option_names(parameter: Any) -> tuple[str, ...]:
    """Each with its value, the short ones first: `-f FILE`."""
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    names = [*sorted(parameter.opts, key=len), *parameter.secondary_opts]
    also = ("-o json",) if JSON in names else ()
    return (*also, *(f"{name}{value}" for name in names))


def default_text(parameter: Any) -> str:
    """What counts where nothing is said; nothing for a flag that is off then."""
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    default = parameter.default
    if not parameter.show_default or default is None:
        return ""
    if getattr(parameter, "is_flag", False):
        return str(parameter.opts[0]) if default and parameter.secondary_opts else ""
    return str(default.value if isinstance(default, Enum) else default)


def row(parameter: Any) -> tuple[str, str]:
    name = ", ".join(option_names(parameter)) if is_option(parameter) else argument_name(parameter)
    default = default_text(parameter)
    notes = [
        *(["required"] if parameter.required and is_option(parameter) else []),
        *([f"default: {default}"] if default else []),
        *([f"or {parameter.envvar} in the environment"] if parameter.envvar else []),
    ]
    return name, " ".join([parameter.help or "", *([f"[{'; '.join(notes)}]"] if notes else [])]).strip()


def _write_parameters(command: Any, ctx: Any, formatter: Any) -> None:
    parameters = [each for each in command.get_params(ctx) if not getattr(each, "hidden", False)]
    for title, rows in (
        ("Arguments", [row(each) for each in parameters if not is_option(each) and each.help]),
        ("Options", [row(each) for each in parameters if is_option(each)]),
    ):
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def with_json(parameters: Sequence[Any], words: list[str]) -> list[str]:
    """`-o json` as `--json`, for who is used to that; where -o means something else it does so still.

    Raises UsageError for another format.
    """
    names = {name for parameter in parameters for name in parameter.opts}
    if JSON not in names or names & {"-o", "--output"}:
        return words
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            return [*found, word, *rest]
        option, joined, value = word.partition("=")
        if word.startswith("-o") and not joined and len(word) > 2:
            option, value = "-o", word[2:]
        if option not in ("-o", "--output"):
            found.append(word)
            continue
        value = value or next(rest, "")
        if value != "json":
            raise UsageError(f"{option} {value}: there is no such format", do="use -o json, or leave -o out")
        found.append(JSON)
    return found


def switched_off(option: Any) -> Any:
    """A flag of typer's own, off where it is not said: as None, which it is there, it costs the 0.1 s of pydantic."""
    if option is not None and option.default is None:
        option.default = False
    return option


@contextmanager
def naming(ctx: Any) -> Iterator[None]:
    """Some mistakes are told without the command that they were made in."""
    try:
        yield
    except typer.TyperException as error:
        if getattr(error, "ctx", None) is None:
            error.ctx = ctx  # type: ignore[attr-defined]  # as the others have it
        raise


class Command(TyperCommand):
    def get_help_option(self, ctx: Any) -> Any:
        return switched_off(super().get_help_option(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return list(usage(self.get_params(ctx)))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_parameters(self, ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        words = args if ctx.resilient_parsing else with_json(self.get_params(ctx), args)
        with naming(ctx):
            return super().parse_args(ctx, words)


class Group(TyperGroup):
    """A verb with verbs of its own. Alone it shows them."""

    def get_help_option(self, ctx: Any) -> Any:
        return switched_off(super().get_help_option(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002  typer's
        return ["[OPTIONS]", "COMMAND …"]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        width = max(map(len, self.commands))
        for title, names in self.sections().items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), first_paragraph(self.commands[name].help)) for name in names])
        _write_parameters(self, ctx, formatter)

    def sections(self) -> Mapping[str, Sequence[str]]:
        """The names of its verbs, by the heading that they stand below in the help."""
        return {"Commands": tuple(self.commands)}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        name = ALIASES.get(cmd_name, cmd_name)
        command = super().get_command(ctx, cmd_name) or super().get_command(ctx, name)
        if command is None and name == "list" and not ctx.resilient_parsing:
            what = f"there is no `{ctx.command_path} {cmd_name}`"
            raise UsageError(what, do=LISTS.get(str(self.name), LIST))
        return command

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and not self.invoke_without_command and not ctx.resilient_parsing:
            print(ctx.get_help(), file=sys.stderr)  # noqa: T201
            raise typer.Exit(2)
        return super().parse_args(ctx, args)


def first_paragraph(text: str | None) -> str:
    return " ".join((text or "").strip().split("\n\n")[0].split())


def group(about: str) -> typer.Typer:
    """For a verb that has verbs of its own: `@app.command(cls=Command)` makes each."""
    return typer.Typer(cls=Group, rich_markup_mode=None, add_completion=False, help=about)


def single(function: Callable[..., None], settings: dict[str, Any] | None) -> Any:
    """The command of a function."""
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command(cls=Command, context_settings=settings)(function)
    return typer.main.get_command(app)
