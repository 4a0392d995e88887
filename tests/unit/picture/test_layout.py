"""No host stands on another, whatever the topology and the number of hosts."""

from itertools import combinations
from math import hypot

import pytest

from dockmesh.picture.layout import BOX_HEIGHT, MANY, Placement, lay_out
from dockmesh.picture.types import MeshPicture, Node, SiteGroup

WIDTH = 140.0
COUNTS = (2, 3, 4, 5, 7, 10, MANY, MANY + 1, 30, 50, 200)


def names(count: int) -> list[str]:
    return [f"host{number + 1}" for number in range(count)]


def laid_out(count: int, *, hub: str | None = None, site: int = 0) -> Placement:
    """`site`: so many hosts in each."""
    hosts = names(count)
    groups = [hosts[start : start + site] for start in range(0, count, site)] if site else []
    sites = tuple(SiteGroup(f"site{number}", tuple(group)) for number, group in enumerate(groups))
    return lay_out(MeshPicture("m", "", tuple(Node(name) for name in hosts), (), hub, sites), WIDTH)


SITES = ((4, 2), (5, 4), (5, 5), (9, 3), (12, 6), (50, 7), (200, 40))
LAYOUTS = [
    *((count, hub, 0) for count in COUNTS for hub in (None, "host2")),
    *((count, None, site) for count, site in SITES),
]


@pytest.mark.parametrize(("count", "hub", "site"), LAYOUTS)
def test_no_host_stands_on_another(count: int, hub: str | None, site: int) -> None:
    layout = laid_out(count, hub=hub, site=site)

    assert len(layout.spots) == count
    for a, b in combinations(layout.spots.values(), 2):
        if layout.dots:
            assert hypot(a.x - b.x, a.y - b.y) > 10
        else:
            assert abs(a.x - b.x) >= WIDTH or abs(a.y - b.y) >= BOX_HEIGHT, (a, b)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_no_site_stands_on_another_and_each_holds_its_hosts(size: int) -> None:
    layout = laid_out(12, site=size)
    here = {ring.name: ring for ring in layout.rings}

    for a, b in combinations(layout.rings, 2):
        assert hypot(a.x - b.x, a.y - b.y) > a.reach + b.reach
    for number, spot in enumerate(layout.spots[f"host{number + 1}"] for number in range(12)):
        ring = here[f"site{number // size}"]
        assert hypot(abs(spot.x - ring.x) + WIDTH / 2, abs(spot.y - ring.y) + BOX_HEIGHT / 2) < ring.reach


def test_the_hub_of_a_star_stands_in_the_middle() -> None:
    layout = laid_out(6, hub="host3")

    assert (layout.spots["host3"].x, layout.spots["host3"].y) == (0, 0)
