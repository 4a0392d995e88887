"""A picture of a mesh as SVG (https://www.w3.org/TR/SVG2/): a file that needs no other, light or dark as its viewer."""

from collections.abc import Iterable, Sequence
from math import cos, degrees, pi, sin
from textwrap import wrap
from xml.etree import ElementTree as ET

from dockmesh.picture.layout import BOX_HEIGHT, Placement, Spot, lay_out
from dockmesh.picture.types import LineKind, MeshPicture, Node
from dockmesh.visible import visible

MARGIN = 28.0
HEAD, LINE_HEIGHT = 66.0, 20.0
NAME_PX, LINE_PX = 8.4, 6.7  # how wide a character of each is, at most, for most fonts
LABEL_PX = 7.2
DOT = 5.0
LEGEND_SAMPLE = 34.0
NOTE_WIDTH = 96  # characters
INDENT = "\u00a0" * 4
WIDTHS = ((40, 2.0), (300, 1.2), (float("inf"), 0.35))  # of up to so many links: one sees through many thin ones
MIDDLE = 4.5  # from the middle of a text of 13 px to its base line
# Blue and vermilion of Okabe and Ito: told apart by everybody; what is down is dashed as well.
STYLE = """
svg { font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-size: 13px; background: #ffffff }
.paper { fill: #ffffff } .box { fill: #f6f8fa; stroke: #8c959f } .site { fill: #f6f8fa; stroke: #d0d7de }
.site ~ .host .box { fill: #ffffff }
text { fill: #1f2328 } .dim { fill: #59636e } .title { font-size: 20px; font-weight: 600 } .name { font-weight: 600 }
.carries { stroke: #0072b2 } .standby { stroke: #8c959f; stroke-dasharray: 2 5 }
.down { stroke: #d55e00; stroke-dasharray: 9 5 } .unknown { stroke: #8c959f; stroke-dasharray: 1 6 }
.link { fill: none; stroke-linecap: round }
.dot { fill: #0072b2 } .wrong .box { stroke: #d55e00; stroke-width: 2 } .wrong .dot { fill: #d55e00 }
.wrong .name { fill: #b04a00 }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117 } .paper { fill: #0d1117 } .box { fill: #161b22; stroke: #6e7681 }
.site { fill: #161b22; stroke: #30363d } .site ~ .host .box { fill: #0d1117 }
text { fill: #e6edf3 } .dim { fill: #9198a1 } .carries { stroke: #56b4e9 } .dot { fill: #56b4e9 }
.down { stroke: #ff9a4d } .wrong .box { stroke: #ff9a4d } .wrong .dot { fill: #ff9a4d } .wrong .name { fill: #ffb77d }
}
"""


def svg(picture: MeshPicture) -> str:
    """The text of the file. Whatever is in the picture's texts is shown, and nothing of it obeyed."""
    box_width = _box_width(picture.nodes)
    layout = lay_out(picture, box_width)
    reach = max((LABEL_PX * len(node.label) for node in picture.nodes), default=0) + 3 * DOT
    left, top, right, bottom = _bounds(layout, box_width, reach)
    legend = [kind for kind in LineKind if any(line.kind is kind for line in picture.lines)]
    notes = [line for note in picture.notes for line in wrap(visible(note), NOTE_WIDTH, subsequent_indent=INDENT)]
    texts = [picture.subtitle, *notes, *(f"{' ' * 8}{kind}" for kind in legend)]
    width = max(right - left, *(LINE_PX * len(text) for text in texts), 10 * len(picture.title)) + 2 * MARGIN
    foot = LINE_HEIGHT * (len(legend) + len(notes)) + (MARGIN if legend or notes else 0)
    height = HEAD + (bottom - top) + foot + 2 * MARGIN

    size = {"width": _px(width), "height": _px(height), "viewBox": f"0 0 {_px(width)} {_px(height)}"}
    root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size})
    ET.SubElement(root, "title").text = visible(f"{picture.title}: {picture.subtitle}")
    ET.SubElement(root, "style").text = STYLE
    ET.SubElement(root, "rect", {"class": "paper", "width": "100%", "height": "100%"})
    _text(root, MARGIN, MARGIN + 16, picture.title, "title")
    _text(root, MARGIN, MARGIN + 38, picture.subtitle, "dim")
    # The drawing stands in the middle of what its texts need.
    x, y = width / 2 - (left + right) / 2, MARGIN + HEAD - top
    drawing = ET.SubElement(root, "g", {"transform": f"translate({_px(x)} {_px(y)})"})
    _draw_sites(drawing, layout)
    _draw_links(drawing, picture, layout)
    for node in picture.nodes:
        _draw_host(drawing, node, layout, box_width)
    _draw_foot(root, legend, notes, HEAD + (bottom - top) + 2 * MARGIN + MARGIN / 2)
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode") + "\n"


def _box_width(nodes: Iterable[Node]) -> float:
    return (
        max(
            (
                max([NAME_PX * len(visible(node.label)), *(LINE_PX * len(visible(line)) for line in node.lines)])
                for node in nodes
            ),
            default=0,
        )
        + 28
    )


def _bounds(layout: Placement, box_width: float, reach: float) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of all that is drawn."""
    half_width, half_height = (reach, reach) if layout.dots else (box_width / 2, BOX_HEIGHT / 2)
    areas = [(spot.x, spot.y, half_width, half_height) for spot in layout.spots.values()]
    areas += [(ring.x, ring.y, ring.reach, ring.reach + LINE_HEIGHT) for ring in layout.rings]
    return (
        min(x - width for x, _, width, _ in areas),
        min(y - height for _, y, _, height in areas),
        max(x + width for x, _, width, _ in areas),
        max(y + height for _, y, _, height in areas),
    )


def _draw_sites(drawing: ET.Element, layout: Placement) -> None:
    for ring in layout.rings:
        place = {"cx": _px(ring.x), "cy": _px(ring.y), "r": _px(ring.reach)}
        ET.SubElement(drawing, "circle", {"class": "site", **place})
        _text(drawing, ring.x, ring.y - ring.reach - 7, ring.name, "dim", anchor="middle")


def _draw_links(drawing: ET.Element, picture: MeshPicture, layout: Placement) -> None:
    """One path for each kind, so that thousands of links are one element; what is down comes last, above the others."""
    count = len(picture.lines)
    usual = next(width for most, width in WIDTHS if count <= most)
    for kind in (LineKind.STANDBY, LineKind.CARRIES, LineKind.UNKNOWN, LineKind.DOWN):
        ends = [(layout.spots[line.a], layout.spots[line.b]) for line in picture.lines if line.kind is kind]
        if ends:
            path = "".join(f"M{_px(a.x)} {_px(a.y)}L{_px(b.x)} {_px(b.y)}" for a, b in ends)
            width = 2 if kind is LineKind.DOWN else usual
            _path(drawing, kind, path, width)


def _path(parent: ET.Element, kind: LineKind, path: str, width: float) -> None:
    ET.SubElement(parent, "path", {"class": f"link {kind.name.lower()}", "stroke-width": f"{width:g}", "d": path})


def _draw_host(drawing: ET.Element, node: Node, layout: Placement, box_width: float) -> None:
    spot = layout.spots[node.name]
    host = ET.SubElement(drawing, "g", {"class": "host wrong" if node.wrong else "host"})
    ET.SubElement(host, "title").text = visible("\n".join((node.label, *node.lines)))
    if layout.dots:
        _draw_dot(host, node, spot)
        return
    place = {"x": _px(spot.x - box_width / 2), "y": _px(spot.y - BOX_HEIGHT / 2)}
    size = {"width": _px(box_width), "height": _px(BOX_HEIGHT), "rx": "8"}
    ET.SubElement(host, "rect", {"class": "box", **place, **size})
    texts = [(node.label, "name"), *((line, "dim") for line in node.lines[:2])]
    first = spot.y + MIDDLE - (len(texts) - 1) * 17 / 2
    for number, (text, style) in enumerate(texts):
        _text(host, spot.x, first + 17 * number, text, style, anchor="middle")


def _draw_dot(host: ET.Element, node: Node, spot: Spot) -> None:
    """Its name goes on along its direction, and is never upside down."""
    ET.SubElement(host, "circle", {"class": "dot", "cx": _px(spot.x), "cy": _px(spot.y), "r": _px(DOT)})
    if spot.angle is None:
        _text(host, spot.x, spot.y - 2.5 * DOT, node.label, "name", anchor="middle")
        return
    angle = spot.angle % (2 * pi)
    turned = pi / 2 < angle < 3 * pi / 2
    x, y = spot.x + 2.2 * DOT * cos(angle), spot.y + 2.2 * DOT * sin(angle)
    label = _text(host, 0, MIDDLE, node.label, "name", anchor="end" if turned else "start")
    turn = degrees(angle) + (180 if turned else 0)
    label.set("transform", f"translate({_px(x)} {_px(y)}) rotate({_px(turn)})")


def _draw_foot(root: ET.Element, legend: Sequence[LineKind], notes: Sequence[str], y: float) -> None:
    for kind in legend:
        _path(root, kind, f"M{_px(MARGIN)} {_px(y - MIDDLE)}h{_px(LEGEND_SAMPLE)}", 2)
        _text(root, MARGIN + LEGEND_SAMPLE + 10, y, kind, "dim")
        y += LINE_HEIGHT
    for note in notes:
        _text(root, MARGIN, y, note, "")
        y += LINE_HEIGHT


def _text(parent: ET.Element, x: float, y: float, text: str, style: str, *, anchor: str = "start") -> ET.Element:
    element = ET.SubElement(parent, "text", {"x": _px(x), "y": _px(y), "class": style, "text-anchor": anchor})
    element.text = visible(text).replace("\n", " ")
    return element


def _px(value: float) -> str:
    """A tenth of a pixel is enough, and -0 is none."""
    return f"{round(value, 1) + 0:g}"
