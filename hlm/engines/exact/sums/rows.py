"""Every row split in two: what its group's effects explain of it, and what they leave.

Within each group Z_k = Q_k R_k with orthonormal Q_k. Of [X_k, y_k] the part Q_k'[X_k, y_k] is explained, the rest is
left. Means and least squares are subtracted before, so that columns and responses far from 0 lose no digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.formula.formula import INTERCEPT
from hlm.model.design_columns import Columns
from hlm.support.linear_algebra import NEW_SHARE, orthonormal, project_out


@dataclass(frozen=True, slots=True)
class Coordinates:
    """All rows, split; the other attributes are those of `hlm.engines.exact.sums.one_factor.CrossProducts`."""

    n: np.ndarray
    root: np.ndarray
    basis: np.ndarray  # shape (q, rows); Q_k, the rows of all groups side by side
    explained: np.ndarray
    left: np.ndarray  # shape (p + 1, rows); what Q_k leaves of [X_k, y_k]
    means: np.ndarray
    shift: np.ndarray


def coordinates(
    common: Columns,
    effects: Columns,
    codes: np.ndarray,
    y: np.ndarray,
    *,
    effect_mean: np.ndarray | float = 0.0,
    root_weights: np.ndarray | None = None,
) -> Coordinates:
    """Split the rows; the parameters are those of `hlm.engines.exact.sums.one_factor.cross_products`."""
    y = y - effects.matrix @ np.broadcast_to(effect_mean, len(effects.terms))
    left, means, shift = centred(common, y, root_weights)
    n = np.bincount(codes)
    root, basis = orthonormal(weighted(effects.matrix, root_weights), codes, len(n))
    explained = split(basis, left, codes, len(n))
    return Coordinates(n, root, basis, explained, left, means, shift)


def centred(
    common: Columns, y: np.ndarray, root_weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows [X, y], shape (p + 1, rows), without the columns' means and y's least squares; those means and that fit.

    Beside an intercept y's mean is subtracted first. Differences from a near number are exact, so y may be far from 0.
    """
    means = _means(common)
    x = weighted(common.matrix - means, root_weights)
    level = np.array([y.mean() if term == INTERCEPT else 0.0 for term in common.terms])
    y = y - level.sum()
    y = y if root_weights is None else y * root_weights
    shift = np.linalg.pinv(x @ x.T, hermitian=True) @ (x @ y)
    return np.vstack([x, y - shift @ x]), means, level + shift


def weighted(matrix: np.ndarray, root_weights: np.ndarray | None) -> np.ndarray:
    """A row per column, for contiguous sums, times the rows' root weights."""
    columns = np.ascontiguousarray(matrix.T)
    return columns if root_weights is None else columns * root_weights


def _means(common: Columns) -> np.ndarray:
    """Column means where there is an intercept to absorb them; 0 for the intercept, and for all columns without one."""
    if INTERCEPT not in common.terms:
        return np.zeros(len(common.terms))
    means = common.matrix.mean(axis=0)
    means[common.terms.index(INTERCEPT)] = 0.0
    return np.asarray(means)


def split(basis: np.ndarray, w: np.ndarray, codes: np.ndarray, groups: int) -> np.ndarray:
    """Take the basis out of the rows [X, y], in place; returns what was in them, shape (K, basis, columns).

    What is left of a column of X that lies in the basis is rounding. A small sigma would magnify it, so it is set to 0.
    """
    found = project_out(basis, w, codes, groups)
    if len(basis):
        for j, rest in enumerate(w[:-1]):
            squares, whole = np.bincount(codes, rest**2, groups), (found[:, :, j] ** 2).sum(axis=1)
            rest *= (squares > NEW_SHARE**2 * whole)[codes]
    return found
