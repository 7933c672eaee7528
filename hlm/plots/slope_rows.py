"""The rows behind `plot_slopes`: their order, and what part of the axis shows them well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hlm.compare.compare_slopes import compare_slopes
from hlm.fits.results import Fits
from hlm.formula.formula import Term

_FAR = 3.0  # interquartile ranges beyond the quartiles: Tukey's "far out" (1977, Exploratory Data Analysis, 2D)
_MARGIN = 0.04  # share of the axis, on either side
_ROOM_FOR_NUMBERS = 0.1  # share of the axis, on a side where groups are off the scale


@dataclass(frozen=True, slots=True)
class View:
    """What part of the horizontal axis is shown."""

    # left, right: the ends of the axis
    left: float
    right: float
    # mark_left, mark_right: where the triangles stand, just inside
    mark_left: float
    mark_right: float
    # below, above: shape (K,); groups whose open circles lie beyond the ends
    below: np.ndarray
    above: np.ndarray


def slope_rows(fits: Fits, factor: Term, term: str, interval: float | None) -> tuple[pd.DataFrame, str]:
    """The groups in the order of the picture, the bottom row first.

    table: index ``level``; columns ``lower, upper`` (of partial pooling), ``partial, none, complete``. In the order of
        ``none``, or of ``partial`` where that is NaN.
    term: the term's label.
    """
    long = compare_slopes(fits, term=term, group=factor.name, prob=interval)
    by_label = {str(pooling): rows.set_index("level") for pooling, rows in long.groupby("pooling", sort=False)}
    partial = by_label["partial"]
    table = partial[["lower", "upper"]].assign(partial=partial["estimate"], none=by_label["none"]["estimate"])
    table["complete"] = by_label["complete"]["estimate"] if "complete" in by_label else np.nan
    order = table["none"].fillna(table["partial"]).sort_values(kind="stable")
    return table.loc[order.index], str(long["term"].iloc[0])


def view_of(table: pd.DataFrame) -> View:
    """Everything is shown but no-pooling estimates that are far from all others and would flatten the rest."""
    none = table["none"].to_numpy()
    quartiles = np.nanquantile(none, [0.25, 0.75]) if np.isfinite(none).any() else np.zeros(2)
    reach = _FAR * (quartiles[1] - quartiles[0])
    near = np.where((none >= quartiles[0] - reach) & (none <= quartiles[1] + reach), none, np.nan)
    together = table.assign(none=near).to_numpy()
    low, high = np.nanmin(together), np.nanmax(together)
    slack = (high - low) / 2  # what is hardly further out than the rest may as well be seen
    below, above = none < low - slack, none > high + slack
    shown = table.assign(none=np.where(below | above, np.nan, none)).to_numpy()
    left, right = float(np.nanmin(shown)), float(np.nanmax(shown))
    width = right - left or 1.0
    left -= (_MARGIN + _ROOM_FOR_NUMBERS * below.any()) * width
    right += (_MARGIN + _ROOM_FOR_NUMBERS * above.any()) * width
    return View(left, right, left + _MARGIN / 2 * width, right - _MARGIN / 2 * width, below, above)


def near_range(values: np.ndarray, always: np.ndarray) -> tuple[float, float]:
    """The range of some numbers, without those that are far from all others and would flatten the rest.

    values: may be left out where they are far out; NaN is passed over.
    always: are inside in any case.
    """
    known = values[np.isfinite(values)]
    if len(known):
        first, third = np.quantile(known, [0.25, 0.75])
        reach = _FAR * (third - first)
        known = known[(known >= first - reach) & (known <= third + reach)]
    together = np.concatenate([known, always[np.isfinite(always)]])
    return float(together.min()), float(together.max())


def same(values: pd.Series[float]) -> bool:
    """Whether all groups have one value, up to rounding."""
    return bool(np.allclose(values, values.iloc[0], rtol=1e-9, atol=0))
