"""Small multiples: for a few groups, the lines of no, partial and complete pooling in a panel each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from hlm.compare.compare_slopes import model_of
from hlm.errors import FitError
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.formula import Term
from hlm.formula.pooling_formulas import POOLINGS, Pooling
from hlm.plots.glyphs import LOOKS, axes_or_new, bare, complete_line, describe, headline, number
from hlm.plots.group_lines import GroupLines, group_lines, held, pooled_line
from hlm.plots.plot_data import response_values
from hlm.plots.point_labels import named

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 12  # panels
_ACROSS = 4
_GAP = 0.06  # between panels, as a share of the picture
_ROOM = 0.86  # of the height of a row of panels; the rest is for their titles
_POINT = "#777777"


def draw_panels(
    fits: Fits, factor: Term, x: str, chosen: np.ndarray | None, *, vertical: str, show_data: bool, ax: Axes | None
) -> Axes:
    """A panel for each chosen group, inside the given axes (``ax.child_axes``), in the order of their sizes.

    x: the predictor on the horizontal axis.
    chosen: shape (K,), or None.
    vertical: label of the vertical axis.
    """
    fitted: list[Pooling] = [pooling for pooling in POOLINGS[1:] if pooling in fits_by_label(fits)]
    lines = {pooling: group_lines(fits, pooling, factor, x, whole=True) for pooling in fitted}
    if chosen is None or not lines or not 0 < chosen.sum() <= _MOST:
        raise FitError(
            f"panels=True draws the lines of no and partial pooling for groups that you name: "
            f"levels=[...], {_MOST} of {factor.name} at most."
        )
    some = next(iter(lines.values()))
    order = sorted(np.flatnonzero(chosen), key=lambda k: some.n[k])
    across = min(len(order), _ACROSS)
    down = -(-len(order) // across)
    ax = axes_or_new(ax, 2.2 * across + 0.8, 2.1 * down + 1.2)
    pooled = pooled_line(fits, factor, x)
    points = _rows(fits, factor, x) if show_data and model_of(fits).family.is_gaussian else None
    panels = _grid(ax, len(order), across, down)
    for panel, k in zip(panels, order, strict=True):
        _draw_panel(panel, lines, pooled, points, int(k))
        panel.set_title(f"{some.levels[k]} (n = {some.n[k]})", fontsize=9, pad=3)
    _share_limits(panels, across, down)
    model = model_of(fits)
    ax.set_xlabel("\n".join(filter(None, [x, held(model, x)])), labelpad=16)
    ax.set_ylabel(vertical, labelpad=32)
    headline(ax, _headline(lines, factor, order), key=_key(lines, pooled))
    describe(ax, _in_words(lines, factor, order, vertical, x), problems=failed_diagnostics(fits).values())
    return ax


def _grid(ax: Axes, panels: int, across: int, down: int) -> list[Axes]:
    """Empty panels, row by row; of the axes around them only the labels are left."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    width, height = (1 - _GAP * (across - 1) / 2) / across, 1 / down
    places = [(i % across * (width + _GAP / 2), 1 - (i // across + 1) * height) for i in range(panels)]
    return [ax.inset_axes((left, bottom, width, _ROOM * height)) for left, bottom in places]


def _rows(fits: Fits, factor: Term, x: str) -> pd.DataFrame:
    model = model_of(fits)
    columns = {
        "group": model.data.codes(factor),
        "x": model.data.columns[x].to_numpy(),
        "y": response_values(model.written, model.data),
    }
    return pd.DataFrame(columns)


def _draw_panel(
    panel: Axes, lines: dict[Pooling, GroupLines], pooled: pd.Series | None, points: pd.DataFrame | None, k: int
) -> None:
    """One group: its rows, the black line, its own line dashed, partial pooling's on top."""
    if points is not None:
        mine = points[points["group"] == k]
        panel.plot(
            mine["x"],
            mine["y"],
            marker="o",
            markersize=5 if len(mine) < 20 else 3,
            linestyle="none",
            color=_POINT,
            zorder=5,
        )
    if pooled is not None:
        panel.plot(pooled.index, pooled, **complete_line(1.5), zorder=2)
    for pooling, of_one in lines.items():
        panel.plot(of_one.x[k], of_one.y[k], **_line(pooling), zorder=3 if pooling == "none" else 4)
    bare(panel)
    panel.tick_params(labelsize=8)


def _line(pooling: Pooling) -> dict[str, Any]:
    look = LOOKS[pooling]
    return {"color": look.color, "linewidth": 2, "label": look.label, "linestyle": "--" if pooling == "none" else "-"}


def _share_limits(panels: list[Axes], across: int, down: int) -> None:
    """The same limits everywhere: of all rows and lines but no pooling's, which may be steep."""
    kept = [line for panel in panels for line in panel.lines if line.get_linestyle() != "--"]
    x, y = (np.concatenate([np.asarray(values, dtype=np.float64) for values in axis]) for axis in
            ([line.get_xdata() for line in kept], [line.get_ydata() for line in kept]))  # fmt: skip
    for place, panel in enumerate(panels):
        for low, high, set_limits in ((x.min(), x.max(), panel.set_xlim), (y.min(), y.max(), panel.set_ylim)):
            margin = 0.05 * (high - low)
            set_limits(low - margin, high + margin)
        panel.tick_params(labelleft=place % across == 0, labelbottom=place >= len(panels) - across)


def _headline(lines: dict[Pooling, GroupLines], factor: Term, order: list[Any]) -> str:
    """What happened to the smallest of the groups whose own rows determine a line."""
    if set(lines) == {"none", "partial"} and lines["none"].straight:
        for k in order:
            alone, together = _slope(lines["none"], k), _slope(lines["partial"], k)
            if np.isfinite(alone):
                who = named(factor, lines["none"].levels[k], start=True)
                return f"{who}: slope {number(alone)} alone, {number(together)} with the others"
    return f"{len(order)} of {len(next(iter(lines.values())).n)} groups of {factor.name}"


def _slope(lines: GroupLines, k: int) -> float:
    return float(np.diff(lines.y[k])[0] / np.diff(lines.x[k])[0])


def _key(lines: dict[Pooling, GroupLines], pooled: pd.Series | None) -> list[Any]:
    handles = [Line2D([], [], **_line(pooling)) for pooling in lines]
    return handles if pooled is None else [*handles, Line2D([], [], **complete_line(1.5))]


def _in_words(lines: dict[Pooling, GroupLines], factor: Term, order: list[Any], vertical: str, x: str) -> str:
    some = next(iter(lines.values()))
    sentences = [f"{vertical} against {x}, a panel for each of {len(order)} groups of {factor.name}"]
    if some.straight:
        for k in order:
            slopes = " and ".join(f"{_slope(of, k):.3g} ({LOOKS[pooling].label})" for pooling, of in lines.items())
            sentences.append(f"{named(factor, some.levels[k], start=True)}, {some.n[k]} row(s): slope {slopes}")
    return ". ".join(sentences) + "."
