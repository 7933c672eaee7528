"""Which common terms together separate failures from successes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlm.formula.formula import INTERCEPT, Term
from hlm.linting.case import DataCase
from hlm.support.separation import separating_direction

_MOST_CELLS = 40_000  # about a third of a second; larger data are rarely separated by several terms and by none alone


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
    if separating_direction(rows, signs) is None:
        return []
    for term in [t for t in reversed(common) if t != INTERCEPT]:
        fewer = [t for t in kept if t != term]
        if separating_direction(rows[:, [owner in fewer for owner in owners]], signs) is not None:
            kept = fewer
    return [term for term in kept if term != INTERCEPT]
