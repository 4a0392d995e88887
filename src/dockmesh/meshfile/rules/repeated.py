"""What hosts have in common, and may not."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

from dockmesh.meshfile.types import Located

Of = TypeVar("Of")


def repeated(each: Iterable[Of], value: Callable[[Of], Located[Hashable] | None]) -> Iterator[tuple[Of, Of]]:
    """Each whose value one before it has, with the first of those."""
    first: dict[Hashable, Of] = {}
    for one in each:
        found = value(one)
        if found is None:
            continue
        if found.value in first:
            yield one, first[found.value]
        else:
            first[found.value] = one
