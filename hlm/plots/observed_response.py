"""The response of every row as pictures show it: shares of trials, rates of an exposure, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hlm.data.clean_data import CleanData
from hlm.errors import DataError
from hlm.formula.formula import Formula, Term
from hlm.formula.function_calls import canonical, is_call, read_call, shown
from hlm.model.families import Family

_GOLDEN = 0.6180339887498949  # multiples of it fill the unit interval evenly, so that neighbouring rows are apart
_AROUND_0_1, _AROUND_COUNTS = 0.05, 0.25  # how far points are moved at most, in units of the response
_LARGEST_COUNT = 20  # counts up to it are moved apart; larger ones hardly hide each other


@dataclass(frozen=True, slots=True)
class Observed:
    """The response of every row on the scale of its expectation."""

    values: np.ndarray  # shape (rows,); successes per trial, a count per unit of exposure, else the response
    size: np.ndarray  # shape (rows,); trials or exposures, by which the values are averages; else 1
    label: str
    per: str | None = None  # what ``size`` is

    @property
    def totals(self) -> np.ndarray:
        """Successes, counts: shape (rows,)."""
        return np.asarray(self.values * self.size)

    def of(self, rows: np.ndarray) -> Observed:
        """Some of the rows."""
        return Observed(self.values[rows], self.size[rows], self.label, self.per)


def observed(formula: Formula, data: CleanData, family: Family) -> Observed:
    """The response as numbers; a `DataError` where it holds labels."""
    column, label = data.columns[formula.response.variable], response_label(formula)
    if isinstance(column.dtype, pd.CategoricalDtype):
        words = ", ".join(column.cat.categories[:5])
        raise DataError(f"The response {formula.response.variable!r} holds labels ({words}): no points to draw.")
    y, trials = column.to_numpy(dtype=np.float64), formula.response.trials
    if trials is not None:
        size = data.columns[trials].to_numpy(dtype=np.float64)
        return Observed(y / size, size, label, "trials")
    if data.offset is not None and is_rate(formula, family):
        size = np.exp(data.offset)
        return Observed(y / size, size, f"{label} / {exposure(formula)}", exposure(formula))
    if data.offset is not None and family.link == "identity":
        less = "".join(f" \N{MINUS SIGN} {shown(offset)}" for offset in formula.offsets)
        return Observed(y - data.offset, np.ones_like(y), label + less)
    return Observed(y, np.ones_like(y), label + (f" (1 = {data.labels[1]})" if data.labels else ""))


def is_rate(formula: Formula, family: Family) -> bool:
    """Whether the offset multiplies the expected response, so that this can be shown for one unit of exposure."""
    return bool(formula.offsets) and family.link == "log" and family.expected is None


def exposure(formula: Formula) -> str:
    """What the expected response is proportional to: ``n`` of ``offset(log(n))``."""
    names = []
    for offset in formula.offsets:
        call = read_call(offset) if is_call(offset, formula.functions) else None
        is_log = call is not None and call.name == "log" and len(call.args) == 1
        names.append(shown(canonical(call.args[0])) if call is not None and is_log else f"exp({shown(offset)})")
    return " / ".join(names)


def response_label(formula: Formula) -> str:
    """The response on an axis, ``k / n`` for successes out of trials; a proportion beside weights as it is written."""
    return _proportion(formula) or " / ".join(map(shown, formula.response.variables))


def _proportion(formula: Formula) -> str:
    """A proportion whose trials are the weights; empty where the successes are a column."""
    response = formula.response
    return response.written if response.trials is not None and " * " in response.variable else ""


def expected_label(formula: Formula, data: CleanData, family: Family) -> str:
    """The expected response on an axis: a probability, a rate, or a mean."""
    response = shown(formula.response.variable)
    if _proportion(formula):
        return f"expected {_proportion(formula)}"
    if family.parent_limits == (0.0, 1.0) and family.support in ("binary", "trials"):
        return f"probability of {response}" + (f" = {data.labels[1]}" if data.labels else "")
    if is_rate(formula, family):
        return f"rate of {response} per {exposure(formula).replace(' / ', ' per ')}"
    return f"expected {response}"


def weighted_means(response: Observed, data: CleanData, factor: Term) -> np.ndarray:
    """The mean response of each group, shape (K,): of trials and exposures that of all of them."""
    codes = data.codes(factor)
    return np.asarray(np.bincount(codes, response.totals) / np.bincount(codes, response.size))


def sizes_of(formula: Formula, data: CleanData, factor: Term) -> tuple[np.ndarray, str]:
    """How much each group says, shape (K,), and the unit: its trials where the response has some, else its rows."""
    codes, trials = data.codes(factor), formula.response.trials
    if trials is None:
        return np.bincount(codes), "row"
    return np.bincount(codes, data.columns[trials].to_numpy(dtype=np.float64)).astype(np.int64), "trial"


def moved_apart(response: Observed, family: Family) -> tuple[np.ndarray, str]:
    """Where the points of 0 and 1 and of small counts stand, shape (rows,), and a sentence that says so."""
    y = response.values
    if response.per is not None or family.support not in ("binary", "count") or y.max() > _LARGEST_COUNT:
        return y, ""
    most = _AROUND_0_1 if family.support == "binary" else _AROUND_COUNTS
    steps = np.arange(len(y)) * _GOLDEN % 1 - 0.5
    return y + 2 * most * steps, f"points moved up or down by up to {most:g}, so that they do not hide each other"


def without_finite_estimate(response: Observed, family: Family, cells: np.ndarray, x: np.ndarray | None) -> np.ndarray:
    """Which cells' own maximum likelihood estimate is infinite, shape (cells,): their prior decides in no pooling.

    cells: shape (rows,); from 0: groups, or the levels of a factor in each group.
    x: numbers whose slope is the cell's own, if it has one: 0 below and 1 above some number determine no slope.
    """
    rows = np.bincount(cells)
    if not family.is_success_or_failure:
        none_at_all = family.support == "count" and family.link == "log"
        return np.asarray((rows > 0) & (np.bincount(cells, response.totals) == 0) & none_at_all)
    success, failure = response.totals > 0, response.totals < response.size
    found = (np.bincount(cells, success) == 0) | (np.bincount(cells, failure) == 0)
    if x is not None:
        (low_0, high_0), (low_1, high_1) = (_ranges(cells[those], x[those], len(rows)) for those in (failure, success))
        found |= (high_0 < low_1) | (high_1 < low_0)
    return np.asarray(found & (rows > 0))


def _ranges(cells: np.ndarray, x: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and the largest number of each cell; infinite where it has none."""
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, cells, x)
    np.maximum.at(high, cells, x)
    return low, high
