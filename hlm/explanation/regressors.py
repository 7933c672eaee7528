"""One regressor at a time: a column is a product of numbers and of yes-or-no questions about a factor's level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlm.formula.formula import INTERCEPT, Term
from hlm.model import factor_coding
from hlm.model.design_columns import Columns, factor_levels
from hlm.model.factor_coding import Column, Part, coding

__all__ = ["INTERCEPT_COLUMN", "Column", "Part", "columns_in", "levels", "term_columns"]

if TYPE_CHECKING:
    from hlm.data.clean_data import CleanData

INTERCEPT_COLUMN = Column((), INTERCEPT)


def term_columns(terms: tuple[Term, ...], data: CleanData | None) -> tuple[Column, ...]:
    """The columns of terms that are coded together; without data all variables are taken for numbers."""
    factors = {} if data is None else factor_levels(terms, data.columns)
    codings = coding(terms, factors)
    contrasts = {} if data is None else data.contrasts
    made = (factor_coding.term_columns(term, codings[term], factors, contrasts) for term in terms)
    return tuple(column for columns in made for column in columns)


def columns_in(design: Columns, every: tuple[Column, ...]) -> tuple[Column, ...]:
    """Of all columns of some terms those that a design has; it may leave out what others explain."""
    kept = set(design.names)
    first = {column.term: place for place, column in reversed([*enumerate(every)])}
    return tuple(column for place, column in enumerate(every) if (column.term, place - first[column.term]) in kept)


def levels(variable: str, data: CleanData | None) -> list[str]:
    """The labels of a factor; empty for a number, or without data."""
    if data is None or variable not in data.columns or data.columns[variable].dtype != "category":
        return []
    return [str(level) for level in data.columns[variable].cat.categories]
