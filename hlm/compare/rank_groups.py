"""`rank_groups`: the league table that admits what it does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlm.compare.compare_slopes import NOT_ESTIMABLE, determined, varying_terms
from hlm.compare.glossary import described
from hlm.errors import FitError, nearest
from hlm.fits.failed_diagnostics import with_failed_diagnostics
from hlm.fits.group_coefficients import group_coefficients
from hlm.fits.results import Fits, fits_by_label
from hlm.support.options import checked_prob

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS = 8_000_000  # draws x groups that are sorted


def rank_groups(fit: Fits, term: str, *, group: str | None = None, prob: float | None = None) -> pd.DataFrame:
    """Expected rank of every group, with its interval.

    Parameters
    ----------
    fit : Fit or PoolingFits
        Of several strategies, ``"partial"`` is taken.
    term : str
        ``"Intercept"``, ``"pre"``, ...
    group : str, optional
        The grouping factor; needed where there are several.
    prob : float, optional
        Probability of the central intervals of the ranks; 0.89 by default.

    Returns
    -------
    pandas.DataFrame
        Highest first: ``group, level, n, term, estimate, rank, lower, upper, prob, percentile, p_lowest, p_highest,
        note``. Rank 1 is the smallest coefficient, K the largest. Expected ranks lie closer together than 1 to K: two
        groups that the data cannot tell apart share the middle of their places. NaN, and left out of the ranking, where
        no pooling cannot tell a group's coefficient.

    Raises
    ------
    FitError
        For unknown names, and for complete pooling, where all groups are the same.

    Notes
    -----
    rank_k = 1 + sum_j P(theta_k > theta_j), which is the mean of the ranks in the draws (Laird & Louis 1989, J.
    Educational Statistics 14:29-46); so each draw is sorted once. Above 8 million draws x groups,
    evenly spaced draws are taken. Ranks of posterior means instead would claim an order that nobody knows.

    Examples
    --------
    >>> from hlm import fit_pooling, load_data, rank_groups
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1, progress=False)
    >>> rank_groups(fits, "Days")[["level", "rank"]].head(2).round().values.tolist()
    [['308', 17.0], ['337', 17.0]]
    """
    import pandas as pd

    by_label = fits_by_label(fit)
    if len(by_label) > 1 and "partial" not in by_label:
        raise FitError(
            "rank_groups ranks by partial pooling, and that strategy is missing: give it one fit, fits['none']."
        )
    one = by_label["partial"] if "partial" in by_label else next(iter(by_label.values()))
    if term is None:
        labels = one.resolved.design.group_coefficients.labels
        raise FitError(f"rank_groups ranks by one coefficient: name a term. {nearest('', labels)}")
    if one.pooling == "complete":
        raise FitError(
            "Complete pooling gives all groups the same line: there is nothing to rank. Use fits['partial']."
        )
    factor = one.resolved.group(group)
    probability = checked_prob(prob)
    (name,) = varying_terms(one.resolved, factor, term)
    target = one.resolved.design.group_coefficients
    draws = group_coefficients(one.parts, factor, one.resolved)[:, :, target.labels.index(name)]
    levels = one.resolved.data.levels(factor)
    tell = determined(one.resolved, factor)[name] if one.pooling == "none" else np.ones(len(levels), dtype=bool)
    numbers = ranked(draws[:, tell], probability)
    table = pd.DataFrame({"level": levels, "n": np.bincount(one.resolved.data.codes(factor), minlength=len(levels))})
    table = table.assign(group=factor.name, term=name, prob=probability, note=np.where(tell, "", NOT_ESTIMABLE))
    for column, values in numbers.items():
        table.loc[tell, column] = values
    columns = [
        "group", "level", "n", "term", "estimate", "rank", "lower", "upper", "prob", "percentile", "p_lowest",
        "p_highest", "note",
    ]  # fmt: skip
    ordered = table[columns].sort_values("rank", ascending=False, ignore_index=True)
    return described(with_failed_diagnostics(ordered, fit, by_row=False))


def ranked(draws: np.ndarray, prob: float) -> dict[str, np.ndarray]:
    """Ranks of columns, draw by draw, and what they come to.

    draws: shape (T, K).
    result: shape (K,); ``estimate, rank, lower, upper, percentile, p_lowest, p_highest``.
    """
    count = draws.shape[1]
    thin = draws[:: max(1, -(-draws.size // _NUMBERS))]
    places = np.empty(thin.shape, dtype=np.int32)
    np.put_along_axis(places, np.argsort(thin, axis=1), np.arange(1, count + 1, dtype=np.int32)[None], axis=1)
    rank = places.mean(axis=0)
    tail = (1 - prob) / 2
    lower, upper = np.quantile(places, [tail, 1 - tail], axis=0, method="closest_observation")
    return {
        "estimate": draws.mean(axis=0), "rank": rank, "lower": lower, "upper": upper,
        "percentile": 100 * (rank - 0.5) / count,
        "p_lowest": (places == 1).mean(axis=0), "p_highest": (places == count).mean(axis=0),
    }  # fmt: skip
