"""All that the exact engine uses of the data: sums of squares and products per group.

The gaussian likelihood depends on the rows through W_k'W_k alone, where W_k = [X_k, Z_k, y_k] are the rows of group k.
So the work after this file does not grow with the rows. The sums are kept as square roots: Z_k = Q_k R_k with
orthonormal Q_k, the part Q_k'[X_k, y_k] of [X_k, y_k] that it explains, and the products of what it leaves. The
likelihood is then a sum of squares, in which no large numbers cancel, even where a group-level sd is a million times
sigma. Means and least squares are subtracted before, so that columns and responses far from 0 lose no digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.formula.formula import INTERCEPT
from hlm.model.design_columns import Columns
from hlm.support.linear_algebra import NEW_SHARE, orthonormal, project_out


@dataclass(frozen=True, slots=True)
class GroupSums:
    """What one and several factors share. X is centred: ``X beta = constant + X_centred beta`` beside an intercept."""

    n: np.ndarray  # shape (K,); rows per group
    # shape (K, q, q); R_k, upper triangular, R_k'R_k = Z_k'Z_k. A row of zeros where a group cannot tell an effect from
    # those before.
    root: np.ndarray
    means: np.ndarray  # shape (p,); what was subtracted from X: the columns' means beside an intercept, 0 without one
    # shape (p,); coefficients of the centred X whose fit was subtracted from y: its least squares, so that y is small
    shift: np.ndarray

    @property
    def rows(self) -> int:
        return int(self.n.sum())

    @property
    def p(self) -> int:
        return len(self.means)


@dataclass(frozen=True, slots=True)
class CrossProducts(GroupSums):
    """The data per group of one factor."""

    explained: np.ndarray  # shape (K, q, p + 1); Q_k'[X_k, y_k], so that R_k' times it is Z_k'[X_k, y_k]
    left: np.ndarray  # shape (K, p + 1, p + 1); products of what Q_k leaves of [X_k, y_k]

    @property
    def response(self) -> tuple[float, np.ndarray]:
        """Squares of y that the groups' own lines leave, and Q_k'y, shape (K, q)."""
        return float(self.left[:, -1, -1].sum()), self.explained[:, :, -1]

    @property
    def operations(self) -> float:
        """Multiplications for one theta, roughly."""
        _, q, size = self.explained.shape
        return float(len(self.n) * q * (q + size) ** 2 / 2 + self.p**3)


def cross_products(
    common: Columns, effects: Columns, codes: np.ndarray, y: np.ndarray, root_weights: np.ndarray | None = None
) -> CrossProducts:
    """Sum the data up per group; the parameters are those of `split_rows`.

    Examples
    --------
    >>> import numpy as np
    >>> from hlm.formula.formula import INTERCEPT
    >>> one = Columns(np.ones((4, 1)), (INTERCEPT,), ("Intercept",))
    >>> sums = cross_products(one, one, np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 6.0, 6.0]))
    >>> sums.left[:, 1, 1].round(12)  # squares of y about its mean, in each group
    array([2., 0.])
    """
    return split_rows(common, effects, codes, y, root_weights)[0]


def split_rows(
    common: Columns, effects: Columns, codes: np.ndarray, y: np.ndarray, root_weights: np.ndarray | None
) -> tuple[CrossProducts, np.ndarray, np.ndarray]:
    """The sums with the rows that they are of: Q_k, shape (q, rows), and what it leaves of [X_k, y_k], (p + 1, rows).

    common, effects: X, shape (rows, p), and Z, shape (rows, q); either may have no columns.
    codes: shape (rows,); group of each row, 0 .. K-1.
    root_weights: shape (rows,); square roots of the rows' weights, which all columns are multiplied by once X is
        centred.
    """
    left, means, shift = centred(common, y, root_weights)
    n = np.bincount(codes)
    root, basis = orthonormal(weighted(effects.matrix, root_weights), codes, len(n))
    explained = split(basis, left, codes, len(n))
    return CrossProducts(n, root, means, shift, explained, _products(left, codes, len(n))), basis, left


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


def _products(w: np.ndarray, codes: np.ndarray, groups: int) -> np.ndarray:
    """Sums of products of every two columns in each group, shape (K, columns, columns)."""
    if groups == 1:
        return np.asarray(w @ w.T)[None]
    products = np.empty((groups, len(w), len(w)))
    for i in range(len(w)):
        for j in range(i + 1):
            products[:, i, j] = products[:, j, i] = np.bincount(codes, w[i] * w[j], groups)
    return products
