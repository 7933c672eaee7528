"""Which common terms together separate failures from successes, by a linear programme.

There is separation where some combination of the columns is at least 0 in every row with successes only, at most 0 in
every row with failures only, 0 in the others, and not 0 everywhere (Albert and Anderson, Biometrika 1984).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlm.formula.formula import INTERCEPT, Term
from hlm.linting.case import DataCase

_MOST_CELLS = 40_000  # about a third of a second; larger data are rarely separated by several terms and by none alone
_MARGIN = 1e-5  # of columns whose largest value is 1; the programme's own tolerance is 1e-7


def separating_terms(common: Sequence[Term], hits: np.ndarray, misses: np.ndarray, case: DataCase) -> list[Term]:
    """Terms that separate, none of which can be left out; empty where there are none, or the data are large.

    hits, misses: of each row, shape (rows,); of a count itself, and 1.
    """
    codings = case.codings(common)
    width = case.coefficients(common)
    if width * case.data.rows > 100 * _MOST_CELLS:
        return []
    columns = {t: np.column_stack([case.columns_of(t, full) for full in codings[t]]) for t in common}
    owners = [term for term, values in columns.items() for _ in range(values.shape[1])]
    matrix = np.column_stack(list(columns.values()))
    if not np.isfinite(matrix).all():
        return []
    if INTERCEPT in columns:
        matrix = matrix - np.where([term == INTERCEPT for term in owners], 0.0, matrix.mean(axis=0))
    matrix = matrix / np.maximum(np.abs(matrix).max(axis=0), np.finfo(float).tiny)
    rows, own = np.unique(matrix, axis=0, return_inverse=True)
    if rows.size > _MOST_CELLS:
        return []
    sums = np.bincount(own.ravel(), hits), np.bincount(own.ravel(), misses)
    signs = np.where(sums[1] == 0, 1.0, np.where(sums[0] == 0, -1.0, 0.0))
    kept = list(common)
    if not _separates(rows, signs):
        return []
    for term in [t for t in reversed(common) if t != INTERCEPT]:
        fewer = [t for t in kept if t != term]
        if _separates(rows[:, [owner in fewer for owner in owners]], signs):
            kept = fewer
    return [term for term in kept if term != INTERCEPT]


def _separates(rows: np.ndarray, signs: np.ndarray) -> bool:
    """Whether a combination of the columns has the signs, and is not 0 everywhere.

    signs: 1 where there are successes only, -1 for failures only, 0 for both, shape (rows,).
    """
    from scipy.optimize import linprog

    settled = signs != 0
    signed = signs[settled, None] * rows[settled]
    if not len(signed) or not rows.shape[1]:
        return False
    mixed = rows[~settled]
    found = linprog(
        -signed.mean(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1),
        A_eq=mixed if len(mixed) else None, b_eq=np.zeros(len(mixed)) if len(mixed) else None,
    )  # fmt: skip
    return found.status == 0 and bool((signed @ found.x).max() > _MARGIN)
