"""`check_spread`: whether each strategy reproduces how much the groups differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlm.compare.compare_slopes import model_of, varying_terms
from hlm.compare.glossary import described
from hlm.compare.pooling_matrix import cross_products
from hlm.fits.failed_diagnostics import with_failed_diagnostics
from hlm.fits.new_responses import replicated
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.formula import Term
from hlm.model.model import Model
from hlm.support.options import check_seed, checked_prob
from hlm.support.random_streams import stream

if TYPE_CHECKING:
    import pandas as pd

    from hlm.fits.results import Fit

_NUMBERS = 4_000_000  # draws x rows that are simulated
_MOST, _FEWEST = 1000, 100  # replicated data sets
_RANK = 1e-10  # relative: smaller eigenvalues of a group's cross-products are rounding
_SAME = 1e-6
NO_GROUP_TELLS = "no group's rows determine it"


def check_spread(
    fits: Fits, *, group: str | None = None, prob: float | None = None, seed: int | None = None
) -> pd.DataFrame:
    """Posterior predictive check of the spread between groups: of their means, and of their least-squares slopes.

    Parameters
    ----------
    fits : PoolingFits or Fit
    group : str, optional
        The grouping factor; needed where there are several.
    prob : float, optional
        Probability of the intervals; 0.89 by default.
    seed : int, optional
        Of the replicated responses.

    Returns
    -------
    pandas.DataFrame
        One row per statistic x strategy: ``pooling, group, statistic, observed, mean, lower, upper, prob, p_value,
        note``. ``mean``, ``lower`` and ``upper`` are of replicated data sets, in the response's units; ``p_value`` is
        the share of them in which the statistic is larger: near 0, the groups differ more than in the model; near 1,
        less.

    Raises
    ------
    FitError
        For unknown names, and families without simulated responses.

    Notes
    -----
    The statistics are weighted standard deviations: of the groups' means (of proportions in the binomial family) with
    the numbers of rows as weights, and, in the gaussian family, of the slopes within groups with the inverse of their
    sampling variance. Unweighted, the smallest groups would decide, which any strategy reproduces by noise alone.
    Rows keep their group, so a replicate of no pooling adds new noise to estimates that hold noise already: it spreads
    too much (p near 1). Between 100 and 1000 replicates (Gelman, Meng & Stern 1996, Statistica Sinica 6:733-807).

    A picture by ArviZ of any one-number statistic: ``az.plot_ppc_tstat(fit.arviz(), t_stat=...)``.

    Examples
    --------
    >>> from hlm import check_spread, fit_pooling, load_data
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1, progress=False)
    >>> means = check_spread(fits, seed=1).query("statistic == 'sd of means'")
    >>> (means["p_value"] > 0.05).to_list()
    [False, True, True]
    """
    import pandas as pd

    model = model_of(fits)
    factor = model.group(group)
    probability = checked_prob(prob)
    check_seed(seed)
    by_label = fits_by_label(fits)
    rng = stream(seed, "replicated data")
    response = model.data.columns[model.written.response.variable].to_numpy(np.float64)
    observed = _statistics(_adjusted(response, model)[None], model, factor)
    tables = []
    unknown = [name for name, values in observed.items() if np.isnan(values[0])]
    for pooling, fit in by_label.items():
        found = _statistics(_replicates(fit, rng), model, factor)
        for name, values in found.items():
            lower, upper = np.quantile(values, [(1 - probability) / 2, (1 + probability) / 2])
            tables.append(
                {
                    "pooling": pooling, "group": factor.name, "statistic": name, "observed": observed[name][0],
                    "mean": values.mean(), "lower": lower, "upper": upper, "prob": probability,
                    "p_value": np.nan if name in unknown else (values > observed[name][0]).mean(),
                    "note": NO_GROUP_TELLS if name in unknown else f"{len(values)} replicated data sets",
                }
            )  # fmt: skip
    order = {name: place for place, name in enumerate(observed)}
    table = pd.DataFrame(tables).sort_values("statistic", key=lambda c: c.map(order), kind="stable", ignore_index=True)
    return described(with_failed_diagnostics(table, by_label, by_row=True))


def _replicates(fit: Fit, rng: np.random.Generator) -> np.ndarray:
    """Responses drawn anew for the same rows, shape (T, rows); of binomial trials, proportions."""
    draws = len(fit.parts.shared)
    wanted = min(_MOST, draws, max(_FEWEST, _NUMBERS // fit.resolved.data.rows))
    y = replicated(fit, np.linspace(0, draws - 1, wanted).astype(np.int64), rng)
    return _adjusted(y, fit.resolved)


def _adjusted(y: np.ndarray, model: Model) -> np.ndarray:
    trials = model.written.response.trials
    return y if trials is None else np.asarray(y / model.data.columns[trials].to_numpy())


def _statistics(y: np.ndarray, model: Model, factor: Term) -> dict[str, np.ndarray]:
    """Weighted sds over the groups, shape (T,), by name; ``y`` of shape (T, rows)."""
    data = model.data
    codes, groups = data.codes(factor), len(data.levels(factor))
    ones = np.ones((data.rows, 1))
    found = {"sd of means": weighted_sd(*group_coefficients(y, ones, codes, groups), 0)}
    if not model.family.is_gaussian:
        return found
    target = model.design.group_coefficients
    names = varying_terms(model, factor, None)
    columns = target.matrix[:, [target.labels.index(name) for name in names]]
    if data.offset is not None:
        y = y - data.offset
    slopes = group_coefficients(y, columns, codes, groups)
    for j, name in enumerate(names):
        if name != "Intercept":
            found[f"sd of slopes of {name}"] = weighted_sd(*slopes, j)
    return found


def group_coefficients(
    y: np.ndarray, columns: np.ndarray, codes: np.ndarray, groups: int
) -> tuple[np.ndarray, np.ndarray]:
    """Least squares within each group.

    y: shape (T, rows).
    columns: shape (rows, q).
    codes: shape (rows,).
    coefficients: shape (T, K, q).
    precision: shape (K, q); 1 over the sampling variance, in units of 1 / s2; 0 where the group's rows do not determine
        the coefficient.
    """
    size = np.sqrt((columns**2).mean(axis=0))
    scaled = columns / size
    cross = cross_products(scaled, None, codes, groups)
    inverse = np.linalg.pinv(cross, rcond=_RANK, hermitian=True)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(groups))
    moments = [np.add.reduceat(y[:, order] * scaled[order, j], starts, axis=1) for j in range(scaled.shape[1])]
    values = np.einsum("kij,tkj->tki", inverse, np.stack(moments, axis=-1)) / size
    determined = np.abs(inverse @ cross - np.eye(len(size))).max(axis=2) < _SAME
    variance = np.einsum("kjj->kj", inverse)
    return values, np.divide(size**2, variance, out=np.zeros_like(variance), where=determined & (variance > 0))


def weighted_sd(values: np.ndarray, weights: np.ndarray, j: int) -> np.ndarray:
    """Standard deviation over the groups of coefficient ``j``, shape (T,), by weight; NaN if all are 0."""
    if not weights[:, j].any():
        return np.full(len(values), np.nan)
    share = weights[:, j] / weights[:, j].sum()
    centre = values[:, :, j] @ share
    return np.asarray(np.sqrt((values[:, :, j] - centre[:, None]) ** 2 @ share))
