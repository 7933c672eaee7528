"""`plot_lines`: a line for each group and the black line for everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.patheffects import AbstractPathEffect, withStroke

from hlm.compare.compare_slopes import model_of
from hlm.errors import FitError, nearest
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.formula import Term
from hlm.model.model import Model
from hlm.plots.glyphs import (
    GROUP_COLORS,
    QUIET,
    axes_or_new,
    complete_line,
    describe,
    extremes,
    group_colors,
    group_key,
    headline,
)
from hlm.plots.group_lines import Drawn, GroupLines, drawable, group_lines, held, pooled_line
from hlm.plots.line_panels import draw_panels
from hlm.plots.plot_data import draw_points, group_means, numeric_predictor, response_label, response_values
from hlm.support.options import check_flag, check_list, offending

_HEADLINES: Mapping[Drawn, str] = {
    "least_squares": "Every {group} for itself: {lines} least-squares lines",
    "none": "No pooling: {lines} lines, every {group} for itself",
    "partial": "Partial pooling: {lines} lines, every {group} learns from the others",
    "complete": "Complete pooling: one line for every {group}",
}
_POOLED_WIDTH = 3.5  # points
_CHOSEN_AREA = 14.0  # square points
_PALE = "#DEDEDE"


def plot_lines(
    fits: Fits,
    *,
    pooling: Drawn | None = None,
    group: str | None = None,
    x: str | None = None,
    levels: Sequence[Any] | None = None,
    panels: bool = False,
    show_data: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """One line a group, each over that group's own range of the predictor, and complete pooling's black line.

    Parameters
    ----------
    fits : PoolingFits or Fit
        Without the strategy ``"complete"`` there is no black line.
    pooling : {"least_squares", "none", "partial", "complete"}, optional
        Which lines: each group's own least squares, or the posterior means of a strategy (of complete pooling there is
        only the black line). By default least squares, and ``"none"`` for a family that has no least squares.
    group : str, optional
        The grouping factor; needed where there are several.
    x : str, optional
        The numeric predictor on the horizontal axis; by default the first one whose effect varies by the group. For
        ``log(x)``, ``I(x^2)`` or ``poly(x, 2)`` it is ``x``, and the lines are curves.
    levels : sequence, optional
        Groups to bring out in colour; the others turn grey.
    panels : bool
        A panel for each of ``levels`` (12 at most) with the three lines of that group: no pooling dashed, partial and
        complete pooling. They are ``ax.child_axes``, from the smallest group to the largest; ``pooling`` is not used.
    show_data : bool
        Draw the rows as points too (gaussian family only).
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure. The names of groups stand to the right of it.

    Returns
    -------
    matplotlib.axes.Axes
        With a description in words, ``alt_text``. Other predictors are held at their mean or first level, which the
        axis label says: where they matter, a line need not go through the middle of its group's points. A group
        whose own rows cannot determine a line has none, except in partial pooling. For families other than the
        gaussian the lines are on the scale of the linear predictor, and there are no points.

    Raises
    ------
    FitError
        For an unknown pooling, factor or level, or a strategy that was not fitted.
    DataError
        Where no numeric predictor varies within groups, or not the one asked for.

    Examples
    --------
    >>> from hlm import fit_pooling, load_data, plot_lines
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1, progress=False)
    >>> ax = plot_lines(fits, levels=["308", "335"])
    >>> ax.get_title(loc="left")
    'Every Subject for itself: 18 least-squares lines'
    """
    model = model_of(fits)
    factor = model.group(group)
    check_flag("panels", panels)
    check_flag("show_data", show_data)
    drawn = _check_pooling(fits, pooling)
    chosen = _check_levels(levels, model.data.levels(factor), factor)
    horizontal = numeric_predictor(model.written, drawable(model, factor), model.data, x)
    show_data = show_data and model.family.is_gaussian
    vertical = _vertical(model)
    if panels:
        return draw_panels(fits, factor, horizontal, chosen, vertical=vertical, show_data=show_data, ax=ax)
    lines = group_lines(fits, drawn, factor, horizontal)
    pooled = pooled_line(fits, factor, horizontal)
    colors = _colors(model, factor, chosen)
    named = chosen
    if named is None:
        named = np.full(len(lines.n), drawn != "complete" and len(lines.n) <= len(GROUP_COLORS))
    ax = axes_or_new(ax, 7, 5)
    if show_data:
        _draw_rows(ax, model, factor, horizontal, colors, named)
    key: list[dict[str, Any]] = []
    if drawn != "complete":
        _draw_lines(ax, lines, colors, named)
        whose = "least squares" if drawn == "least_squares" else f"{drawn.replace('none', 'no')} pooling"
        key.append({"color": QUIET, "linewidth": 1.3, "label": f"one {factor.name}, {whose}"})
    if pooled is not None:
        key.append(complete_line(_POOLED_WIDTH))
        ax.plot(pooled.index, pooled, **key[-1], zorder=4, path_effects=_halo(_POOLED_WIDTH))
    missing = f"{sum(~lines.known)} of {len(lines.n)} groups of {factor.name} without a line"
    gap = "" if lines.known.all() else f"{missing}: their rows cannot determine it"
    ax.set(xlabel="\n".join(filter(None, [horizontal, held(model, horizontal), gap])), ylabel=vertical)
    title = _HEADLINES[drawn].format(group=factor.name, lines=lines.known.sum())
    if not lines.straight:
        title = title.replace(" lines", " curves").replace("one line", "one curve")
    headline(ax, title, key=key)
    if named.any():
        group_key(ax, factor.name, _names(lines, named), colors[named])
    words = [title, f"{vertical} against {horizontal}", *_slopes_in_words(factor, drawn, lines, pooled)]
    describe(ax, ". ".join(words) + ".", problems=failed_diagnostics(fits, (drawn, "complete")).values())
    return ax


def _check_pooling(fits: Fits, pooling: Drawn | None) -> Drawn:
    """The lines to draw, which the fits must have."""
    by_label, family = fits_by_label(fits), model_of(fits).family
    if pooling is None:
        return "least_squares" if family.is_gaussian else "none" if "none" in by_label else "partial"
    allowed: tuple[str, ...] = get_args(Drawn.__value__)
    if not isinstance(pooling, str) or pooling not in allowed:
        raise FitError(f"There are no group lines for pooling={offending(pooling)}. {nearest(pooling, allowed)}")
    if pooling == "least_squares" and not family.is_gaussian:
        raise FitError(f"The {family.name} family has no least-squares lines: draw pooling='none' instead.")
    if pooling != "least_squares" and pooling not in by_label:
        raise FitError(
            f"The strategy {pooling!r} was not fitted: fit_pooling(...) fits all three. {nearest(pooling, by_label)}"
        )
    return pooling


def _check_levels(levels: Sequence[Any] | None, known: list[str], factor: Term) -> np.ndarray | None:
    """Which groups to bring out, shape (K,); None where no group is named."""
    if levels is None:
        return None
    several = [levels] if isinstance(levels, str) else check_list("levels", levels, repr(known[:2]))
    wanted = [str(level) for level in several]
    for level in wanted:
        if level not in known:
            raise FitError(f"There is no {factor.name} {level!r}. {nearest(level, known)}")
    return np.isin(known, wanted)


def _colors(model: Model, factor: Term, chosen: np.ndarray | None) -> np.ndarray:
    """A colour for each group, shape (K, 4): as in `plot_data`, or grey beside the chosen ones.

    Of a response of labels, the order is that of their codes.
    """
    response = model.data.columns[model.written.response.variable]
    labels = isinstance(response.dtype, pd.CategoricalDtype)
    y = response.cat.codes.to_numpy(np.float64) if labels else response_values(model.written, model.data)
    means = group_means(y, model.data, factor)
    if chosen is None:
        return group_colors(means)
    colors = np.tile(to_rgba(QUIET), (len(means), 1))
    colors[chosen] = group_colors(means[chosen])
    return colors


def _draw_rows(ax: Axes, model: Model, factor: Term, x: str, colors: np.ndarray, named: np.ndarray) -> None:
    """The rows: pale behind the lines, in colour above them for named groups, the smallest group on top."""
    codes, y = model.data.codes(factor), response_values(model.written, model.data)
    values = model.data.columns[x].to_numpy(dtype=np.float64)
    if not named.all():
        rest = ~named[codes]
        draw_points(ax, values[rest], y[rest], np.tile(to_rgba(_PALE), (rest.sum(), 1)))
    if named.any():
        largest_first = np.argsort(-np.bincount(codes)[codes], kind="stable")
        rows = largest_first[named[codes[largest_first]]]
        area = None if named.all() else _CHOSEN_AREA
        draw_points(ax, values[rows], y[rows], colors[codes[rows]], area=area, layer=2.5)


def _draw_lines(ax: Axes, lines: GroupLines, colors: np.ndarray, named: np.ndarray) -> None:
    """The groups' lines, thin where there are many; named groups thick, and above the black line if chosen."""
    strokes_of = np.stack([lines.x, lines.y], axis=2)
    thin = float(np.clip(65 / len(lines.n), 0.3, 1.3))
    for which, width, alpha, layer in ((~named, thin, 0.9, 2), (named, 2.2, 1.0, 3 if named.all() else 5)):
        shown = which & lines.known
        strokes = LineCollection(
            list(strokes_of[shown]), colors=colors[shown], linewidths=width, alpha=alpha, capstyle="round", zorder=layer
        )
        if layer > 4:  # chosen ones cross the black line
            strokes.set_path_effects(_halo(width))
        ax.add_collection(strokes)
    ax.autoscale_view()


def _halo(width: float) -> list[AbstractPathEffect]:
    """A white rim, so that a line can be followed across others."""
    return [withStroke(linewidth=width + 2, foreground="white")]


def _vertical(model: Model) -> str:
    """The response, or what stands for it on the scale of the linear predictor."""
    response, family = response_label(model.written), model.family
    return response if family.is_gaussian else f"linear predictor of {response}: {family.link}({family.parent})"


def _names(lines: GroupLines, named: np.ndarray) -> list[str]:
    """Groups in the key, with their size and with what happened to their line."""
    gaps = np.where(lines.known, "", ", no line")
    return [f"{lines.levels[k]} (n = {lines.n[k]}{gaps[k]})" for k in np.flatnonzero(named)]


def _slopes_in_words(factor: Term, drawn: Drawn, lines: GroupLines, pooled: pd.Series | None) -> list[str]:
    sentences, slope = [], "slope" if lines.straight else "average slope"
    width = lines.x[:, -1] - lines.x[:, 0]
    there = lines.known & (width > 0)
    if there.any() and drawn != "complete":
        rise = (lines.y[there, -1] - lines.y[there, 0]) / width[there]
        by_group = pd.Series(rise, np.array(lines.levels)[there])
        sentences.append(f"The {slope}s go from {extremes(by_group, factor.name)}")
    if pooled is not None:
        black = (pooled.iloc[-1] - pooled.iloc[0]) / (pooled.index[-1] - pooled.index[0])
        sentences.append(f"The black line of complete pooling has {slope} {black:.3g}")
    return sentences
