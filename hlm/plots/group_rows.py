"""A row for each group: how tall the picture is, whether the groups can be named; and their sizes on an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import NullFormatter

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEADING = 1.4  # inches that are not rows
_GRID = "#EEEEEE"
_SMALLEST_FONT = 4.5  # points: below it the groups have no names
_FEW_SIZES = 6  # that differ by less have a tick each
_LETTERS = 75  # of names that fit side by side
_TALLEST = 9.5  # inches of rows


def body_height(rows: int) -> float:
    """Inches of height for the rows: enough for names as far as a page goes; without names, an ordinary picture."""
    height = min(0.4 * rows, max(4.0, min(0.14 * rows, _TALLEST)))
    return height if row_font(72 * height / rows) >= _SMALLEST_FONT else 5.0


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


def size_axis(ax: Axes, sizes: np.ndarray, levels: Sequence[str], factor: str) -> np.ndarray:
    """Where the groups stand on a horizontal axis of their numbers of rows, shape (K,).

    The axis is logarithmic, with round ticks. Where all sizes are equal, the groups stand in their own order instead.
    """
    low, high = int(sizes.min()), int(sizes.max())
    if low == high:
        return _order_axis(ax, levels, f"{factor} ({low:,} row{'s' if low > 1 else ''} each)")
    margin = 1.1 * (high / low) ** 0.06
    ax.set_xscale("log")
    ax.set_xlim(low / margin, high * margin)
    round_numbers = np.array([digit * 10**power for power in range(9) for digit in (1, 2, 5)])
    inside = round_numbers[(round_numbers >= low) & (round_numbers <= high)]
    ticks = np.arange(low, high + 1) if high - low < _FEW_SIZES else inside
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(f"rows of each {factor}: {low:,} to {high:,} (logarithmic scale)")
    return np.asarray(sizes, dtype=np.float64)


def _order_axis(ax: Axes, levels: Sequence[str], label: str) -> np.ndarray:
    places = np.arange(len(levels), dtype=np.float64)
    letters = sum(len(level) + 1 for level in levels)
    named = list(levels) if letters <= _LETTERS else []
    ax.set_xticks(places if named else [], named)
    ax.set(xlim=(-1, len(levels)), xlabel=label)
    return places
