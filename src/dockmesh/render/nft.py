"""Words of nftables that more than one module writes."""

from collections.abc import Iterable, Iterator

from dockmesh.agent.port_guard import NEEDS as MARK

# At the end of a line that agent/port_guard.py leaves out where nft or the kernel cannot do what follows.
NEEDS = f"{MARK} "


def listed(values: Iterable[str]) -> str:
    return f"{{ {', '.join(values)} }}"


def chain(name: str, hook: str | None, lines: Iterable[str]) -> Iterator[str]:
    """Of a table of family `inet`: before all rules of others. Without a hook others lead there."""
    yield f"\tchain {name} {{"
    if hook is not None:
        yield f"\t\ttype filter hook {hook} priority -350; policy accept;"
    yield from (f"\t\t{line}" for line in lines)
    yield "\t}"
