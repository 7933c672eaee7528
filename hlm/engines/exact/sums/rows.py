"""Every row split in two: what its group's effects explain of it, and what they leave.

Within each group Z_k = Q_k R_k with orthonormal Q_k. Of [X_k, y_k] the part Q_k'[X_k, y_k] is explained, the rest is
left. Means and least squares are subtracted before, so that columns and responses far from 0 lose no digits.
"""

from __future__ import annotations

import numpy as np

from hlm.formula.formula import INTERCEPT
from hlm.model.design_columns import Columns
from hlm.support.linear_algebra import NEW_SHARE, project_out


def centred(
    common: Columns, y: np.ndarray, root_weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows [X, y], shape (p + 1, rows), without the columns' means and y's least squares; those means and that fit.

    Beside an intercept y's mean is subtracted first. Differences from a near number are exact, so y may be far from 0.
    """
    ones = np.array([term == INTERCEPT for term in common.terms], dtype=bool)
    # only an intercept can absorb the other columns' means
    means = np.where(ones, 0.0, common.matrix.mean(axis=0)) if ones.any() else np.zeros(len(ones))
    x, level = weighted(common.matrix - means, root_weights), np.where(ones, y.mean(), 0.0)
    y = y - level.sum()
    y = y if root_weights is None else y * root_weights
    shift = np.linalg.pinv(x @ x.T, hermitian=True) @ (x @ y)
    return np.vstack([x, y - shift @ x]), means, level + shift


def weighted(matrix: np.ndarray, root_weights: np.ndarray | None) -> np.ndarray:
    """A row per column, for contiguous sums, times the rows' root weights."""
    columns = np.ascontiguousarray(matrix.T)
    return columns if root_weights is None else columns * root_weights


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
