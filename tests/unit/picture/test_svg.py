"""The file: XML that any viewer reads, with all hosts and links, and nothing in it that is obeyed."""

from xml.etree import ElementTree as ET

import pytest

from dockmesh.model.mesh import Fabric, Forwarding, FullMesh
from dockmesh.picture.of_plan import picture_of_plan
from dockmesh.picture.of_status import NOTES, picture_of_status
from dockmesh.picture.svg import svg
from dockmesh.picture.types import LineKind, LinkLine, MeshPicture, Node, SiteGroup
from dockmesh.plan.build import build
from dockmesh.status.types import Status, StatusFinding
from tests.support.meshes import TREE, mesh_of
from tests.unit.status.worlds import cut, forward, silence, status_of, well

SVG = "{http://www.w3.org/2000/svg}"
DIRECT = Fabric(forwarding=Forwarding.DIRECT)


def read(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 — of our own making


def texts(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def links(root: ET.Element) -> dict[str, int]:
    """How many links are drawn of each kind, without the legend's."""
    (drawing,) = root.findall(f"{SVG}g")
    paths = drawing.findall(f"{SVG}path")
    return {path.attrib["class"].removeprefix("link "): path.attrib["d"].count("M") for path in paths}


@pytest.mark.parametrize("count", [2, 3, 10, 50])
def test_a_plan_has_every_host_and_every_link(count: int) -> None:
    plan = build(mesh_of(count, prefix="172.16.0.0/12", fabric=Fabric(topology=FullMesh())))

    root = read(svg(picture_of_plan(plan)))

    assert {host.name for host in plan.hosts} <= set(texts(root))
    assert links(root) == {"carries": count * (count - 1) // 2}
    assert f"{count} hosts, full mesh" in texts(root)[1]


def test_a_tree_tells_its_root_and_what_waits() -> None:
    root = read(svg(picture_of_plan(build(mesh_of(4, fabric=TREE)))))

    assert "host1, root" in texts(root)
    assert links(root) == {"standby": 3, "carries": 3}
    assert {"carries frames", "standby: carries frames when another link fails"} <= set(texts(root))


def seen(
    *,
    forwarding: Fabric = DIRECT,
    dead: str | None = None,
    severed: tuple[str, str] | None = None,
    takes_over: tuple[str, str] | None = None,
) -> MeshPicture:
    mesh = mesh_of(3, fabric=forwarding)
    world = well(mesh)
    if severed:
        cut(world, *severed)
    if takes_over:
        forward(world, *takes_over)
    gone = silence(world, dead) if dead else None
    return picture_of_status(build(mesh), status_of(world, gone, mesh), "2026-11-27 12:00 UTC")


def test_a_mesh_that_is_well_says_so() -> None:
    root = read(svg(seen()))

    assert links(root) == {"carries": 3}
    assert texts(root).count("2 of 2 tunnels up") == 3
    assert not [host for host in root.iter(f"{SVG}g") if "wrong" in host.get("class", "")]
    assert texts(root)[1].endswith("2026-11-27 12:00 UTC")


def test_a_dead_link_is_drawn_as_one_with_the_way_round_it_and_what_is_wrong() -> None:
    root = read(svg(seen(severed=("host1", "host3"))))

    assert links(root) == {"carries": 2, "down": 1}
    assert "host1 ↔ host3: via host2" in texts(root)
    assert [text for text in texts(root) if text.startswith("host1, host3: the tunnel host1 (gre2) – host3 (gre1)")]
    assert "1 of 2 tunnels up" in texts(root)


def test_in_a_tree_what_takes_over_carries() -> None:
    whole = seen(forwarding=TREE)
    after = seen(forwarding=TREE, severed=("host1", "host3"), takes_over=("host2", "host3"))

    assert links(read(svg(whole))) == {"carries": 2, "standby": 1}
    assert links(read(svg(after))) == {"carries": 2, "down": 1}


def test_a_dead_host_is_told_and_its_links_are_not_known() -> None:
    root = read(svg(seen(dead="host2")))
    wrong = [host for host in root.iter(f"{SVG}g") if host.get("class") == "host wrong"]

    assert [host.findtext(f"{SVG}title") for host in wrong] == ["host2\nno answer"]
    assert links(root)["carries"] == 1
    assert "no answer" in texts(root)


def test_a_host_that_was_not_asked_is_there() -> None:
    mesh = mesh_of(3, fabric=DIRECT)
    status = Status(mesh.name, "direct", None, (), (), (), ())

    root = read(svg(picture_of_status(build(mesh), status, "now")))

    assert texts(root).count("not asked") == 3
    assert links(root) == {"unknown": 3}


def test_many_findings_are_cut_short_and_counted() -> None:
    mesh = mesh_of(3, fabric=DIRECT)
    findings = tuple(StatusFinding(("host1",), f"thing {number}", "mend it") for number in range(NOTES + 5))
    status = Status(mesh.name, "direct", None, (), (), (), findings)

    notes = picture_of_status(build(mesh), status, "now").notes

    assert len(notes) == NOTES + 1
    assert notes[-1] == "and 5 findings more"


HOSTILE = "</text><script>alert(1)</script>\x1b]52;c;AAAA\x07 \x00&<>\"' \u202e"


def test_nothing_that_a_host_says_is_obeyed() -> None:
    node, note = Node("host1", (HOSTILE,), HOSTILE), HOSTILE
    picture = MeshPicture(HOSTILE, HOSTILE, (node, Node("b")), (LinkLine("host1", "b"),), None, (), (note,))

    text = svg(picture)

    assert "<script" not in text
    assert not set(text) & {"\x00", "\x07", "\x1b", "\u202e"}
    assert not list(read(text).iter(f"{SVG}script"))


def test_the_largest_full_mesh_is_still_a_small_file() -> None:
    names = [f"host{number}" for number in range(200)]
    lines = tuple(LinkLine(a, b, LineKind.CARRIES) for number, a in enumerate(names) for b in names[number + 1 :])

    assert len(svg(MeshPicture("m", "s", tuple(Node(name) for name in names), lines))) < 700_000


def test_a_site_has_its_name() -> None:
    groups = (SiteGroup("here", ("a", "b")), SiteGroup("there", ("c",)))

    root = read(svg(MeshPicture("m", "s", (Node("a"), Node("b"), Node("c")), (LinkLine("a", "c"),), None, groups)))

    assert {"here", "there"} <= set(texts(root))
