"""Effects whose columns are nearly in line, as those of orthogonal columns.

Several factors are summed up as products, not as square roots (crossed.py), and products of columns nearly in line, a
numeric one far from 0 beside an intercept, or x beside x^2, keep few digits of what tells them apart. But Z b = Z' b'
with Z' = Z U^-1 and b' = U b for any U: with the columns of Z' orthogonal over all rows the products are harmless, and
the covariance matrix of b' is U Sigma U', its root U L.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlm.support.linear_algebra import orthonormal, solve_upper

_IN_LINE = 0.01  # of its length that a column adds to those before it: products would lose 4 digits


def upright(effects: Sequence[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray | None]:
    """The factors' columns, shape (width, rows) each, orthogonal within a factor where they were nearly in line.

    Returns
    -------
    columns : list of numpy.ndarray
    turn : numpy.ndarray or None
        Of all factors; None where nothing was turned.
    """
    found, turns = [], []
    for z in effects:
        root, basis = orthonormal(z, np.zeros(z.shape[1], dtype=np.int64), 1)
        share = np.diagonal(root[0]) / np.linalg.norm(root[0], axis=0).clip(min=1e-300)
        near = 0.0 < share.min() < _IN_LINE
        size = np.diagonal(root[0])[:, None]
        found.append(basis * size if near else z)
        turns.append(root[0] / size if near else np.eye(len(z)))
    if all(z is before for z, before in zip(found, effects, strict=True)):
        return found, None
    from scipy.linalg import block_diag

    return found, np.asarray(block_diag(*turns))


def turned(factor: np.ndarray, turn: np.ndarray | None) -> np.ndarray:
    """L of the turned effects, shape (T, q, q): ``turn L``, made lower triangular again by rotations of its columns."""
    if turn is None:
        return factor
    lower = turn @ factor
    for i, j in zip(*np.triu_indices(len(turn), 1), strict=True):
        mine, other = lower[:, i, i], lower[:, i, j]
        if other.any():
            length = np.hypot(mine, other)
            length[length == 0.0] = 1.0  # both are 0 already
            cosine, sine = (mine / length)[:, None], (other / length)[:, None]
            first, second = lower[:, :, i], lower[:, :, j]
            lower[:, :, i], lower[:, :, j] = cosine * first + sine * second, cosine * second - sine * first
            lower[:, i, j] = 0.0
    return np.asarray(lower)


def turned_back(effects: list[np.ndarray], turn: np.ndarray | None) -> list[np.ndarray]:
    """Effects of the columns as they were, from those of the turned ones; shape (draws, levels, width) each."""
    if turn is None:
        return effects
    back, edges = solve_upper(turn, np.eye(len(turn))), np.cumsum([0, *(b.shape[2] for b in effects)])
    return [b @ back[a:z, a:z].T for b, a, z in zip(effects, edges[:-1], edges[1:], strict=True)]
