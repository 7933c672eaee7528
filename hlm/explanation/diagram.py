"""A Kruschke-style diagram as one self-contained SVG: every distribution in its shape, arrows down to the data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from pathlib import Path

from hlm.explanation import diagram_layout as layout
from hlm.explanation.diagram_layout import CAPTION, CAPTION_HEIGHT, CURVE_HEIGHT, CURVE_WIDTH, PAD, Placed
from hlm.explanation.diagram_nodes import model_tree
from hlm.explanation.diagram_svg import area, bars, box_svg, expression_svg, line_svg, text_svg, text_width, wrapped
from hlm.explanation.equations import equations
from hlm.explanation.math_text import plain_lines
from hlm.explanation.prior_text import number
from hlm.explanation.structure import ModelStructure
from hlm.model.shapes import Shape

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

    def save(self, path: str | Path) -> Path:
        """Write the picture to an .svg file; returns its path."""
        target = Path(path)
        target.write_text(self.svg, encoding="utf-8")
        return target

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"Diagram({len(self.svg)} characters of SVG; .save('model.svg') writes it)"


def diagram(model: ModelStructure) -> Diagram:
    """Draw a model."""
    root, outline = layout.place(model_tree(model))
    left, right = min(x for x, _ in outline.values()), max(x for _, x in outline.values())
    title = str(model.formula)
    width = max(right - left, 480.0) + 48
    title_lines, how = wrapped(title, _TITLE, width - 80), wrapped(_HOW, CAPTION, width - 40)
    bottoms = _bottoms(root, 34.0 + 26 * len(title_lines))
    page = _Page(width / 2 - (left + right) / 2, bottoms)
    drawn = [page.plate(root, _row_label(model)), *map(page.node, root.all()), *map(page.arrows, root.all())]
    foot = bottoms[0] + CAPTION_HEIGHT + 2 * PAD
    texts = [text_svg(t, width / 2, 30 + 26 * i, _TITLE, fill="#111", bold=True) for i, t in enumerate(title_lines)]
    texts += [text_svg(t, width / 2, foot + 22 + 16 * i, CAPTION) for i, t in enumerate(how)]
    height = foot + 30 + 16 * len(how)
    spoken = plain_lines(equations(model).sections[0].lines).replace("\n", "; ")
    return Diagram(_document("".join([*drawn, *texts]), width, height, title, f"{spoken}. {_HOW}"))


@dataclass(frozen=True, slots=True)
class _Page:
    """Draws placed nodes: ``shift`` moves them to the right, ``bottoms`` is where each level ends."""

    shift: float
    bottoms: tuple[float, ...]

    def top(self, placed: Placed) -> float:
        return self.bottoms[placed.depth] - placed.measured.height

    def node(self, placed: Placed) -> str:
        """One node from top to bottom: head, curve, lines, caption, plate."""
        m, node, x, y = placed.measured, placed.node, placed.x + self.shift, self.top(placed)
        parts: list[str] = []
        if m.plate:
            style = 'fill="#D55E00" fill-opacity="0.06" stroke="#D55E00" stroke-dasharray="5 3"'
            parts.append(box_svg(x - m.width / 2, y, x + m.width / 2, y + m.height, style))
            y += PAD
        if node.has_border:
            style = f'fill="#fff" stroke="{_COLOUR[node.kind]}" stroke-width="{2 if node.kind == "data" else 1}"'
            bottom = y + layout.HEAD_HEIGHT + PAD / 2
            parts.append(box_svg(x - m.width / 2 + 4, y, x + m.width / 2 - 4, bottom, style))
            y += PAD / 2
        if m.head is not None:
            parts.append(expression_svg(m.head, x - m.head.width / 2, y + 19))
            y += layout.HEAD_HEIGHT
        if node.has_curve:
            parts.append(self.curve(placed, x, y))
            y += CURVE_HEIGHT + (layout.TICK_HEIGHT if node.has_ticks else 6.0)
        for line in m.lines:
            parts.append(expression_svg(line, x - line.width / 2, y + 17))
            y += layout.LINE_HEIGHT
        if node.has_border:
            y += PAD / 2
        for text in m.caption:
            parts.append(text_svg(text, x, y + 11, CAPTION))
            y += CAPTION_HEIGHT
        for text in m.plate:
            parts.append(text_svg(text, x, y + PAD / 2 + 11, CAPTION, fill="#8a3c00", bold=True))
            y += CAPTION_HEIGHT
        return "".join(parts)

    def curve(self, placed: Placed, x: float, y: float) -> str:
        """The node's distribution over an axis."""
        node, base, colour = placed.node, y + CURVE_HEIGHT, _COLOUR[placed.node.kind]
        left, parts = x - CURVE_WIDTH / 2, []
        if node.ellipses:
            return _ellipses(x, y + CURVE_HEIGHT / 2, colour)
        if node.bars:
            parts.append(bars(node.bars, left, base, CURVE_WIDTH, CURVE_HEIGHT - 4, colour))
        span = (min((s.low for s in node.shapes), default=0.0), max((s.high for s in node.shapes), default=1.0))
        for shape in node.shapes:
            parts.append(area(_points(shape, span, left, base), base, colour, 0.35 / len(node.shapes)))
        parts.append(line_svg(left - 6, base, left + CURVE_WIDTH + 6, base))
        for mark in node.shapes[0].marks if node.has_ticks else ():
            at = left + CURVE_WIDTH * (mark - span[0]) / (span[1] - span[0])
            parts.append(line_svg(at, base, at, base + 3))
            # to a hundredth of the axis: what is 0 but for rounding error is 0
            shown = round(mark, 2 - math.floor(math.log10(span[1] - span[0])))
            parts.append(text_svg(number(shown), at, base + 13, layout.TICK))
        return "".join(parts)

    def arrows(self, placed: Placed) -> str:
        """From each feeding node to the parts of this node's head that it gives."""
        head, parts = placed.measured.head, []
        if head is None:
            return ""
        start = placed.x + self.shift - head.width / 2
        end = self.top(placed) + {"group": PAD, "predictor": 4, "data": 4}.get(placed.node.kind, 0)
        for link, feed in zip(placed.node.links, placed.feeds, strict=True):
            x0, y0 = feed.x + self.shift, self.bottoms[feed.depth]
            for n, slot in enumerate(link.slots):
                from_x, to_x = x0 + 10 * (n - (len(link.slots) - 1) / 2), start + sum(head.spots[slot]) / 2
                parts.append(_arrow(from_x, y0 + 3, to_x, end, y0 + layout.BETWEEN))
            relation = "=" if feed.node.kind == "predictor" else "~"
            parts.append(text_svg(relation, x0 + 5 * len(link.slots) + 7, y0 + 17, 15, fill="#333"))
        return "".join(parts)

    def plate(self, root: Placed, label: str) -> str:
        """The plate of the rows: around predictor, response and data."""
        inside = [p for p in root.all() if p.node.kind in ("predictor", "response", "data")]
        half = max(max(p.measured.width for p in inside), text_width(label, CAPTION, bold=True) + 2 * PAD) / 2
        x, top = root.x + self.shift, min(self.top(p) for p in inside) - 8
        bottom = self.bottoms[0] + CAPTION_HEIGHT + PAD
        style = 'fill="#009E73" fill-opacity="0.05" stroke="#009E73" stroke-dasharray="5 3"'
        text = text_svg(label, x, self.bottoms[0] + CAPTION_HEIGHT, CAPTION, fill="#00614a", bold=True)
        return box_svg(x - half, top, x + half, bottom, style) + text


def _bottoms(root: Placed, top: float) -> tuple[float, ...]:
    """The lower edge of every level, from the data's upwards."""
    heights: dict[int, float] = {}
    for placed in root.all():
        heights[placed.depth] = max(heights.get(placed.depth, 0.0), placed.measured.height)
    edges: list[float] = []
    for depth in sorted(heights, reverse=True):
        edges.append((edges[-1] + layout.BETWEEN if edges else top) + heights[depth])
    return tuple(reversed(edges))


def _row_label(model: ModelStructure) -> str:
    if len(model.factors) == 1:
        factor = model.factors[0]
        return f"rows i = 1, 2, … of {factor.name} {factor.letter}"
    return f"rows: i = 1, …, {'N' if model.rows is None else model.rows}"


def _points(shape: Shape, span: tuple[float, float], left: float, base: float) -> list[tuple[float, float]]:
    """A curve's points on the page; without an axis it takes the whole width."""
    steps, own, width = len(shape.heights) - 1, shape.high - shape.low, span[1] - span[0]
    shares = [(shape.low + own * i / steps - span[0]) / width if own else i / steps for i in range(steps + 1)]
    rises = [height * (CURVE_HEIGHT - 4) for height in shape.heights]
    return [(left + CURVE_WIDTH * share, base - rise) for share, rise in zip(shares, rises, strict=True)]


def _ellipses(x: float, y: float, colour: str) -> str:
    """Contours of a correlated normal distribution."""
    return "".join(
        f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{44 * r:.1f}" ry="{17 * r:.1f}" fill="{colour}" fill-opacity="0.18" '
        f'stroke="{colour}" transform="rotate(-18 {x:.1f} {y:.1f})"/>'
        for r in (1.0, 0.66, 0.33)
    )


def _arrow(x0: float, y0: float, x1: float, y1: float, turn: float) -> str:
    """Straight down past the sign beside it, over in a smooth curve until ``turn``, straight to the arrow's head."""
    begin = y0 + _STRAIGHT
    middle = (begin + turn) / 2
    path = f"M {x0:.1f},{y0:.1f} V {begin:.1f} C {x0:.1f},{middle:.1f} {x1:.1f},{middle:.1f} {x1:.1f},{turn:.1f}"
    tip = f'<polygon points="{x1:.1f},{y1:.1f} {x1 - 4:.1f},{y1 - 9:.1f} {x1 + 4:.1f},{y1 - 9:.1f}" fill="#333"/>'
    return f'<path d="{path} V {max(y1 - 6, turn):.1f}" fill="none" stroke="#333" stroke-width="1.4"/>{tip}'


def _document(body: str, width: float, height: float, title: str, spoken: str) -> str:
    w, h = math.ceil(width), math.ceil(height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" '
        f'style="max-width:100%;height:auto">'
        f"<title>{escape(title)}</title><desc>{escape(spoken)}</desc>"
        f'<rect width="{w}" height="{h}" fill="#fff"/>{body}</svg>'
    )
