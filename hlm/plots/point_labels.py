"""Names beside a few points, placed so that they do not cover each other or the points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patheffects import withStroke

from hlm.formula.formula import Term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

_SIZE = 9.0  # points
_GAP = 6.0  # points between a point and its name
_CROSSED = 2.0  # a line under a name is as bad as two points
_MOST_COVERED = 2.0  # points under a name that are still no harm
_RADIUS = 5.0  # points: of a circle that must not be covered
_WIDTH = 0.6  # of a letter, as a share of the size of the text
_PLACES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))


def named(factor: Term, level: str, *, start: bool = False) -> str:
    """A group in a sentence: ``school 48``, or ``School 48`` where it starts one."""
    text = f"{factor.name} {level}"
    return text[0].upper() + text[1:] if start else text


def label_points(
    ax: Axes,
    x: np.ndarray,
    y: np.ndarray,
    texts: Sequence[str],
    *,
    among: np.ndarray,
    level_lines: Sequence[float] = (),
) -> None:
    """Write a name beside each point, where it covers least; a name that does not fit is left out.

    ax: with its final limits.
    x, y: the points to name; the first gets the best place, and is named in any case.
    among: shape (points, 2); what must not be covered, in the units of the data.
    level_lines: heights of level lines that must not be covered.
    """
    scale = 72 / ax.figure.dpi
    points = ax.transData.transform(np.column_stack([x, y])) * scale
    taken = ax.transData.transform(among) * scale
    frame = np.asarray(ax.get_window_extent().get_points()) * scale
    lines = ax.transData.transform([(ax.get_xlim()[1], height) for height in level_lines] or np.empty((0, 2))) * scale
    boxes: list[np.ndarray] = []
    for (left, bottom), text, place in zip(points, texts, zip(x, y, strict=True), strict=True):
        options = [_box(left, bottom, text, dx, dy) for dx, dy in _PLACES]
        costs = [_cost(box, boxes, taken, frame) + _CROSSED * _crosses(box, lines) for box in options]
        best = int(np.argmin(costs))
        if costs[best] <= _MOST_COVERED or not boxes:
            boxes.append(options[best])
            _write(ax, text, place, _PLACES[best])


def _box(left: float, bottom: float, text: str, dx: int, dy: int) -> np.ndarray:
    """The rectangle of a text beside a point, ``[[x0, y0], [x1, y1]]``."""
    lines = text.split("\n")
    half = np.array([_WIDTH * _SIZE * max(map(len, lines)), 1.2 * _SIZE * len(lines)]) / 2
    reach = _GAP if dx == 0 or dy == 0 else _GAP * 0.7
    center = np.array([left, bottom]) + np.array([dx, dy]) * (half + reach)
    return np.array([center - half, center + half])


def _cost(box: np.ndarray, boxes: list[np.ndarray], taken: np.ndarray, frame: np.ndarray) -> float:
    """Points under a text, and many more for another text or the edge."""
    points = float(((taken > box[0] - _RADIUS) & (taken < box[1] + _RADIUS)).all(axis=1).sum())
    texts = sum(bool((box[0] < other[1]).all() and (other[0] < box[1]).all()) for other in boxes)
    outside = bool((box[0] < frame[0]).any() or (box[1] > frame[1]).any())
    return points + 1000.0 * texts + 500.0 * outside


def _crosses(box: np.ndarray, lines: np.ndarray) -> int:
    return int(((lines[:, 1] > box[0, 1]) & (lines[:, 1] < box[1, 1])).sum())


def _write(ax: Axes, text: str, place: Any, direction: tuple[int, int]) -> None:
    dx, dy = direction
    gap = _GAP if dx == 0 or dy == 0 else _GAP * 0.7
    ax.annotate(
        text, place, xytext=(gap * dx, gap * dy), textcoords="offset points", fontsize=_SIZE, zorder=8,
        ha={1: "left", 0: "center", -1: "right"}[dx], va={1: "bottom", 0: "center", -1: "top"}[dy],
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
    )  # fmt: skip
