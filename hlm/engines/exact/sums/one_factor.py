"""All that the exact engine uses of the data: sums of squares and products per group.

The gaussian likelihood depends on the rows through W_k'W_k alone, where W_k = [X_k, Z_k, y_k] are the rows of group k.
So the work after this file does not grow with the rows. The sums are kept as square roots: Z_k = Q_k R_k, the part of
[X_k, y_k] that Q_k explains, and the products of what it leaves. The likelihood is then a sum of squares, in which no
large numbers cancel, even where a group-level sd is a million times sigma.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.exact.sums.rows import centred, split, weighted
from hlm.model.design_columns import Columns
from hlm.support.linear_algebra import orthonormal


@dataclass(frozen=True, slots=True)
class CrossProducts:
    """The data per group. X is centred: ``X beta = constant + X_centred beta`` beside an intercept."""

    n: np.ndarray  # shape (K,); rows per group
    # shape (K, q, q); R_k, upper triangular, R_k'R_k = Z_k'Z_k. A row of zeros where a group cannot tell an effect from
    # those before.
    root: np.ndarray
    explained: np.ndarray  # shape (K, q, p + 1); Q_k'[X_k, y_k], so that R_k' times it is Z_k'[X_k, y_k]
    left: np.ndarray  # shape (K, p + 1, p + 1); products of what Q_k leaves of [X_k, y_k]
    means: np.ndarray  # shape (p,); what was subtracted from X: the columns' means beside an intercept, 0 without one
    # shape (p,); coefficients of the centred X whose fit was subtracted from y: its least squares, so that y is small
    shift: np.ndarray

    @property
    def rows(self) -> int:
        return int(self.n.sum())

    @property
    def p(self) -> int:
        return len(self.means)

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
    return CrossProducts(n, root, explained, _products(left, codes, len(n)), means, shift), basis, left


def _products(w: np.ndarray, codes: np.ndarray, groups: int) -> np.ndarray:
    """Sums of products of every two columns in each group, shape (K, columns, columns)."""
    if groups == 1:
        return np.asarray(w @ w.T)[None]
    products = np.empty((groups, len(w), len(w)))
    for i in range(len(w)):
        for j in range(i + 1):
            products[:, i, j] = products[:, j, i] = np.bincount(codes, w[i] * w[j], groups)
    return products
