"""Where the diagram's nodes go: each level a row, the data at the bottom, every node centred below what feeds it."""

from __future__ import annotations

from collections.abc import Iterator
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
class Measured:
    """A node with its typeset parts and its size."""

    node: Node
    head: Typeset | None
    lines: tuple[Typeset, ...]
    caption: tuple[str, ...]
    plate: tuple[str, ...]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Placed:
    """A node in its place: ``x`` is its centre; ``depth`` counts levels from the data upwards."""

    measured: Measured
    x: float
    depth: int
    feeds: tuple[Placed, ...]

    @property
    def node(self) -> Node:
        return self.measured.node

    def all(self) -> Iterator[Placed]:
        """The node and all above it."""
        yield self
        for feed in self.feeds:
            yield from feed.all()


def measure(node: Node) -> Measured:
    """Typeset a node and find its size."""
    head = None if node.head is None else typeset(node.head, HEAD)
    lines = tuple(typeset(line, HEAD - 2) for line in node.lines)
    expressions = [setting.width for setting in (head, *lines) if setting is not None]
    widest = max([_CAPTION_WIDTH, *expressions])
    caption, plate = tuple(wrapped(node.caption, CAPTION, widest)), tuple(wrapped(node.plate, CAPTION, widest))
    texts = [text_width(text, CAPTION, bold=True) for text in (*caption, *plate)]
    width = max([CURVE_WIDTH + 24 if node.has_curve else 60.0, *texts, *expressions])
    width += 2 * PAD if plate or node.has_border else 8.0
    height = (HEAD_HEIGHT if head else 0.0) + LINE_HEIGHT * len(lines) + CAPTION_HEIGHT * len(caption)
    if node.has_curve:
        height += CURVE_HEIGHT + (TICK_HEIGHT if node.has_ticks else 6.0)
    if plate:
        height += CAPTION_HEIGHT * len(plate) + 2 * PAD
    if node.has_border:
        height += PAD
    return Measured(node, head, lines, caption, plate, width, height)


def place(node: Node, *, least: float = 0.0, depth: int = 0) -> tuple[Placed, Outline]:
    """Place a node at x = 0 with what feeds it; the outline says how far the tree reaches left and right, by level.

    least: the least width, so that one plate holds predictor, response and data.
    """
    measured = measure(node)
    width = max(least, measured.width) if node.kind in ("data", "response", "predictor") else measured.width
    below = width if node.kind in ("data", "response") else 0.0
    parts = [place(link.node, least=0.0 if n else below, depth=depth + 1) for n, link in enumerate(node.links)]
    own: Outline = {depth: (-width / 2, width / 2)}
    if not parts:
        return Placed(measured, 0.0, depth, ()), own
    centres: list[float] = []
    outline: Outline = {}
    for _, part in parts:
        shared = [outline[d][1] - left for d, (left, _) in part.items() if d in outline]
        centres.append(max(shared) + BESIDE if shared else 0.0)
        outline = _joined(outline, part, centres[-1])
    # the response stands below its predictor, so that one plate can hold both
    anchor = centres[0] if node.kind in ("response", "data") else (centres[0] + centres[-1]) / 2
    feeds = tuple(_shifted(part, centre - anchor) for (part, _), centre in zip(parts, centres, strict=True))
    return Placed(measured, 0.0, depth, feeds), _joined(own, outline, -anchor)


def _joined(first: Outline, second: Outline, by: float) -> Outline:
    """Two outlines as one, the second moved to the right."""
    result = dict(first)
    for depth, (left, right) in second.items():
        old = result.get(depth, (left + by, right + by))
        result[depth] = (min(old[0], left + by), max(old[1], right + by))
    return result


def _shifted(placed: Placed, by: float) -> Placed:
    return replace(placed, x=placed.x + by, feeds=tuple(_shifted(feed, by) for feed in placed.feeds))
