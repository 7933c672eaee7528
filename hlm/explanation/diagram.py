"""A Kruschke-style diagram as one self-contained SVG: every distribution in its shape, arrows down to the data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from pathlib import Path

from hlm.explanation import diagram_layout as layout
from hlm.explanation.diagram_layout import CAPTION, CAPTION_HEIGHT, CURVE_HEIGHT, CURVE_WIDTH, PAD, Placed
from hlm.explanation.diagram_nodes import Node, model_tree
from hlm.explanation.diagram_svg import area, bars, box_svg, expression_svg, line_svg, text_svg, text_width, wrapped
from hlm.explanation.equations import equations
from hlm.explanation.html_pieces import picture
from hlm.explanation.math_text import plain_lines
from hlm.explanation.prior_text import number
from hlm.explanation.structure import ModelStructure

# Okabe and Ito's colours, which colour-blind people tell apart
_COLOUR = {"prior": "#0072B2", "group": "#D55E00", "response": "#009E73", "predictor": "#009E73", "data": "#009E73"}
_TITLE, _STRAIGHT = 18.0, 18.0
_HOW = (
    "Read from the bottom up: every row of the data is drawn (~) from the distribution above it, whose parameters come "
    "from above in turn. Blue: priors. Orange: the groups. Green: the data and what is computed (=) for each row."
)


@dataclass(frozen=True, slots=True)
class Diagram:
    """A picture of the model; shows itself in Jupyter."""

    svg: str  # one self-contained element
    words: str  # the same as text

    def save(self, path: str | Path) -> Path:
        """Write the picture to an .svg file; returns its path."""
        target = Path(path)
        target.write_text(self.svg, encoding="utf-8")
        return target

    def _repr_html_(self) -> str:
        return picture(self.svg, self.words)

    def __repr__(self) -> str:
        return f"Diagram({len(self.svg)} characters of SVG; .save('model.svg') writes it)"


def diagram(model: ModelStructure) -> Diagram:
    """Draw a model."""
    root, outline = layout.place(model_tree(model))
    left, right = min(x for x, _ in outline.values()), max(x for _, x in outline.values())
    title = str(model.formula)
    width = max(right - left, 480.0) + 48
    title_lines, how = wrapped(title, _TITLE, width - 80), wrapped(_HOW, CAPTION, width - 40)
    root = layout.settled(root, width / 2 - (left + right) / 2, 34.0 + 26 * len(title_lines))
    rows = f"rows: i = 1, …, {'N' if model.rows is None else model.rows}"
    if len(model.factors) == 1:
        rows = f"rows i = 1, 2, … of {model.factors[0].name} {model.factors[0].letter}"
    foot = root.bottom + CAPTION_HEIGHT + 2 * PAD
    parts = [_rows_plate(root, rows), *map(_node, root.all()), *map(_arrows, root.all())]
    parts += [text_svg(t, width / 2, 30 + 26 * i, _TITLE, fill="#111", bold=True) for i, t in enumerate(title_lines)]
    parts += [text_svg(t, width / 2, foot + 22 + 16 * i, CAPTION) for i, t in enumerate(how)]
    spoken = plain_lines(equations(model).sections[0].lines).replace("\n", "; ")
    w, h = math.ceil(width), math.ceil(foot + 30 + 16 * len(how))
    return Diagram(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" '
        f'style="max-width:100%;height:auto">'
        f"<title>{escape(title)}</title><desc>{escape(f'{spoken}. {_HOW}')}</desc>"
        f'<rect width="{w}" height="{h}" fill="#fff"/>{"".join(parts)}</svg>',
        f"Diagram of {title}: {spoken}.",
    )


def _rows_plate(root: Placed, label: str) -> str:
    """The plate of the rows: around predictor, response and data."""
    inside = [p for p in root.all() if p.node.kind in ("predictor", "response", "data")]
    half = max(max(p.width for p in inside), text_width(label, CAPTION, bold=True) + 2 * PAD) / 2
    top, bottom = min(p.top for p in inside) - 8, root.bottom + CAPTION_HEIGHT
    style = 'fill="#009E73" fill-opacity="0.05" stroke="#009E73" stroke-dasharray="5 3"'
    text = text_svg(label, root.x, bottom, CAPTION, fill="#00614a", bold=True)
    return box_svg(root.x - half, top, root.x + half, bottom + PAD, style) + text


def _node(placed: Placed) -> str:
    """One node from top to bottom: head, curve, lines, caption, plate."""
    node, x, y, half = placed.node, placed.x, placed.top, placed.width / 2
    parts: list[str] = []
    if placed.plate:
        style = 'fill="#D55E00" fill-opacity="0.06" stroke="#D55E00" stroke-dasharray="5 3"'
        parts.append(box_svg(x - half, y, x + half, y + placed.height, style))
        y += PAD
    if node.has_border:
        style = f'fill="#fff" stroke="{_COLOUR[node.kind]}" stroke-width="{2 if node.kind == "data" else 1}"'
        parts.append(box_svg(x - half + 4, y, x + half - 4, y + layout.HEAD_HEIGHT + PAD / 2, style))
        y += PAD / 2
    if placed.head is not None:
        parts.append(expression_svg(placed.head, x - placed.head.width / 2, y + 19))
        y += layout.HEAD_HEIGHT
    if node.has_curve:
        parts.append(_curve(node, x, y))
        y += layout.curve_height(node)
    for line in placed.lines:
        parts.append(expression_svg(line, x - line.width / 2, y + 17))
        y += layout.LINE_HEIGHT
    y += PAD / 2 if node.has_border else 0.0
    parts += [text_svg(t, x, y + CAPTION_HEIGHT * i + 11, CAPTION) for i, t in enumerate(placed.caption)]
    y += CAPTION_HEIGHT * len(placed.caption) + PAD / 2 + 11
    for i, text in enumerate(placed.plate):
        parts.append(text_svg(text, x, y + CAPTION_HEIGHT * i, CAPTION, fill="#8a3c00", bold=True))
    return "".join(parts)


def _curve(node: Node, x: float, y: float) -> str:
    """The node's distribution over an axis."""
    left, base, colour = x - CURVE_WIDTH / 2, y + CURVE_HEIGHT, _COLOUR[node.kind]
    if node.ellipses:  # contours of a correlated normal distribution
        at = f'cx="{x:.1f}" cy="{y + CURVE_HEIGHT / 2:.1f}"'
        style = f'fill="{colour}" fill-opacity="0.18" stroke="{colour}"'
        turn = f'transform="rotate(-18 {x:.1f} {y + CURVE_HEIGHT / 2:.1f})"'
        radii = [(44 * r, 17 * r) for r in (1.0, 0.66, 0.33)]
        return "".join(f'<ellipse {at} rx="{rx:.1f}" ry="{ry:.1f}" {style} {turn}/>' for rx, ry in radii)
    parts = [bars(node.bars, left, base, CURVE_WIDTH, CURVE_HEIGHT - 4, colour)] if node.bars else []
    span = (min((s.low for s in node.shapes), default=0.0), max((s.high for s in node.shapes), default=1.0))
    for shape in node.shapes:  # without an axis it takes the whole width
        steps, own, width = len(shape.heights) - 1, shape.high - shape.low, span[1] - span[0]
        shares = [(shape.low + own * i / steps - span[0]) / width if own else i / steps for i in range(steps + 1)]
        places = zip(shares, shape.heights, strict=True)
        points = [(left + CURVE_WIDTH * share, base - height * (CURVE_HEIGHT - 4)) for share, height in places]
        parts.append(area(points, base, colour, 0.35 / len(node.shapes)))
    parts.append(line_svg(left - 6, base, left + CURVE_WIDTH + 6, base))
    for mark in node.shapes[0].marks if node.has_ticks else ():
        at_x = left + CURVE_WIDTH * (mark - span[0]) / (span[1] - span[0])
        # to a hundredth of the axis: what is 0 but for rounding error is 0
        shown = round(mark, 2 - math.floor(math.log10(span[1] - span[0])))
        parts += [line_svg(at_x, base, at_x, base + 3), text_svg(number(shown), at_x, base + 13, layout.TICK)]
    return "".join(parts)


def _arrows(placed: Placed) -> str:
    """From each feeding node to the parts of this node's head that it gives."""
    head, parts = placed.head, []
    if head is None:
        return ""
    start = placed.x - head.width / 2
    end = placed.top + {"group": PAD, "predictor": 4, "data": 4}.get(placed.node.kind, 0)
    for link, feed in zip(placed.node.links, placed.feeds, strict=True):
        for n, slot in enumerate(link.slots):
            from_x, to_x = feed.x + 10 * (n - (len(link.slots) - 1) / 2), start + sum(head.spots[slot]) / 2
            parts.append(_arrow(from_x, feed.bottom + 3, to_x, end, feed.bottom + layout.BETWEEN))
        relation = "=" if feed.node.kind == "predictor" else "~"
        parts.append(text_svg(relation, feed.x + 5 * len(link.slots) + 7, feed.bottom + 17, 15, fill="#333"))
    return "".join(parts)


def _arrow(x0: float, y0: float, x1: float, y1: float, turn: float) -> str:
    """Straight down past the sign beside it, over in a smooth curve until ``turn``, straight to the arrow's head."""
    begin = y0 + _STRAIGHT
    middle = (begin + turn) / 2
    path = f"M {x0:.1f},{y0:.1f} V {begin:.1f} C {x0:.1f},{middle:.1f} {x1:.1f},{middle:.1f} {x1:.1f},{turn:.1f}"
    tip = f'<polygon points="{x1:.1f},{y1:.1f} {x1 - 4:.1f},{y1 - 9:.1f} {x1 + 4:.1f},{y1 - 9:.1f}" fill="#333"/>'
    return f'<path d="{path} V {max(y1 - 6, turn):.1f}" fill="none" stroke="#333" stroke-width="1.4"/>{tip}'
