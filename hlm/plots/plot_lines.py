"""`plot_lines`: a line for each group and the black line for everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.patheffects import AbstractPathEffect, withStroke

from hlm.compare.compare_slopes import model_of
from hlm.data.clean_data import CleanData
from hlm.errors import FitError, nearest
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.formula import Formula, Term
from hlm.plots.glyphs import (
    GROUP_COLORS,
    QUIET,
    axes_or_new,
    bare,
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

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEADLINES: Mapping[Drawn, str] = {
    "least_squares": "Every {group} for itself: {lines} least-squares lines",
    "none": "No pooling: {lines} lines, every {group} for itself",
    "partial": "Partial pooling: {lines} lines, every {group} learns from the others",
    "complete": "Complete pooling: one line for every {group}",
}
_KEYS: Mapping[Drawn, str] = {
    "least_squares": "one {group}, least squares",
    "none": "one {group}, no pooling",
    "partial": "one {group}, partial pooling",
    "complete": "complete pooling",
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
        only the black line). By default least squares, and
        ``"none"`` for a family that has no least squares.
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
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"),
    ...                    draws=200, tune=200, chains=2, seed=1, progress=False)
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
    if panels:
        return draw_panels(fits, factor, horizontal, chosen, vertical=_vertical(fits), show_data=show_data, ax=ax)
    lines = group_lines(fits, drawn, factor, horizontal)
    pooled = pooled_line(fits, factor, horizontal)
    colors = _colors(model.written, factor, model.data, chosen)
    named = (
        np.full(len(lines.n), drawn != "complete" and len(lines.n) <= len(GROUP_COLORS)) if chosen is None else chosen
    )
    ax = axes_or_new(ax, 7, 5)
    if show_data and model_of(fits).family.is_gaussian:
        _draw_rows(ax, model.written, model.data, factor, horizontal, colors, named)
    if drawn != "complete":
        _draw_lines(ax, lines, colors, named)
    if pooled is not None:
        ax.plot(pooled.index, pooled, **complete_line(_POOLED_WIDTH), zorder=4, path_effects=_halo(_POOLED_WIDTH))
    _label(ax, fits, factor, drawn, horizontal, lines)
    if named.any():
        group_key(ax, factor.name, _names(lines, named), list(colors[named]), marker="")
    problems = failed_diagnostics(fits, (drawn, "complete")).values()
    describe(ax, _in_words(fits, factor, drawn, horizontal, lines, pooled), problems=problems)
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


def _colors(formula: Formula, factor: Term, data: CleanData, chosen: np.ndarray | None) -> np.ndarray:
    """A colour for each group, shape (K, 4): as in `plot_data`, or grey beside the chosen ones."""
    means = group_means(_response_codes(formula, data), data, factor)
    if chosen is None:
        return group_colors(means)
    colors = np.tile(to_rgba(QUIET), (len(means), 1))
    colors[chosen] = group_colors(means[chosen])
    return colors


def _draw_rows(
    ax: Axes, formula: Formula, data: CleanData, factor: Term, x: str, colors: np.ndarray, named: np.ndarray
) -> None:
    """The rows: pale behind the lines, in colour above them for named groups, the smallest group on top."""
    codes = data.codes(factor)
    values, y = data.columns[x].to_numpy(dtype=np.float64), response_values(formula, data)
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


def _label(ax: Axes, fits: Fits, factor: Term, drawn: Drawn, x: str, lines: GroupLines) -> None:
    """Headline, key and the names of the axes, with what must be known to read the lines."""
    model = model_of(fits)
    missing = int((~lines.known).sum())
    gap = f"{missing} of {len(lines.n)} groups of {factor.name} without a line: their rows cannot determine it"
    ax.set(xlabel="\n".join(filter(None, [x, held(model, x), gap if missing else ""])), ylabel=_vertical(fits))
    bare(ax)
    thin = Line2D([], [], color=QUIET, linewidth=1.3, label=_KEYS[drawn].format(group=factor.name))
    black = Line2D([], [], **complete_line(_POOLED_WIDTH))
    headline(
        ax,
        _title(drawn, factor, lines),
        key=[*([] if drawn == "complete" else [thin]), *([black] if "complete" in fits_by_label(fits) else [])],
    )


def _vertical(fits: Fits) -> str:
    """The response, or what stands for it on the scale of the linear predictor."""
    model = model_of(fits)
    if model_of(fits).family.is_gaussian:
        return response_label(model.written)
    family = model_of(fits).family
    return f"linear predictor of {response_label(model.written)}: {family.link}({family.parent})"


def _title(drawn: Drawn, factor: Term, lines: GroupLines) -> str:
    text = _HEADLINES[drawn].format(group=factor.name, lines=lines.known.sum())
    return text if lines.straight else text.replace(" lines", " curves").replace("one line", "one curve")


def _names(lines: GroupLines, named: np.ndarray) -> list[str]:
    """Groups in the key, with their size and with what happened to their line."""
    return [
        f"{lines.levels[k]} (n = {lines.n[k]}{'' if lines.known[k] else ', no line'})" for k in np.flatnonzero(named)
    ]


def _response_codes(formula: Formula, data: CleanData) -> np.ndarray:
    """The response as numbers; the codes of its labels where it has labels."""
    column = data.columns[formula.response.variable]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.asarray(column.cat.codes, dtype=np.float64)
    return response_values(formula, data)


def _in_words(fits: Fits, factor: Term, drawn: Drawn, x: str, lines: GroupLines, pooled: pd.Series | None) -> str:
    sentences = [_title(drawn, factor, lines), f"{_vertical(fits)} against {x}"]
    width = lines.x[:, -1] - lines.x[:, 0]
    there = lines.known & (width > 0)
    if there.any() and drawn != "complete":
        rise = (lines.y[there, -1] - lines.y[there, 0]) / width[there]
        what = "slopes" if lines.straight else "average slopes"
        sentences.append(f"The {what} go from {extremes(pd.Series(rise, np.array(lines.levels)[there]), factor.name)}")
    if pooled is not None:
        black = (pooled.iloc[-1] - pooled.iloc[0]) / (pooled.index[-1] - pooled.index[0])
        slope = "slope" if lines.straight else "average slope"
        sentences.append(f"The black line of complete pooling has {slope} {black:.3g}")
    return ". ".join(sentences) + "."
