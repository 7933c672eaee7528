"""`plot_data`: the rows as points, coloured by group, before any model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from hlm.data.clean_data import CleanData, clean
from hlm.errors import DataError, nearest
from hlm.formula.formula import Formula, Term
from hlm.formula.function_calls import source_columns
from hlm.formula.parser import parse
from hlm.model.families import get_family
from hlm.model.model import find_group
from hlm.plots.glyphs import axes_or_new, describe, extremes, group_colors, group_key, headline
from hlm.support.options import check_whole, offending

_FEW_VALUES = 4  # of the horizontal variable: with more, the points form a cloud by themselves
_STRIP = 0.6  # its width, as a share of the distance to the next value


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

    Parameters
    ----------
    formula : str
        Says which column is the response, which the predictor and which the group.
    data : data frame
        pandas, polars, pyarrow, or anything narwhals reads; rows with missing values are left out, and the note
        below the title says how many.
    x : str, optional
        A numeric column for the horizontal axis, in the formula or not; by default the first numeric predictor whose
        effect varies by the group, else the first numeric predictor.
    group : str, optional
        The grouping factor; needed where there are several.
    family : str
        Decides what a response may be.
    max_legend : int
        Up to so many groups are named beside the axes. With more than nine, the colours follow the order of the
        groups' mean responses, from dark (low) to bright (high), and say nothing else.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure. The names of the groups stand to the right of it.

    Returns
    -------
    matplotlib.axes.Axes
        With a description in words, ``alt_text``.

    Raises
    ------
    FormulaError
        For a formula that cannot be read.
    DataError
        For data that do not fit the formula, or no numeric predictor to draw against.
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
    horizontal = numeric_predictor(read, _varying_first(wanted, factor), table, x)
    y, levels, codes = response_values(read, table), table.levels(factor), table.codes(factor)
    means, response = group_means(y, table, factor), response_label(read)
    colors = group_colors(means, distinct=max_legend)
    ax = axes_or_new(ax, 7, 5)
    values = table.columns[horizontal].to_numpy(dtype=np.float64)
    places = _side_by_side(values, codes, means)
    draw_points(ax, places, y, colors[codes])
    ax.set(xlabel=horizontal, ylabel=response)
    if places is not values:
        ax.set(xlabel=f"{horizontal} (points with the same {horizontal} side by side)", xticks=np.unique(values))
    named = len(levels) <= max_legend
    by_mean = f"colours: {factor.name} by mean {response}, dark = lowest, bright = highest"
    note = "\n".join(filter(None, [table.message, "" if named else by_mean]))
    groups = f"{table.rows} rows in {len(levels)} groups of {factor.name}"
    headline(ax, f"{response} against {horizontal}: {groups}", note=note)
    if named:
        group_key(ax, factor.name, levels, colors, circles=True)
    describe(
        ax,
        f"Scatter plot of {response} ({y.min():.3g} to {y.max():.3g}) against {horizontal} ({values.min():.3g} to "
        f"{values.max():.3g}): {groups}, coloured by group. Mean {response} by group goes from "
        f"{extremes(pd.Series(means, index=levels), factor.name)}.",
    )
    return ax


def numeric_predictor(formula: Formula, candidates: Iterable[str], data: CleanData, x: str | None) -> str:
    """The column of the horizontal axis: the one asked for, or the first numeric one of the candidates.

    DataError: where the column asked for is no candidate or holds labels, or where there is none to choose.
    """
    labels = [v for v in data.columns if isinstance(data.columns[v].dtype, pd.CategoricalDtype)]
    numeric = [v for v in dict.fromkeys(candidates) if v in data.columns and v not in labels]
    if x is None and not numeric:
        raise DataError(f"The formula {formula} has no numeric predictor to draw {formula.response} against.")
    if x is not None and not isinstance(x, str):
        raise DataError(f"x is the name of a numeric column, not {offending(x)}.")
    if x is None or x in numeric:
        return numeric[0] if x is None else x
    why = "holds labels, not numbers" if x in labels else "is not a numeric predictor that can be drawn against"
    raise DataError(f"{x!r} {why}. {nearest(x, numeric)}")


def _varying_first(formula: Formula, factor: Term) -> list[str]:
    """The predictors, those whose effect varies by the factor before the others, then what they are computed from."""
    varying = [v for effect in formula.effects_of(factor) for v in effect.variables]
    predictors = dict.fromkeys([*varying, *formula.predictors])
    return list(dict.fromkeys([*predictors, *(c for v in predictors for c in source_columns(v, formula.functions))]))


def response_values(formula: Formula, data: CleanData) -> np.ndarray:
    """The response as numbers, shape (rows,); successes out of trials as their share."""
    column = data.columns[formula.response.variable]
    if isinstance(column.dtype, pd.CategoricalDtype):
        shown = ", ".join(column.cat.categories[:5])
        raise DataError(f"The response {formula.response.variable!r} holds labels ({shown}): no points to draw.")
    y = column.to_numpy(dtype=np.float64)
    trials = formula.response.trials
    return y if trials is None else y / data.columns[trials].to_numpy(dtype=np.float64)


def response_label(formula: Formula) -> str:
    """The response on an axis, ``k / n`` for successes out of trials."""
    return " / ".join(formula.response.variables)


def group_means(y: np.ndarray, data: CleanData, factor: Term) -> np.ndarray:
    """The mean response of each group, shape (K,)."""
    codes = data.codes(factor)
    return np.asarray(np.bincount(codes, y) / np.bincount(codes))


def _side_by_side(x: np.ndarray, codes: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The places of the points: ``x``, or, where that has few values only, a strip of groups around each of them."""
    values = np.unique(x)
    if len(values) > _FEW_VALUES:
        return x
    ranks = np.argsort(np.argsort(means, kind="stable"), kind="stable")
    return np.asarray(x + _STRIP * np.diff(values).min() * (ranks[codes] / (len(means) - 1) - 0.5))


def draw_points(
    ax: Axes, x: np.ndarray, y: np.ndarray, colors: np.ndarray, *, area: float | None = None, layer: float = 1
) -> None:
    """A point a row in the order of the rows, so that no group hides another; smaller where there are many."""
    if area is None:
        area = float(np.clip(24_000 / len(x), 3, 28))
    dense = len(x) > 20_000  # as pixels: a million vector points would choke a browser
    ax.scatter(x, y, s=area, c=colors, alpha=0.75, linewidths=0, rasterized=dense, zorder=layer)
