"""`dockmesh plan`."""

from dockmesh.cli import options


def plan(file: options.File = options.DEFAULT_FILE, svg: options.Svg = None, json: options.Json = False) -> None:
    """Show what follows from the file: addresses, tunnels, MTU, graph. Contacts no host."""
    from dockmesh.cli.work import plan as work

    work.plan(file, svg, json=json)
