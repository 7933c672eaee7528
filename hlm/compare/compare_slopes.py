"""`compare_slopes`: every group's intercept and slopes in every strategy, as a tidy table."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hlm.compare.glossary import described
from hlm.compare.group_least_squares import estimable, least_squares
from hlm.errors import FitError, nearest
from hlm.fits.failed_diagnostics import with_failed_diagnostics
from hlm.fits.group_coefficients import coefficients
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.formula import Term
from hlm.formula.function_calls import kept
from hlm.model.model import Model
from hlm.support.options import checked_prob, offending

if TYPE_CHECKING:
    import pandas as pd

    from hlm.fits.results import Fit

_NUMBERS = 4_000_000  # draws x groups
NOT_ESTIMABLE = "this group's rows cannot determine it"


def compare_slopes(
    fits: Fits, *, term: str | None = None, group: str | None = None, prob: float | None = None
) -> pd.DataFrame:
    """Each group's total intercept and slopes under each pooling strategy.

    Parameters
    ----------
    fits : PoolingFits or Fit
    term : str, optional
        ``"Intercept"``, ``"pre"``, ...; by default every term that varies by the group.
    group : str, optional
        The grouping factor; needed where there are several.
    prob : float, optional
        Probability of the central intervals; 0.89 by default.

    Returns
    -------
    pandas.DataFrame
        One row per group level x term x pooling: ``group, level, n, term, pooling, estimate, sd, lower, upper, prob,
        least_squares, note``. ``estimate`` is the posterior mean, in units of the linear predictor;
        ``least_squares`` the group's own ordinary least squares (gaussian family; NaN elsewhere). In no pooling, what a
        group's own rows cannot determine is NaN with a note, since only the prior would speak. Of more than 4 million
        draws x groups, evenly spaced draws are taken.

    Raises
    ------
    FitError
        For an unknown term or factor, or several factors and no name.

    Examples
    --------
    >>> from hlm import compare_slopes, fit_pooling, load_data
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"),
    ...                    draws=200, tune=200, chains=2, seed=1, progress=False)
    >>> table = compare_slopes(fits, term="Days")
    >>> len(table), list(table.columns[:5])
    (54, ['group', 'level', 'n', 'term', 'pooling'])
    """
    import pandas as pd

    model = model_of(fits)
    factor = model.group(group)
    probability = checked_prob(prob)
    few = thinned(fits, len(model.data.levels(factor)))
    draws = coefficients(few, factor.name).sel(term=list(varying_terms(model, factor, term)))
    counts = np.bincount(model.data.codes(factor), minlength=len(model.data.levels(factor)))
    own, known = own_least_squares(model, factor)
    tail = (1 - probability) / 2
    tables = []
    for label in draws["term"].values:
        for pooling in draws["pooling"].values:
            chains = draws.sel(pooling=pooling, term=label).transpose("chain", "draw", factor.name).to_numpy()
            values = chains.reshape(-1, len(counts))
            columns = {
                "group": factor.name, "level": model.data.levels(factor), "n": counts,
                "term": label, "pooling": pooling,
                "estimate": values.mean(axis=0), "sd": values.std(axis=0, ddof=1),
                "lower": np.quantile(values, tail, axis=0), "upper": np.quantile(values, 1 - tail, axis=0),
                "prob": probability, "least_squares": own[label],
            }  # fmt: skip
            table = pd.DataFrame(columns).assign(note="")
            if few[pooling].pooling == "none":
                table.loc[~known[label], ["estimate", "sd", "lower", "upper"]] = np.nan
                table.loc[~known[label], "note"] = NOT_ESTIMABLE
            tables.append(table)
    result = pd.concat(tables, ignore_index=True)
    return described(with_failed_diagnostics(result, fits, by_row=True))


def own_least_squares(model: Model, factor: Term) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """By term: each group's least-squares estimate (NaN where it has none), and whether its rows determine it."""
    known = determined(model, factor)
    if not model.family.is_gaussian:
        return {name: np.full(len(tell), np.nan) for name, tell in known.items()}, known
    estimates = least_squares(model, factor)
    return {n: np.where(tell, estimates[:, j], np.nan) for j, (n, tell) in enumerate(known.items())}, known


def determined(model: Model, factor: Term) -> dict[str, np.ndarray]:
    """By term: whether each group's own rows determine it."""
    labels, known = estimable(model, factor)
    names = model.design.group_coefficients.labels
    return {name: known[:, labels.index(name)] if name in labels else known.all(axis=1) for name in names}


def thinned(fits: Fits, groups: int) -> dict[str, Fit]:
    """The fits with evenly spaced draws only, where draws x groups are more than 4 million."""
    found = {}
    for name, fit in fits_by_label(fits).items():
        sizes = fit.idata["posterior"].sizes
        step = -(-sizes["chain"] * sizes["draw"] * groups // _NUMBERS)
        found[name] = fit if step == 1 else replace(fit, idata=fit.idata.isel(draw=slice(None, None, step)))
    return found


def varying_terms(model: Model, factor: Term, term: str | None) -> tuple[str, ...]:
    """The labels of the terms to show: one by name, or all that vary by the factor."""
    labels = model.design.group_coefficients.labels
    varying = model.design.by_factor[factor].labels
    if term is None:
        return tuple(label for label in labels if label in varying) or labels
    return (known_term(term, labels, "There is no term", "."),)


def known_term(term: str, labels: Collection[str], before: str, after: str) -> str:
    """The label of a term that the caller names; else a `FitError`, with what it says before and after the name."""
    wanted = kept(term) if isinstance(term, str) else ""
    wanted = "Intercept" if wanted in ("1", "(Intercept)") else wanted
    if wanted not in labels:
        raise FitError(f"{before} {offending(term)}{after} {nearest(term, labels)}")
    return wanted


def model_of(fits: Fits) -> Model:
    """The model of the first fit: all have the same formula of partial pooling, data, and columns."""
    return next(iter(fits_by_label(fits).values())).resolved
