"""`shrinkage`: for each group, where the three strategies put it, how far partial pooling moved it, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hlm.compare.compare_slopes import compare_slopes, determined
from hlm.compare.glossary import described
from hlm.compare.group_information import Level, level_of
from hlm.compare.shrinkage_reasons import reasons
from hlm.errors import FitError
from hlm.fits.failed_diagnostics import with_failed_diagnostics
from hlm.fits.results import Fit, Fits, fits_by_label
from hlm.formula.formula import Term
from hlm.support.blas_threads import one_blas_thread
from hlm.support.options import check_flag

if TYPE_CHECKING:
    import pandas as pd

_KEYS = ["group", "level", "term", "n"]
_SMALL = 0.5  # in sds between groups: a ratio of less than that to something is noise
_SHORT = [*_KEYS, "complete", "none", "partial", "pooled", "note"]
_COLUMNS = [
    *_KEYS, "complete", "none", "partial", "none_lower", "none_upper", "lower", "upper", "prob", "movement", "pooled",
    "share", "reliability", "ratio", "note", "why",
]  # fmt: skip


@one_blas_thread()
def shrinkage(
    fits: Fits, *, term: str | None = None, group: str | None = None, prob: float | None = None, why: bool = False
) -> pd.DataFrame:
    """What pooling did to each group, and why that much.

    Parameters
    ----------
    fits : PoolingFits
        With the strategies ``"none"`` and ``"partial"`` at least.
    term : str, optional
        By default every term that varies by the group.
    group : str, optional
        The grouping factor; by default all of them, one below the other.
    prob : float, optional
        Probability of the central intervals; 0.89 by default.
    why : bool
        Whether to have all columns, and a sentence for each row.

    Returns
    -------
    pandas.DataFrame
        One row per group level x term: ``group, level, term, n, complete, none, partial, pooled, note``; with
        ``why=True`` also ``none_lower, none_upper, lower, upper, prob, movement, share, reliability, ratio, why``.
        `glossary` says a line of each.

        ``complete``, ``none``, ``partial``: posterior means; ``lower``, ``upper``: the interval of ``partial``.
        ``movement`` is partial minus none. Where a group's own rows cannot determine the coefficient, ``none``,
        ``movement`` and ``reliability`` are NaN and the note says so. ``complete`` is NaN without that strategy.
        ``pooled`` is tr(B)/q of the group's pooling matrix, the same for all of its terms: 0 no pooling, 1 complete;
        ``share`` the term's own diagonal entry. ``ratio`` is the observed one, NaN where ``none`` is within half a
        standard deviation between groups of ``complete``.

        With correlated effects ``share`` and ``ratio`` can leave [0, 1], and a coefficient can move away from the
        common one: it follows the group's other coefficient.

    Raises
    ------
    FitError
        Where a strategy is missing, or for an unknown term or factor.

    Notes
    -----
    ``B = (1 + Sigma I)^-1`` with ``I`` the information of the group's rows, draw by draw and then averaged (Gelman &
    Hill 2007, section 12.2, generalised). Factors within the group are integrated out, other factors taken as known; in
    other families than gaussian, ``I`` is that of the working linear model at the posterior mean. The note says which.
    Do not read ``pooled`` as the share of the way that a group moved: that is ``ratio``, and depends on the data.

    Examples
    --------
    >>> from hlm import fit_pooling, load_data, shrinkage
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1, progress=False)
    >>> shrinkage(fits, term="Days", why=True)["why"].iloc[0][:20]
    'Subject 308: 10 rows'
    """
    import pandas as pd

    check_flag("why", why)
    by_label = fits_by_label(fits)
    for pooling in ("none", "partial"):
        if pooling not in by_label:
            raise FitError(f"shrinkage compares no pooling with partial pooling: fit both, {pooling!r} is missing.")
    model = by_label["partial"].resolved
    factors = model.written.groups if group is None and model.written.groups else (model.group(group),)
    whole = pd.concat([_of_factor(by_label, factor, term, prob) for factor in factors], ignore_index=True)
    return described(with_failed_diagnostics(whole if why else whole[_SHORT].copy(), fits, by_row=False))


def _of_factor(fits: Mapping[str, Fit], factor: Term, term: str | None, prob: float | None) -> pd.DataFrame:
    """The rows of one factor."""
    table = side_by_side(compare_slopes(fits, term=term, group=factor.name, prob=prob))
    table["movement"] = table["partial"] - table["none"]
    level = level_of(fits["partial"], factor)
    table = _with_pooling(table, level, determined(fits["partial"].resolved, factor))
    reason = f"pooling is not measured in the {fits['partial'].family} family" if level is None else level.sentence
    table["note"] = ["; ".join(filter(None, (note, reason))) for note in table["note"]]
    return table.assign(why=reasons(table, level))[_COLUMNS]


def side_by_side(long: pd.DataFrame) -> pd.DataFrame:
    """The table of `compare_slopes` with a row per group and term; lower and upper are those of partial pooling."""
    by_label = {label: rows.set_index(_KEYS) for label, rows in long.groupby("pooling", sort=False)}
    none, partial = by_label["none"], by_label["partial"]
    wide = partial[["lower", "upper", "prob"]].assign(
        none=none["estimate"], partial=partial["estimate"], none_lower=none["lower"], none_upper=none["upper"],
        note=none["note"], complete=by_label["complete"]["estimate"] if "complete" in by_label else np.nan,
    )  # fmt: skip
    return wide.reset_index()


def _with_pooling(table: pd.DataFrame, level: Level | None, known: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """The columns that come from the pooling matrix, and the observed ratio beside them."""
    for name in ("pooled", "share", "reliability", "ratio"):
        table[name] = np.nan
    if level is None:
        return table
    shares, reliabilities = level.shares(), level.reliability()
    for name in dict.fromkeys(table["term"]):
        rows = table["term"] == name
        table.loc[rows, "pooled"] = shares.mean(axis=1)
        if name in level.labels:
            j = level.labels.index(name)
            table.loc[rows, "share"] = shares[:, j]
            table.loc[rows, "reliability"] = np.where(known[name], reliabilities[:, j], np.nan)
            sd = float(np.sqrt(level.covariance[:, j, j]).mean())
            table.loc[rows, "ratio"] = _observed(table[rows], sd)
    return table


def _observed(rows: pd.DataFrame, sd: float) -> np.ndarray:
    """How much of the way to the common coefficient a group was moved; NaN where the way is too short to say."""
    way = (rows["none"] - rows["complete"]).to_numpy()
    long_enough = np.abs(way) > _SMALL * sd  # False for NaN
    left = (rows["partial"] - rows["complete"]).to_numpy()
    return np.asarray(1 - np.divide(left, way, out=np.full(len(way), np.nan), where=long_enough))
