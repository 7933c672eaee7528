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
from hlm.plots.expected_curves import expected_curves, through
from hlm.plots.horizontal_axis import positions
from hlm.plots.observed_response import exposure, is_rate, sizes_of

type Scale = Literal["response", "link"]
type Drawn = Literal["least_squares", "none", "partial", "complete"]

_CURVE = 60  # points of a curve
_MOST_NUMBERS = 200_000  # points of all curves together


@dataclass(frozen=True, slots=True)
class GroupLines:
    """Each group's line over its own range of a predictor."""

    levels: list[str]
    n: np.ndarray  # shape (K,); rows of each group, or its trials
    unit: str  # "row" or "trial"
    # x, y: shape (K, points); two points of a straight line, more of a curve; ``y`` is NaN where the group's own rows
    # cannot determine it. Of a factor ``x`` is the number of the level, the last one of a group once or more.
    x: np.ndarray
    y: np.ndarray
    ticks: tuple[str, ...] = ()  # the levels of a factor on the horizontal axis

    @property
    def known(self) -> np.ndarray:
        """Which groups have a line, shape (K,)."""
        return np.asarray(np.isfinite(self.y).all(axis=1))

    def size(self, k: int) -> str:
        """How much the lines of a group rest on."""
        return f"n = {self.n[k]}" if self.unit == "row" else f"{self.n[k]} {self.unit}{'s' if self.n[k] > 1 else ''}"

    @property
    def straight(self) -> bool:
        return len(self.x.T) == 2 and not self.ticks


def group_lines(
    fits: Fits, drawn: Drawn, factor: Term, x: str, *, whole: bool = False, scale: Scale = "link"
) -> GroupLines:
    """Each group's line, the other predictors at their mean or first level.

    drawn: whose lines; posterior means, except for least squares.
    x: one of `drawable`: a predictor, or the column of the data that computed predictors are made of.
    whole: over the whole range of the data, not the group's own.
    scale: of the heights: the linear predictor without offsets, or the expected response.
    """
    model = model_of(fits)
    levels, codes, values, ticks = model.data.levels(factor), model.data.codes(factor), *positions(model.data, x)
    if ticks:
        own = [np.arange(len(ticks)) if whole else np.unique(values[codes == k]) for k in range(len(levels))]
        most = max(map(len, own))
        grid = np.array([np.pad(there, (0, most - len(there)), mode="edge") for there in own], dtype=np.float64)
    else:
        ends = pd.Series(values).groupby(codes).agg(["min", "max"]).to_numpy(dtype=np.float64)
        if whole:
            ends = np.tile([ends[:, 0].min(), ends[:, 1].max()], (len(ends), 1))
        points = _points_of(model, x, scale, most=_MOST_NUMBERS // len(ends))
        grid = np.linspace(ends[:, 0], ends[:, 1], points, axis=1)
    y = _heights(fits, drawn, factor, _at(model, x, grid.ravel()).reshape(*grid.shape, -1), scale)
    return GroupLines(levels, *sizes_of(model.written, model.data, factor), grid, y, ticks)


def pooled_line(fits: Fits, factor: Term, x: str, *, scale: Scale = "link") -> pd.Series | None:
    """Complete pooling's line over the whole range of a predictor; None without that strategy.

    result: the line at the numbers in the index: the smallest and the largest ``x``, and more between them for a curve.
        Where a predictor that is constant within groups makes it differ between groups, the average over the rows.
    """
    if "complete" not in fits_by_label(fits):
        return None
    model = model_of(fits)
    values, ticks = positions(model.data, x)
    points = len(ticks) or _points_of(model, x, scale, most=_MOST_NUMBERS)
    grid = np.linspace(values.min(), values.max(), points, dtype=np.float64)
    if ticks:
        grid = np.arange(points, dtype=np.float64)
    rows, design = np.bincount(model.data.codes(factor)), _at(model, x, grid)
    estimates = _estimates(fits, "complete", factor)
    if scale == "link" or model.family.is_gaussian:
        return pd.Series(through(np.average(estimates, axis=0, weights=rows), design), index=grid)
    kinds, first, of = np.unique(estimates.round(9), axis=0, return_index=True, return_inverse=True)
    designs = np.broadcast_to(design, (len(kinds), *design.shape))
    heights = _heights(fits, "complete", factor, designs, scale, groups=first)
    return pd.Series(np.average(heights, axis=0, weights=np.bincount(of.ravel(), rows)), index=grid)


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


def held(model: Model, x: str, scale: Scale = "link") -> str:
    """Where the lines hold the other predictors and the offset, for an axis label; empty where there are none."""
    inside = within_predictors(model)
    free = [name for name in inside if name != x and x not in sources_of(name, model)]
    values = [_reference(model.data.columns[name], 1).iloc[0] for name in free]
    written = [value if isinstance(value, str) else f"{value:.3g} (its mean)" for value in values]
    at = ", ".join(f"{name} = {value}" for name, value in zip(free, written, strict=True))
    outside = ", ".join(name for name in model.written.predictors if name not in inside)
    notes = [at and f"lines at {at}", outside and f"black line averaged over {outside}", _of_offset(model, scale)]
    return "; ".join(filter(None, notes))


def _of_offset(model: Model, scale: Scale) -> str:
    if model.data.offset is None:
        return ""
    if scale == "response" and is_rate(model.written, model.family):
        return f"rates: curves at {exposure(model.written)} = 1, responses divided by it"
    at = _offset_at(model, scale)
    return f"lines at an offset of {at:.3g} (its mean)" if at else "without the offset"


def _offset_at(model: Model, scale: Scale) -> float:
    """0 where the response is shown without it: as a rate, or less the offset."""
    shown_without = scale == "link" or is_rate(model.written, model.family) or model.family.link == "identity"
    return 0.0 if model.data.offset is None or shown_without else float(model.data.offset.mean())


def _heights(
    fits: Fits, drawn: Drawn, factor: Term, design: np.ndarray, scale: Scale, groups: np.ndarray | None = None
) -> np.ndarray:
    """The heights of lines, shape (lines, points).

    design: shape (lines, points, terms).
    groups: which one's line each is; by default there is one for each group.
    """
    model = model_of(fits)
    if scale == "link" or model.family.is_gaussian:
        return through(_estimates(fits, drawn, factor)[:, None, :], design)
    known = np.ones((len(model.data.levels(factor)), design.shape[2]), dtype=bool)
    if drawn == "none":
        known = np.column_stack(list(own_least_squares(model, factor)[1].values()))
    wanted = np.arange(len(known)) if groups is None else groups
    return expected_curves(fits_by_label(fits)[drawn], factor, wanted, design, known, _offset_at(model, scale))


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


def _points_of(model: Model, x: str, scale: Scale, *, most: int) -> int:
    """Two for straight lines, many for curves, fewer where there are thousands of those."""
    bent = scale == "response" and (model.family.link != "identity" or model.family.expected is not None)
    curved = bent or any(x != name and x in sources_of(name, model) for name in within_predictors(model))
    return int(np.clip(most, 12, _CURVE)) if curved else 2


def _at(model: Model, x: str, values: np.ndarray) -> np.ndarray:
    """The target's columns at some values of ``x``, shape (values, terms)."""
    points = {name: _reference(model.data.columns[name], len(values)) for name in model.data.columns}
    levels = model.data.columns[x].dtype
    is_factor = isinstance(levels, pd.CategoricalDtype)
    points[x] = pd.Series(values, dtype=np.float64)
    if isinstance(levels, pd.CategoricalDtype):
        points[x] = pd.Series(pd.Categorical.from_codes(values.astype(np.int64), dtype=levels))
    frame = pd.DataFrame(points)
    numbers = set(frame.select_dtypes("number"))
    for variable, transform in model.data.transforms.items():
        if x in source_columns(variable, model.written.functions) and x != variable:
            computed = transform.on(frame)
            frame = frame.assign(**{n: column for n, column in computed.items() if is_factor or n in numbers})
    return model.design.group_coefficients.on(frame).matrix


def _reference(column: pd.Series, rows: int) -> pd.Series:
    """The mean of numbers or the first level of labels, in every row."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Series(pd.Categorical.from_codes(np.zeros(rows, dtype=np.int64), dtype=column.dtype))
    return pd.Series([column.mean()] * rows, dtype=np.float64)
