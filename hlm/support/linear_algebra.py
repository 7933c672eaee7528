"""Linear algebra for many small matrices at once, and least squares within every group.

A sampler evaluates thousands of matrices, some of them where nothing is left but rounding. So the functions of this
file do not raise for a matrix that is singular or not finite: its own result is NaN (or inf), all others are right.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

NEW_SHARE = 1e-13  # of its length that a column must add to the ones before it in a group; rounding leaves 1e-16
_EXPLAINED = 1e-12  # of its length that a column adds to those before it: below, it is theirs
_ROW_BY_ROW = 16  # rows: larger triangles are solved in two halves, so that most of the work is products of matrices


def lower_roots(matrices: np.ndarray) -> np.ndarray:
    """Cholesky factors, shape (..., n, n); NaN where a matrix has none.

    Rounding may leave a precision matrix two negative eigenvalues, which its determinant's sign would not show.
    """
    return _nan_where_none(np.linalg.cholesky, matrices)


def _nan_where_none(function: Callable[[np.ndarray], np.ndarray], matrices: np.ndarray) -> np.ndarray:
    """A function of matrices that raises where one has no result: NaN for those, found by halving the stack."""
    try:
        return function(matrices)
    except np.linalg.LinAlgError:
        if matrices.ndim == 2:
            return np.full_like(matrices, np.nan)
        if len(matrices) == 1:
            return _nan_where_none(function, matrices[0])[None]
        return np.concatenate([_nan_where_none(function, half) for half in np.array_split(matrices, 2)])


def solve_lower(roots: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``roots^-1 right`` for lower triangular matrices, by forward substitution.

    roots: shape (..., n, n); what is above the diagonal is not read.
    right: shape (..., n, m).
    result: shape (..., n, m); NaN or inf where a pivot is 0.
    """
    n = roots.shape[-1]
    if n > _ROW_BY_ROW:
        half = n // 2
        top = solve_lower(roots[..., :half, :half], right[..., :half, :])
        with np.errstate(all="ignore"):
            rest = right[..., half:, :] - roots[..., half:, :half] @ top
        return np.concatenate([top, solve_lower(roots[..., half:, half:], rest)], axis=-2)
    found = np.array(np.broadcast_to(right, np.broadcast_shapes((*roots.shape[:-1], 1), right.shape)))
    with np.errstate(all="ignore"):
        for i in range(n):
            if i > 0:
                found[..., i, :] -= (roots[..., i, None, :i] @ found[..., :i, :])[..., 0, :]
            found[..., i, :] /= roots[..., i, i, None]
    return found


def solve_upper(roots: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``roots^-1 right`` for upper triangular matrices; see `solve_lower`."""
    flipped = np.ascontiguousarray(roots[..., ::-1, ::-1])
    return np.asarray(solve_lower(flipped, right[..., ::-1, :])[..., ::-1, :])


def solve_with_root(roots: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``(L L')^-1 right`` from the `lower_roots` L, so that a matrix that has one is always solved."""
    return solve_upper(roots.swapaxes(-1, -2), solve_lower(roots, right))


def inverses(matrices: np.ndarray) -> np.ndarray:
    """Inverses of matrices that are not symmetric, shape (..., n, n); NaN where a matrix is singular."""
    return _nan_where_none(np.linalg.inv, matrices)


def within_least_squares(values: np.ndarray, codes: np.ndarray, effects: np.ndarray) -> np.ndarray:
    """Least squares in each group alone (smallest norm where a group cannot tell its effects apart).

    values: shape (rows,).
    codes: shape (rows,); group of each row, 0 .. K-1.
    effects: shape (rows, q).
    result: shape (K, q).
    """
    groups = int(codes.max()) + 1
    scaled, size = _unit_columns(effects)
    root, basis = orthonormal(scaled.T, codes, groups)
    explained = project_out(basis, values[None].copy(), codes, groups)
    return np.asarray((np.linalg.pinv(root, rcond=NEW_SHARE) @ explained)[:, :, 0] / size)


def combination_of(target: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The combination for which ``target @ combination`` is nearest to ``columns``.

    Least squares in units in which every column has length 1. In the user's own units, an intercept beside an income in
    cents would be lost in rounding.

    target: shape (rows, terms).
    columns: shape (rows,) or (rows, q).
    result: shape (terms,) or (terms, q).
    """
    scaled, size = _unit_columns(target)
    return np.asarray((np.linalg.lstsq(scaled, columns)[0].T / size).T)


def root_of_inverse(columns: np.ndarray, prior_root: np.ndarray) -> np.ndarray:
    """T, upper triangular, with ``T T' = (X'X + P'P)^-1``; T and P have the shape (columns, columns)."""
    both = np.concatenate([columns, prior_root])
    size = np.linalg.norm(both, axis=0)
    triangle = np.linalg.qr(both / size, mode="r")
    return np.asarray(solve_upper(triangle, np.eye(len(size))) / size[:, None])


def left_over(columns: np.ndarray, *, centred: bool) -> np.ndarray:
    """The root mean square of what all other columns leave of each: ``1 / sqrt([(X'X / N)^-1]_jj)``.

    columns: X, shape (rows, p).
    centred: whether an intercept stands beside them, so that it is their standard deviation that is left.
    result: shape (p,). Columns that earlier ones explain are counted by themselves and not for the others; a column
        that is the same in every row beside an intercept, or 0, has NaN.
    """
    x = columns - columns.mean(axis=0) if centred else columns
    length = np.linalg.norm(x, axis=0)
    varies = length > NEW_SHARE * np.linalg.norm(columns, axis=0)
    found = np.where(varies, length, np.nan)
    unit = x / np.where(varies, length, 1.0)
    kept = np.flatnonzero(varies)
    if len(kept):
        triangle = np.linalg.qr(unit[:, kept], mode="r")
        new = np.abs(np.diagonal(triangle)) > _EXPLAINED
        if not new.all():
            kept = kept[: len(new)][new]
            triangle = np.linalg.qr(unit[:, kept], mode="r")
        found[kept] = length[kept] / np.linalg.norm(solve_upper(triangle, np.eye(len(kept))), axis=1)
    return np.asarray(found / np.sqrt(len(columns)))


def orthogonalising(columns: np.ndarray) -> np.ndarray:
    """T, unit upper triangular: each column of ``columns @ T`` is one of ``columns`` less what those before it explain.

    columns: shape (rows, q).
    A column that the earlier ones explain stays as it is.
    """
    found = np.eye(columns.shape[1])
    for j in range(1, columns.shape[1]):
        before = columns[:, :j] @ found[:j, :j]
        size = (before**2).sum(axis=0)
        rest = columns[:, j].copy()
        for _ in range(2):  # the second time removes the rounding error of the first
            share = np.divide(before.T @ rest, size, out=np.zeros(j), where=size > 0)
            rest -= before @ share
            found[:j, j] -= found[:j, :j] @ share
        if np.linalg.norm(rest) <= _EXPLAINED * np.linalg.norm(columns[:, j]):
            found[:j, j] = 0.0
    return found


def rotated_to_lower(factor: np.ndarray, transformation: np.ndarray | None) -> np.ndarray:
    """``U L``, shape (T, q, q), made lower triangular again by rotations of columns; L where U is None."""
    if transformation is None:
        return factor
    lower = transformation @ factor
    for i, j in zip(*np.triu_indices(len(transformation), 1), strict=True):
        mine, other = lower[:, i, i], lower[:, i, j]
        if other.any():
            length = np.hypot(mine, other)
            length[length == 0.0] = 1.0  # both are 0 already
            cosine, sine = (mine / length)[:, None], (other / length)[:, None]
            first, second = lower[:, :, i], lower[:, :, j]
            lower[:, :, i], lower[:, :, j] = cosine * first + sine * second, cosine * second - sine * first
            lower[:, i, j] = 0.0
    return np.asarray(lower)


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
    """Subtract the basis from the columns, in place; returns its coefficients in them, shape (K, basis, columns).

    Done twice: the second pass removes the rounding error of the first.
    """
    found = np.zeros((groups, len(basis), len(columns)))
    for _ in range(2):
        for i, direction in enumerate(basis):
            for j, column in enumerate(columns):
                share = np.bincount(codes, direction * column, groups)
                column -= share[codes] * direction
                found[:, i, j] += share
    return found
