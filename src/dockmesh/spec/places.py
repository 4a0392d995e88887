"""From where pydantic says that an error is to where it stands in the file, and to words for it."""

from dataclasses import dataclass

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from dockmesh.spec.excerpt import clipped
from dockmesh.spec.problems import Span
from dockmesh.spec.schema import (
    FORMS,
    SITES_FORM,
    AttachSection,
    BfdSection,
    DockerApiSection,
    FabricSection,
    HostSection,
    LinksSection,
    MeshFile,
    NetworkSection,
    PackagesSection,
    SeatSection,
    SshSection,
)
from dockmesh.spec.tree import Entry, Mapping, Node, Scalar, Sequence, TreePath

SITES = ("fabric", "topology", SITES_FORM, "sites")


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
    """The place of a path that pydantic walked in the same tree."""
    place = Place(None, root)
    for step in path:
        match place.node, step:
            case Mapping(entries=entries), str() if step in entries:
                entry: Entry = entries[step]
                place = Place(entry.key, entry.value)
            case Sequence(items=items), int():
                place = Place(None, items[step].value)
            case _:
                return place
    return place


def is_about_key(error: ErrorDetails) -> bool:
    """Whether the name of a host or a site is wrong, and not what stands under it."""
    loc = error["loc"]
    if loc[-1:] != ("[key]",) or error["type"] == "extra_forbidden":
        return False
    of_network = len(loc) == 5 and loc[0] == "hosts" and loc[2] == "networks"
    return of_network or (len(loc) == 3 and loc[0] == "hosts") or (len(loc) == 6 and loc[:4] == SITES)


def path_of(error: ErrorDetails) -> TreePath:
    """The error's location without what pydantic adds to it: the form of a topology, and the mark of a wrong key."""
    loc = error["loc"]
    if is_about_key(error):
        loc = loc[:-1]
    return (*loc[:2], *loc[3:]) if loc[:2] == ("fabric", "topology") and loc[2:3] != () else loc


def subject(path: TreePath) -> str:
    """The value in the words of a person: `pool of host3`, `link 2`."""
    match path:
        case ():
            return "the file"
        case ("hosts", str(host), *rest):
            return _host_subject(host, [str(key) for key in rest])
        case ("networks", int(index)):
            return f"network {index + 1}"
        case ("networks", int(index), "hosts", int(host)):
            return f"host {host + 1} of network {index + 1}"
        case ("networks", int(index), "attach", str(key)):
            return f"{clipped(key)} of attach of {'the network' if index == 0 else f'network {index + 1}'}"
        case ("networks", int(index), str(key)):
            return f"{clipped(key)} of {'the network' if index == 0 else f'network {index + 1}'}"
        case ("fabric", "topology", str(form), *rest) if rest:
            return _topology_subject(form, rest)
        case ("packages", "from"):
            return "from of packages"
        case ("docker_api", "listen"):
            return "listen of docker_api"
        case ("fabric", "bfd", str(key)):
            return f"{clipped(key)} of bfd"
        case _:
            return clipped(str(path[-1]))


def _host_subject(host: str, path: list[str]) -> str:
    match path:
        case []:
            return clipped(host)
        case ["ssh", key]:
            return f"ssh {clipped(key)} of {clipped(host)}"
        case ["networks", network, key]:
            return f"{clipped(key)} of {clipped(host)} in {clipped(network)}"
        case _:
            return f"{clipped(path[-1])} of {clipped(host)}"


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


def section_of(error: ErrorDetails) -> type[BaseModel]:
    """The model that an unknown key was found by."""
    form = error["loc"][2] if error["loc"][:2] == ("fabric", "topology") and len(error["loc"]) == 4 else None
    return FORMS[form][1] if isinstance(form, str) and form in FORMS else section_at(path_of(error)[:-1])


def section_at(path: TreePath) -> type[BaseModel]:
    """The model that the map at `path` is read by."""
    match path:
        case ("fabric",):
            return FabricSection
        case ("fabric", "bfd"):
            return BfdSection
        case ("fabric", "topology"):
            return LinksSection
        case ("packages",):
            return PackagesSection
        case ("docker_api",):
            return DockerApiSection
        case ("networks", _):
            return NetworkSection
        case ("networks", _, "attach"):
            return AttachSection
        case ("hosts", _):
            return HostSection
        case ("hosts", _, "ssh"):
            return SshSection
        case ("hosts", _, "networks", _):
            return SeatSection
        case _:
            return MeshFile
