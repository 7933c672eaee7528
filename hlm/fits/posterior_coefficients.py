"""The parts of a posterior: the only place where the arms' different variables and dims are known.

Every arm is a common part (coefficients that all groups share) plus, for each grouping factor, a table of the groups'
own coefficients. `linear_predictor` multiplies them with the data; totals.py adds them up to each group's total.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.errors import FitError, nearest
from hlm.formula.formula import INTERCEPT, Formula, Term
from hlm.formula.pooling_formulas import Pooling
from hlm.model.design_columns import Columns, block_columns, columns
from hlm.model.no_pooling import kept_columns, none_arm, own_columns
from hlm.support.options import offending

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, slots=True)
class GroupPart:
    """The own coefficients of one factor's groups.

    Attributes
    ----------
    group : Term
    design : Columns
        The effects' columns, shape (rows, q).
    values : numpy.ndarray
        Shape (draws, K, q): departures from the common part in partial pooling, whole coefficients in no pooling.
    """

    group: Term
    design: Columns
    values: np.ndarray


@dataclass(frozen=True, slots=True)
class Parts:
    """One arm's coefficients, draws first (chains one after the other).

    Attributes
    ----------
    common : Columns
        The columns of the common terms, shape (rows, p).
    shared : numpy.ndarray
        Their coefficients, shape (draws, p).
    groups : tuple of GroupPart
    """

    common: Columns
    shared: np.ndarray
    groups: tuple[GroupPart, ...]


def parts(posterior: xr.Dataset, formula: Formula, data: CleanData, pooling: Pooling) -> Parts:
    """Take one arm's coefficients out of a posterior with Bambi's names.

    Parameters
    ----------
    posterior : xarray.Dataset
        Dims ``chain``, ``draw`` and Bambi's own.
    formula : Formula
        Of the partial-pooling model.
    data : CleanData
    pooling : {"complete", "none", "partial"}
    """
    if pooling == "none":
        return _none_parts(posterior, formula, data)
    common = columns(formula.common, data)
    groups = () if pooling == "complete" else tuple(_partial_groups(posterior, formula, data))
    return Parts(common, _shared(posterior, common), groups)


def linear_predictor(arm: Parts, data: CleanData, rows: slice) -> np.ndarray:
    """The linear predictor of some rows, shape (draws, rows)."""
    eta = arm.shared @ arm.common.matrix[rows].T
    for part in arm.groups:
        codes = data.codes(part.group)[rows]
        for j in range(part.values.shape[2]):
            eta += part.values[:, codes, j] * part.design.matrix[rows, j]
    return np.asarray(eta if data.offset is None else eta + data.offset[rows])


def residual_sd(posterior: xr.Dataset, codes: np.ndarray | None, group: Term | None) -> np.ndarray:
    """Sigma of some rows given each draw, shape (draws, 1) if shared, (draws, rows) if each group has its own.

    Parameters
    ----------
    posterior : xarray.Dataset
    codes : numpy.ndarray of int, shape (rows,), or None
        The rows' groups, where each has its own.
    group : Term or None
        Whose groups; None if sigma is shared.
    """
    if group is None or codes is None:
        return _flat(posterior["sigma"])[:, None]
    return np.asarray(_flat(posterior[f"sigma_{group.name}"])[:, codes])


def find_group(formula: Formula, group: str | None) -> Term:
    """A grouping factor by its name; the only one if there is one only."""
    names = {g.name: g for g in formula.groups}
    if group is None:
        if len(names) == 1:
            return next(iter(names.values()))
        what = (
            "no grouping factor" if not names else f"several grouping factors ({', '.join(names)}): name one, group=..."
        )
        raise FitError(f"The formula {formula} has {what}.")
    if not isinstance(group, str) or group not in names:
        raise FitError(f"There is no grouping factor {offending(group)}. {nearest(group, names)}")
    return names[group]


def _flat(values: xr.DataArray) -> np.ndarray:
    """(chain, draw, ...) to (draws, ...)."""
    array = values.transpose("chain", "draw", ...).to_numpy()
    return np.asarray(array.reshape(-1, *array.shape[2:]))


def _shared(posterior: xr.Dataset, design: Columns) -> np.ndarray:
    """Coefficients of common columns, shape (draws, p)."""
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    values = []
    for term in dict.fromkeys(design.terms):
        name = "Intercept" if term == INTERCEPT else term.name
        if name not in posterior:
            raise FitError(f"The posterior has no coefficient {name!r}: families with thresholds are not covered here.")
        values.append(_flat(posterior[name]).reshape(draws, -1))
    found = np.concatenate([np.empty((draws, 0)), *values], axis=1)
    if found.shape[1] != len(design.terms):
        raise FitError("Families with several linear predictors (categorical) are not covered here: use fit.idata.")
    return found


def _partial_groups(posterior: xr.Dataset, formula: Formula, data: CleanData) -> list[GroupPart]:
    """One part per block: departures from the common coefficients."""
    found = []
    for block, design in block_columns(formula, data):
        levels = data.levels(block.group)
        values = []
        for effect in block.effects:
            departures = posterior[f"{effect.name}|{block.group.name}"]
            factor_dim = f"{block.group.name}__factor_dim"
            ordered = departures.sel({factor_dim: levels}).transpose("chain", "draw", factor_dim, ...)
            values.append(_flat(ordered).reshape(-1, len(levels), len(design.labels_of(effect))))
        found.append(GroupPart(block.group, design, np.concatenate(values, axis=2)))
    return found


def _none_parts(posterior: xr.Dataset, formula: Formula, data: CleanData) -> Parts:
    arm = none_arm(formula, data)
    common = kept_columns(formula, arm, data)
    groups = []
    for group in dict.fromkeys(o.group for o in arm.own):
        design = own_columns(arm.own, group, data)
        values = [
            _own_values(posterior[o.term.name], data.levels(group), design.labels_of(o.effect))
            for o in arm.own
            if o.group == group
        ]
        groups.append(GroupPart(group, design, np.concatenate(values, axis=2)))
    return Parts(common, _shared(posterior, common), tuple(groups))


def _own_values(values: xr.DataArray, levels: list[str], labels: tuple[str, ...]) -> np.ndarray:
    """Own coefficients of one effect, shape (draws, K, columns); a reference level's are 0.

    Bambi has them in one dimension labelled ``A`` or, for an effect with factors, ``A, q``.
    """
    dim = next(d for d in values.dims if d not in ("chain", "draw"))
    place = {str(label): i for i, label in enumerate(values[dim].values)}
    flat = _flat(values)
    found = np.zeros((len(flat), len(levels), len(labels)))
    for j, label in enumerate(labels):
        inner = label[label.index("[") + 1 : -1] if label.endswith("]") else ""
        for k, level in enumerate(levels):
            column = place.get(f"{level}, {inner}" if inner else level)
            if column is not None:
                found[:, k, j] = flat[:, column]
    return found
