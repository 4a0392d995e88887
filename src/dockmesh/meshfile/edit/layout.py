"""A mesh file's text while it is edited: what stands where, and the text with one item more or less."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from dockmesh.errors import UsageError
from dockmesh.meshfile.compose import compose
from dockmesh.meshfile.edit.text import LayoutError, append, remove
from dockmesh.meshfile.load import parse
from dockmesh.meshfile.problems import MeshFileError, Mistake
from dockmesh.meshfile.section import Key
from dockmesh.meshfile.source import BOM, Source, decode
from dockmesh.meshfile.tree import Collection, Item, Mapping, Node, Scalar, Sequence
from dockmesh.model.mesh import Mesh

# The way to a value: keys, names of hosts and sites, places in lists (from 0).
Step = Key[Any] | str | int
Path = tuple[Step, ...]

UNCHANGED = "the file is as it was"
# What to do first, where the file as it would be has this mistake.
ADVICE = {
    Mistake.UNCONNECTED: "list the links that join the others under fabric.topology.links first",
    Mistake.UNKNOWN_HUB: "name another host under fabric.topology.star first",
    Mistake.ONE_SITE: "no other site would be left: write `topology: full-mesh` first",
    Mistake.UNKNOWN_ANCHOR: "the value repeated with `*` is defined at that host: move it to another host first",
}


@dataclass(frozen=True)
class Layout:
    """`file` is what messages call the text."""

    file: str
    text: str

    @cached_property
    def tree(self) -> Node:
        return compose(Source(self.file, self.text), [])

    def at(self, *path: Step) -> Collection:
        """The list or map at that path. Raises LayoutError where there is none that could be edited."""
        found = self.find(*path)
        if found is None or not found.items:
            raise LayoutError
        return found

    def find(self, *path: Step) -> Collection | None:
        """The same, also if it is empty; an alias is none, for what it repeats stands elsewhere."""
        node = self.tree
        for step in (step.name if isinstance(step, Key) else step for step in path):
            match node:
                case Mapping(entries=entries) if step in entries:
                    item: Item = entries[str(step)]
                case Sequence(items=items) if isinstance(step, int):
                    item = items[step]
                case _:
                    return None
            if item.alias:
                return None
            node = item.value
        return None if isinstance(node, Scalar) else node

    def keys(self, *path: Step) -> list[str]:
        """Of the map at that path."""
        found = self.find(*path)
        return [*found.entries] if isinstance(found, Mapping) else []

    def texts(self, *path: Step) -> list[str]:
        """Of the list at that path; "" for what is not text."""
        found = self.find(*path)
        return [each.value.text if isinstance(each.value, Scalar) else "" for each in found.items] if found else []

    def with_item(self, path: Path, lines: Callable[[str, Collection], list[str]]) -> "Layout":
        """With an item at the end of what stands there; `lines` makes it, from the text and what it goes into."""
        into = self.at(*path)
        return replace(self, text=append(self.text, into, lines(self.text, into)))

    def without_item(self, *path: Step) -> "Layout":
        """Without what stands at that path."""
        *before, last = path
        out_of, step = self.at(*before), last.name if isinstance(last, Key) else last
        index = [*out_of.entries].index(step) if isinstance(out_of, Mapping) and isinstance(step, str) else int(step)
        return replace(self, text=remove(self.text, out_of, index))


def edit(
    file: str,
    before: bytes,
    change: Callable[[Layout], Layout],
    wanted: Mesh,
    *,
    what: str,
    parts: str = "its hosts or links",
) -> bytes:
    """The content of the file after the change, read again: it must say what is wanted.

    Raises UsageError, which begins with `what`, when the mesh would not hold, or when `parts` of the file are laid out
    in a way that is not edited here.
    """
    by_hand = UsageError(
        what,
        answered=f"{parts} are laid out in a way that this command does not edit",
        now=UNCHANGED,
        do=f"edit {file} by hand; `dockmesh plan` says whether it is right",
    )
    try:
        text = change(Layout(file, decode(file, before).text)).text
        content = (BOM if before.startswith(BOM.encode()) else "").encode() + text.encode()
        result = parse(file, content)
    except LayoutError:
        raise by_hand from None
    except MeshFileError as error:
        raise UsageError(what, answered=str(error), now=UNCHANGED, do=_advice(error)) from None
    if result != wanted:
        raise by_hand
    return content


def _advice(error: MeshFileError) -> str:
    """The lines in the answer are those of the file as it would be."""
    known = (ADVICE[problem.mistake] for problem in error.problems if problem.mistake is not None)
    return next(known, "choose other values; the lines named are those of the file as it would be")
