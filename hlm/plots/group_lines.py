"""The lines behind `plot_lines`: where each group's line starts and stops, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from hlm.compare.compare_slopes import model_of, own_least_squares
from hlm.fits.group_coefficients import coefficients
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.formula import ALL_OTHERS, Term
from hlm.formula.function_calls import source_columns
from hlm.model.model import Model

type Drawn = Literal["least_squares", "none", "partial", "complete"]

_CURVE = 60  # points of a curve
_MOST_NUMBERS = 200_000  # points of all curves together


@dataclass(frozen=True, slots=True)
class GroupLines:
    """Each group's line over its own range of a predictor."""

    levels: list[str]
    n: np.ndarray  # shape (K,); rows of each group
    # x, y: shape (K, points); two points of a straight line, more of a curve; ``y`` in units of the linear predictor,
    # NaN where the group's own rows cannot determine it
    x: np.ndarray
    y: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Which groups have a line, shape (K,)."""
        return np.asarray(np.isfinite(self.y).all(axis=1))

    @property
    def straight(self) -> bool:
        return len(self.x.T) == 2


def group_lines(fits: Fits, drawn: Drawn, factor: Term, x: str, *, whole: bool = False) -> GroupLines:
    """Each group's line, the other predictors at their mean or first level.

    drawn: whose lines; posterior means, except for least squares.
    x: one of `drawable`: a predictor, or the column of the data that computed predictors are made of.
    whole: over the whole range of the data, not the group's own.
    """
    model = model_of(fits)
    ranges = model.data.columns.groupby(factor.name, observed=False)[x].agg(["size", "min", "max"])
    ends = ranges[["min", "max"]].to_numpy(dtype=np.float64)
    if whole:
        ends = np.tile([ends[:, 0].min(), ends[:, 1].max()], (len(ends), 1))
    points = _points_of(model, x, most=_MOST_NUMBERS // len(ends))
    grid = np.linspace(ends[:, 0], ends[:, 1], points, axis=1)
    design = _at(model, x, grid.ravel()).reshape(*grid.shape, -1)
    y = _through(_estimates(fits, drawn, factor)[:, None, :], design)
    return GroupLines(model.data.levels(factor), ranges["size"].to_numpy(), grid, y)


def pooled_line(fits: Fits, factor: Term, x: str) -> pd.Series | None:
    """Complete pooling's line over the whole range of a predictor; None without that strategy.

    result: the line at the numbers in the index: the smallest and the largest ``x``, and more between them for a curve.
        Where a predictor that is constant within groups makes it differ between groups, the average over the rows.
    """
    if "complete" not in fits_by_label(fits):
        return None
    model = model_of(fits)
    rows = np.bincount(model.data.codes(factor), minlength=len(model.data.levels(factor)))
    average = np.average(_estimates(fits, "complete", factor), axis=0, weights=rows)
    ends = model.data.columns[x].min(), model.data.columns[x].max()
    grid = np.linspace(*ends, _points_of(model, x, most=_MOST_NUMBERS), dtype=np.float64)
    return pd.Series(_through(average, _at(model, x, grid)), index=grid)


def within_predictors(model: Model) -> list[str]:
    """The predictors that vary within groups, so that no pooling has a coefficient for them."""
    return list(dict.fromkeys(v for term in model.design.group_coefficients.terms for v in term.variables))


def drawable(model: Model, factor: Term) -> list[str]:
    """What can be on the horizontal axis: the columns behind the predictors within groups, then computed ones.

    Those whose effect varies by the factor come first.
    """
    inside = within_predictors(model)
    varying = [v for effect in model.written.effects_of(factor) for v in effect.variables]
    ordered = sorted(inside, key=lambda name: name not in varying)
    behind = [column for name in ordered for column in sources_of(name, model)]
    single = [name for name in ordered if not any(name in many for many in model.data.expansions.values())]
    return list(dict.fromkeys([*behind, *single]))


def sources_of(name: str, model: Model) -> tuple[str, ...]:
    """The columns of the data behind a predictor: ``x`` of ``poly(x, 2)1``, and of ``x`` itself."""
    call = next((v for v, names in model.data.expansions.items() if name in names and v != ALL_OTHERS), name)
    return source_columns(call, model.written.functions)


def held(model: Model, x: str) -> str:
    """Where the lines hold the other predictors, for an axis label; empty where there are none."""
    inside = within_predictors(model)
    free = [name for name in inside if name != x and x not in sources_of(name, model)]
    values = [_reference(model.data.columns[name], 1).iloc[0] for name in free]
    written = [value if isinstance(value, str) else f"{value:.3g} (its mean)" for value in values]
    at = ", ".join(f"{name} = {value}" for name, value in zip(free, written, strict=True))
    outside = ", ".join(name for name in model.written.predictors if name not in inside)
    notes = [at and f"lines at {at}", outside and f"black line averaged over {outside}"]
    return "; ".join(filter(None, notes))


def _estimates(fits: Fits, drawn: Drawn, factor: Term) -> np.ndarray:
    """Coefficients of each group in the target's columns, shape (K, terms); NaN where its rows cannot tell."""
    if drawn == "least_squares":
        return np.column_stack(list(own_least_squares(model_of(fits), factor)[0].values()))
    draws = coefficients({drawn: fits_by_label(fits)[drawn]}, factor.name).sel(pooling=drawn)
    means = draws.mean(("chain", "draw")).transpose(factor.name, "term").to_numpy()
    if drawn == "none":
        known = np.column_stack(list(own_least_squares(model_of(fits), factor)[1].values()))
        return np.where(known, means, np.nan)
    return np.asarray(means)


def _points_of(model: Model, x: str, *, most: int) -> int:
    """Two for straight lines, many for curves, fewer where there are thousands of those."""
    curved = any(x != name and x in sources_of(name, model) for name in within_predictors(model))
    return int(np.clip(most, 12, _CURVE)) if curved else 2


def _at(model: Model, x: str, values: np.ndarray) -> np.ndarray:
    """The target's columns at some values of ``x``, shape (values, terms)."""
    points = {name: _reference(model.data.columns[name], len(values)) for name in model.data.columns}
    points[x] = pd.Series(values, dtype=np.float64)
    frame = pd.DataFrame(points)
    numbers = set(frame.select_dtypes("number"))
    for variable, transform in model.data.transforms.items():
        if x in source_columns(variable, model.written.functions) and x != variable:
            computed = transform.on(frame)
            frame = frame.assign(**{name: column for name, column in computed.items() if name in numbers})
    return model.design.group_coefficients.on(frame).matrix


def _reference(column: pd.Series, rows: int) -> pd.Series:
    """The mean of numbers or the first level of labels, in every row."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Series(pd.Categorical.from_codes(np.zeros(rows, dtype=np.int64), dtype=column.dtype))
    return pd.Series([column.mean()] * rows, dtype=np.float64)


def _through(estimates: np.ndarray, design: np.ndarray) -> np.ndarray:
    """The lines at some points, (..., points); what a line does not use may be NaN."""
    used = (design != 0).any(axis=tuple(range(design.ndim - 1)))
    return np.asarray((design[..., used] * estimates[..., used]).sum(axis=-1))
