"""All that the collapsed engine sees of the data: sums of squares and products per group.

The Gaussian likelihood depends on the rows through these sums alone, so nothing after this file grows with the rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.design import Columns
from hlm.formula.formula import INTERCEPT


@dataclass(frozen=True, slots=True)
class CrossProducts:
    """Sums of W'W per group, W = [X, Z, y], numerically centred.

    The columns stand for the model's own ones in this way, exactly::

        X beta = (X_centred) beta_centred,     beta_centred = beta, but its intercept is that of centred predictors
        Z b    = (Z_centred) (change @ b)
        y      = y_centred + X_centred @ shift + Z @ effect_mean

    Attributes
    ----------
    n : numpy.ndarray of int, shape (K,)
        Rows per group.
    products : numpy.ndarray, shape (K, p + q + 1, p + q + 1)
        W_k' W_k.
    p, q : int
        Columns of X (common terms) and of Z (effects that vary by group).
    means : numpy.ndarray, shape (p,)
        What was subtracted from the columns of X: their means beside an intercept, 0 without one.
    change : numpy.ndarray, shape (q, q)
        The change of basis of the effects.
    shift : numpy.ndarray, shape (p,)
        Coefficients of X_centred that were taken out of y: least squares, so that little is left to cancel.
    """

    n: np.ndarray
    products: np.ndarray
    p: int
    q: int
    means: np.ndarray
    change: np.ndarray
    shift: np.ndarray

    @property
    def rows(self) -> int:
        return int(self.n.sum())

    @property
    def groups(self) -> int:
        return len(self.n)

    @property
    def zz(self) -> np.ndarray:
        """Z_k' Z_k, shape (K, q, q)."""
        z = slice(self.p, self.p + self.q)
        return np.ascontiguousarray(self.products[:, z, z])

    @property
    def zw(self) -> np.ndarray:
        """Z_k' [X_k, y_k], shape (K, q, p + 1)."""
        x_and_y = [*range(self.p), self.p + self.q]
        return np.ascontiguousarray(self.products[:, self.p : self.p + self.q][:, :, x_and_y])

    @property
    def ww(self) -> np.ndarray:
        """[X, y]' [X, y] over all rows, shape (p + 1, p + 1)."""
        x_and_y = [*range(self.p), self.p + self.q]
        return np.asarray(self.products.sum(axis=0)[np.ix_(x_and_y, x_and_y)])


def cross_products(
    common: Columns, effects: Columns, codes: np.ndarray, y: np.ndarray, *, effect_mean: np.ndarray | None = None
) -> CrossProducts:
    """Sum the data up, in two passes: means first, then products of what is left.

    Parameters
    ----------
    common, effects : Columns
        X, shape (rows, p), and Z, shape (rows, q); either may have no columns.
    codes : numpy.ndarray of int, shape (rows,)
        Group of each row, 0 .. K-1.
    y : numpy.ndarray, shape (rows,)
    effect_mean : numpy.ndarray, shape (q,), optional
        Prior mean of the groups' own coefficients (no pooling), taken out of y.

    Returns
    -------
    CrossProducts

    Examples
    --------
    >>> import numpy as np
    >>> from hlm.formula.formula import INTERCEPT
    >>> one = Columns(np.ones((4, 1)), (INTERCEPT,), ("Intercept",))
    >>> sums = cross_products(one, one, np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 6.0, 6.0]))
    >>> sums.zw[:, 0, 1] + sums.n * sums.shift  # the sum of y in each group
    array([ 4., 12.])
    """
    p, q = len(common.terms), len(effects.terms)
    means, effect_means = _means(common), _means(effects)
    change = np.eye(q)
    if effect_means.any():
        change[effects.terms.index(INTERCEPT)] += effect_means
    w = np.vstack([(common.matrix - means).T, (effects.matrix - effect_means).T, y])  # a row per column: contiguous
    if effect_mean is not None:
        w[-1] -= (change @ effect_mean) @ w[p:-1]
    shift = np.linalg.pinv(w[:p] @ w[:p].T, hermitian=True) @ (w[:p] @ w[-1])
    w[-1] -= shift @ w[:p]
    n = np.bincount(codes)
    return CrossProducts(n, _products(w, codes, len(n)), p, q, means, change, shift)


def _means(design: Columns) -> np.ndarray:
    """Means of the columns beside an intercept, which can take them up; 0 for itself and where there is none."""
    if INTERCEPT not in design.terms:
        return np.zeros(len(design.terms))
    means = design.matrix.mean(axis=0)
    means[design.terms.index(INTERCEPT)] = 0.0
    return np.asarray(means)


def _products(w: np.ndarray, codes: np.ndarray, groups: int) -> np.ndarray:
    """W_k' W_k of every group, shape (K, columns, columns)."""
    columns = len(w)
    products = np.empty((groups, columns, columns))
    for i in range(columns):
        for j in range(i + 1):
            products[:, i, j] = products[:, j, i] = np.bincount(codes, w[i] * w[j], groups)
    return products
