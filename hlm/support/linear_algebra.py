"""Least squares within every group, all groups at once, and of whole columns, which squares nothing nearly in line."""

from __future__ import annotations

import numpy as np

NEW_SHARE = 1e-13  # of its length that a column must add to the ones before it in a group; rounding leaves 1e-16


def within_least_squares(values: np.ndarray, codes: np.ndarray, effects: np.ndarray) -> np.ndarray:
    """Least squares in each group alone (smallest norm where a group cannot tell its effects apart).

    Parameters
    ----------
    values : numpy.ndarray, shape (rows,)
    codes : numpy.ndarray of int, shape (rows,)
        Group of each row, 0 .. K-1.
    effects : numpy.ndarray, shape (rows, q)

    Returns
    -------
    numpy.ndarray, shape (K, q)
    """
    groups = int(codes.max()) + 1
    scaled, size = _unit_columns(effects)
    root, basis = orthonormal(scaled.T, codes, groups)
    explained = project_out(basis, values[None].copy(), codes, groups)
    return np.asarray((np.linalg.pinv(root, rcond=NEW_SHARE) @ explained)[:, :, 0] / size)


def combination_of(target: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """How columns are combined from the target's: ``target @ combination`` is next to ``columns``.

    Least squares in units in which every column has length 1: in the user's own, an intercept beside an income in
    cents would be lost in rounding.

    Parameters
    ----------
    target : numpy.ndarray, shape (rows, terms)
    columns : numpy.ndarray, shape (rows,) or (rows, q)

    Returns
    -------
    numpy.ndarray, shape (terms,) or (terms, q)
    """
    scaled, size = _unit_columns(target)
    return np.asarray((np.linalg.lstsq(scaled, columns)[0].T / size).T)


def _unit_columns(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns of length 1 (zeros stay), and their lengths."""
    length = np.linalg.norm(matrix, axis=0)
    size = np.where(length > 0, length, 1.0)
    return matrix / size, size


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
