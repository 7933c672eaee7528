"""Ordinary least squares of the no-pooling model: what each group's data say alone, without any prior."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import lsqr

from hlm.fits.group_coefficients import group_coefficients
from hlm.fits.posterior_coefficients import GroupPart, Parts
from hlm.formula.formula import Term
from hlm.model.grouping_factors import GroupingFactor
from hlm.model.model import Model
from hlm.model.resolve import strategy

_FULL_RANK = 1e-10


def least_squares(model: Model, factor: Term) -> np.ndarray:
    """Least-squares coefficients of each group, no pooling with flat priors.

    result: shape (K, terms); in the columns of `Design.group_coefficients`. Where a group's data cannot tell (one row
        and a slope, or a predictor that does not vary in the group) the number means nothing: see `estimable`.
    """
    none = model if model.pooling == "none" else strategy(model.design, "none", model.family)
    p, root = none.common.matrix.shape[1], none.root_weights
    root = np.ones(none.rows) if root is None else root
    blocks = [sp.csr_matrix(none.common.matrix * root[:, None])]
    blocks += [_own_columns(own, root) for own in none.factors]
    solution = _solve(sp.hstack(blocks, format="csc"), none.response * root)
    start, parts = p, []
    for own in none.factors:
        values = solution[start : start + own.size * own.width].reshape(1, own.size, own.width)
        parts.append(GroupPart(own, values))
        start += values.size
    alone = Parts(none.common, solution[None, :p], tuple(parts))
    return np.asarray(group_coefficients(alone, factor, none)[0])


def estimable(model: Model, factor: Term) -> tuple[tuple[str, ...], np.ndarray]:
    """Which varying effects each group's own rows can determine.

    labels: the varying effects' columns, length q.
    known: shape (K, q).
    """
    design, data = model.design.by_factor[factor], model.data
    codes, groups, q = data.codes(factor), len(data.levels(factor)), design.matrix.shape[1]
    size = np.linalg.norm(design.matrix, axis=0)
    scaled = design.matrix / np.where(size > 0, size, 1.0)  # the column of an empty cell is 0 everywhere
    cross = np.zeros((groups, q, q))
    np.add.at(cross, codes, scaled[:, :, None] * scaled[:, None, :])
    projection = np.linalg.pinv(cross, rcond=_FULL_RANK, hermitian=True) @ cross
    return design.labels, np.abs(projection - np.eye(q)).max(axis=2) < 1e-6


def _own_columns(own: GroupingFactor, root: np.ndarray) -> sp.csr_matrix:
    """A factor's own effects, a column for each group and effect, weighted."""
    rows = np.repeat(np.arange(len(root)), own.width)
    places = (own.codes[:, None] * own.width + np.arange(own.width)).ravel()
    values = (own.design.matrix * root[:, None]).ravel()
    return sp.csr_matrix((values, (rows, places)), shape=(len(root), own.size * own.width))


def _solve(matrix: sp.csc_matrix, y: np.ndarray) -> np.ndarray:
    """Least squares, the shortest solution where there are many; columns scaled for the iteration's sake."""
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=0))).ravel()
    scale = np.where(norms > 0, norms, 1.0)
    solution = lsqr(matrix @ sp.diags(1 / scale), y, atol=1e-14, btol=1e-14, conlim=0, iter_lim=100_000)[0]
    return np.asarray(solution / scale)
