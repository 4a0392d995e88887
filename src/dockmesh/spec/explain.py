"""What pydantic found, in words for people and with the place in the file."""

import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingOf

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from dockmesh.spec.excerpt import clipped, quoted
from dockmesh.spec.fields import LOOKS_LIKE_ADDRESS, WRONG_KIND, WRONG_VALUE
from dockmesh.spec.nearest import did_you_mean, nearest
from dockmesh.spec.places import Place, is_about_key, path_of, place_at, section_at, section_of, subject
from dockmesh.spec.problems import SHOWN_PROBLEMS, Problem, Span
from dockmesh.spec.schema import (
    FORMS,
    NAMES,
    AttachSection,
    BfdSection,
    DegreeSection,
    DockerApiSection,
    FabricSection,
    HostSection,
    LinksSection,
    MeshFile,
    NetworkSection,
    PackagesSection,
    SeatSection,
    SitesSection,
    SshSection,
    StarSection,
    keys_of,
)
from dockmesh.spec.syntax import FULL_WIDTH
from dockmesh.spec.tree import Kind, Mapping, Node, Scalar, Sequence, TreePath

SECTIONS: MappingOf[str, type[BaseModel]] = {
    "at the top": MeshFile,
    "under `fabric`": FabricSection,
    "under `bfd`": BfdSection,
    "in an entry of `networks`": NetworkSection,
    "under `attach` of a network": AttachSection,
    "at a host": HostSection,
    "under `ssh`": SshSection,
    "under `networks` of a host": SeatSection,
    "under `packages`": PackagesSection,
    "under `docker_api`": DockerApiSection,
    "under `topology`": LinksSection,
    "in a map `topology: {degree: 4}`": DegreeSection,
    "in a map `topology: {star: host1}`": StarSection,
    "in a map `topology: {sites: …}`": SitesSection,
}
# Where a key of these may have been meant: in what holds them, or beside them. `port` elsewhere means no port of ssh.
NESTED: MappingOf[type[BaseModel], tuple[type[BaseModel], ...]] = {
    SshSection: (MeshFile, HostSection, SeatSection),
    SeatSection: (MeshFile, HostSection, NetworkSection),
    AttachSection: (MeshFile, NetworkSection),
    BfdSection: (MeshFile, FabricSection),
}
FORM_KEYS = tuple(key for key, _ in FORMS.values())
TOPOLOGY_FORMS = (
    "This version has full-mesh, ring, star, {degree: 4}, {star: host1}, {links: [[host1, host2], …]} and "
    "{sites: {site1: [host1, host2], …}}."
)


def explain(errors: list[ErrorDetails], root: Node) -> Iterator[Problem]:
    """A problem for every error, in no order.

    Past `SHOWN_PROBLEMS` errors unknown keys get no nearest key: comparing is slow, and nobody will see it.
    """
    missing: dict[TreePath, list[str]] = {}
    meant: set[TreePath] = set()
    for number, detail in enumerate(errors):
        path = path_of(detail)
        place = place_at(root, path)
        match detail["type"]:
            case "missing":
                missing.setdefault(path[:-1], []).append(str(path[-1]))
            case "extra_forbidden":
                section = section_of(detail)
                guess = nearest(str(path[-1]), keys_of(section)) if number < SHOWN_PROBLEMS else None
                meant.add((*path[:-1], guess or ""))
                yield _unknown_key(path, place, section, guess)
            case _ if is_about_key(detail) and place.key is not None and not isinstance(place.key.value, str):
                pass  # that it is no text was told when the tree was made
            case _:
                yield _explain_value(detail, path, place)
    for path, keys in missing.items():
        # A key that is only misspelt is told once.
        if unmeant := [key for key in keys if (*path, key) not in meant]:
            yield _missing(path, unmeant, root)


def _explain_value(error: ErrorDetails, path: TreePath, place: Place) -> Problem:
    context = error.get("ctx", {})
    match error["type"]:
        case _ if is_about_key(error):
            what = "site" if path[0] == "fabric" else "network" if "networks" in path[2:3] else "host"
            return Problem(
                f"{what} name {context['says']}", context["hint"], place.key.span if place.key else place.span
            )
        case str(kind) if kind == WRONG_VALUE:
            return Problem(_sentence(path, context["says"]), context["hint"], place.span)
        case str(kind) if kind == WRONG_KIND:
            return _wrong_kind(path, place, context["expected"], quotable=context["text"])
        case "literal_error":
            return _topology_name(place)
        case "topology_form":
            return _topology_form(path, place)
        case "too_short" | "too_long":
            return _wrong_length(path, place)
        case "list_type":
            return _wrong_kind(path, place, _list_example(path), quotable=False)
        case _:
            return _wrong_kind(path, place, f"a map such as {_map_example(path)}", quotable=False)


def _sentence(path: TreePath, says: str) -> str:
    return f"{path[-1]} {says}" if says.startswith("`") else f"{subject(path)} {says}"


def _wrong_kind(path: TreePath, place: Place, expected: str, *, quotable: bool) -> Problem:
    node = place.node
    hint = f"Expected {expected}."
    if node.kind is Kind.NOTHING:
        return Problem(f"{subject(path)} is empty", hint, place.span)
    if quotable and isinstance(node, Scalar) and not re.fullmatch(LOOKS_LIKE_ADDRESS, node.text):
        hint += f' To mean the text, write it in quotes: "{clipped(node.text)}".'
    if path[2:] == ("ssh",) and isinstance(node, Scalar):
        user, _, host = node.text.rpartition("@")
        hint = f"Expected a map such as {{host: {clipped(host)}, user: {clipped(user or 'root')}}}."
    if path == ("hosts",) and node.kind is Kind.LIST:
        hint = "Each host stands under its name: `host1: {underlay: …}`, without a hyphen before it."
    what = f"the {node.kind} {quoted(node.text)}" if isinstance(node, Scalar) else f"a {node.kind}"
    return Problem(f"{subject(path)} is {what}", hint, place.span)


def _list_example(path: TreePath) -> str:
    match path:
        case ("networks",):
            return "a list such as `- {name: docker0, prefix: 172.17.0.0/16}`"
        case ("fabric", "topology", "sites", _):
            return "a list of host names such as [host1, host2]"
        case ("networks", _, "hosts"):
            return "a list of host names such as [host1, host2]; without it the network is on all hosts"
        case ("fabric", "topology", "links"):
            return "a list of pairs such as [[host1, host2], [host2, host3]]"
        case _:
            return "a pair of host names such as [host1, host2]"


def _fabric_example(path: TreePath) -> str:
    match path:
        case ("fabric", "topology", "sites"):
            return "{site1: [host1, host2], site2: [host3, host4]}"
        case ("fabric", "bfd"):
            return "{interval_ms: 100, multiplier: 3}"
        case _:
            return "{topology: full-mesh}; without it every setting has its default"


def _map_example(path: TreePath) -> str:
    match path:
        case ("fabric", *_):
            return _fabric_example(path)
        case ("hosts", _, "ssh"):
            return "{user: root}"
        case ("hosts", _, "networks"):
            return "{blue: {address: 10.80.42.1, pool: 10.80.64.0/18}}, one for each network after docker0"
        case ("hosts", _, "networks", _):
            return "{address: 10.80.42.1, pool: 10.80.64.0/18}"
        case ("networks", _):
            return "{name: docker0, prefix: 172.17.0.0/16}"
        case ("networks", _, "attach"):
            return "{host: host1, interface: eth1, vlan: 30}; a network has one"
        case ("packages",):
            return "{from: debs}"
        case ("docker_api",):
            return "{listen: mesh}; without it nothing listens"
        case ("hosts",):
            return "`host1: {underlay: …, address: …, pool: …}`, one for each host"
        case ("hosts", _):
            return "{underlay: 192.0.2.1, address: 172.17.42.1, pool: 172.17.64.0/18}"
        case _:
            return "`name: prod`, with networks and hosts"


def _wrong_length(path: TreePath, place: Place) -> Problem:
    count = len(place.node.items) if isinstance(place.node, Sequence) else 0
    if path == ("fabric", "topology", "links"):
        return Problem("links is empty", "Expected pairs such as [[host1, host2], [host2, host3]].", place.span)
    if path[0] == "networks":
        hint = "Expected a list of host names such as [host1, host2]; without `hosts` the network is on all."
        return Problem(f"{subject(path)} is empty", hint, place.span)
    if path[:3] == ("fabric", "topology", "sites"):
        hint = "Expected a list of host names such as [host1, host2]."
        return Problem(f"{subject(path)} has no host", hint, place.span)
    what = f"{subject(path)} has {count} {'end' if count == 1 else 'ends'}"
    return Problem(what, "A link is a pair of host names such as [host1, host2].", place.span)


def _topology_name(place: Place) -> Problem:
    name = place.node.text if isinstance(place.node, Scalar) else ""
    if name in FORM_KEYS:
        return Problem(f"topology is the word {name} alone", TOPOLOGY_FORMS, place.span)
    hint = TOPOLOGY_FORMS + did_you_mean(name, NAMES)
    return Problem(f"topology is {quoted(name)}, which does not exist", hint, place.span)


def _topology_form(path: TreePath, place: Place) -> Problem:
    if not isinstance(place.node, Mapping):
        return _wrong_kind(
            path, place, "full-mesh, ring, star, {degree: 4} or {links: [[host1, host2], …]}", quotable=False
        )
    for name, entry in place.node.entries.items():
        if name in NAMES:
            return Problem(f"`{name}` stands alone", f"Write `topology: {name}`.", entry.key.span)
        if nearest(name, FORM_KEYS):
            hint = TOPOLOGY_FORMS + did_you_mean(name, FORM_KEYS)
            return Problem(f"unknown key `{clipped(name)}` in topology", hint, entry.key.span)
    return Problem(f"topology has none of {', '.join(FORM_KEYS)}", TOPOLOGY_FORMS, place.span)


def _unknown_key(path: TreePath, place: Place, section: type[BaseModel], guess: str | None) -> Problem:
    name, span = str(path[-1]), place.key.span if place.key else place.span
    if name in FORM_KEYS and (own := [key for key, form in FORMS.values() if form is section]):
        one, other = sorted((own[0], name), key=FORM_KEYS.index)
        return Problem(f"topology has both {one} and {other}", "Keep one of them.", span)
    key, colon, rest = name.replace(FULL_WIDTH, ":").partition(":")
    if colon and key in keys_of(section):
        what = "a full-width colon" if FULL_WIDTH in name else f"`{key}:` has no space behind it"
        return Problem(what, f"Expected `{key}: {clipped(rest.strip())}`.", span)
    elsewhere = [
        where
        for where, other in SECTIONS.items()
        if name in keys_of(other) and section in NESTED.get(other, (section,))
    ]
    hints = [
        *([f"Did you mean `{guess}`?"] if guess else []),
        *([f"`{name}` stands {elsewhere[0]}."] if elsewhere else []),
        f"Keys here: {', '.join(keys_of(section))}.",
    ]
    return Problem(f"unknown key `{clipped(name)}` in {subject(path[:-1])}", " ".join(hints), span)


def _missing(path: TreePath, keys: list[str], root: Node) -> Problem:
    place = place_at(root, path)
    span = place.key.span if place.key is not None else _start(place.node)
    model_fields = keys_of(section_at(path))
    ticked = [f"`{key}`" for key in keys]
    names = " or ".join([*([", ".join(ticked[:-1])] if len(ticked) > 1 else []), ticked[-1]])
    hints = (_field_hint(key, model_fields[key].description, model_fields[key].examples) for key in keys)
    return Problem(f"{subject(path)} has no {names}", "\n".join(hints), span)


def _start(node: Node) -> Span:
    """The first key of a map, which stands for the map; a map over many lines has no better place."""
    match node:
        case Mapping(entries=entries) if entries:
            return next(iter(entries.values())).key.span
        case _:
            return Span(node.span.line, node.span.column)


def _field_hint(key: str, description: str | None, examples: list[object] | None) -> str:
    example = f" For example {key}: {examples[0]}" if examples and isinstance(examples[0], str) else ""
    return f"{key}: {description}{example}"
