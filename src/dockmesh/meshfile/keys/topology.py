"""Which hosts have a tunnel to which: a name, or one of four maps that hold one key each."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from dockmesh.meshfile.excerpt import clipped, quoted
from dockmesh.meshfile.explain import Place, wrong_kind
from dockmesh.meshfile.lists import ListOf, MapOf
from dockmesh.meshfile.nearest import did_you_mean, nearest
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.section import Key, Section
from dockmesh.meshfile.tree import Mapping, Node, Plain, Scalar
from dockmesh.meshfile.types import Located, Schema, Type
from dockmesh.meshfile.values import DEGREE, LABEL
from dockmesh.model.mesh import Degree, FullMesh, Links, Ring, Sites, Star, Topology

NAMES: dict[str, Topology] = {"full-mesh": FullMesh(), "ring": Ring(), "star": Star()}
FORMS = (
    "This version has full-mesh, ring, star, {degree: 4}, {star: host1}, {links: [[host1, host2], …]} and "
    "{sites: {site1: [host1, host2], …}}."
)
HOST_NAMES = ListOf(LABEL, "host", "a list of host names such as [host1, host2]", "list of names", of_itself=True)
PAIR = ListOf(
    LABEL, "end", "a pair of host names such as [host1, host2]", "pair of names", least=2, most=2, of_itself=True
)


class Form(Section, alone=True):
    """A map with one key."""

    def __init_subclass__(cls, *, model: type) -> None:
        (name,) = (name for name, each in vars(cls).items() if isinstance(each, Key))
        title, where = f"`fabric.topology: {{{name}: …}}`", f"in a map `topology: {{{name}: …}}`"
        super().__init_subclass__(title=title, where=where, model=model)


class DegreeSection(Form, model=Degree):
    """This many links at every host, at some one or a few more, chosen by the plan."""

    degree = Key(DEGREE, "Links at every host: at least 2, less than there are hosts.", examples=(4,), attribute="k")


class StarSection(Form, model=Star):
    """Every host linked to this one."""

    star = Key(
        LABEL,
        "The host in the middle; `topology: star` takes the one with the lowest address.",
        examples=("host1",),
        attribute="hub",
    )


class SitesSection(Form, model=Sites):
    """Hosts in groups: a link between every two of a site, and two links between every two sites."""

    sites = Key(
        MapOf(
            LABEL,
            HOST_NAMES,
            "site",
            "a map such as {site1: [host1, host2], site2: [host3, host4]}",
            entry="site ",
            least=2,
        ),
        "Lists of host names by site. The first two of each list hold the links to the other sites.",
        examples=({"berlin": ["host1", "host2"], "paris": ["host3", "host4"]},),
        attribute="groups",
    )

    def made(self) -> Sites:
        return Sites(tuple(SitesSection.sites.made(self).items()))


class LinksSection(Form, model=Links):
    """These links and no others."""

    links = Key(
        ListOf(PAIR, "link", "a list of pairs such as [[host1, host2], [host2, host3]]", "list of pairs of names"),
        "Pairs of host names. Together they must connect all hosts.",
        examples=([["host1", "host2"], ["host2", "host3"]],),
        attribute="pairs",
    )


SECTIONS = {each.required()[0]: each for each in (DegreeSection, StarSection, SitesSection, LinksSection)}
Found = Topology | Form


class TopologyType(Type[Located[Found]]):
    shown = r"`full-mesh` \| `ring` \| `star`, or a map, see below"

    def read(self, node: Node, place: Place, problems: list[Problem]) -> Located[Found] | None:
        span = place.span_of(node)
        match node:
            case Mapping():
                form = self._form(node, place, problems)
                return None if form is None else Located(form, span, place.subject, place.key)
            case Scalar(value=str(name)) if name in NAMES:
                return Located(NAMES[name], span, place.subject, place.key)
            case Scalar(value=str(name)) if name in SECTIONS:
                problems.append(Problem(f"topology is the word {name} alone", FORMS, span))
            case Scalar(value=str(name)):
                hint = FORMS + did_you_mean(name, NAMES)
                problems.append(Problem(f"topology is {quoted(name)}, which does not exist", hint, span))
            case _:
                expected = "full-mesh, ring, star, {degree: 4} or {links: [[host1, host2], …]}"
                problems.append(wrong_kind(place, node, expected))
        return None

    def _form(self, node: Mapping, place: Place, problems: list[Problem]) -> Form | None:
        given = [name for name in SECTIONS if name in node.entries]
        if not given:
            problems.append(_no_form(node, place))
            return None
        *others, name = given
        rest = {key: entry for key, entry in node.entries.items() if key not in others}
        found = SECTIONS[name].read(replace(node, entries=rest), place, problems)
        for other in others:
            what = f"topology has both {other} and {name}"
            problems.append(Problem(what, "Keep one of them.", node.entries[other].key.span))
        return None if others else found

    def made(self, found: Located[Found]) -> Any:
        return found.value.made() if isinstance(found.value, Form) else found.value

    def told(self, value: Topology) -> Plain:
        for name, each in NAMES.items():
            if each == value:
                return name
        return next(each.told(value) for each in SECTIONS.values() if each.model is type(value))

    def schema(self) -> Schema:
        return {"oneOf": [{"enum": [*NAMES]}, *(each.schema() for each in SECTIONS.values())]}

    def sections(self) -> Iterator[type[Section]]:
        yield from SECTIONS.values()

    @property
    def examples(self) -> tuple[Plain, ...]:
        return (*NAMES, *(each.example for each in SECTIONS.values()))


def _no_form(node: Mapping, place: Place) -> Problem:
    for name, entry in node.entries.items():
        if name in NAMES:
            return Problem(f"`{name}` takes no value", f"Write `topology: {name}`.", entry.key.span)
        if nearest(name, SECTIONS):
            hint = FORMS + did_you_mean(name, SECTIONS)
            return Problem(f"unknown key `{clipped(name)}` in topology", hint, entry.key.span)
    return Problem(f"topology has none of {', '.join(SECTIONS)}", FORMS, place.span_of(node))


TOPOLOGY = TopologyType()
