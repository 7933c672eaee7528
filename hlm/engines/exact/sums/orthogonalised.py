"""Effects of nearly collinear columns, as effects of orthogonal columns.

Several factors are summed up as products of columns, not as square roots (several_factors.py). Products of nearly
collinear columns (a numeric one far from 0 beside an intercept, x beside x^2) keep few digits of their difference. But
Z b = Z' b' with Z' = Z U^-1 and b' = U b, for any U. With a U that makes the columns of Z' orthogonal over all rows, no
digits are lost. The covariance matrix of b' is U Sigma U', its root U L; U is called the transformation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hlm.formula.formula import INTERCEPT
from hlm.model.design_columns import Columns
from hlm.support.linear_algebra import orthogonalising, orthonormal

_NEARLY_COLLINEAR = 0.01  # of its length that a column adds to those before it: products would lose 4 digits


def orthogonalised(effects: Sequence[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray | None]:
    """The factors' columns, shape (width, rows) each, made orthogonal within a factor where they are nearly collinear.

    transformation: U of all factors; None where all columns are as they were.
    """
    from scipy.linalg import block_diag

    found, transformations = [], []
    for z in effects:
        root, basis = orthonormal(z, np.zeros(z.shape[1], dtype=np.int64), 1)
        share = np.diagonal(root[0]) / np.linalg.norm(root[0], axis=0).clip(min=1e-300)
        near = 0.0 < share.min() < _NEARLY_COLLINEAR
        size = np.diagonal(root[0])[:, None]
        found.append(basis * size if near else z)
        transformations.append(root[0] / size if near else np.eye(len(z)))
    changed = any(z is not before for z, before in zip(found, effects, strict=True))
    return found, np.asarray(block_diag(*transformations)) if changed else None


def orthogonalised_common(columns: Columns) -> tuple[Columns, np.ndarray | None]:
    """X with orthogonal columns, where it is nearly collinear, and T with beta = T b_c; else X as it is, and None.

    The first column is the intercept, if there is one, so that all others are centred.
    """
    x = columns.matrix - columns.matrix.mean(axis=0) if INTERCEPT in columns.terms else columns.matrix
    length = np.linalg.norm(x, axis=0)
    unit = x / np.where(length > 0, length, 1.0)
    least = np.linalg.eigvalsh(unit.T @ unit)[int(INTERCEPT in columns.terms) :].min(initial=1.0)
    if least > _NEARLY_COLLINEAR**2:
        return columns, None
    transformation = orthogonalising(columns.matrix)
    return replace(columns, matrix=columns.matrix @ transformation), transformation
