"""One regressor at a time: a column is a product of numbers and of yes-or-no questions about a factor's level."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from hlm.formula.formula import INTERCEPT, Term

if TYPE_CHECKING:
    import numpy as np

    from hlm.data.clean_data import CleanData


@dataclass(frozen=True, slots=True)
class Part:
    """A variable, or the question whether a factor has a level: 1 if it has, else 0."""

    variable: str
    level: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A product of parts; the intercept is the empty product, 1.

    Attributes
    ----------
    parts : tuple of Part
    term : Term
        The term of the formula that it belongs to.
    label : str
        Its name in the posterior's coordinates: ``pre``, ``sex[M]``; ``Intercept``.
    """

    parts: tuple[Part, ...]
    term: Term
    label: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Column) and frozenset(self.parts) == frozenset(other.parts)

    def __hash__(self) -> int:
        return hash(frozenset(self.parts))

    @property
    def is_numeric(self) -> bool:
        """Whether it has no question about a level."""
        return all(part.level is None for part in self.parts)


INTERCEPT_COLUMN = Column((), INTERCEPT, "Intercept")


def term_columns(
    terms: tuple[Term, ...], data: CleanData | None, *, keep: tuple[Term, ...] | None = None
) -> tuple[Column, ...]:
    """The columns of terms that are coded together; those of ``keep`` only, where it is given."""
    kept = terms if keep is None else keep
    if data is None or terms == (INTERCEPT,):
        return tuple(_whole(term) for term in kept)
    from hlm.model.design_columns import columns

    design = columns(terms, data)
    result: list[Column] = []
    for term in kept:
        labels = design.labels_of(term)
        result += _coded(term, labels, design.coding.get(term, {}), data)
    return tuple(result)


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


def _whole(term: Term) -> Column:
    """A term whose variables are taken for numbers."""
    if term == INTERCEPT:
        return INTERCEPT_COLUMN
    return Column(tuple(Part(v) for v in term.variables), term, term.name)


def _coded(term: Term, labels: tuple[str, ...], coding: object, data: CleanData) -> list[Column]:
    """The columns of a term in the order of the design: the last factor's levels vary fastest."""
    if term == INTERCEPT:
        return [INTERCEPT_COLUMN]
    full = coding if isinstance(coding, dict) else {}
    choices: list[list[Part]] = []
    for variable in term.variables:
        names = levels(variable, data)
        kept = names if full.get(variable, False) else names[1:]
        choices.append([Part(variable, level) for level in kept] if names else [Part(variable)])
    products = list(product(*choices))
    if len(products) != len(labels):  # columns of another making, such as a basis: named as they are
        return [Column((Part(label),), term, label) for label in labels]
    return [Column(parts, term, label) for parts, label in zip(products, labels, strict=True)]
