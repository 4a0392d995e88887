"""From the path of a value to where it stands in the file, and to words for it."""

from dataclasses import dataclass

from dockmesh.spec.excerpt import clipped
from dockmesh.spec.nodes import Entry, Mapping, Node, Scalar, Sequence, TreePath
from dockmesh.spec.problems import Span


@dataclass(frozen=True, slots=True)
class Place:
    """What stands at a path; `key` is what it stands under, where that is a key."""

    key: Scalar | None
    node: Node

    @property
    def span(self) -> Span:
        """Where to put the carets: under the value, or under its key when there is next to nothing to see of it."""
        hidden = isinstance(self.node, Scalar) and self.node.value is None and self.node.text == ""
        return self.key.span if hidden and self.key is not None else self.node.span


def place_at(root: Node, path: TreePath) -> Place:
    """The place of a path of the same tree."""
    place = Place(None, root)
    for step in path:
        match place.node, step:
            case Mapping(entries=entries), str() if step in entries:
                entry: Entry = entries[step]
                place = Place(entry.key, entry.value)
            case Sequence(items=items), int():
                place = Place(None, items[step])
            case _:
                return place
    return place


def subject(path: TreePath) -> str:
    """The value in the words of a person: `pool of host3`, `link 2`."""
    match path:
        case ():
            return "the file"
        case ("hosts", str(host)):
            return clipped(host)
        case ("hosts", str(host), str(key)):
            return f"{clipped(key)} of {clipped(host)}"
        case ("hosts", str(host), "ssh", str(key)):
            return f"ssh {clipped(key)} of {clipped(host)}"
        case ("networks", int(index)):
            return f"network {index + 1}"
        case ("networks", int(), str(key)):
            return f"{clipped(key)} of the network"
        case ("fabric", "topology", str(form), *rest) if rest:
            return _topology_subject(form, rest)
        case ("packages", "from"):
            return "from of packages"
        case ("fabric", "bfd", str(key)):
            return f"{clipped(key)} of bfd"
        case _:
            return clipped(str(path[-1]))


def _topology_subject(form: str, path: list[str | int]) -> str:
    match form, path:
        case "sites", [str(site)]:
            return f"site {clipped(site)}"
        case "sites", [str(site), int(index)]:
            return f"host {index + 1} of site {clipped(site)}"
        case "links", [int(index), int(end)]:
            return f"end {end + 1} of link {index + 1}"
        case "links", [int(index)]:
            return f"link {index + 1}"
        case _:
            return clipped(str(path[-1]))
