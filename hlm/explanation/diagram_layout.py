"""Where the diagram's nodes go: each level a row, the data at the bottom, every node centred below what feeds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hlm.explanation.diagram_nodes import Node
from hlm.explanation.diagram_svg import Typeset, text_width, typeset, wrapped

HEAD, CAPTION, TICK = 16.0, 12.0, 11.0  # font sizes
CURVE_WIDTH, CURVE_HEIGHT = 108.0, 52.0
HEAD_HEIGHT, LINE_HEIGHT, CAPTION_HEIGHT, TICK_HEIGHT = 28.0, 25.0, 15.0, 15.0
PAD, BESIDE, BETWEEN = 12.0, 26.0, 70.0  # inside a box, between neighbours, between levels
_CAPTION_WIDTH = 150.0
type Outline = dict[int, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Placed:
    """A node with its typeset parts, its size, its place, and what feeds it."""

    node: Node
    head: Typeset | None
    lines: tuple[Typeset, ...]
    caption: list[str]
    plate: list[str]
    width: float
    height: float
    depth: int  # levels from the data upwards
    x: float = 0.0  # its centre
    bottom: float = 0.0  # the lower edge of its level
    feeds: tuple[Placed, ...] = ()

    @property
    def top(self) -> float:
        return self.bottom - self.height

    def all(self) -> Iterator[Placed]:
        """The node and all above it."""
        yield self
        for feed in self.feeds:
            yield from feed.all()


def place(node: Node, *, least: float = 0.0, depth: int = 0) -> tuple[Placed, Outline]:
    """Place a node at x = 0 with what feeds it; the outline says how far the tree reaches left and right, by level.

    least: the least width, so that one plate holds predictor, response and data.
    """
    own = _typeset(node, depth)
    width = max(least, own.width) if node.kind in ("data", "response", "predictor") else own.width
    below = width if node.kind in ("data", "response") else 0.0
    parts = [place(link.node, least=0.0 if n else below, depth=depth + 1) for n, link in enumerate(node.links)]
    centres: list[float] = []
    outline: Outline = {}
    for _, part in parts:
        shared = [outline[d][1] - left for d, (left, _) in part.items() if d in outline]
        centres.append(max(shared) + BESIDE if shared else 0.0)
        outline = _joined(outline, part, centres[-1])
    # the response stands below its predictor, so that one plate can hold both
    last = 0 if node.kind in ("response", "data") else -1
    anchor = (centres[0] + centres[last]) / 2 if parts else 0.0
    feeds = tuple(_moved(part, centre - anchor) for (part, _), centre in zip(parts, centres, strict=True))
    return replace(own, feeds=feeds), _joined({depth: (-width / 2, width / 2)}, outline, -anchor)


def settled(root: Placed, by: float, top: float) -> Placed:
    """The tree on its page: moved to the right, its highest level below ``top``."""
    heights: dict[int, float] = {}
    for placed in root.all():
        heights[placed.depth] = max(heights.get(placed.depth, 0.0), placed.height)
    bottoms, edge = {}, top - BETWEEN
    for depth in sorted(heights, reverse=True):
        edge += BETWEEN + heights[depth]
        bottoms[depth] = edge
    return _moved(root, by, bottoms)


def _typeset(node: Node, depth: int) -> Placed:
    """Typeset a node and find its size."""
    head = None if node.head is None else typeset(node.head, HEAD)
    lines = tuple(typeset(line, HEAD - 2) for line in node.lines)
    expressions = [setting.width for setting in (head, *lines) if setting is not None]
    widest = max([_CAPTION_WIDTH, *expressions])
    caption, plate = wrapped(node.caption, CAPTION, widest), wrapped(node.plate, CAPTION, widest)
    texts = [text_width(text, CAPTION, bold=True) for text in (*caption, *plate)]
    width = max([CURVE_WIDTH + 24 if node.has_curve else 60.0, *texts, *expressions])
    width += 2 * PAD if plate or node.has_border else 8.0
    height = (HEAD_HEIGHT if head else 0.0) + LINE_HEIGHT * len(lines) + CAPTION_HEIGHT * (len(caption) + len(plate))
    height += PAD * (2 * bool(plate) + node.has_border) + curve_height(node)
    return Placed(node, head, lines, caption, plate, width, height, depth)


def curve_height(node: Node) -> float:
    """What a node's curve takes with the numbers below it."""
    return CURVE_HEIGHT + (TICK_HEIGHT if node.has_ticks else 6.0) if node.has_curve else 0.0


def _joined(first: Outline, second: Outline, by: float) -> Outline:
    """Two outlines as one, the second moved to the right."""
    result = dict(first)
    for depth, (left, right) in second.items():
        old = result.get(depth, (left + by, right + by))
        result[depth] = (min(old[0], left + by), max(old[1], right + by))
    return result


def _moved(placed: Placed, by: float, bottoms: Mapping[int, float] | None = None) -> Placed:
    feeds = tuple(_moved(feed, by, bottoms) for feed in placed.feeds)
    return replace(placed, x=placed.x + by, bottom=bottoms[placed.depth] if bottoms else 0.0, feeds=feeds)
