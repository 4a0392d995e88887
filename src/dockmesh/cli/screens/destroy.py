"""How the end of a mesh on its hosts looks."""

from rich.markup import escape

from dockmesh.cli.results import Destroyed
from dockmesh.cli.show import counted, out, show_error


def show_destroyed(destroyed: Destroyed) -> None:
    result = destroyed.result
    for error in result.errors.values():
        show_error(error)
    for name, kept in destroyed.kept.items():
        for package, why in kept.items():
            out.print(f"[yellow]![/] {escape(name)}: {escape(package)} stays: {escape(why)}")
    planned = [change for inspection in result.inspections.values() for change in inspection.diff.changes]
    right = len(result.hosts) - len(result.errors)
    if result.dry_run and planned:
        out.print(
            f"{len(planned)} changes on {counted(len({each.host for each in planned}), 'host')}; nothing was changed"
        )
    elif not planned and right:
        out.print(f"[green]✓[/] nothing of dockmesh is on {counted(right, 'host')}")
    elif right:
        done = sum(len(outcome.changes) for outcome in result.outcomes)
        out.print(f"[green]✓[/] {counted(right, 'host')} as before the first apply; {done} changes made")
    if result.errors:
        what = "could not be done" if result.dry_run else "not done"
        out.print(f"[red]✗[/] {counted(len(result.errors), 'host')} {what}: {escape(', '.join(result.errors))}")
    if destroyed.others and planned:
        keep, gone = escape(", ".join(destroyed.others)), escape(", ".join(result.hosts))
        out.print(f"  the tunnels to {gone} stay on {keep} until the file no longer has it:")
        out.print(f"  `dockmesh host remove {escape(' '.join(result.hosts))}`, then `dockmesh apply`")
