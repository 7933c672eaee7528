"""One regressor at a time: a column is a product of numbers and of yes-or-no questions about a factor's level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlm.formula.formula import INTERCEPT, Term
from hlm.model import factor_coding
from hlm.model.factor_coding import Column, Part, coding

__all__ = ["INTERCEPT_COLUMN", "Column", "Part", "levels", "term_columns", "values"]

if TYPE_CHECKING:
    import numpy as np

    from hlm.data.clean_data import CleanData


INTERCEPT_COLUMN = Column((), INTERCEPT)


def term_columns(
    terms: tuple[Term, ...], data: CleanData | None, *, keep: tuple[Term, ...] | None = None
) -> tuple[Column, ...]:
    """The columns of terms that are coded together; those of ``keep`` only, where it is given.

    Without data all variables are taken for numbers.
    """
    known = {v: levels(v, data) for term in terms for v in term.variables}
    factors = {variable: names for variable, names in known.items() if names}
    codings = coding(terms, factors)
    kept = terms if keep is None else keep
    return tuple(column for term in kept for column in factor_coding.term_columns(term, codings[term], factors))


def values(column: Column, data: CleanData) -> np.ndarray:
    """The column's numbers, shape (rows,)."""
    import numpy as np

    result = np.ones(data.rows)
    for part in column.parts:
        variable = data.columns[part.variable]
        result = result * np.asarray(variable if part.level is None else variable.astype(str) == part.level, float)
    return result


def levels(variable: str, data: CleanData | None) -> list[str]:
    """The labels of a factor; empty for a number, or without data."""
    if data is None or variable not in data.columns or data.columns[variable].dtype != "category":
        return []
    return [str(level) for level in data.columns[variable].cat.categories]
