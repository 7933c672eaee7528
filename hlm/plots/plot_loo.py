"""`plot_loo`: where one strategy predicts better than another, row by row or group by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D

from hlm.compare.compare_slopes import model_of
from hlm.data.clean_data import CleanData
from hlm.engines.interface import PointwiseLoo
from hlm.engines.sampling.leave_one_out import difference
from hlm.engines.sampling.pareto_smoothing import GOOD_PARETO_K
from hlm.errors import FitError, nearest
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.formula import Formula, Term
from hlm.formula.pooling_formulas import Pooling
from hlm.model.model import find_group
from hlm.plots.glyphs import LOOKS, NOTE, axes_or_new, bare, describe, headline, number
from hlm.plots.group_rows import size_axis
from hlm.plots.point_labels import label_points, named
from hlm.support.options import check_list, offending

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from hlm.fits.results import Fit

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
        the order of the data, groups by their number of rows. A cross marks a Pareto k above 0.7 in either strategy:
        its difference is not to be trusted. The headline has the sum and its standard error.

    Raises
    ------
    FitError
        For a strategy that was not fitted, an unknown unit or factor, or no pooling and a whole group.

    Examples
    --------
    >>> from hlm import fit_pooling, load_data, plot_loo
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"),
    ...                    draws=200, tune=200, chains=2, seed=1, progress=False)
    >>> ax = plot_loo(fits, unit="Subject")
    >>> ax.get_ylabel()
    'elpd of a new Subject: partial minus complete pooling'
    """
    other = "none" if isinstance(unit, str) and unit == "observation" else "complete"
    pair = ("partial", other) if poolings is None else check_list("poolings", poolings, "('partial', 'complete')")
    _check_poolings(fits, pair)
    model = model_of(fits)
    factor = _factor(model.written, unit, group)
    first, second = (_left_out(fits[pooling], unit, factor) for pooling in pair)
    numbers = difference(first, second)
    values, bad = first.elpd - second.elpd, ~((first.pareto_k <= GOOD_PARETO_K) & (second.pareto_k <= GOOD_PARETO_K))
    if factor is not None and unit == "observation":
        codes = model.data.codes(factor)
        values, bad = np.bincount(codes, values), np.bincount(codes, bad) > 0
    ax = axes_or_new(ax, 7, 5)
    x = _horizontal(ax, model.data, factor)
    ax.set_ylabel(_vertical(unit, factor, pair))
    _draw(ax, x, values, bad, pair)
    _label_extremes(ax, x, values, _names(model.data, factor))
    bare(ax)
    headline(ax, _headline(numbers, pair, unit), key=_key(pair, bad))
    words = _in_words(values, bad, numbers, pair, _vertical(unit, factor, pair), _names(model.data, factor))
    describe(ax, words, problems=failed_diagnostics(fits, pair).values())
    return ax


def _check_poolings(fits: Fits, pair: tuple[Any, ...]) -> None:
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


def _left_out(fit: Fit, unit: str, factor: Term | None) -> PointwiseLoo:
    return fit.leave_out(None if unit == "observation" else factor)


def _horizontal(ax: Axes, data: CleanData, factor: Term | None) -> np.ndarray:
    """Rows in the order of the data; groups by their size."""
    if factor is None:
        ax.set_xlabel("row of the data, from 0")
        return data.columns.index.to_numpy(dtype=np.float64)
    sizes = np.bincount(data.codes(factor)).astype(np.float64)
    return size_axis(ax, sizes, data.levels(factor), factor.name)


def _vertical(unit: str, factor: Term | None, pair: tuple[Pooling, Pooling]) -> str:
    poolings = f"{_short(pair[0])} minus {_short(pair[1])} pooling"
    if unit != "observation":
        return f"elpd of a new {unit}: {poolings}"
    return f"elpd of a row: {poolings}" if factor is None else f"elpd of the rows of a {factor.name}: {poolings}"


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
    label = f"{_short(pooling)} pooling predicts better"
    style = {"marker": "o", "linestyle": "none", "markersize": size, "markeredgewidth": 0}
    return style | {"color": LOOKS[pooling].color, "label": label}


def _bad(size: float) -> dict[str, Any]:
    return {
        "marker": "x", "linestyle": "none", "markersize": size, "markeredgewidth": 1.6, "color": NOTE,
        "label": f"Pareto k > {GOOD_PARETO_K}",
    }  # fmt: skip


def _names(data: CleanData, factor: Term | None) -> list[str]:
    if factor is None:
        return [f"row {place}" for place in data.columns.index]
    return [named(factor, level) for level in data.levels(factor)]


def _label_extremes(ax: Axes, x: np.ndarray, values: np.ndarray, names: list[str]) -> None:
    """The units on which the strategies differ most."""
    chosen = np.argsort(-np.abs(values), kind="stable")[:_LABELLED]
    among = np.column_stack([x, values])
    label_points(ax, x[chosen], values[chosen], [names[k] for k in chosen], among=among)


def _headline(numbers: Mapping[str, float], pair: tuple[Pooling, Pooling], unit: str) -> str:
    total, se = numbers["elpd_diff"], numbers["se_diff"]
    better, worse = pair if total >= 0 else pair[::-1]
    what = "new rows" if unit == "observation" else f"a new {unit}"
    by = f"{_amount(abs(total))} (se {_amount(se)})"
    than = LOOKS["none"].label if worse == "none" else _short(worse)
    if abs(total) < max(_UNDECIDED, 2 * se):
        return f"Cannot tell for {what}: {_short(better)} pooling ahead by {by}"
    return f"{_short(better).capitalize()} pooling predicts {what} better than {than}, by {by}"


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else number(value)


def _key(pair: tuple[Pooling, Pooling], bad: np.ndarray) -> list[Artist]:
    handles: list[Artist] = [Line2D([], [], **_dots(pooling, 6)) for pooling in pair]
    return [*handles, Line2D([], [], **_bad(6))] if bad.any() else handles


def _in_words(
    values: np.ndarray, bad: np.ndarray, numbers: Mapping[str, float], pair: tuple[Pooling, Pooling], what: str,
    names: list[str],
) -> str:  # fmt: skip
    high, low = int(values.argmax()), int(values.argmin())
    return (
        f"{what[0].upper()}{what[1:]}, a dot for each of {len(values)}; sum {numbers['elpd_diff']:.3g}, standard error "
        f"{numbers['se_diff']:.3g}. {_short(pair[0]).capitalize()} pooling predicts {int((values >= 0).sum())} better. "
        f"From {values[low]:.3g} ({names[low]}) to {values[high]:.3g} ({names[high]}); {int(bad.sum())} with Pareto k "
        f"above {GOOD_PARETO_K}."
    )
