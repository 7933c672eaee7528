"""`plot_slopes`: every group's slope in the three strategies, a row a group, in the order of the slopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from hlm.compare.compare_slopes import model_of, varying_terms
from hlm.data.clean_data import CleanData
from hlm.errors import FitError
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.formula import Term
from hlm.model.model import Model
from hlm.plots.glyphs import (
    LOOKS,
    axes_or_new,
    bare,
    circle,
    complete_line,
    describe,
    extremes,
    headline,
    height_of,
    number,
)
from hlm.plots.group_rows import HEADING, body_height, name_rows, row_font
from hlm.plots.plot_data import response_label
from hlm.plots.slope_rows import View, same, slope_rows, view_of

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_SEGMENT = "#9A9A9A"
_LINE = 1.8  # points
_OFF_SCALE = "off the scale"


def plot_slopes(
    fits: Fits,
    *,
    term: str | None = None,
    group: str | None = None,
    interval: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Where no pooling and partial pooling put each group's slope, and how far apart they are.

    Parameters
    ----------
    fits : PoolingFits
        With the strategies ``"none"`` and ``"partial"``; without ``"complete"`` there is no black line.
    term : str, optional
        The coefficient, ``"pre"`` or ``"Intercept"``; by default the first slope that varies by the group, else the
        intercept.
    group : str, optional
        The grouping factor; needed where there are several.
    interval : float, optional
        Probability of central intervals of partial pooling, 0.89 for instance; by default none are drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure, taller for more groups. Groups are named as long as a name is
        readable there.

    Returns
    -------
    matplotlib.axes.Axes
        With a description in words, ``alt_text``. The lowest no-pooling estimate is in the bottom row, number 0; a
        group whose own rows cannot determine its coefficient has only a filled circle, and stands where that one
        would stand. Estimates far from all others are off the scale: a triangle at the edge, with the number.
        Circles are posterior means. An open circle far out is more often a small group than an odd one.

    Raises
    ------
    FitError
        For a missing strategy, an unknown term or factor, or an interval that is no probability.

    Examples
    --------
    >>> from hlm import fit_pooling, load_data, plot_slopes
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"),
    ...                    draws=200, tune=200, chains=2, seed=1, progress=False)
    >>> ax = plot_slopes(fits)
    >>> ax.get_xlabel()
    'slope of Reaction on Days'
    """
    _check_poolings(fits)
    model = model_of(fits)
    factor = model.group(group)
    table, label = slope_rows(fits, factor, _default_term(model, factor) if term is None else term, interval)
    body = body_height(len(table)) if ax is None else height_of(ax)
    ax = axes_or_new(ax, 7, body + HEADING)
    pitch = 72 * body / len(table)
    view = view_of(table if interval is not None else table.drop(columns=["lower", "upper"]))
    ax.set(xlim=(view.left, view.right), ylim=(-1, len(table)))
    _draw_complete(ax, table["complete"])
    if interval is not None:
        ax.hlines(range(len(table)), table["lower"], table["upper"], **_interval_style(pitch), zorder=2)
    _draw_segments(ax, table, view, pitch)
    _draw_circles(ax, table, view, pitch)
    named = name_rows(ax, list(table.index), factor.name, pitch, "no pooling")
    if named:
        _write_numbers(ax, table, view, pitch)
    ax.set_xlabel("\n".join([_horizontal(fits, label), *_small_print(table, view, factor, named=named)]))
    bare(ax)
    headline(ax, _headline(table, _noun(model.data, label)), key=_key(table, view, interval))
    describe(ax, _in_words(fits, table, view, factor, label), problems=failed_diagnostics(fits).values())
    return ax


def _check_poolings(fits: Fits) -> None:
    for pooling in ("none", "partial"):
        if pooling not in fits_by_label(fits):
            raise FitError(
                f"plot_slopes shows no pooling beside partial pooling: {pooling!r} is missing, fit_pooling(...)."
            )


def _default_term(model: Model, factor: Term) -> str:
    varying = varying_terms(model, factor, None)
    return next((label for label in varying if label != "Intercept"), "Intercept")


def _draw_complete(ax: Axes, complete: pd.Series[float]) -> None:
    """The black line; in steps where a group-level predictor makes complete pooling differ between groups."""
    if complete.isna().all():
        return
    if same(complete):
        ax.axvline(complete.iloc[0], **complete_line(_LINE), zorder=1.5)
    else:
        rows = np.arange(len(complete))
        ax.vlines(complete, rows - 0.5, rows + 0.5, **complete_line(_LINE), zorder=1.5)


def _draw_segments(ax: Axes, table: pd.DataFrame, view: View, pitch: float) -> None:
    """From the open to the filled circle, or from the edge where the open one is off the scale."""
    both = table["none"].notna().to_numpy()
    start = table["none"].clip(view.mark_left, view.mark_right)
    width, alpha = float(np.clip(0.12 * pitch, 0.25, 1.2)), min(1.0, 0.5 + pitch / 8)
    stop = table["partial"][both]
    ax.hlines(np.flatnonzero(both), start[both], stop, color=_SEGMENT, linewidth=width, alpha=alpha, zorder=2.5)


def _draw_circles(ax: Axes, table: pd.DataFrame, view: View, pitch: float) -> None:
    rows = np.arange(len(table))
    size = float(np.clip(0.55 * pitch, 1.5, 7))
    off = view.below | view.above
    ax.plot(table["none"][~off], rows[~off], **circle("none", size), zorder=3)
    ax.plot(table["partial"], rows, **circle("partial", size), zorder=4)
    for which, edge, marker in ((view.below, view.mark_left, "<"), (view.above, view.mark_right, ">")):
        if which.any():
            style = circle("none", size) | {"marker": marker, "label": _OFF_SCALE}
            ax.plot(np.full(which.sum(), edge), rows[which], **style, zorder=5)


def _write_numbers(ax: Axes, table: pd.DataFrame, view: View, pitch: float) -> None:
    """The estimates that are off the scale, beside their triangles."""
    for row in np.flatnonzero(view.below | view.above):
        below = view.below[row]
        ax.annotate(
            number(table["none"].iloc[row]), (view.mark_left if below else view.mark_right, row),
            xytext=(7 if below else -7, 0), textcoords="offset points", ha="left" if below else "right",
            va="center_baseline", fontsize=min(9.0, row_font(pitch)), color=LOOKS["none"].color, zorder=6,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip


def _small_print(table: pd.DataFrame, view: View, factor: Term, *, named: bool) -> list[str]:
    """What the circles do not say: groups off the scale that have no number, groups without an open circle."""
    lines, off = [], int((view.below | view.above).sum())
    none = table["none"]
    if off and not named:
        lines.append(f"{off} off the scale; no pooling goes from {number(none.min())} to {number(none.max())}")
    if none.isna().any():
        lines.append(f"{none.isna().sum()} of {len(table)} groups of {factor.name} have no open circle: "
                     f"their rows cannot determine it")  # fmt: skip
    return lines


def _noun(data: CleanData, label: str) -> str:
    if label == "Intercept":
        return "intercept"
    return "slope" if label in data.columns else "coefficient"


def _horizontal(fits: Fits, label: str) -> str:
    """What the numbers are, and on which scale."""
    model = model_of(fits)
    noun, response = _noun(model.data, label), response_label(model.written)
    what = f"slope of {response} on {label}" if noun == "slope" else f"{noun} of {label}"
    link = model_of(fits).family.link
    scale = "" if link == "identity" else f" ({link} scale)"
    return (f"intercept of {response}" if noun == "intercept" else what) + scale


def _headline(table: pd.DataFrame, noun: str) -> str:
    moved = table.dropna(subset=["complete", "none"])
    if moved.empty:
        return f"{len(table)} {noun}s: no pooling and partial pooling"
    closer = (moved["partial"] - moved["complete"]).abs() < (moved["none"] - moved["complete"]).abs()
    return f"Partial pooling moves {closer.sum()} of {len(moved)} {noun}s towards the black line"


def _key(table: pd.DataFrame, view: View, interval: float | None) -> list[Artist]:
    handles: list[Artist] = [Line2D([], [], **circle(pooling, 6)) for pooling in ("none", "partial")]
    if interval is not None:
        handles.append(Line2D([], [], **_interval_style(9), label=f"{100 * interval:g} % interval"))
    if table["complete"].notna().any():
        handles.append(Line2D([], [], **complete_line(_LINE)))
    if view.below.any() or view.above.any():
        marker = "<" if view.below.any() else ">"
        handles.append(Line2D([], [], **circle("none", 6) | {"marker": marker, "label": _OFF_SCALE}))
    return handles


def _interval_style(pitch: float) -> dict[str, Any]:
    width = float(np.clip(0.35 * pitch, 0.4, 4))
    return {"color": LOOKS["partial"].color, "linewidth": width, "alpha": 0.3}


def _in_words(fits: Fits, table: pd.DataFrame, view: View, factor: Term, label: str) -> str:
    sentences = [f"Dot plot of the {_horizontal(fits, label)}, a row for each of {len(table)} groups of {factor.name}"]
    for pooling, name in (("none", "No"), ("partial", "Partial")):
        if table[pooling].notna().any():
            sentences.append(f"{name} pooling goes from {extremes(table[pooling], factor.name)}")
    if table["complete"].notna().any():
        one = same(table["complete"])
        black = (
            f"is {table['complete'].iloc[0]:.3g}" if one else f"goes from {extremes(table['complete'], factor.name)}"
        )
        sentences.append(f"Complete pooling {black}")
    off = table.index[view.below | view.above]
    if len(off):
        sentences.append(f"Off the scale: {factor.name} {', '.join(off[:5])}{', ...' if len(off) > 5 else ''}")
    return ". ".join(sentences) + "."
