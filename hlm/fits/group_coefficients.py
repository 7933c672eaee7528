"""Three posteriors, one labelled array: each group's total coefficients in every strategy, in the same columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from hlm.data.clean_data import CleanData
from hlm.fits.posterior_coefficients import GroupPart, Parts
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.formula import Term
from hlm.formula.pooling_formulas import Pooling
from hlm.model.design_columns import Columns
from hlm.model.model import Model
from hlm.model.nesting import parents, refines
from hlm.support.linear_algebra import combination_of, within_least_squares

if TYPE_CHECKING:
    import xarray as xr

_SAME = 1e-6  # relative: columns that differ by less are the same, whatever lstsq rounds


def coefficients(fits: Fits, group: str | None = None) -> xr.DataArray:
    """Each group's total intercept and slopes, all strategies in one array.

    Parameters
    ----------
    fits : PoolingFits or Fit
    group : str, optional
        The grouping factor; needed where there are several.

    Returns
    -------
    xarray.DataArray
        ``coef`` with dims ``pooling, chain, draw, <group>, term``, in the units of the linear predictor.
        Complete pooling: the same for every group. No pooling: the group's own. Partial pooling: common plus the
        group's departure, as ``coef()`` in lme4; for nested factors, the departures of the outer factors are in it.
        With a second, crossed factor, no pooling's intercepts are at the average of those of its levels that rows
        connect with the group.
        A common term that does not vary within groups (and that no pooling therefore cannot have) is added to the
        intercept or slope that it shifts, so that the strategies mean the same.

    Raises
    ------
    FitError
        For an unknown factor, several factors and no name, or a family with several linear predictors.

    Examples
    --------
    >>> from hlm import coefficients, fit_pooling, load_data
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"),
    ...                    draws=200, tune=200, chains=2, seed=1, progress=False)
    >>> coefficients(fits).dims
    ('pooling', 'chain', 'draw', 'Subject', 'term')
    """
    import xarray as xr

    by_label = fits_by_label(fits)
    model = next(iter(by_label.values())).resolved
    factor = model.group(group)
    levels, target = model.data.levels(factor), model.design.group_coefficients
    arrays = []
    for fit in by_label.values():
        draws = fit.idata["posterior"]
        values = group_coefficients(fit.parts, factor, fit.resolved)
        shape = (draws.sizes["chain"], draws.sizes["draw"], *values.shape[1:])
        coords = {
            "chain": draws["chain"].values, "draw": draws["draw"].values, factor.name: levels,
            "term": list(target.labels),
        }  # fmt: skip
        arrays.append(xr.DataArray(values.reshape(shape), coords=coords, dims=list(coords), name="coef"))
    return xr.concat(arrays, xr.DataArray(list(by_label), dims="pooling", name="pooling")).rename("coef")


def group_coefficients(parts: Parts, factor: Term, model: Model) -> np.ndarray:
    """Total coefficients of one factor's groups, columns as `Design.group_coefficients`, shape (draws, K, terms)."""
    data, target = model.data, model.design.group_coefficients
    found = np.zeros((len(parts.shared), len(data.levels(factor)), len(target.labels)))
    for j in range(parts.shared.shape[1]):
        found += parts.shared[:, j, None, None] * _expressed(parts.common.matrix[:, j], target, factor, model)
    for part in parts.groups:
        values = _per_level(part, factor, data, model.pooling)
        if values is not None:
            found += values @ combination_of(target.matrix, part.factor.design.matrix).T
    return found


def _expressed(column: np.ndarray, target: Columns, factor: Term, model: Model) -> np.ndarray:
    """One common column as a combination of the target's, shape (K, terms).

    The same combination for all groups where there is one; a column that is a group's own multiple of a target column
    (a county's uranium, of the intercept) is that multiple. Another column, which the levels of a crossed factor have
    to themselves, is each group's least squares on the factor's effects: its mean in the group's rows.
    """
    codes, groups = model.data.codes(factor), len(model.data.levels(factor))
    size = np.linalg.norm(column)
    combination = combination_of(target.matrix, column)
    if np.linalg.norm(column - target.matrix @ combination) <= _SAME * size:
        return np.broadcast_to(combination, (groups, len(combination)))
    found = np.zeros((groups, len(target.labels)))
    for j, other in enumerate(target.matrix.T):
        squares = np.bincount(codes, other**2, groups)
        ratio = np.bincount(codes, column * other, groups) / np.where(squares > 0, squares, 1.0)
        if np.linalg.norm(column - ratio[codes] * other) <= _SAME * size:
            found[:, j] = ratio
            return found
    varying = [j for j, term in enumerate(target.terms) if term in model.written.effects_of(factor)]
    found[:, varying] = within_least_squares(column, codes, target.matrix[:, varying])
    return found


def _per_level(part: GroupPart, factor: Term, data: CleanData, pooling: Pooling) -> np.ndarray | None:
    """A factor's coefficients for the levels of another one, shape (draws, K, q); None where they average to 0."""
    codes, inner = data.codes(factor), part.factor.codes
    if refines(codes, inner):  # the factor itself, or one that contains it
        return part.values[:, parents(codes, inner)]
    if pooling != "none":
        return None
    outer, levels = len(data.levels(factor)), part.values.shape[1]
    pairs = csr_array((np.ones(len(codes)), (codes, outer + inner)), shape=(outer + levels, outer + levels))
    connected = connected_components(pairs, directed=False)[1]  # crossed: at the average of all levels beside it
    together = connected[:outer, None] == connected[outer:]
    weights = together / together.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("kl,dlq->dkq", weights, part.values))
