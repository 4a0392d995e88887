"""Where each host of a picture stands: on a circle, around a hub, or with the others of its site. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin

from dockmesh.picture.types import MeshPicture

MANY = 12  # more hosts than these are drawn as dots with their names around them
BOX_HEIGHT = 62.0
GAP = 44.0  # between two boxes, at least
DOT_STEP = 19.0  # along the circle, from dot to dot: a name's height
SITE_GAP = 70.0


@dataclass(frozen=True, slots=True)
class Spot:
    """The middle of a host, and the direction from the middle of its circle, in radians; None for a hub."""

    x: float
    y: float
    angle: float | None


@dataclass(frozen=True, slots=True)
class SiteCircle:
    """A circle on which the hosts of a site stand; `reach` is how far its boxes go from its middle."""

    name: str
    x: float
    y: float
    reach: float


@dataclass(frozen=True, slots=True)
class Placement:
    """In pixels, y downwards."""

    spots: Mapping[str, Spot]
    rings: tuple[SiteCircle, ...]
    dots: bool


def lay_out(picture: MeshPicture, box_width: float) -> Placement:
    """`box_width`: of a host's box, in pixels."""
    names = [node.name for node in picture.nodes]
    dots = len(names) > MANY
    if picture.groups:
        return _sites(picture, box_width, dots=dots)
    around = [name for name in names if name != picture.hub]
    spots = _circle(around, 0, 0, _radius(len(around), box_width, dots=dots, hub=picture.hub is not None))
    if picture.hub is not None:
        spots[picture.hub] = Spot(0, 0, None)
    return Placement(spots, (), dots)


def _radius(count: int, box_width: float, *, dots: bool, hub: bool = False) -> float:
    """So that neighbours on the circle do not touch: their distance is the chord 2·r·sin(π/count)."""
    if dots:
        return max(150.0, count * DOT_STEP / (2 * pi))
    if count < 2:
        return box_width + GAP if hub else 0.0
    # Boxes side by side need their width, boxes one above the other their height: in between, the diagonal.
    step = box_width + GAP if count <= 3 else hypot(box_width, BOX_HEIGHT) + GAP / 2
    least = (box_width + GAP if hub else 0.0, step / (2 * sin(pi / count)))
    return max(least)


def _circle(names: Sequence[str], x: float, y: float, radius: float) -> dict[str, Spot]:
    """From the top, clockwise; two stand side by side."""
    start = pi if len(names) == 2 else -pi / 2
    angles = {name: start + 2 * pi * number / len(names) for number, name in enumerate(names)}
    return {name: Spot(x + radius * cos(angle), y + radius * sin(angle), angle) for name, angle in angles.items()}


def _sites(picture: MeshPicture, box_width: float, *, dots: bool) -> Placement:
    """Each site on a circle of its own, and these circles on a large one."""
    radii = [_radius(len(group.members), box_width, dots=dots) for group in picture.groups]
    # Names stand outside of the dots, along their direction.
    beyond = box_width if dots else hypot(box_width, BOX_HEIGHT) / 2
    reaches = [radius + beyond + 16 for radius in radii]
    count, widest = len(reaches), max(reaches)
    large = 0.0 if count == 1 else (2 * widest + SITE_GAP) / (2 * sin(pi / count))
    centers = _circle([group.name for group in picture.groups], 0, 0, large)
    spots: dict[str, Spot] = {}
    rings = []
    for group, radius, reach in zip(picture.groups, radii, reaches, strict=True):
        center = centers[group.name]
        spots |= _circle(group.members, center.x, center.y, radius)
        rings.append(SiteCircle(group.name, center.x, center.y, reach))
    return Placement(spots, tuple(rings), dots)
