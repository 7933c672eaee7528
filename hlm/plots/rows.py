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


def size_axis(ax: Axes, sizes: np.ndarray, factor: str) -> None:
    """Numbers of rows on a logarithmic horizontal axis, with round ticks."""
    low, high = int(sizes.min()), int(sizes.max())
    margin = 1.1 * (high / low) ** 0.06
    ax.set_xscale("log")
    ax.set_xlim(low / margin, high * margin)
    round_numbers = np.array([digit * 10**power for power in range(9) for digit in (1, 2, 5)])
    inside = round_numbers[(round_numbers >= low) & (round_numbers <= high)]
    ticks = inside if len(inside) > 1 else np.unique([low, high])
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.xaxis.set_minor_formatter(NullFormatter())
    shown = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    ax.set_xlabel(f"rows of each {factor}: {shown} (logarithmic scale)")
