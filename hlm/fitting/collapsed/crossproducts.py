"""All that the collapsed engine sees of the data: sums of squares and products per group.

The Gaussian likelihood depends on the rows through W_k'W_k alone, W_k = [X_k, Z_k, y_k] the rows of group k, so nothing
after this file grows with the rows. The sums are kept as square roots: Z_k = Q_k R_k, the part of [X_k, y_k] that Q_k
explains, and the products of what it leaves. The likelihood is then a sum of squares; nothing has to cancel, not even
where a group-level sd is a million times sigma.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.design import Columns
from hlm.formula.formula import INTERCEPT

_NEW_SHARE = 1e-13  # of its length that a column must add to the ones before it in a group; rounding leaves 1e-16


@dataclass(frozen=True, slots=True)
class CrossProducts:
    """The data per group. X is centred: ``X beta = constant + X_centred beta`` beside an intercept.

    Attributes
    ----------
    n : numpy.ndarray of int, shape (K,)
        Rows per group.
    root : numpy.ndarray, shape (K, q, q)
        R_k, upper triangular, R_k'R_k = Z_k'Z_k. A row of zeros where a group cannot tell an effect from those before.
    explained : numpy.ndarray, shape (K, q, p + 1)
        Q_k'[X_k, y_k], so that R_k' times it is Z_k'[X_k, y_k].
    left : numpy.ndarray, shape (K, p + 1, p + 1)
        Products of what Q_k leaves of [X_k, y_k].
    means : numpy.ndarray, shape (p,)
        What was subtracted from X: the columns' means beside an intercept, 0 without one.
    shift : numpy.ndarray, shape (p,)
        Coefficients of the centred X whose fit was subtracted from y: its least squares, so that y is small.
    """

    n: np.ndarray
    root: np.ndarray
    explained: np.ndarray
    left: np.ndarray
    means: np.ndarray
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
    common: Columns,
    effects: Columns,
    codes: np.ndarray,
    y: np.ndarray,
    *,
    effect_mean: np.ndarray | float = 0.0,
    root_weights: np.ndarray | None = None,
) -> CrossProducts:
    """Sum the data up per group.

    Parameters
    ----------
    common, effects : Columns
        X, shape (rows, p), and Z, shape (rows, q); either may have no columns.
    codes : numpy.ndarray of int, shape (rows,)
        Group of each row, 0 .. K-1.
    y : numpy.ndarray, shape (rows,)
    effect_mean : numpy.ndarray, shape (q,)
        Prior mean of the groups' own coefficients in no pooling; its fit is subtracted from y.
    root_weights : numpy.ndarray, shape (rows,), optional
        Square roots of the rows' weights, which all columns are multiplied by once X is centred.

    Returns
    -------
    CrossProducts

    Examples
    --------
    >>> import numpy as np
    >>> one = Columns(np.ones((4, 1)), (INTERCEPT,), ("Intercept",))
    >>> sums = cross_products(one, one, np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 6.0, 6.0]))
    >>> sums.left[:, 1, 1].round(12)  # squares of y about its mean, in each group
    array([2., 0.])
    """
    rows = coordinates(common, effects, codes, y, effect_mean=effect_mean, root_weights=root_weights)
    return summed_up(rows, codes)


def summed_up(rows: Coordinates, codes: np.ndarray) -> CrossProducts:
    """The sums of rows that have been taken apart."""
    left = _products(rows.left, codes, len(rows.n))
    return CrossProducts(rows.n, rows.root, rows.explained, left, rows.means, rows.shift)


@dataclass(frozen=True, slots=True)
class Coordinates:
    """The rows as `CrossProducts` sees them, before they are summed up; attributes not named here are its own.

    Attributes
    ----------
    basis : numpy.ndarray, shape (q, rows)
        Q_k, the rows of all groups side by side.
    left : numpy.ndarray, shape (p + 1, rows)
        What Q_k leaves of [X_k, y_k].
    """

    n: np.ndarray
    root: np.ndarray
    basis: np.ndarray
    explained: np.ndarray
    left: np.ndarray
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
    """Take every row apart into what its group's effects explain and what they leave; as `cross_products`."""
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

    Beside an intercept y's mean goes first: near it the difference is exact, so that y may be far from 0.
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
    """Column means beside an intercept, which takes them up; 0 for itself, and for all columns without one."""
    if INTERCEPT not in common.terms:
        return np.zeros(len(common.terms))
    means = common.matrix.mean(axis=0)
    means[common.terms.index(INTERCEPT)] = 0.0
    return np.asarray(means)


def orthonormal(z: np.ndarray, codes: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Gram-Schmidt within every group: R_k, shape (K, q, q), and the rows of Q, shape (q, rows)."""
    root = np.zeros((groups, len(z), len(z)))
    basis = np.empty_like(z)
    for j, column in enumerate(z):
        rest = column[None].copy()
        root[:, :j, j] = project_out(basis[:j], rest, codes, groups)[:, :, 0]
        length, whole = (np.sqrt(np.bincount(codes, c**2, groups)) for c in (rest[0], column))
        length[length <= _NEW_SHARE * whole] = 0.0
        root[:, j, j] = length
        basis[j] = rest[0] * np.divide(1.0, length, out=np.zeros(groups), where=length > 0)[codes]
    return root, basis


def split(basis: np.ndarray, w: np.ndarray, codes: np.ndarray, groups: int) -> np.ndarray:
    """Take the basis out of the rows [X, y], in place; returns what was in them, shape (K, basis, columns).

    What is left of a column of X that lies in the basis is rounding, which a small sigma would blow up: it becomes 0.
    """
    found = project_out(basis, w, codes, groups)
    if len(basis):
        for j, rest in enumerate(w[:-1]):
            squares, whole = np.bincount(codes, rest**2, groups), (found[:, :, j] ** 2).sum(axis=1)
            rest *= (squares > _NEW_SHARE**2 * whole)[codes]
    return found


def project_out(basis: np.ndarray, columns: np.ndarray, codes: np.ndarray, groups: int) -> np.ndarray:
    """Take the basis out of the columns, in place; returns what was in them, shape (K, basis, columns).

    Done twice: the second pass removes the rounding that the first one leaves.
    """
    found = np.zeros((groups, len(basis), len(columns)))
    for _ in range(2):
        for i, direction in enumerate(basis):
            for j, column in enumerate(columns):
                share = np.bincount(codes, direction * column, groups)
                column -= share[codes] * direction
                found[:, i, j] += share
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
