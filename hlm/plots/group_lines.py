"""The lines behind `plot_lines`: where each group's line starts and stops, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from hlm.compare.slopes import own_least_squares, written_and_data
from hlm.design import columns
from hlm.formula.formula import Formula, Term
from hlm.frame import CleanData
from hlm.posterior import coefficients, target_columns

type Drawn = Literal["least_squares", "none", "partial"]


def group_lines(fits: Any, drawn: Drawn, factor: Term, x: str) -> pd.DataFrame:
    """Each group's line over its own range of a predictor, the other predictors at their mean or first level.

    Parameters
    ----------
    fits : PoolingFits or Fit
    drawn : {"least_squares", "none", "partial"}
        Whose lines; posterior means, except for least squares.
    factor : Term
    x : str
        A predictor of `within_predictors`.

    Returns
    -------
    pandas.DataFrame
        One row per group: ``level, n, start, stop`` (the range of ``x``) and ``at_start, at_stop`` (the line there,
        in units of the linear predictor; NaN where the group's own rows cannot determine it).
    """
    formula, data = written_and_data(fits)
    ranges = data.columns.groupby(factor.name, observed=False)[x].agg(["size", "min", "max"])
    start, stop = ranges["min"].to_numpy(dtype=np.float64), ranges["max"].to_numpy(dtype=np.float64)
    intercepts, slopes = _through(_estimates(fits, drawn, factor), *_at_reference(formula, data, x))
    return pd.DataFrame(
        {
            "level": data.levels(factor),
            "n": ranges["size"].to_numpy(),
            "start": start,
            "stop": stop,
            "at_start": intercepts + slopes * start,
            "at_stop": intercepts + slopes * stop,
        }
    )


def pooled_line(fits: Any, factor: Term, x: str) -> pd.Series | None:
    """Complete pooling's line over the whole range of a predictor; None without that arm.

    Returns
    -------
    pandas.Series or None
        The line at the smallest and the largest ``x``, which are the index. Where a predictor that is constant
        within groups makes it differ between groups, the average over the rows.
    """
    if "complete" not in arms_of(fits):
        return None
    formula, data = written_and_data(fits)
    rows = np.bincount(data.codes(factor), minlength=len(data.levels(factor)))
    average = np.average(_estimates(fits, "complete", factor), axis=0, weights=rows)
    intercept, slope = _through(average[None], *_at_reference(formula, data, x))
    ends = np.array([data.columns[x].min(), data.columns[x].max()], dtype=np.float64)
    return pd.Series(intercept + slope * ends, index=ends)


def arms_of(fits: Any) -> Mapping[str, Any]:
    """The arms by their label, also of a single fit."""
    return fits if isinstance(fits, Mapping) else {fits.pooling: fits}


def within_predictors(formula: Formula, data: CleanData) -> list[str]:
    """The predictors that vary within groups, so that no pooling has a coefficient for them."""
    return list(dict.fromkeys(v for term in target_columns(formula, data).terms for v in term.variables))


def held(formula: Formula, data: CleanData, x: str) -> str:
    """Where the lines hold the other predictors, for an axis label; empty where there are none."""
    inside = within_predictors(formula, data)
    at = ", ".join(f"{name} = {_reference_label(data.columns[name])}" for name in inside if name != x)
    outside = ", ".join(name for name in formula.predictors if name not in inside)
    notes = [at and f"lines at {at}", outside and f"black line averaged over {outside}"]
    return "; ".join(filter(None, notes))


def _estimates(fits: Any, drawn: Drawn | Literal["complete"], factor: Term) -> np.ndarray:
    """Coefficients of each group in the target's columns, shape (K, terms); NaN where its rows cannot tell."""
    if drawn == "least_squares":
        return np.column_stack(list(own_least_squares(fits, factor)[0].values()))
    draws = coefficients({drawn: arms_of(fits)[drawn]}, factor.name).sel(pooling=drawn)
    means = draws.mean(("chain", "draw")).transpose(factor.name, "term").to_numpy()
    if drawn == "none":
        known = np.column_stack(list(own_least_squares(fits, factor)[1].values()))
        return np.where(known, means, np.nan)
    return np.asarray(means)


def _at_reference(formula: Formula, data: CleanData, x: str) -> tuple[np.ndarray, np.ndarray]:
    """The target's columns where ``x`` is 0, and how they change per unit of ``x``; both of shape (terms,)."""
    terms = tuple(dict.fromkeys(target_columns(formula, data).terms))
    points = {name: _reference(data.columns[name]) for name in data.columns} | {x: pd.Series([0.0, 1.0])}
    # Below the data, so that every factor still has all of its levels and is coded as it was.
    extended = pd.concat([data.columns, pd.DataFrame(points)], ignore_index=True)
    at_0, at_1 = columns(terms, CleanData(extended, len(extended))).matrix[-2:]
    return at_0, at_1 - at_0


def _reference(column: pd.Series) -> pd.Series:
    """The mean of numbers or the first level of labels, in two rows."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Series(pd.Categorical.from_codes([0, 0], dtype=column.dtype))
    return pd.Series([column.mean()] * 2, dtype=np.float64)


def _reference_label(column: pd.Series) -> str:
    value = _reference(column).iloc[0]
    return value if isinstance(value, str) else f"{value:.3g} (its mean)"


def _through(estimates: np.ndarray, at_0: np.ndarray, change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intercepts and slopes of the lines, each of shape (K,); what a line does not use may be NaN."""
    used = (at_0 != 0) | (change != 0)
    return estimates[:, used] @ at_0[used], estimates[:, used] @ change[used]
