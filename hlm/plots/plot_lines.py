"""`plot_lines`: a line for each group and the black line for everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patheffects import AbstractPathEffect, withStroke

from hlm.compare.compare_slopes import model_of
from hlm.errors import FitError, nearest
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.formula import Term
from hlm.model.model import Model
from hlm.plots.glyphs import GROUP_COLORS, QUIET, axes_or_new, complete_line, describe, extremes, group_key, headline
from hlm.plots.group_lines import Drawn, GroupLines, Scale, drawable, group_lines, held, pooled_line
from hlm.plots.horizontal_axis import drawn_against, level_ticks
from hlm.plots.line_panels import draw_panels
from hlm.plots.line_rows import draw_rows, line_colors, prior_decides
from hlm.plots.observed_response import expected_label, observed, response_label
from hlm.support.options import check_choice, check_flag, check_list, offending

_HEADLINES: Mapping[Drawn, str] = {
    "least_squares": "Every {group} for itself: {lines} least-squares lines",
    "none": "No pooling: {lines} lines, every {group} for itself",
    "partial": "Partial pooling: {lines} lines, every {group} learns from the others",
    "complete": "Complete pooling: one line for every {group}",
}
_POOLED_WIDTH = 3.5  # points
_INSTEAD = "plot_slopes(fits) and plot_shrinkage(fits) show the groups without one."


def plot_lines(
    fits: Fits,
    *,
    pooling: Drawn | None = None,
    group: str | None = None,
    x: str | None = None,
    levels: Sequence[Any] | None = None,
    panels: bool = False,
    show_data: bool = True,
    scale: Scale = "response",
    ax: Axes | None = None,
) -> Axes:
    """One line a group, each over that group's own range of the predictor, and complete pooling's black line.

    In other families than the gaussian they are curves of the expected response: probabilities, rates or means.

    Parameters
    ----------
    fits : PoolingFits or Fit
        Without the strategy ``"complete"`` there is no black line.
    pooling : {"least_squares", "none", "partial", "complete"}, optional
        Which lines: each group's own least squares, or the posterior means of a strategy (of complete pooling there is
        only the black line). By default least squares, and ``"none"`` for a family that has no least squares, or the
        only strategy that was fitted.
    group : str, optional
        The grouping factor; needed where there are several.
    x : str, optional
        The predictor on the horizontal axis; by default the first numeric one, those whose effect varies by the group
        before others, else the first factor: then lines connect what is expected at its levels. For ``log(x)``,
        ``I(x^2)`` or ``poly(x, 2)`` it is ``x``, and the lines are curves.
    levels : sequence, optional
        Groups to bring out in colour; the others turn grey.
    panels : bool
        A panel for each of ``levels`` (12 at most) with the three lines of that group: no pooling dashed, partial and
        complete pooling. They are ``ax.child_axes``, from the smallest group to the largest; ``pooling`` is not used.
    show_data : bool
        Draw the rows as points too, as `plot_data` does; of 0 and 1, proportions and counts also squares: the
        proportion or mean of all rows with a similar predictor, with an interval of 89 %.
    scale : {"response", "link"}
        The expected response, as `predict` gives it, or the linear predictor (log-odds, logarithms), on which lines are
        straight and which has no points. The two are the same in the gaussian family.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure. The names of groups stand to the right of it.

    Returns
    -------
    matplotlib.axes.Axes
        With a description in words, ``alt_text``. Other predictors are held at their mean or first level, which the
        axis label says: where they matter, a line need not go through the middle of its group's points. A group
        whose own rows cannot determine a line has none, except in partial pooling. Labels, ordered or not, have no
        expectation: their lines are always on the scale of the linear predictor, without points.

    Notes
    -----
    A curve is the posterior mean of the expected response at each point (of many groups over evenly spaced draws), not
    the curve of the posterior mean coefficients. The black one is that of a typical row, and not the average of the
    groups' curves, which is flatter. With an offset beside a log link all curves and points are rates, the expected
    count for one unit of exposure; beside an identity link the response is shown less its offset; beside other links
    the curves are at the mean of the offset. Where a group has only failures or only successes, its curve in no pooling
    rests on the prior, which the note says.

    Raises
    ------
    FitError
        For an unknown pooling, factor, level or scale, or a strategy that was not fitted.
    DataError
        Where no predictor varies within groups, or not the one asked for.

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
    check_choice("scale", scale, get_args(Scale.__value__))
    scale = scale if model.family.has_linear_predictor else "link"
    horizontal = drawn_against(model.written, drawable(model, factor), model.data, x, _INSTEAD)
    show_data = show_data and (scale == "response" or model.family.is_gaussian)
    vertical = _vertical(model, scale)
    if panels:
        return draw_panels(fits, factor, horizontal, chosen, vertical=vertical, show_data=show_data, scale=scale, ax=ax)
    lines = group_lines(fits, drawn, factor, horizontal, scale=scale)
    pooled = pooled_line(fits, factor, horizontal, scale=scale)
    colors = line_colors(model, factor, chosen)
    named = chosen
    if named is None:
        named = np.full(len(lines.n), drawn != "complete" and len(lines.n) <= len(GROUP_COLORS))
    ax = axes_or_new(ax, 7, 5)
    notes, squares = draw_rows(ax, model, factor, horizontal, colors, named) if show_data else ([], [])
    if drawn == "none":
        notes = [*notes, prior_decides(model, factor, horizontal)]
    key: list[dict[str, Any]] = []
    if drawn != "complete":
        _draw_lines(ax, lines, colors, named)
        whose = "least squares" if drawn == "least_squares" else f"{drawn.replace('none', 'no')} pooling"
        key.append({"color": QUIET, "linewidth": 1.3, "label": f"one {factor.name}, {whose}"})
    if pooled is not None:
        key.append(complete_line(_POOLED_WIDTH))
        ax.plot(pooled.index, pooled, **key[-1], zorder=4, path_effects=_halo(_POOLED_WIDTH))
    level_ticks(ax, lines.ticks)
    missing = f"{sum(~lines.known)} of {len(lines.n)} groups of {factor.name} without a line"
    impossible = "" if model.family.keeps_limits else f", or the {model.family.link} link gives impossible ones"
    gap = "" if lines.known.all() else f"{missing}: their rows cannot determine it{impossible}"
    ax.set(xlabel="\n".join(filter(None, [horizontal, held(model, horizontal, scale), gap])), ylabel=vertical)
    title = _HEADLINES[drawn].format(group=factor.name, lines=lines.known.sum())
    if not (lines.straight or lines.ticks):
        title = title.replace(" lines", " curves").replace("one line", "one curve")
    headline(ax, title, note="\n".join(filter(None, notes)), key=[*key, *squares])
    if named.any():
        group_key(ax, factor.name, _names(lines, named), colors[named])
    words = [title, f"{vertical} against {horizontal}", *_slopes_in_words(factor, drawn, lines, pooled)]
    describe(ax, ". ".join(words) + ".", problems=failed_diagnostics(fits, (drawn, "complete")).values())
    return ax


def _check_pooling(fits: Fits, pooling: Drawn | None) -> Drawn:
    """The lines to draw, which the fits must have."""
    by_label, family = fits_by_label(fits), model_of(fits).family
    if pooling is None:
        order: tuple[Drawn, ...] = ("none", "partial", "complete")
        return "least_squares" if family.is_gaussian else next(one for one in order if one in by_label)
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


def _vertical(model: Model, scale: Scale) -> str:
    """The response, its expectation, or what stands for it on the scale of the linear predictor."""
    family = model.family
    if family.is_gaussian:
        return observed(model.written, model.data, family).label
    if scale == "response":
        return expected_label(model.written, model.data, family)
    return f"linear predictor of {response_label(model.written)}: {family.link}({family.parent})"


def _names(lines: GroupLines, named: np.ndarray) -> list[str]:
    """Groups in the key, with their size and with what happened to their line."""
    gaps = np.where(lines.known, "", ", no line")
    return [f"{lines.levels[k]} ({lines.size(int(k))}{gaps[k]})" for k in np.flatnonzero(named)]


def _slopes_in_words(factor: Term, drawn: Drawn, lines: GroupLines, pooled: pd.Series | None) -> list[str]:
    """How the lines differ: by their slopes, and curves and lines over levels by their average heights."""
    levels, there = np.array(lines.levels), lines.known & (lines.x[:, -1] > lines.x[:, 0])
    if lines.straight:
        what, of_groups = "slope", np.diff(lines.y[there])[:, 0] / np.diff(lines.x[there])[:, 0]
    else:
        what, there = "average height", lines.known
        of_groups = lines.y[there].mean(axis=1)
    sentences = []
    if there.any() and drawn != "complete":
        sentences.append(f"The {what}s go from {extremes(pd.Series(of_groups, levels[there]), factor.name)}")
    if pooled is not None and lines.straight:
        black = (pooled.iloc[-1] - pooled.iloc[0]) / (pooled.index[-1] - pooled.index[0])
        sentences.append(f"The black line of complete pooling has slope {black:.3g}")
    elif pooled is not None:
        sentences.append(f"The black line of complete pooling goes from {pooled.iloc[0]:.3g} to {pooled.iloc[-1]:.3g}")
    return sentences
