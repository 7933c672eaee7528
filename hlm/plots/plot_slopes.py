"""`plot_slopes`: every group's slope in the three strategies, a row a group, in the order of the slopes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from hlm.compare.compare_slopes import compare_slopes
from hlm.compare.shrinkage import side_by_side
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.results import Fits
from hlm.formula.formula import Term
from hlm.model.model import Model
from hlm.plots.coefficient_axis import View, coefficient_label, default_term, model_with, noun, view_of
from hlm.plots.glyphs import LOOKS, circle, complete_line, describe, extremes, headline, interval_style, number
from hlm.plots.group_names import name_rows, row_axes, row_font

_SEGMENT = "#9A9A9A"
_LINE = 1.8  # points


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
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1, progress=False)
    >>> ax = plot_slopes(fits)
    >>> ax.get_xlabel()
    'slope of Reaction on Days'
    """
    missing = "plot_slopes shows no pooling beside partial pooling: {} is missing, fit_pooling(...)."
    model = model_with(fits, ("none", "partial"), missing)
    factor = model.group(group)
    table, label = _slope_rows(fits, factor, default_term(model, factor) if term is None else term, interval)
    ax, pitch = row_axes(ax, len(table))
    view = view_of(table if interval is not None else table.drop(columns=["lower", "upper"]))
    ax.set_xlim(view.ends)
    _draw_complete(ax, table["complete"])
    if interval is not None:
        ax.hlines(range(len(table)), table["lower"], table["upper"], **interval_style(pitch), zorder=2)
    named = name_rows(ax, list(table.index), factor.name, pitch, "no pooling")
    _draw_circles(ax, table, view, pitch)
    _draw_off_scale(ax, table["none"], view, pitch, with_numbers=named)
    ax.set_xlabel("\n".join([coefficient_label(model, label), *_small_print(table, view, factor, named=named)]))
    headline(ax, _headline(table, noun(model, label)), key=_key(table, view, interval))
    describe(ax, _in_words(model, table, view, factor, label), problems=failed_diagnostics(fits).values())
    return ax


def _slope_rows(fits: Fits, factor: Term, term: str, interval: float | None) -> tuple[pd.DataFrame, str]:
    """The groups in the order of the picture, the bottom row first, and the term's label.

    table: index ``level``; columns ``lower, upper`` (of partial pooling), ``partial, none, complete``. In the order of
        ``none``, or of ``partial`` where that is NaN.
    """
    long = compare_slopes(fits, term=term, group=factor.name, prob=interval)
    table = side_by_side(long).set_index("level")[["lower", "upper", "partial", "none", "complete"]]
    order = table["none"].fillna(table["partial"]).sort_values(kind="stable")
    return table.loc[order.index], str(long["term"].iloc[0])


def _draw_complete(ax: Axes, complete: pd.Series[float]) -> None:
    """The black line; in steps where a group-level predictor makes complete pooling differ between groups."""
    if _same(complete):
        ax.axvline(complete.iloc[0], **complete_line(_LINE), zorder=1.5)
    elif complete.notna().any():
        rows = np.arange(len(complete))
        ax.vlines(complete, rows - 0.5, rows + 0.5, **complete_line(_LINE), zorder=1.5)


def _same(values: pd.Series[float]) -> bool:
    """Whether all groups have one value, up to rounding; False for NaN."""
    return bool(np.allclose(values, values.iloc[0], rtol=1e-9, atol=0))


def _draw_circles(ax: Axes, table: pd.DataFrame, view: View, pitch: float) -> None:
    """Open and filled circles, and segments between them, from the edge where the open one is off the scale."""
    rows, both = np.arange(len(table)), table["none"].notna().to_numpy()
    start, stop = table["none"].clip(*view.marks)[both], table["partial"][both]
    width, alpha = float(np.clip(0.12 * pitch, 0.25, 1.2)), min(1.0, 0.5 + pitch / 8)
    ax.hlines(rows[both], start, stop, color=_SEGMENT, linewidth=width, alpha=alpha, zorder=2.5)
    size, inside = float(np.clip(0.55 * pitch, 1.5, 7)), view.off == 0
    ax.plot(table["none"][inside], rows[inside], **circle("none", size), zorder=3)
    ax.plot(table["partial"], rows, **circle("partial", size), zorder=4)


def _draw_off_scale(ax: Axes, none: pd.Series[float], view: View, pitch: float, *, with_numbers: bool) -> None:
    """Triangles at the edges for open circles beyond them, beside them the estimates."""
    for side, edge in zip((-1, 1), view.marks, strict=True):
        rows = np.flatnonzero(view.off == side)
        if len(rows):
            style = _triangle(side, float(np.clip(0.55 * pitch, 1.5, 7)))
            ax.plot(np.full(len(rows), edge), rows, **style, zorder=5)
        for row in rows if with_numbers else []:
            ax.annotate(
                number(none.iloc[row]), (edge, row), xytext=(-7 * side, 0), textcoords="offset points",
                ha="left" if side < 0 else "right", va="center_baseline", fontsize=min(9.0, row_font(pitch)),
                color=LOOKS["none"].color, zorder=6, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )  # fmt: skip


def _triangle(side: int, size: float) -> dict[str, Any]:
    return circle("none", size) | {"marker": "<" if side < 0 else ">", "label": "off the scale"}


def _small_print(table: pd.DataFrame, view: View, factor: Term, *, named: bool) -> list[str]:
    """What the circles do not say: groups off the scale that have no number, groups without an open circle."""
    lines, off, none = [], np.count_nonzero(view.off), table["none"]
    if off and not named:
        lines.append(f"{off} off the scale; no pooling goes from {number(none.min())} to {number(none.max())}")
    if none.isna().any():
        lines.append(f"{none.isna().sum()} of {len(table)} groups of {factor.name} have no open circle: "
                     f"their rows cannot determine it")  # fmt: skip
    return lines


def _headline(table: pd.DataFrame, what: str) -> str:
    moved = table.dropna(subset=["complete", "none"])
    if moved.empty:
        return f"{len(table)} {what}s: no pooling and partial pooling"
    closer = (moved["partial"] - moved["complete"]).abs() < (moved["none"] - moved["complete"]).abs()
    return f"Partial pooling moves {closer.sum()} of {len(moved)} {what}s towards the black line"


def _key(table: pd.DataFrame, view: View, interval: float | None) -> list[dict[str, Any]]:
    styles = [circle("none", 6), circle("partial", 6)]
    if interval is not None:
        styles.append(interval_style(9) | {"label": f"{100 * interval:g} % interval"})
    if table["complete"].notna().any():
        styles.append(complete_line(_LINE))
    if view.off.any():
        styles.append(_triangle(-1 if (view.off < 0).any() else 1, 6))
    return styles


def _in_words(model: Model, table: pd.DataFrame, view: View, factor: Term, label: str) -> str:
    what, complete = coefficient_label(model, label), table["complete"]
    sentences = [f"Dot plot of the {what}, a row for each of {len(table)} groups of {factor.name}"]
    for pooling, name in (("none", "No"), ("partial", "Partial")):
        if table[pooling].notna().any():
            sentences.append(f"{name} pooling goes from {extremes(table[pooling], factor.name)}")
    if complete.notna().any():
        black = f"is {complete.iloc[0]:.3g}" if _same(complete) else f"goes from {extremes(complete, factor.name)}"
        sentences.append(f"Complete pooling {black}")
    off = table.index[view.off != 0]
    if len(off):
        sentences.append(f"Off the scale: {factor.name} {', '.join(off[:5])}{', ...' if len(off) > 5 else ''}")
    return ". ".join(sentences) + "."
