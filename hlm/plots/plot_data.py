"""`plot_data`: the rows as points, coloured by group, before any model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from hlm.data.clean_data import clean
from hlm.formula.formula import Formula, Term
from hlm.formula.function_calls import source_columns
from hlm.formula.parser import parse
from hlm.model.families import get_family
from hlm.model.model import find_group
from hlm.plots.binned_response import binned, bins_label, bins_note, bins_style, draw_bins, has_bins
from hlm.plots.glyphs import axes_or_new, describe, extremes, group_colors, group_key, headline
from hlm.plots.horizontal_axis import drawn_against, level_ticks, positions
from hlm.plots.observed_response import Observed, moved_apart, observed, weighted_means
from hlm.support.options import check_whole

_FEW_VALUES = 4  # of the horizontal variable: with more, the points form a cloud by themselves
_STRIP = 0.6  # its width, as a share of the distance to the next value
_LARGEST = 3.0  # times the area of an ordinary point: that of the row with most trials
_INSTEAD = (
    "Name a column of the data, x='...'; without a predictor, plot_slopes(fits) shows the groups of fitted models."
)


def plot_data(
    formula: str | Formula,
    data: Any,
    *,
    x: str | None = None,
    group: str | None = None,
    family: str = "gaussian",
    max_legend: int = 9,
    ax: Axes | None = None,
) -> Axes:
    """The response against one predictor, a point a row, coloured by group.

    Successes out of trials are shown as proportions, counts beside an offset as rates. Of 0 and 1, proportions and
    counts there are squares too: the rows with a similar predictor together, with an interval of 89 %.

    Parameters
    ----------
    formula : str
        Says which column is the response, which the predictor and which the group.
    data : data frame
        pandas, polars, pyarrow, or anything narwhals reads; rows with missing values are left out, and the note
        below the title says how many.
    x : str, optional
        A column for the horizontal axis, in the formula or not; by default the first numeric predictor whose effect
        varies by the group, else the first numeric predictor, else the first factor, whose levels stand side by side.
    group : str, optional
        The grouping factor; needed where there are several.
    family : str
        Decides what a response may be, and how it is shown.
    max_legend : int
        Up to so many groups are named beside the axes. With more than nine, the colours follow the order of the
        groups' mean responses, from dark (low) to bright (high), and say nothing else.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure. The names of the groups stand to the right of it.

    Returns
    -------
    matplotlib.axes.Axes
        With a description in words, ``alt_text``. Points of 0 and 1 and of small counts are moved up or down by their
        row's number, so that they do not hide each other; the area of a point is its trials or its exposure; with an
        offset beside an identity link the response is shown less the offset. The note says which.

    Notes
    -----
    Squares are all successes over all trials, or all counts over the whole exposure, of the rows in one of up to ten
    parts of the predictor's range. Their intervals are Wilson's (1927) for 0 and 1 and binomial responses, the exact
    one (Garwood 1936) for a Poisson count, and the mean plus and minus 1.6 standard errors in families that are more
    spread out. They take all rows as independent, which rows of one group are not: read them as too short.

    Raises
    ------
    FormulaError
        For a formula that cannot be read.
    DataError
        For data that do not fit the formula, or no predictor to draw against.
    FitError
        For an unknown factor, or several factors and no name.

    Examples
    --------
    >>> from hlm import load_data, plot_data
    >>> ax = plot_data("post ~ pre + (pre|school)", load_data("exam"))
    >>> ax.get_title(loc="left")
    'post against pre: 4059 rows in 65 groups of school'
    """
    check_whole("max_legend", max_legend, least=0)
    kind = get_family(family)
    read = parse(formula)
    factor = find_group(read, group)
    own = isinstance(x, str) and x not in read.group_variables
    wanted = replace(read, common=(*read.common, Term((str(x),)))) if own else read
    table = clean(wanted, data, family=kind)
    horizontal = drawn_against(read, _varying_first(wanted, factor), table, x, _INSTEAD)
    shown, levels, codes = observed(read, table, kind), table.levels(factor), table.codes(factor)
    means, response, y = weighted_means(shown, table, factor), shown.label, shown.values
    colors = group_colors(means, distinct=max_legend)
    ax = axes_or_new(ax, 7, 5)
    values, ticks = positions(table, horizontal)
    places = values if len(np.unique(values)) > _FEW_VALUES and not ticks else _side_by_side(values, codes, means)
    (heights, moved), (areas, sized) = moved_apart(shown, kind), areas_of(shown)
    draw_points(ax, places, heights, colors[codes], area=areas)
    ax.set(xlabel=horizontal, ylabel=response)
    if places is not values:
        ax.set(xlabel=f"{horizontal} (points with the same {horizontal} side by side)", xticks=np.unique(values))
    level_ticks(ax, ticks)
    key = []
    if has_bins(kind):
        bins = binned(values, shown, kind)
        draw_bins(ax, bins)
        key.append(bins_style(bins_label(shown, kind, bins, horizontal, values)))
    named = len(levels) <= max_legend
    by_mean = f"colours: {factor.name} by mean {response}, dark = lowest, bright = highest"
    squares = bins_note(kind) if key else ""
    note = "\n".join(filter(None, [table.message, sized, moved, squares, "" if named else by_mean]))
    groups = f"{table.rows} rows in {len(levels)} groups of {factor.name}"
    headline(ax, f"{response} against {horizontal}: {groups}", note=note, key=key)
    if named:
        group_key(ax, factor.name, levels, colors, circles=True)
    describe(
        ax,
        f"Scatter plot of {response} ({y.min():.3g} to {y.max():.3g}) against {horizontal} ({values.min():.3g} to "
        f"{values.max():.3g}): {groups}, coloured by group. Mean {response} by group goes from "
        f"{extremes(pd.Series(means, index=levels), factor.name)}.",
    )
    return ax


def _varying_first(formula: Formula, factor: Term) -> list[str]:
    """The predictors, those whose effect varies by the factor before the others, then what they are computed from."""
    varying = [v for effect in formula.effects_of(factor) for v in effect.variables]
    predictors = dict.fromkeys([*varying, *formula.predictors])
    return list(dict.fromkeys([*predictors, *(c for v in predictors for c in source_columns(v, formula.functions))]))


def _side_by_side(x: np.ndarray, codes: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The places of the points where ``x`` has few values: a strip of groups around each of them."""
    ranks = np.argsort(np.argsort(means, kind="stable"), kind="stable")
    return np.asarray(x + _STRIP * np.diff(np.unique(x)).min() * (ranks[codes] / (len(means) - 1) - 0.5))


def areas_of(response: Observed) -> tuple[np.ndarray | None, str]:
    """Square points for each row, proportional to its trials or exposure, and a sentence; nothing where all are 1."""
    low, high = response.size.min(), response.size.max()
    if response.per is None or low == high:
        return None, ""
    return np.maximum(_LARGEST * _area(len(response.size)) * response.size / high, 1.0), (
        f"size of a point: {response.per}, {low:.4g} to {high:.4g}"
    )


def _area(rows: int) -> float:
    """Square points of a point, smaller where there are many."""
    return float(np.clip(24_000 / rows, 3, 28))


def draw_points(
    ax: Axes, x: np.ndarray, y: np.ndarray, colors: np.ndarray, *, area: float | np.ndarray | None = None,
    layer: float = 1,
) -> None:  # fmt: skip
    """A point a row in the order of the rows, so that no group hides another; smaller where there are many."""
    area = _area(len(x)) if area is None else area
    dense = len(x) > 20_000  # as pixels: a million vector points would choke a browser
    ax.scatter(x, y, s=area, c=colors, alpha=0.75, linewidths=0, rasterized=dense, zorder=layer)
