"""Where groups have their names: in a sentence, beside rows, beside points; and their sizes on an axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import NullFormatter

from hlm.formula.formula import Term
from hlm.plots.glyphs import axes_or_new

_HEADING = 1.4  # inches that are not rows
_GRID = "#EEEEEE"
_SMALLEST_FONT = 4.5  # points: below it the groups have no names
_TALLEST = 9.5  # inches of rows
_FEW_SIZES = 6  # that differ by less have a tick each
_FEW_TICKS = 3  # on a logarithmic axis
_LETTERS = 75  # of names that fit side by side
_SIZE = 9.0  # points: of a name beside a point
_CROSSED = 2.0  # a line under a name is as bad as two points
_MOST_COVERED = 2.0  # points under a name that are still no harm
_RADIUS = 5.0  # points: of a circle that must not be covered
_WIDTH = 0.6  # of a letter, as a share of the size of the text
_PLACES = np.array([(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)])
_GAPS = np.where((_PLACES == 0).any(axis=1, keepdims=True), 6.0, 4.2)  # points between a point and its name


def named(factor: Term, level: str, *, start: bool = False) -> str:
    """A group in a sentence: ``school 48``, or ``School 48`` where it starts one."""
    text = f"{factor.name} {level}"
    return text[0].upper() + text[1:] if start else text


def row_axes(ax: Axes | None, rows: int) -> tuple[Axes, float]:
    """Axes with a row for each group, the first at the bottom, and how many points the rows are apart.

    New axes are tall enough for names as far as a page goes; without names, as tall as an ordinary picture.
    """
    body = min(0.4 * rows, max(4.0, min(0.14 * rows, _TALLEST)))
    body = body if row_font(72 * body / rows) >= _SMALLEST_FONT else 5.0
    drawn = axes_or_new(ax, 7, body + _HEADING)
    drawn.set_ylim(-1, rows)
    return drawn, 72 * (body if ax is None else float(drawn.get_window_extent().height / drawn.figure.dpi)) / rows


def row_font(pitch: float) -> float:
    """The size of text that fits between rows ``pitch`` points apart."""
    return min(10.0, 0.8 * pitch)


def name_rows(ax: Axes, levels: Sequence[str], factor: str, pitch: float, order: str) -> bool:
    """Write the groups beside their rows where that is readable; returns whether it is."""
    if row_font(pitch) < _SMALLEST_FONT:
        ax.set(yticks=[], ylabel=f"{len(levels)} groups of {factor}, in the order of {order}")
        return False
    ax.set_yticks(range(len(levels)), list(levels), fontsize=row_font(pitch))
    ax.set_ylabel(factor)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", color=_GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    return True


def size_axis(ax: Axes, sizes: np.ndarray, levels: Sequence[str], factor: str, unit: str = "row") -> np.ndarray:
    """Where the groups stand on a horizontal axis of their numbers of rows, or of another unit, shape (K,).

    The axis is logarithmic, with round ticks. Where all sizes are equal, the groups stand in their own order instead.
    """
    low, high = int(sizes.min()), int(sizes.max())
    if low == high:
        places = np.arange(len(levels), dtype=np.float64)
        fit = sum(len(level) + 1 for level in levels) <= _LETTERS
        ax.set_xticks(places if fit else [], list(levels) if fit else [])
        ax.set(xlim=(-1, len(levels)), xlabel=f"{factor} ({low:,} {unit}{'s' if low > 1 else ''} each)")
        return places
    margin = 1.1 * (high / low) ** 0.06
    ax.set(xscale="log", xlim=(low / margin, high * margin))
    for digits in ((1, 2, 5), range(1, 10)):  # all digits only where there would be hardly a tick
        round_numbers = np.array([digit * 10**power for power in range(9) for digit in digits])
        inside = round_numbers[(round_numbers >= low) & (round_numbers <= high)]
        if len(inside) >= _FEW_TICKS:
            break
    ticks = np.arange(low, high + 1) if high - low < _FEW_SIZES else inside
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(f"{unit}s of each {factor}: {low:,} to {high:,} (logarithmic scale)")
    return np.asarray(sizes, dtype=np.float64)


def label_points(
    ax: Axes, points: np.ndarray, texts: Sequence[str], *, among: np.ndarray, level_lines: Sequence[float] = ()
) -> None:
    """Write a name beside each point, where it covers least; a name that does not fit is left out.

    ax: with its final limits.
    points: shape (names, 2); the first gets the best place, and is named in any case.
    among: shape (points, 2); what must not be covered, in the units of the data.
    level_lines: heights of level lines that must not be covered.
    """
    scale = 72 / ax.figure.dpi
    taken = ax.transData.transform(among) * scale
    frame = np.asarray(ax.get_window_extent().get_points()) * scale
    heights = [scale * ax.transData.transform((ax.get_xlim()[1], height))[1] for height in level_lines]
    boxes: list[np.ndarray] = []
    for point, middle, text in zip(points, ax.transData.transform(points) * scale, texts, strict=True):
        lines = text.split("\n")
        half = np.array([_WIDTH * _SIZE * max(map(len, lines)), 1.2 * _SIZE * len(lines)]) / 2
        centers = middle + _PLACES * (half + _GAPS)
        options = np.stack([centers - half, centers + half], axis=1)  # (places, 2, 2): [[x0, y0], [x1, y1]] of each
        crossed = [sum(box[0, 1] < height < box[1, 1] for height in heights) for box in options]
        costs = [_cost(box, boxes, taken, frame) + _CROSSED * n for box, n in zip(options, crossed, strict=True)]
        best = int(np.argmin(costs))
        if costs[best] <= _MOST_COVERED or not boxes:
            boxes.append(options[best])
            dx, dy = _PLACES[best]
            ax.annotate(
                text, point, xytext=_GAPS[best] * _PLACES[best], textcoords="offset points", fontsize=_SIZE, zorder=8,
                ha={1: "left", 0: "center", -1: "right"}[dx], va={1: "bottom", 0: "center", -1: "top"}[dy],
                path_effects=[withStroke(linewidth=2.5, foreground="white")],
            )  # fmt: skip


def _cost(box: np.ndarray, boxes: list[np.ndarray], taken: np.ndarray, frame: np.ndarray) -> float:
    """Points under a text, and many more for another text or the edge."""
    points = float(((taken > box[0] - _RADIUS) & (taken < box[1] + _RADIUS)).all(axis=1).sum())
    texts = sum(bool((box[0] < other[1]).all() and (other[0] < box[1]).all()) for other in boxes)
    outside = bool((box[0] < frame[0]).any() or (box[1] > frame[1]).any())
    return points + 1000.0 * texts + 500.0 * outside
