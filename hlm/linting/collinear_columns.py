"""What the columns of the common terms span: terms that others contain, effects and groups that they explain."""

from __future__ import annotations

import numpy as np

from hlm.formula.formula import INTERCEPT, Term
from hlm.linting.case import DataCase
from hlm.model.nesting import refines

_RANK_TOLERANCE = 1e-11  # share of a column's length that must be new; R's lm wants 1e-7, and drops years in seconds
_SPANNED = 1e-8  # share of an effect's length that the common terms may leave
_MOST_CELLS = 20_000_000  # beyond about 150 MB of columns the check costs more than it tells


def dependent_terms(case: DataCase) -> dict[Term, list[Term]]:
    """The terms all of whose columns lie in the span of the others, each with those that span it.

    From the last term back, so that of two terms which contain each other the later one is named.
    """
    terms = [t for t in case.formula.common if not any(case.is_constant(v) for v in t.variables)]
    if not terms or not is_small(case):
        return {}
    columns = {term: _columns(term, case.formula.common, case) for term in terms}
    if not all(np.isfinite(values).all() for values in columns.values()):
        return {}  # products beyond float64: `cannot-be-fitted` speaks
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


def spanned(effect: Term, case: DataCase) -> bool:
    """Whether the common terms together already are this effect: ``I(x - 5)`` beside ``x``, 1 - treat beside treat."""
    formula = case.formula
    if not formula.common or not is_small(case):
        return False
    matrix = np.column_stack([_columns(term, formula.common, case) for term in formula.common])
    values = case.columns_of(effect, dict.fromkeys(case.factors_of(effect), True))
    if not (np.isfinite(matrix).all() and np.isfinite(values).all()):
        return False
    lengths = np.linalg.norm(values, axis=0)
    coefficients, *_ = np.linalg.lstsq(matrix, values, rcond=None)
    return bool((np.linalg.norm(values - matrix @ coefficients, axis=0) <= _SPANNED * lengths).all())


def is_small(case: DataCase) -> bool:
    """Whether the columns of all terms can be made in no time."""
    formula = case.formula
    width = case.coefficients(formula.common) + sum(case.coefficients(block.effects) for block in formula.blocks)
    return width * case.data.rows <= _MOST_CELLS


def tells_groups(term: Term, group: Term, case: DataCase) -> bool:
    """Whether a common term of one factor says to which group a row belongs."""
    if term.degree != 1 or not case.is_factor(term.variables[0]) or len(case.data.levels(group)) < 2:
        return False
    return refines(case.codes(term.variables[0]), case.data.codes(group))


def _columns(term: Term, beside: tuple[Term, ...], case: DataCase) -> np.ndarray:
    """The columns of a term, coded as beside others."""
    return np.column_stack([case.columns_of(term, full) for full in case.codings(beside)[term]])


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
