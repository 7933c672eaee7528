"""Which common terms the data cannot tell apart."""

from __future__ import annotations

import numpy as np

from hlm.formula.formula import INTERCEPT, Term
from hlm.linting.case import DataCase

_RANK_TOLERANCE = 1e-11  # share of a column's length that must be new; R's lm wants 1e-7, and drops years in seconds
_MOST_CELLS = 20_000_000  # beyond about 150 MB of columns the check costs more than it tells


def dependent_terms(case: DataCase) -> dict[Term, list[Term]]:
    """The terms all of whose columns lie in the span of the others, each with those that span it.

    From the last term back, so that of two terms which contain each other the later one is named.
    """
    terms = [t for t in case.formula.common if not any(case.is_constant(v) for v in t.variables)]
    if not terms or case.coefficients(terms) * case.data.rows > _MOST_CELLS:
        return {}
    codings = case.codings(case.formula.common)
    columns = {term: np.column_stack([case.columns_of(term, full) for full in codings[term]]) for term in terms}
    lengths = {term: np.linalg.norm(values, axis=0) for term, values in columns.items()}  # 0 of an empty cell's column
    kept = _reduced({t: values / np.where(lengths[t] > 0, lengths[t], 1.0) for t, values in columns.items()})
    dependent: dict[Term, list[Term]] = {}
    for term in reversed(terms):
        others = {other: values for other, values in kept.items() if other != term}
        if term == INTERCEPT or not others:
            continue
        matrix, values = np.column_stack(list(others.values())), kept[term]
        coefficients, *_ = np.linalg.lstsq(matrix, values, rcond=None)
        if (np.linalg.norm(values - matrix @ coefficients, axis=0) <= _RANK_TOLERANCE).all():
            dependent[term] = _used(coefficients, others)
            kept = others
    return dependent


def _reduced(columns: dict[Term, np.ndarray]) -> dict[Term, np.ndarray]:
    """The same lengths and angles in as few rows as there are columns: the triangle of a QR decomposition."""
    edges = np.cumsum([values.shape[1] for values in columns.values()])[:-1]
    triangle = np.linalg.qr(np.column_stack(list(columns.values())), mode="r")
    return dict(zip(columns, np.split(triangle, edges, axis=1), strict=True))


def _used(coefficients: np.ndarray, kept: dict[Term, np.ndarray]) -> list[Term]:
    """The terms whose columns have a share in the combination."""
    owners = [term for term, values in kept.items() for _ in range(values.shape[1])]
    share = np.abs(coefficients).max(axis=1) > 1e-6  # columns have length 1, so a real share is of order 1
    return list(dict.fromkeys(owner for owner, shares in zip(owners, share, strict=True) if shares))
