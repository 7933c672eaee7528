"""Design columns: the terms of a formula as columns of numbers.

Factors are coded by `hlm.model.factor_coding`. The grouping factor never becomes dummy columns here, it stays an
integer code per row (400,000 rows x 4,000 groups would need 12 GB as dummies).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.data.column_checks import check_size_of_products
from hlm.data.contrasts import Contrast
from hlm.errors import DataError
from hlm.formula.formula import INTERCEPT, Term
from hlm.model.factor_coding import Column, coding, first_level, term_columns

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Columns:
    """Design columns of some terms."""

    matrix: np.ndarray  # shape (rows, columns), float64
    terms: tuple[Term, ...]  # the term of each column, length ``columns``
    labels: tuple[str, ...]  # the name of each column: ``Intercept``, ``pre``, ``sex[M]``, ``x:c[q]``
    # by term and factor: True where the factor has a column for every level, False where its first is left out
    coding: Mapping[Term, Mapping[str, bool]] = field(default_factory=dict)
    # the levels of each column's factors as one text, ``M`` or ``q, l``; None for numbers, which all columns are unless
    # this is given
    levels: tuple[str | None, ...] = ()
    # which one of its term's columns each is; all of them are there unless this is given
    places: tuple[int, ...] = ()
    factors: Mapping[str, Sequence[str]] = field(default_factory=dict)  # the levels of each, the reference first
    contrasts: Mapping[str, Contrast] = field(default_factory=dict)  # of factors that ask for their own

    def __post_init__(self) -> None:
        if not self.levels:
            object.__setattr__(self, "levels", (None,) * len(self.terms))
        if not self.places:
            counts: Counter[Term] = Counter()
            places = []
            for term in self.terms:
                places.append(counts[term])
                counts[term] += 1
            object.__setattr__(self, "places", tuple(places))

    def select(self, terms: tuple[Term, ...]) -> Columns:
        """Some of the terms, coded as they are beside the others."""
        return self.take([i for i, term in enumerate(self.terms) if term in terms])

    def take(self, keep: Sequence[int]) -> Columns:
        """Some of the columns."""
        if len(keep) == len(self.terms):
            return self
        owners, labels = tuple(self.terms[i] for i in keep), tuple(self.labels[i] for i in keep)
        levels, places = tuple(self.levels[i] for i in keep), tuple(self.places[i] for i in keep)
        return Columns(self.matrix[:, keep], owners, labels, self.coding, levels, places, self.factors, self.contrasts)

    @property
    def names(self) -> tuple[tuple[Term, int], ...]:
        """The term of each column, and which one of its columns it is: no two columns have the same."""
        return tuple(zip(self.terms, self.places, strict=True))

    def on(self, rows: pd.DataFrame) -> Columns:
        """The same columns of other rows, whose factors are categoricals with the levels of the data.

        DataError: where a factor has other levels.
        """
        whole = _evaluated(tuple(dict.fromkeys(self.terms)), self.coding, rows, self.contrasts)
        if any(levels != self.factors.get(factor) for factor, levels in whole.factors.items()):
            raise DataError(f"The rows have the columns {whole.labels}, not {self.labels}: other levels than the data.")
        wanted = set(self.names)
        return whole.take([i for i, name in enumerate(whole.names) if name in wanted])

    def of(self, term: Term) -> np.ndarray:
        """The columns of one term, shape (rows, its columns)."""
        return self.matrix[:, [t == term for t in self.terms]]

    def labels_of(self, term: Term) -> tuple[str, ...]:
        return tuple(label for label, t in zip(self.labels, self.terms, strict=True) if t == term)

    def levels_of(self, term: Term) -> tuple[str, ...] | None:
        """The levels of a term's columns, ``("q", "r")`` or ``("q, l", "r, l")``; None for a term of numbers."""
        own = [level for level, t in zip(self.levels, self.terms, strict=True) if t == term]
        levels = tuple(level for level in own if level is not None)
        return levels or None


def columns(terms: tuple[Term, ...], data: CleanData | None) -> Columns:
    """The design columns of a sum of terms, factors coded as R codes them: against the first level, or as they ask.

    terms: with or without the intercept; whether a factor has a column for its first level depends on that.
    data: None where only the formula is known: then each term is one column without rows, its variables numbers.
    result: in the order of the terms, but the intercept first.
    """
    ordered = tuple(sorted(terms, key=lambda term: term != INTERCEPT))
    if data is None:
        labels = tuple("Intercept" if term == INTERCEPT else term.name for term in ordered)
        return Columns(np.empty((0, len(ordered))), ordered, labels)
    codings = coding(ordered, factor_levels(ordered, data.columns))
    return _evaluated(ordered, codings, data.columns, data.contrasts)


def side_by_side(designs: list[Columns]) -> Columns:
    """The columns of several designs as one."""
    if len(designs) == 1:
        return designs[0]
    return Columns(
        np.column_stack([design.matrix for design in designs]),
        tuple(term for design in designs for term in design.terms),
        tuple(label for design in designs for label in design.labels),
        {term: coding for design in designs for term, coding in design.coding.items()},
        tuple(level for design in designs for level in design.levels),
        tuple(place for design in designs for place in design.places),
        {factor: levels for design in designs for factor, levels in design.factors.items()},
        {factor: contrast for design in designs for factor, contrast in design.contrasts.items()},
    )


def factor_levels(terms: Iterable[Term], frame: pd.DataFrame) -> dict[str, list[str]]:
    """The levels of every factor among the terms' variables, the reference first."""
    variables = dict.fromkeys(v for term in terms for v in term.variables)
    return {v: list(frame[v].cat.categories) for v in variables if frame[v].dtype == "category"}


def indicators(codes: np.ndarray, levels: int, *, full: bool) -> np.ndarray:
    """A factor's columns of zeros and ones: of every level, or of every level but the first.

    codes: shape (rows,).
    """
    return np.asarray(codes[:, None] == np.arange(first_level(full), levels), dtype=np.float64)


def row_products(factors: Sequence[np.ndarray], rows: int) -> np.ndarray:
    """Products of one column of each matrix, in all combinations; the last matrix's columns vary fastest.

    factors: of shape (rows, its columns); where there is none, the product is a column of ones.
    """
    if not factors:
        return np.ones((rows, 1))
    result, *others = factors
    for values in others:
        width = result.shape[1] * values.shape[1]
        result = (result[:, :, None] * values[:, None, :]).reshape(rows, width)
    return result


def _evaluated(
    terms: tuple[Term, ...], codings: Mapping[Term, Mapping[str, bool]], frame: pd.DataFrame,
    contrasts: Mapping[str, Contrast],
) -> Columns:  # fmt: skip
    """The columns of terms whose coding is known."""
    levels = factor_levels(terms, frame)
    matrices = [np.empty((len(frame), 0))]
    found: list[Column] = []
    for term in terms:
        full = codings.get(term, {})
        found += term_columns(term, full, levels, contrasts)
        parts = [_variable(frame[v], full.get(v), contrasts.get(v)) for v in term.variables]
        values = row_products(parts, len(frame))
        if term.degree > 1:
            check_size_of_products(values, term.name)
        matrices.append(values)
    return Columns(
        np.concatenate(matrices, axis=1), tuple(c.term for c in found), tuple(c.label for c in found), codings,
        tuple(c.level for c in found), factors=levels, contrasts=contrasts,
    )  # fmt: skip


def _variable(column: pd.Series, full: bool | None, contrast: Contrast | None) -> np.ndarray:
    """A number as one column; a factor, of which ``full`` is known, as its indicators or its contrasts."""
    if full is None:
        return column.to_numpy(np.float64)[:, None]
    if contrast is not None and not full:
        return np.asarray(contrast.matrix[column.cat.codes.to_numpy()])
    return indicators(column.cat.codes.to_numpy(), len(column.cat.categories), full=full)
