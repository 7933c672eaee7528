"""`recovery`: how far each pooling strategy is from the truth, by group size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hlm.data.simulation import Simulated, Truth, numbers, simulate
from hlm.errors import DataError
from hlm.fits.fit import fit_pooling
from hlm.fits.group_coefficients import coefficients
from hlm.formula.pooling_formulas import POOLINGS
from hlm.support.interrupts import interruptible
from hlm.support.options import check_seed, check_whole, offending

if TYPE_CHECKING:
    import pandas as pd

SIZES = (6, 12, 25, 50, 100)  # with a slope, squared errors of least squares have a variance from six rows on
_MOST = 100_000  # groups of a size, and data sets
_DRAWS = 125  # in each of four chains: only the posterior means are used, and their noise cancels


def recovery(
    sizes: Sequence[int] = SIZES, *, groups_per_size: int = 10, fixed: float | Sequence[float] = (0.0, 1.0),
    sd: float | Sequence[float] = (0.3, 0.3), corr: float = 0.0, sigma: float | None = None,
    family: Simulated = "gaussian", trials: int | None = None, repeats: int = 20, seed: int | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The error of complete, no and partial pooling on simulated data, by group size.

    Each data set has groups of all sizes; the three strategies are fitted to it, and each group's posterior means are
    compared with the coefficients that it was simulated from.

    Parameters
    ----------
    sizes : sequence of int
        Group sizes; more rows than coefficients.
    groups_per_size : int
    fixed, sd, corr, sigma, family, trials
        The truth, as in `simulate`.
    repeats : int
        Data sets.
    seed : int, optional
        The same seed gives the same table.

    Returns
    -------
    pandas.DataFrame
        One row per term x group size x pooling: ``term, size, pooling, rmse, se``. ``rmse`` is the root mean squared
        error over groups and data sets, on the scale of the link (log-odds, logarithms of means), ``se`` its Monte
        Carlo standard error, from the spread between data sets. With a slope and fewer than six rows the squared error
        of least squares has no variance: its ``se`` means nothing.

    Raises
    ------
    DataError
        For sizes or repeats that leave nothing to compare, and as `simulate`.

    Notes
    -----
    In other families the three fits of a data set take a second or two, and a group with all or no successes, or
    with counts of 0 alone, has no estimate of its own: in no pooling its error is the doing of the prior alone, and
    decides the ``rmse`` of small groups.

    Examples
    --------
    >>> from hlm import recovery
    >>> table = recovery((6, 60), repeats=2, seed=1)
    >>> table[table["term"] == "x"].pivot(index="size", columns="pooling", values="rmse").idxmin(axis=1).iloc[0]
    'partial'
    """
    import pandas as pd

    q = len(numbers("fixed", fixed))
    _check(sizes, groups_per_size, repeats, q)
    check_seed(seed, error=DataError)
    if not np.any(numbers("sd", sd) > 0):
        raise DataError(f"sd={sd!r}: nothing varies between groups, so that there is nothing to pool.")
    ordered = sorted(set(map(int, sizes)))
    of_group = np.repeat(ordered, groups_per_size)
    squares: list[np.ndarray] = []
    with interruptible(lambda: f"recovering data set {len(squares) + 1} of {repeats}"):
        for one in np.random.SeedSequence(seed).generate_state(repeats).tolist():
            data, truth = simulate(
                len(of_group), of_group.tolist(), fixed=fixed, sd=sd, corr=corr, sigma=sigma, family=family,
                trials=trials, seed=one,
            )  # fmt: skip
            errors = _squared_errors(data, truth, one).reshape(len(POOLINGS), len(ordered), groups_per_size, q)
            squares.append(errors.mean(axis=2))
    mean, se = np.mean(squares, axis=0), np.std(squares, axis=0, ddof=1) / np.sqrt(repeats)
    rmse = np.sqrt(mean)
    return pd.DataFrame(
        [
            (term, size, pooling, rmse[a, s, t], se[a, s, t] / (2 * rmse[a, s, t]))
            for t, term in enumerate(truth.coefficients.columns)
            for s, size in enumerate(ordered)
            for a, pooling in enumerate(POOLINGS)
        ],
        columns=["term", "size", "pooling", "rmse", "se"],
    )


def _squared_errors(data: pd.DataFrame, truth: Truth, seed: int) -> np.ndarray:
    """Shape (poolings, groups, terms)."""
    fits = fit_pooling(truth.formula, data, family=truth.family, draws=_DRAWS, seed=seed, progress=False)
    terms, levels = list(truth.coefficients.columns), list(truth.coefficients.index)
    means = coefficients(fits).sel(pooling=list(POOLINGS), group=levels, term=terms).mean(("chain", "draw"))
    error = means.transpose("pooling", "group", "term").to_numpy() - truth.coefficients.to_numpy()
    return np.asarray(error**2)


def _check(sizes: Sequence[int], groups_per_size: int, repeats: int, q: int) -> None:
    kinds = np.asarray(sizes)
    if kinds.ndim != 1 or kinds.dtype.kind not in "iu" or not len(kinds) or kinds.min() <= q:
        raise DataError(
            f"Each size has more rows than the {q} coefficients of a group, or no pooling has no estimate of them: "
            f"sizes above {q}, not {offending(sizes)}."
        )
    for name, count in (("repeats", repeats), ("groups_per_size", groups_per_size)):
        check_whole(name, count, least=0, most=_MOST, error=DataError)
    if repeats < 2 or groups_per_size < 1:
        raise DataError(
            f"recovery needs two data sets at least for a standard error, and a group of each size: "
            f"repeats={repeats!r}, groups_per_size={groups_per_size!r}."
        )
