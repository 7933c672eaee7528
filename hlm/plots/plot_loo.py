"""`plot_loo`: where one strategy predicts better than another, row by row or group by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hlm.compare.compare_slopes import model_of
from hlm.data.clean_data import CleanData
from hlm.engines.sampling.leave_one_out import difference
from hlm.engines.sampling.pareto_smoothing import GOOD_PARETO_K
from hlm.errors import FitError, nearest
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.results import Fit, fits_by_label
from hlm.formula.formula import Formula, Term
from hlm.formula.pooling_formulas import Pooling
from hlm.model.model import find_group
from hlm.plots.glyphs import LOOKS, NOTE, axes_or_new, describe, dots, headline, number
from hlm.plots.group_names import label_points, named, size_axis
from hlm.plots.observed_response import sizes_of
from hlm.support.options import check_list, offending

_LABELLED = 4
_DENSE = 20_000  # points: beyond it they are pixels
_UNDECIDED = 4.0  # a smaller difference of elpd decides nothing (Sivula, Magnusson & Vehtari 2020)


def plot_loo(
    fits: Mapping[str, Fit],
    *,
    poolings: tuple[Pooling, Pooling] | None = None,
    unit: str = "observation",
    group: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Leave-one-out differences between two strategies, a dot for each unit that was left out.

    Parameters
    ----------
    fits : PoolingFits
    poolings : pair of str, optional
        The first minus the second; ``("partial", "none")`` by default, ``("partial", "complete")`` for whole groups,
        which no pooling cannot predict.
    unit : str
        As in `compare_loo`: ``"observation"``, a new row of a known group, or a grouping factor, a whole new group.
    group : str, optional
        With ``unit="observation"``: a factor to add the rows up by, so that a dot is a group. It still answers how
        well new rows of known groups are predicted.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        With a description in words, ``alt_text``. Above 0 the first strategy predicts the unit better. Rows stand in
        the order of the data, groups by their number of rows, or of trials where the response has some. A cross marks a
        Pareto k above 0.7 in either strategy: its difference is not to be trusted. The headline has the sum and its
        standard error.

    Raises
    ------
    FitError
        For a strategy that was not fitted, an unknown unit or factor, or no pooling and a whole group.

    Examples
    --------
    >>> from hlm import fit_pooling, load_data, plot_loo
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1, progress=False)
    >>> ax = plot_loo(fits, unit="Subject")
    >>> ax.get_ylabel()
    'elpd of a new Subject: partial minus complete pooling'
    """
    of_rows = isinstance(unit, str) and unit == "observation"
    usual = ("partial", "none" if of_rows else "complete")
    pair = usual if poolings is None else check_list("poolings", poolings, "('partial', 'complete')")
    _check_poolings(fits, pair)
    model = model_of(fits)
    factor = _factor(model.written, unit, group)
    first, second = (fits[pooling].leave_out(None if of_rows else factor) for pooling in pair)
    values, bad = first.elpd - second.elpd, ~((first.pareto_k <= GOOD_PARETO_K) & (second.pareto_k <= GOOD_PARETO_K))
    if factor is not None and of_rows:
        codes = model.data.codes(factor)
        values, bad = np.bincount(codes, values), np.bincount(codes, bad) > 0
    ax = axes_or_new(ax, 7, 5)
    x, names = _units(ax, model.written, model.data, factor)
    one = f"a new {unit}"
    if of_rows:
        one = "a row" if factor is None else f"the rows of a {factor.name}"
    what = f"elpd of {one}: {_short(pair[0])} minus {_short(pair[1])} pooling"
    ax.set_ylabel(what)
    _draw(ax, x, values, bad, pair)
    most = np.argsort(-np.abs(values), kind="stable")[:_LABELLED]
    points = np.column_stack([x, values])
    label_points(ax, points[most], [names[k] for k in most], among=points)
    numbers = difference(first, second)
    key = [*(_dots(pooling, 6) for pooling in pair), *([_bad(6)] if bad.any() else [])]
    headline(ax, _headline(numbers, pair, "new rows" if of_rows else one), key=key)
    high, low = int(values.argmax()), int(values.argmin())
    words = (
        f"{what[0].upper()}{what[1:]}, a dot for each of {len(values)}; sum {numbers['elpd_diff']:.3g}, standard error "
        f"{numbers['se_diff']:.3g}. {_short(pair[0]).capitalize()} pooling predicts {int((values >= 0).sum())} better. "
        f"From {values[low]:.3g} ({names[low]}) to {values[high]:.3g} ({names[high]}); {int(bad.sum())} with Pareto k "
        f"above {GOOD_PARETO_K}."
    )
    describe(ax, words, problems=failed_diagnostics(fits, pair).values())
    return ax


def _check_poolings(fits: Mapping[str, Fit], pair: tuple[Any, ...]) -> None:
    if not isinstance(fits, Mapping) or not fits_by_label(fits):
        raise FitError("plot_loo compares two strategies: fit them together, fit_pooling(...).")
    if len(pair) != 2 or pair[0] == pair[1]:
        raise FitError(f"plot_loo compares two different strategies, not {pair!r}: poolings=('partial', 'complete').")
    for pooling in pair:
        if not isinstance(pooling, str) or pooling not in fits:
            raise FitError(
                f"The pooling {offending(pooling)} was not fitted: fit_pooling(...) fits all three. "
                f"{nearest(pooling, fits)}"
            )


def _factor(formula: Formula, unit: str, group: str | None) -> Term | None:
    """The factor whose groups are the dots; None where rows are."""
    if isinstance(unit, str) and unit == "observation":
        return None if group is None else find_group(formula, group)
    names = [factor.name for factor in formula.groups]
    if not isinstance(unit, str) or unit not in names:
        raise FitError(f"unit is 'observation' or a grouping factor ({', '.join(names)}), not {offending(unit)}.")
    if not (group is None or (isinstance(group, str) and group == unit)):
        raise FitError(f"With unit={unit!r} a dot is a {unit}: leave group={offending(group)} out.")
    return find_group(formula, unit)


def _units(ax: Axes, formula: Formula, data: CleanData, factor: Term | None) -> tuple[np.ndarray, list[str]]:
    """Where the dots stand, and what they are: rows in the order of the data, groups by their size."""
    if factor is None:
        ax.set_xlabel("row of the data, from 0")
        return data.columns.index.to_numpy(dtype=np.float64), [f"row {place}" for place in data.columns.index]
    levels, (sizes, unit) = data.levels(factor), sizes_of(formula, data, factor)
    return size_axis(ax, sizes, levels, factor.name, unit), [named(factor, level) for level in levels]


def _short(pooling: Pooling) -> str:
    return LOOKS[pooling].label.removesuffix(" pooling")


def _draw(ax: Axes, x: np.ndarray, values: np.ndarray, bad: np.ndarray, pair: tuple[Pooling, Pooling]) -> None:
    size = float(np.clip(90 / np.sqrt(len(values)), 2.6, 7))
    alpha = 0.9 if len(values) <= 200 else 0.5
    ax.axhline(0, color=NOTE, linewidth=1, zorder=1)
    for pooling, which in zip(pair, (values >= 0, values < 0), strict=True):
        ax.plot(x[which], values[which], **_dots(pooling, size), alpha=alpha, rasterized=len(values) > _DENSE, zorder=3)
    if bad.any():
        ax.plot(x[bad], values[bad], **_bad(max(6.0, size + 2)), zorder=5)


def _dots(pooling: Pooling, size: float) -> dict[str, Any]:
    return dots(pooling, size) | {"label": f"{_short(pooling)} pooling predicts better"}


def _bad(size: float) -> dict[str, Any]:
    return {
        "marker": "x", "linestyle": "none", "markersize": size, "markeredgewidth": 1.6, "color": NOTE,
        "label": f"Pareto k > {GOOD_PARETO_K}",
    }  # fmt: skip


def _headline(numbers: Mapping[str, float], pair: tuple[Pooling, Pooling], what: str) -> str:
    total, se = numbers["elpd_diff"], numbers["se_diff"]
    better, worse = pair if total >= 0 else pair[::-1]
    by, error = (f"{value:,.0f}" if value >= 1000 else number(value) for value in (abs(total), se))
    if abs(total) < max(_UNDECIDED, 2 * se):
        return f"Cannot tell for {what}: {_short(better)} pooling ahead by {by} (se {error})"
    than = LOOKS["none"].label if worse == "none" else _short(worse)
    return f"{_short(better).capitalize()} pooling predicts {what} better than {than}, by {by} (se {error})"
