"""Which container is meant by a name, on whatever host."""

from collections.abc import Callable, Collection, Sequence

from dockmesh.containers.types import Container
from dockmesh.errors import DockmeshError, UsageError
from dockmesh.meshfile.nearest import did_you_mean

SHORT_ID = 12  # letters, as Docker shows them
MANY = 10  # names, beyond which a list of them helps nobody


def host_in(name: str, hosts: Collection[str]) -> str | None:
    """The host that NAME.HOST names; None where the end of the name is no host. A host's name may have dots."""
    return max((host for host in hosts if name.endswith(f".{host}")), key=len, default=None)


def find(name: str, containers: Sequence[Container], *, verb: str, running: bool = False) -> Container | None:
    """The one container that is called `name`, NAME.HOST, or whose identifier begins so, as Docker takes them.

    A whole identifier comes first, then names, then beginnings of identifiers. With `running` those that do not run
    are no candidates where any runs.

    Raises UsageError where several are meant, with `verb` in its advice.
    """
    found = _candidates(name, containers)
    if running:
        found = [each for each in found if each.runs] or found
    if len(found) > 1:
        raise UsageError(
            f"{name} may mean {len(found)} containers: {_listed(found)}",
            do=f"say which, for example `dockmesh {verb} {_certain(name, found[0])}`",
        )
    return found[0] if found else None


def missing(name: str, containers: Sequence[Container], *, silent: Sequence[str]) -> DockmeshError:
    """The error for a name that `find` knows nothing of; `silent` are hosts that did not answer."""
    names = {each.name for each in containers} | {each.full_name for each in containers}
    where = f" on the hosts that answer; {', '.join(silent)} did not" if silent else ""
    return DockmeshError(
        f"no container is called {name}{where}",
        do=f"`dockmesh ps --all` shows them all.{did_you_mean(name, sorted(names))}",
    )


def _candidates(name: str, containers: Sequence[Container]) -> list[Container]:
    ways: tuple[Callable[[Container], bool], ...] = (
        lambda each: each.id == name,
        lambda each: name in (each.name, each.full_name),
        lambda each: len(name) > 0 and each.id.startswith(name.removesuffix(f".{each.host}")),
    )
    return next((found for way in ways if (found := [each for each in containers if way(each)])), [])


def _listed(found: Sequence[Container]) -> str:
    names = [f"{each.full_name} ({each.id[:SHORT_ID]})" for each in found]
    return ", ".join(names[:MANY]) + (f" and {len(names) - MANY} more" if len(names) > MANY else "")


def _certain(name: str, one: Container) -> str:
    return one.full_name if one.full_name != name else one.id[:SHORT_ID]
