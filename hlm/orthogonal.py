"""Columns made orthogonal within every group, all groups at once: least squares that squares nothing nearly in line."""

from __future__ import annotations

import numpy as np

NEW_SHARE = 1e-13  # of its length that a column must add to the ones before it in a group; rounding leaves 1e-16


def orthonormal(z: np.ndarray, codes: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Gram-Schmidt within every group: R_k, shape (K, q, q), and the rows of Q, shape (q, rows)."""
    root = np.zeros((groups, len(z), len(z)))
    basis = np.empty_like(z)
    for j, column in enumerate(z):
        rest = column[None].copy()
        root[:, :j, j] = project_out(basis[:j], rest, codes, groups)[:, :, 0]
        length, whole = (np.sqrt(np.bincount(codes, c**2, groups)) for c in (rest[0], column))
        length[length <= NEW_SHARE * whole] = 0.0
        root[:, j, j] = length
        basis[j] = rest[0] * np.divide(1.0, length, out=np.zeros(groups), where=length > 0)[codes]
    return root, basis


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
