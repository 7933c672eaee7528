"""The coefficients of a posterior as arrays: a common part, and a table of the groups' own for each grouping factor.

`linear_predictor` multiplies them with the data; group_coefficients.py adds them up to each group's total.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.errors import FitError
from hlm.formula.formula import INTERCEPT
from hlm.model import names
from hlm.model.design_columns import Columns
from hlm.model.grouping_factors import Effect, GroupingFactor
from hlm.model.model import Model
from hlm.model.parameters import common_parameters

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, slots=True)
class GroupPart:
    """The own coefficients of one factor's groups."""

    factor: GroupingFactor
    # shape (draws, K, q), in the columns of the factor's design: departures from the common part in partial pooling,
    # whole coefficients in no pooling
    values: np.ndarray


@dataclass(frozen=True, slots=True)
class Parts:
    """The coefficients of one model, draws first (chains one after the other)."""

    common: Columns  # the columns of the common terms, shape (rows, p)
    shared: np.ndarray  # their coefficients, shape (draws, p)
    groups: tuple[GroupPart, ...]


def parts(posterior: xr.Dataset, model: Model) -> Parts:
    """Take a model's coefficients out of a posterior.

    posterior: dims ``chain``, ``draw`` and those of the model's parameters.
    """
    groups = tuple(GroupPart(factor, _of_factor(posterior, factor, model.pooling)) for factor in model.factors)
    return Parts(model.common, common_coefficients(posterior, model.common), groups)


def parts_of_predictors(posterior: xr.Dataset, model: Model) -> dict[str, tuple[Parts, xr.Dataset]]:
    """By label, the coefficients of each of a family's linear predictors, and their part of the posterior.

    One under an empty label, but where each label of the response except the first has its own. Beside thresholds there
    is no intercept: its coefficient is 0.
    """
    if model.family.has_thresholds:
        nothing = 0.0 * posterior[names.THRESHOLDS].isel({names.THRESHOLDS_DIM: 0}, drop=True)
        flat = posterior.assign({names.coefficient(INTERCEPT): nothing})
        return {"": (parts(flat, model), flat)}
    if not model.family.has_predictor_per_label:
        return {"": (parts(posterior, model), posterior)}
    dim = names.labels_dim(model.written.response.variable)
    each = {str(label): posterior.sel({dim: label}, drop=True) for label in posterior[dim].values}
    return {label: (parts(one, model), one) for label, one in each.items()}


def linear_predictor(parts: Parts, data: CleanData, rows: slice) -> np.ndarray:
    """The linear predictor of some rows, shape (draws, rows)."""
    eta = parts.shared @ parts.common.matrix[rows].T
    for part in parts.groups:
        codes = part.factor.codes[rows]
        for j in range(part.values.shape[2]):
            eta += part.values[:, codes, j] * part.factor.design.matrix[rows, j]
    return np.asarray(eta if data.offset is None else eta + data.offset[rows])


def residual_sd(posterior: xr.Dataset, model: Model, codes: np.ndarray | None) -> np.ndarray:
    """Sigma of some rows given each draw, shape (draws, 1) if shared, (draws, rows) if each group has its own.

    codes: shape (rows,), or None; the rows' groups, where each group has its own.
    """
    (parameter,) = model.of_kind("residual")
    values = draws_first(posterior[parameter.name])
    return values[:, None] if codes is None else np.asarray(values[:, codes])


def group_covariance(posterior: xr.Dataset, factor: GroupingFactor) -> tuple[np.ndarray, np.ndarray]:
    """Sds, shape (draws, q), and correlations, shape (draws, q, q), of a factor's effects; blocks are uncorrelated."""
    effects = [effect.sd.name for effect in factor.effects if effect.sd is not None]
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    sds = np.concatenate([draws_first(posterior[name]).reshape(draws, -1) for name in effects], axis=1)
    correlation = np.broadcast_to(np.eye(factor.width), (len(sds), factor.width, factor.width)).copy()
    for block in factor.blocks:
        if block.correlation is not None:
            found = draws_first(posterior[block.correlation.name])
            alone = np.eye(found.shape[1])
            correlation[:, block.columns, block.columns] = np.where(np.isnan(found), alone, found)  # beside an sd of 0
    return sds, correlation


def draws_first(values: xr.DataArray) -> np.ndarray:
    """(chain, draw, ...) to (draws, ...)."""
    ordered = values if values.dims[:2] == ("chain", "draw") else values.transpose("chain", "draw", ...)
    array = ordered.to_numpy()
    return np.asarray(array.reshape(-1, *array.shape[2:]))


def common_coefficients(posterior: xr.Dataset, design: Columns) -> np.ndarray:
    """Coefficients of common columns, shape (draws, p)."""
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    found = np.empty((draws, len(design.terms)))
    for parameter in common_parameters(design):
        if parameter.name not in posterior:
            raise FitError(
                f"The posterior has no coefficient {parameter.name!r}: families with thresholds are not covered here."
            )
        values = draws_first(posterior[parameter.name]).reshape(draws, -1)
        mine = [j for j, term in enumerate(design.terms) if term == parameter.term]
        if values.shape[1] != len(mine):
            raise FitError("Families with several linear predictors (categorical) are not covered here: use fit.idata.")
        found[:, mine] = values
    return found


def _of_factor(posterior: xr.Dataset, factor: GroupingFactor, pooling: str) -> np.ndarray:
    """The coefficients of all of a factor's effects, shape (draws, K, q)."""
    read = _own if pooling == "none" else _departures
    return np.concatenate([read(posterior, factor, effect) for effect in factor.effects], axis=2)


def _departures(posterior: xr.Dataset, factor: GroupingFactor, effect: Effect) -> np.ndarray:
    """Departures of one effect, shape (draws, K, columns); Bambi may have the groups in another order."""
    dim = names.groups_dim(factor.group)
    values = posterior[effect.coefficients.name]
    if [str(level) for level in values[dim].values] != list(factor.levels):
        values = values.sel({dim: list(factor.levels)})
    return draws_first(values.transpose("chain", "draw", dim, ...)).reshape(-1, factor.size, len(effect.labels))


def _own(posterior: xr.Dataset, factor: GroupingFactor, effect: Effect) -> np.ndarray:
    """Own coefficients of one effect, shape (draws, K, columns); those that others stand for are 0."""
    (dim,) = effect.coefficients.dims
    values = posterior[effect.coefficients.name]
    wanted, there = list(effect.coefficients.coords[dim]), [str(label) for label in values[values.dims[-1]].values]
    flat = draws_first(values)
    if wanted != there:  # Bambi's order
        place = {label: i for i, label in enumerate(there)}
        flat = flat[:, [place[label] for label in wanted]]
    if factor.fixed is not None:
        found = np.zeros((len(flat), factor.size * len(effect.labels)))
        found[:, factor.free(effect.columns)] = flat
        flat = found
    return np.asarray(flat.reshape(-1, factor.size, len(effect.labels)))
