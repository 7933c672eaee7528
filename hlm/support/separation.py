"""Whether a combination of columns separates rows, by a linear programme, and whether one column does within groups.

There is separation where some combination of the columns is at least 0 in every row with successes only, at most 0 in
every row with failures only, 0 in the others, and not 0 everywhere (Albert and Anderson, Biometrika 1984). Of counts,
rows of 0 are failures only and all others are like those with both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MARGIN = 1e-5  # of a combination, of columns whose largest value is 1; the programme's own tolerance is 1e-7
_PART = 2_000  # rows that are asked first: where these are not separated, all are not
_MOST_CELLS = 40_000  # about a third of a second; larger data are rarely separated by several terms and by none alone


def separating_owners[T](
    matrix: np.ndarray, owners: Sequence[T], hits: np.ndarray, misses: np.ndarray, intercept: T
) -> list[T]:
    """Owners of columns that separate together, none of which can be left out; empty where none do, or in large data.

    matrix: shape (rows, columns); owners: of each column, as a term; ``intercept``: the owner that is never left out.
    hits, misses: successes and failures of each row, shape (rows,); of a count itself, and 1.
    """
    tried = hits + misses > 0
    matrix, hits, misses = matrix[tried], hits[tried], misses[tried]
    if not matrix.size or not np.isfinite(matrix).all():
        return []
    if intercept in owners:
        matrix = matrix - np.where([owner == intercept for owner in owners], 0.0, matrix.mean(axis=0))
    matrix = matrix / np.maximum(np.abs(matrix).max(axis=0), np.finfo(float).tiny)
    rows, own = np.unique(matrix, axis=0, return_inverse=True)
    if rows.size > _MOST_CELLS:
        return []
    sums = np.bincount(own.ravel(), hits), np.bincount(own.ravel(), misses)
    signs = np.where(sums[1] == 0, 1.0, np.where(sums[0] == 0, -1.0, 0.0))
    if separating_direction(rows, signs) is None:
        return []
    kept = list(dict.fromkeys(owners))
    for owner in [one for one in reversed(kept) if one != intercept]:
        fewer = [one for one in kept if one != owner]
        if separating_direction(rows[:, [one in fewer for one in owners]], signs) is not None:
            kept = fewer
    return kept


def separating_direction(rows: np.ndarray, signs: np.ndarray) -> np.ndarray | None:
    """The coefficients of such a combination, shape (p,), none beyond 1; None where there is none.

    rows: shape (n, p); the largest value of a column is 1.
    signs: shape (n,); 1 where there are successes only, -1 for failures only, 0 for both.
    """
    settled = signs != 0
    signed, mixed = signs[settled, None] * rows[settled], rows[~settled]
    if not len(signed) or not rows.shape[1]:
        return None
    if len(mixed) > rows.shape[1]:
        mixed = np.linalg.qr(mixed, mode="r")  # has the same null space
    if len(signed) > _PART:
        part = np.random.default_rng(0).choice(len(signed), _PART, replace=False)
        if _direction(signed[part], mixed) is None:
            return None
    return _direction(signed, mixed)


def _direction(signed: np.ndarray, mixed: np.ndarray) -> np.ndarray | None:
    from scipy.optimize import linprog

    found = linprog(
        -signed.mean(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1),
        A_eq=mixed if len(mixed) else None, b_eq=np.zeros(len(mixed)) if len(mixed) else None,
    )  # fmt: skip
    return np.asarray(found.x) if found.status == 0 and (signed @ found.x).max() > MARGIN else None


def separated_by_column(
    x: np.ndarray, hits: np.ndarray, misses: np.ndarray, codes: np.ndarray, groups: int, *, free: bool
) -> np.ndarray:
    """In which groups the successes lie on one side of a value of a column and the failures on the other, shape (K,).

    free: whether each group has a value of its own, as with an own intercept; else the value is 0.
    """
    high, low = hits > 0, misses > 0
    highest, lowest = _extremes(x[high], codes[high], groups)
    last, first = _extremes(x[low], codes[low], groups)
    most, least = _extremes(x, codes, groups)
    if free:
        return np.asarray((most > least) & ((lowest >= last) | (highest <= first)))
    upwards, downwards = (lowest >= 0) & (last <= 0), (highest <= 0) & (first >= 0)
    return np.asarray(((most > 0) | (least < 0)) & (upwards | downwards))


def _extremes(x: np.ndarray, codes: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest and the smallest value in each group; -inf and inf in one without rows."""
    largest, smallest = np.full(groups, -np.inf), np.full(groups, np.inf)
    np.maximum.at(largest, codes, x)
    np.minimum.at(smallest, codes, x)
    return largest, smallest
