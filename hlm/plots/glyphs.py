"""The grammar of the pictures: what a circle, a line and a colour mean, the same in every picture.

Open circle: no pooling. Filled circle: partial pooling. Black line: complete pooling. A group has the same colour
wherever groups are coloured, and those colours are never the ones of the strategies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba_array
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FuncFormatter

from hlm.errors import FitError
from hlm.formula.pooling_formulas import Pooling
from hlm.plots.text_width import room_above, room_along, text_width, wrapped
from hlm.support.options import offending


@dataclass(frozen=True, slots=True)
class Look:
    """How a strategy is drawn."""

    label: str
    color: str  # of lines and of a circle's rim
    inside: str  # of a circle's face


# Black, vermillion and blue of Okabe and Ito (2008): told apart with any colour vision, and in grey by their lightness.
LOOKS: Mapping[Pooling, Look] = MappingProxyType(
    {
        "complete": Look("complete pooling", "#000000", "#000000"),
        "none": Look("no pooling", "#D55E00", "#FFFFFF"),
        "partial": Look("partial pooling", "#0072B2", "#0072B2"),
    }
)
GROUP_COLORS = (  # Paul Tol's "muted" scheme (2021), without the strategies' colours; the most different come first
    "#CC6677", "#88CCEE", "#999933", "#332288", "#882255", "#117733", "#DDCC77", "#AA4499", "#44AA99",
)  # fmt: skip
QUIET = "#B4B4B4"  # what is there for comparison only
NOTE = "#595959"  # small print; contrast 7 to 1 on white

_COLORMAP = "viridis"  # lightness grows evenly, so that the order survives any colour vision and a grey printer
_COLORMAP_ENDS = (0.0, 0.85)  # the brightest yellows are lost on white
_TITLE, _SMALL = 12, 9  # points: the headline, the note and the key
_LINE = 13.0  # points that a line of small print takes


def axes_or_new(ax: Axes | None, width: float, height: float) -> Axes:
    """The caller's axes, or empty ones in a new figure, in inches, laid out so that nothing is cut off."""
    if ax is None:
        from matplotlib import pyplot as plt

        return plt.subplots(figsize=(width, height), layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise FitError(
            f"ax is one matplotlib Axes, not {offending(ax)}: write fig, ax = plt.subplots(), and of several axes take "
            f"one, ax=axes[0]."
        )
    return ax


def group_colors(order_by: np.ndarray, *, distinct: int = len(GROUP_COLORS)) -> np.ndarray:
    """One colour for each group.

    order_by: shape (K,); where there are many groups, their colours go from dark to bright in the order of these
        numbers.
    distinct: up to so many groups get colours that have no order; nine at most.
    result: shape (K, 4); RGBA.
    """
    groups = len(order_by)
    if groups <= min(distinct, len(GROUP_COLORS)):
        return to_rgba_array(GROUP_COLORS[:groups])
    ranks = np.argsort(np.argsort(order_by, kind="stable"), kind="stable")
    start, stop = _COLORMAP_ENDS
    return np.asarray(colormaps[_COLORMAP](start + (stop - start) * ranks / (groups - 1)))


def circle(pooling: Pooling, size: float) -> dict[str, Any]:
    """The style of one strategy's circles for ``Axes.plot``, ``size`` points wide."""
    look = LOOKS[pooling]
    return {
        "marker": "o", "linestyle": "none", "markersize": size, "markeredgewidth": min(1.2, size / 4),
        "markeredgecolor": look.color, "markerfacecolor": look.inside, "label": look.label,
    }  # fmt: skip


def dots(pooling: Pooling, size: float) -> dict[str, Any]:
    """The style of one strategy's dots, where there are too many for circles."""
    style = {"marker": "o", "linestyle": "none", "markersize": size, "markeredgewidth": 0}
    return style | {"color": LOOKS[pooling].color, "label": LOOKS[pooling].label}


def complete_line(width: float) -> dict[str, Any]:
    """The style of the line of complete pooling, ``width`` points thick."""
    return {"color": LOOKS["complete"].color, "linewidth": width, "label": LOOKS["complete"].label}


def interval_style(pitch: float) -> dict[str, Any]:
    """The style of partial pooling's intervals, in rows ``pitch`` points apart."""
    return {"color": LOOKS["partial"].color, "linewidth": float(np.clip(0.35 * pitch, 0.4, 4)), "alpha": 0.3}


def headline(ax: Axes, text: str, *, note: str = "", key: Sequence[Mapping[str, Any] | Artist] = ()) -> None:
    """What to see, above the axes; below it a note in small print, and a key. No spines without numbers.

    Each is broken into lines that fit, and stands above the ones that are nearer to the axes.

    key: artists, or the styles of lines.
    """
    ax.spines[["top", "right"]].set_visible(False)
    room, height = room_above(ax), 0.0  # points above the axes that are taken
    if key:
        handles = [Line2D([], [], **one) if isinstance(one, Mapping) else one for one in key]
        widths = [text_width(str(one.get_label()), _SMALL) + 2 * _SMALL for one in handles]  # with the glyph
        across = next((n for n in range(len(key), 1, -1) if _key_width(widths, n) <= room), 1)
        ax.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=across, frameon=False, fontsize=_SMALL,
            borderaxespad=0.3, borderpad=0, handletextpad=0.5, columnspacing=1.4, handlelength=1.4, labelspacing=0.4,
        )  # fmt: skip
        height += 4 + _LINE * -(-len(key) // across)
    if note:
        lines = wrapped(note, _SMALL, room)
        ax.annotate(
            "\n".join(lines), (0, 1), xytext=(0, height + 5), xycoords="axes fraction", textcoords="offset points",
            va="bottom", fontsize=_SMALL, color=NOTE, linespacing=1.2,
        )  # fmt: skip
        height += 1 + _LINE * len(lines)
    ax.set_title("\n".join(wrapped(text, _TITLE, room)), loc="left", fontsize=_TITLE, pad=height + 7)


def _key_width(widths: Sequence[float], across: int) -> float:
    """Of a key in so many columns, in points."""
    return sum(float(max(column)) for column in np.array_split(widths, across)) + 1.4 * _SMALL * (across - 1)


def group_key(ax: Axes, group: str, names: Sequence[str], colors: np.ndarray, *, circles: bool = False) -> None:
    """The names of the groups beside the axes, each with its colour; leaves the key below the headline in place."""
    above = ax.get_legend()
    style = {"marker": "o", "linestyle": "none", "markersize": 6} if circles else {"linewidth": 2.5}
    handles = [Line2D([], [], color=color, label=name, **style) for name, color in zip(names, colors, strict=True)]
    ax.legend(
        handles=handles, title=group, loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9,
        ncols=1 + (len(handles) - 1) // 20, alignment="left",
    )  # fmt: skip
    if above is not None:
        ax.add_artist(above)


def describe(ax: Axes, text: str, *, problems: Iterable[str] = ()) -> None:
    """Say in words what the picture shows: ``ax.alt_text``, for a page's ``alt="..."`` and for screen readers.

    ``problems``, why not to trust it, a clause each, stand there and below the horizontal axis. The labels of the axes
    are broken into lines that fit. Names are no formulas: ``$a_b$`` keeps its dollars. Only the numbers of an axis may
    be 10 with an exponent.
    """
    said = [f"{problem[0].upper()}{problem[1:]}." for problem in problems]
    ax.alt_text = " ".join([text, *said])  # type: ignore[attr-defined]
    ax.set_xlabel("\n".join(filter(None, [ax.get_xlabel(), " ".join(said)])))
    for axis, room in zip((ax.xaxis, ax.yaxis), room_along(ax), strict=True):
        axis.label.set_text("\n".join(wrapped(axis.label.get_text(), axis.label.get_fontsize(), room)))
    for one in (ax, *ax.child_axes):
        names = FixedFormatter | FuncFormatter
        computed = [axis for axis in (one.xaxis, one.yaxis) if not isinstance(axis.get_major_formatter(), names)]
        numbers = {id(label) for axis in computed for label in axis.get_ticklabels(which="both")}
        for label in one.findobj(Text):
            if id(label) not in numbers and isinstance(label, Text):
                label.set_parse_math(False)


def extremes(values: pd.Series[float], group: str) -> str:
    """The smallest and the largest of the groups' values, with their groups, for a description in words."""
    known = values.dropna().sort_values(kind="stable")
    return f"{known.iloc[0]:.3g} ({group} {known.index[0]}) to {known.iloc[-1]:.3g} ({group} {known.index[-1]})"


def number(value: float) -> str:
    """Three digits, with the minus sign that matplotlib's ticks have."""
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")
