"""The linear predictors of rows given each draw: of known groups, of new ones, and where effects are 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from hlm.data.clean_data import offsets
from hlm.fits.posterior_coefficients import GroupPart, Parts, group_covariance, parts_of_predictors
from hlm.formula.formula import Term
from hlm.support.linear_algebra import lower_roots

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from hlm.fits.results import Fit

Groups = Literal["own", "average", "new"]
NewGroups = Literal["gaussian", "zero", "resample"]


def linear_predictors(
    fit: Fit, rows: pd.DataFrame, own: tuple[Term, ...], new: bool, how: NewGroups, generator: np.random.Generator
) -> dict[str, np.ndarray]:
    """By label of the response, or under an empty one: the linear predictor, shape (draws, rows).

    own: the factors whose groups' effects count; those of groups that the data did not have are drawn, as ``how`` says.
    new: whether one new group of each factor stands for all rows.
    """
    posterior = fit.idata["posterior"].to_dataset()
    return {
        label: _one(fit, found, some, rows, own, new, how, generator)
        for label, (found, some) in parts_of_predictors(posterior, fit.resolved).items()
    }


def _one(
    fit: Fit, parts: Parts, posterior: xr.Dataset, rows: pd.DataFrame, own: tuple[Term, ...], new: bool,
    how: NewGroups, generator: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    eta = parts.shared @ parts.common.on(rows).matrix.T
    for part in parts.groups:
        if new:
            drawn = _draw_new(posterior, part, 1, how, generator)
            eta += np.einsum("dq,rq->dr", drawn[:, 0], part.factor.design.on(rows).matrix)
        elif part.factor.group in own:
            eta += _of_factor(posterior, part, rows, how, generator)
    offset = offsets(fit.resolved.written, rows)
    return np.asarray(eta if offset is None else eta + offset)


def _of_factor(
    posterior: xr.Dataset, part: GroupPart, rows: pd.DataFrame, how: NewGroups, generator: np.random.Generator
) -> np.ndarray:
    """What the groups of one factor add, shape (draws, rows)."""
    design = part.factor.design.on(rows).matrix
    levels = {level: i for i, level in enumerate(part.factor.levels)}
    labels = rows[part.factor.name].astype(str).to_numpy()
    unseen = [label for label in dict.fromkeys(labels) if label not in levels]
    values = part.values
    if unseen:
        values = np.concatenate([values, _draw_new(posterior, part, len(unseen), how, generator)], axis=1)
    places = levels | {label: len(levels) + i for i, label in enumerate(unseen)}
    codes = np.array([places[label] for label in labels], dtype=np.int64)
    return np.asarray(np.einsum("drq,rq->dr", values[:, codes], design))


def _draw_new(
    posterior: xr.Dataset, part: GroupPart, count: int, how: NewGroups, generator: np.random.Generator
) -> np.ndarray:
    """Effects of new groups, shape (draws, count, q)."""
    draws, groups, q = part.values.shape
    if how == "zero":
        return np.zeros((draws, count, q))
    if how == "resample":  # one known group in all of a factor's effects, since they belong together
        picked = generator.integers(groups, size=(draws, count))
        return np.take_along_axis(part.values, picked[:, :, None], axis=1)
    sds, correlation = group_covariance(posterior, part.factor)
    factor = lower_roots(correlation + 1e-12 * np.eye(q))
    standard = generator.standard_normal((draws, count, q))
    return np.asarray(np.einsum("dij,dcj->dci", factor, standard) * sds[:, None, :])
