"""Which common terms together separate failures from successes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlm.formula.formula import INTERCEPT, Term
from hlm.linting.case import DataCase
from hlm.support.separation import separating_owners

_MOST_CELLS = 4_000_000  # rows times columns; equal rows count once after that


def separating_terms(common: Sequence[Term], hits: np.ndarray, misses: np.ndarray, case: DataCase) -> list[Term]:
    """Terms that separate, none of which can be left out; empty where there are none, or the data are large.

    hits, misses: of each row, shape (rows,); of a count itself, and 1.
    """
    codings = case.codings(common)
    if case.coefficients(common) * case.data.rows > _MOST_CELLS:
        return []
    columns = {t: np.column_stack([case.columns_of(t, full) for full in codings[t]]) for t in common}
    owners = [term for term, values in columns.items() for _ in range(values.shape[1])]
    if not owners:
        return []
    found = separating_owners(np.column_stack(list(columns.values())), owners, hits, misses, INTERCEPT)
    return [term for term in found if term != INTERCEPT]
