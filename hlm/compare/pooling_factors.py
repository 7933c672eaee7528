"""`pooling_factors`: how much pooling there is, level by level and term by term.

With V the variance over the units of a level (divisor K - 1) and E the mean over the draws, in Gelman & Pardoe's two
summaries of a level (2006, Technometrics 48:241-251).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.compare.compare_slopes import compare_slopes, varying_terms
from hlm.compare.glossary import described
from hlm.compare.group_information import Level, level_of, varying_effects
from hlm.compare.shrinkage_reasons import half_sizes
from hlm.compare.variance_partition import column_values
from hlm.errors import FitError
from hlm.fits.failed_diagnostics import with_failed_diagnostics
from hlm.fits.group_coefficients import group_coefficients
from hlm.fits.posterior_coefficients import linear_predictor
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.formula import Term
from hlm.support.blas_threads import one_blas_thread
from hlm.support.options import check_mapping

if TYPE_CHECKING:
    import pandas as pd

    from hlm.fits.results import Fit

_NUMBERS = 8_000_000  # draws x rows of residuals worked on


@one_blas_thread()
def pooling_factors(fits: Fits, *, at: Mapping[str, float | str] | None = None) -> pd.DataFrame:
    """How much the groups are pooled, how much they vary, and what that is in rows.

    Parameters
    ----------
    fits : PoolingFits or Fit
        With the strategy ``"partial"``; ``spread_ratio`` needs ``"none"`` too.
    at : mapping of str to number or label, optional
        Where ``icc`` is taken: values of predictors, ``{"pre": 1}``; those left out are at their mean. By default all
        varying columns are at their mean over the rows.

    Returns
    -------
    pandas.DataFrame
        One row per factor x term that varies by it, then, in the gaussian family, one of the data (``group`` is
        ``"(rows)"``): ``group, term, groups, sd, lambda, r2, half_size, half_sum, spread_ratio, icc, at, pooled,
        share, p_eff, note``; `glossary` says a line of each. ``pooled`` and ``share`` are means over the groups.
        ``icc`` is of the factor, the same for all of its terms: with varying slopes it depends on the predictor.

    Raises
    ------
    FitError
        Without the partial strategy, and for an unknown predictor in ``at``.

    Notes
    -----
    ``lambda`` and ``r2``: Gelman & Pardoe (2006), Technometrics 48:241-251; ``r2`` of a level is what predictors of the
    groups, and factors around them, explain. ``half_size`` is s2 / tau^2, of a slope divided by the mean square of its
    predictor within groups; posterior medians. In the bernoulli and binomial families the residual variance of ``icc``
    is that of a latent response: logistic, pi^2/3; under the probit link normal, 1; under cloglog Gumbel's, pi^2/6. In
    other families than gaussian and these, and under other links, there is no ``icc``. With weights, ``icc`` and the
    ``sd`` of the rows are those of a row of weight 1, ``half_size`` counts rows of average weight.

    Examples
    --------
    >>> from hlm import fit_pooling, load_data, pooling_factors
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1, progress=False)
    >>> factors = pooling_factors(fits)
    >>> factors[["group", "term"]].values.tolist(), bool(factors["lambda"].between(0, 1).all())
    ([['Subject', 'Intercept'], ['Subject', 'Days'], ['(rows)', 'Reaction']], True)
    """
    import pandas as pd

    check_mapping("at", at, "{'x': 1}")
    by_label = fits_by_label(fits)
    partial = by_label.get("partial", next(iter(by_label.values())))
    if partial.pooling != "partial":
        raise FitError("pooling_factors measures partial pooling: the strategy 'partial' is missing.")
    rows = []
    for factor in partial.resolved.written.groups:
        variation = _between(partial, factor, at)
        ratios = _spread_ratios(fits, factor)
        for name, numbers in _of_level(partial, factor).items():
            rows.append({"group": factor.name, "term": name, **numbers, **variation, "spread_ratio": ratios.get(name)})
    if partial.resolved.family.is_gaussian:
        rows.append(_of_data(partial))
    columns = [
        "group", "term", "groups", "sd", "lambda", "r2", "half_size", "half_sum", "spread_ratio", "icc", "at",
        "pooled", "share", "p_eff", "note",
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    table = table.astype({"spread_ratio": float}).fillna({"at": "", "note": ""})
    return described(with_failed_diagnostics(table, partial, by_row=False))


def _of_level(fit: Fit, factor: Term) -> dict[str, dict[str, Any]]:
    """By term: what the draws of one factor say."""
    target = fit.resolved.design.group_coefficients
    theta = group_coefficients(fit.parts, factor, fit.resolved)
    own = tuple(part for part in fit.parts.groups if part.factor.group == factor)
    alone = replace(fit.parts, shared=np.zeros_like(fit.parts.shared), groups=own)
    errors = group_coefficients(alone, factor, fit.resolved)
    lambdas, r2 = pooling_factor(errors), explained(errors, theta)
    level = level_of(fit, factor)
    found: dict[str, dict[str, Any]] = {}
    for name in varying_terms(fit.resolved, factor, None):
        j = target.labels.index(name)
        found[name] = {"groups": errors.shape[1], "lambda": float(lambdas[j]), "r2": float(r2[j])}
        if level is None:
            found[name]["note"] = f"no pooling matrix in the {fit.family} family"
        elif name not in level.labels:
            found[name]["note"] = "its standard deviation is 0 in all draws"
        else:
            found[name] |= _of_matrix(level, name)
    return found


def _of_matrix(level: Level, name: str) -> dict[str, Any]:
    """What the pooling matrices say of one term."""
    j = level.labels.index(name)
    shares = level.shares()
    note = f"half_size depends on how many {level.inner[-1]} a {level.group.name} has" if level.inner else ""
    return {
        "sd": float(np.sqrt(level.covariance[:, j, j]).mean()),
        "half_size": float(half_sizes(level)[j]), "half_sum": float(level.half_sums()[j]),
        "pooled": float(shares.mean()), "share": float(shares[:, j].mean()), "p_eff": float((1 - shares[:, j]).sum()),
        "note": "; ".join(part for part in (level.sentence, note) if part),
    }  # fmt: skip


def _spread_ratios(fits: Fits, factor: Term) -> dict[str, float]:
    """By term: 1 - variance of the partial estimates over that of the groups' own, where these are determined."""
    if not (isinstance(fits, Mapping) and {"none", "partial"} <= set(fits)):
        return {}
    two = {pooling: fits[pooling] for pooling in ("none", "partial")}
    table = compare_slopes(two, group=factor.name)
    wide = table.pivot(index=["term", "level"], columns="pooling", values="estimate").dropna()
    variances = wide.groupby(level="term").var(ddof=1)
    return {str(name): float(value) for name, value in (1 - variances["partial"] / variances["none"]).items()}


def _between(fit: Fit, factor: Term, at: Mapping[str, float | str] | None) -> dict[str, Any]:
    """The variance partition coefficient of one factor, and where it is taken."""
    family = fit.resolved.family
    latent = family.links[0].latent_variance if family.is_binomial else np.nan
    if not (family.is_gaussian or np.isfinite(latent)):
        return {"icc": np.nan, "at": ""}
    rest = np.full(len(fit.parts.shared), latent)  # draws of the variance of a row around its groups' line
    if family.is_gaussian:
        rest = fit.idata["posterior"]["sigma"].to_numpy().ravel() ** 2
    target = fit.resolved.design.group_coefficients
    values, shown = column_values(fit, target, at)
    effects = {group: varying_effects(fit, group, target) for group in fit.resolved.written.groups}
    variances = {g: np.einsum("i,tij,j->t", values[k], sigma, values[k]) for g, (k, sigma) in effects.items()}
    between = variances.pop(factor)
    for variance in variances.values():
        rest = rest + variance
    return {"icc": float((between / (between + rest)).mean()), "at": shown}


def _of_data(fit: Fit) -> dict[str, Any]:
    """The lowest level, the rows themselves: residuals around the groups' lines."""
    y = fit.resolved.response
    step = max(1, -(-len(fit.parts.shared) * fit.resolved.data.rows // _NUMBERS))
    groups = tuple(replace(part, values=part.values[::step]) for part in fit.parts.groups)
    thin = replace(fit.parts, shared=fit.parts.shared[::step], groups=groups)
    residuals = y - linear_predictor(thin, replace(fit.resolved.data, offset=None), slice(0, fit.resolved.data.rows))
    return {
        "group": "(rows)", "term": fit.resolved.written.response.variable, "groups": fit.resolved.data.rows,
        "sd": float(fit.idata["posterior"]["sigma"].mean()), "lambda": float(pooling_factor(residuals)),
        "r2": float(explained(residuals, y[None])),
    }  # fmt: skip


def pooling_factor(errors: np.ndarray) -> np.ndarray:
    """The pooling factor lambda = 1 - V(E eps) / E(V eps): 0 if every unit's error is known, 1 if none is.

    errors: shape (T, K, ...); draws of the units' departures from what the level above predicts.
    result: shape (...); NaN where the errors do not vary.
    """
    return 1 - _ratio(errors.mean(axis=0).var(axis=0, ddof=1), errors.var(axis=1, ddof=1).mean(axis=0))


def explained(errors: np.ndarray, values: np.ndarray) -> np.ndarray:
    """R2 = 1 - E(V eps) / E(V theta), shape (...), of errors and values of shape (T, K, ...)."""
    return 1 - _ratio(errors.var(axis=1, ddof=1).mean(axis=0), values.var(axis=1, ddof=1).mean(axis=0))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    above, below = np.asarray(above), np.asarray(below)
    return np.asarray(np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0))
