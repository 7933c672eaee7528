"""Ordinary least squares of the no-pooling model: what each group's data say alone, without any prior."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import lsqr

from hlm.data.clean_data import CleanData
from hlm.fits.group_coefficients import target_columns, totals
from hlm.fits.posterior_coefficients import GroupPart, Parts
from hlm.formula.formula import Formula, Term
from hlm.model.design_columns import columns
from hlm.model.no_pooling import kept_columns, none_arm, own_columns

_FULL_RANK = 1e-10


def least_squares(formula: Formula, data: CleanData, factor: Term) -> np.ndarray:
    """Least-squares totals of each group, no pooling with flat priors.

    Returns
    -------
    numpy.ndarray, shape (K, terms)
        In the columns of `target_columns`. Where a group's data cannot tell (one row and a slope, or a
        predictor that does not vary in the group) the number means nothing: see `estimable`.
    """
    arm = none_arm(formula, data)
    common = kept_columns(formula, arm, data)
    groups = tuple(dict.fromkeys(o.group for o in arm.own))
    designs = [own_columns(arm.own, group, data) for group in groups]
    y = data.columns[formula.response.variable].to_numpy().astype(np.float64)
    y = y if data.offset is None else y - data.offset
    root = np.ones(data.rows) if data.weights is None else np.sqrt(data.weights)
    blocks = [sp.csr_matrix(common.matrix * root[:, None])]
    for group, design in zip(groups, designs, strict=True):
        codes, levels = data.codes(group), len(data.levels(group))
        q = design.matrix.shape[1]
        rows = np.repeat(np.arange(data.rows), q)
        places = (codes[:, None] * q + np.arange(q)).ravel()
        values = design.matrix * root[:, None]
        blocks.append(sp.csr_matrix((values.ravel(), (rows, places)), shape=(data.rows, levels * q)))
    solution = _solve(sp.hstack(blocks, format="csc"), y * root)
    start, parts = common.matrix.shape[1], []
    for group, design in zip(groups, designs, strict=True):
        size = len(data.levels(group)) * design.matrix.shape[1]
        values = solution[start : start + size].reshape(1, -1, design.matrix.shape[1])
        parts.append(GroupPart(group, design, values))
        start += size
    shared = solution[None, : common.matrix.shape[1]]
    alone = Parts(common, shared, tuple(parts))
    return np.asarray(totals(alone, factor, data, target_columns(formula, data), "none")[0])


def estimable(formula: Formula, data: CleanData, factor: Term) -> tuple[tuple[str, ...], np.ndarray]:
    """Which varying effects each group's own rows can determine.

    Returns
    -------
    labels : tuple of str
        The varying effects' columns, length q.
    known : numpy.ndarray of bool, shape (K, q)
    """
    design = columns(formula.effects_of(factor), data)
    codes, groups, q = data.codes(factor), len(data.levels(factor)), design.matrix.shape[1]
    scaled = design.matrix / np.linalg.norm(design.matrix, axis=0)
    cross = np.zeros((groups, q, q))
    np.add.at(cross, codes, scaled[:, :, None] * scaled[:, None, :])
    projection = np.linalg.pinv(cross, rcond=_FULL_RANK, hermitian=True) @ cross
    return design.labels, np.abs(projection - np.eye(q)).max(axis=2) < 1e-6


def _solve(matrix: sp.csc_matrix, y: np.ndarray) -> np.ndarray:
    """Least squares, the shortest solution where there are many; columns scaled for the iteration's sake."""
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=0))).ravel()
    scale = np.where(norms > 0, norms, 1.0)
    solution = lsqr(matrix @ sp.diags(1 / scale), y, atol=1e-14, btol=1e-14, conlim=0, iter_lim=100_000)[0]
    return np.asarray(solution / scale)
