"""What every check is given: the formula, its text, and the data if there are any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.formula.formula import INTERCEPT, Block, Formula, Term
from hlm.linting.codes import threshold
from hlm.linting.findings import Finding, finding_at
from hlm.linting.places_in_text import Place, place_of_block, place_of_name, place_of_response, place_of_term
from hlm.linting.rewritten_formulas import if_read
from hlm.model.design_columns import indicators, row_products
from hlm.model.factor_coding import Coding, all_codings, factor_width
from hlm.model.families import Family


@dataclass(frozen=True, slots=True)
class Case:
    """A formula without data."""

    text: str  # the formula as written
    formula: Formula  # the same, read
    family: Family

    def finding(
        self,
        code: str,
        message: str,
        *,
        at: Term | Block | str | Place | None = None,
        instead: Formula | str | None = None,
    ) -> Finding:
        """A finding about a term, a block, a column's name or a place; a proposal that cannot be read is left out."""
        proposal = None if instead is None else if_read(str(instead), self.formula.functions)
        return finding_at(self.text, code, message, self._place(at), proposal)

    def block_of(self, group: Term) -> Block:
        """The first block of a grouping factor, as the place of what is said about the factor."""
        return next(block for block in self.formula.blocks if block.group == group)

    def _place(self, at: Term | Block | str | Place | None) -> Place | None:
        match at:
            case Term():
                return place_of_term(self.text, at)
            case Block():
                return place_of_block(self.text, at)
            case str() if at in self.formula.response.variables:
                return place_of_response(self.text)
            case str():
                return place_of_name(self.text, at)
        return at


@dataclass(frozen=True, slots=True)
class DataCase(Case):
    """A formula with its data: ``data`` are the complete rows, ``frame`` the whole frame behind narwhals.

    In the formula ``.`` is written out; ``poly(x, 2)`` is still one variable, of two columns.
    """

    data: CleanData
    frame: Any

    def is_factor(self, variable: str) -> bool:
        return not self.is_basis(variable) and str(self.data.columns[variable].dtype) == "category"

    def is_basis(self, variable: str) -> bool:
        """Whether a variable is a curve of several columns."""
        return variable in self.data.expansions

    def is_constant(self, variable: str) -> bool:
        """Whether all rows have the same value; a curve of a constant cannot be computed."""
        return not self.is_basis(variable) and self.data.columns[variable].nunique() < 2

    def factors_of(self, term: Term) -> tuple[str, ...]:
        return tuple(v for v in term.variables if self.is_factor(v))

    def numbers(self, variable: str) -> np.ndarray:
        """A numeric column, shape (rows,)."""
        return self.data.columns[variable].to_numpy(dtype=np.float64)

    def values(self, variable: str) -> np.ndarray:
        """The columns of a number or of a curve, shape (rows, columns)."""
        names = self.data.expansions.get(variable, (variable,))
        return self.data.columns[list(names)].to_numpy(dtype=np.float64)

    def codes(self, variable: str) -> np.ndarray:
        """A factor as integers 0 .. L-1, shape (rows,)."""
        return np.asarray(self.data.columns[variable].cat.codes, dtype=np.int64)

    def levels(self, variable: str) -> list[str]:
        return list(self.data.columns[variable].cat.categories)

    def coefficients(self, terms: Sequence[Term]) -> int:
        """How many coefficients some terms have, factors coded as in R."""
        found = 0
        for term, codings in self.codings(terms).items():
            numbers = [len(self.data.expansions.get(v, (v,))) for v in term.variables if not self.is_factor(v)]
            factors = (
                [factor_width(self.levels(v), full[v], self.data.contrasts.get(v)) for v in full] for full in codings
            )
            found += sum(prod(numbers + widths) for widths in factors)
        return found

    def codings(self, terms: Sequence[Term]) -> dict[Term, tuple[Coding, ...]]:
        """How the factors of each term are coded beside the others; several codings where a margin is missing."""
        return all_codings(terms, {v for term in terms for v in self.factors_of(term)})

    def columns_of(self, term: Term, full: Mapping[str, bool]) -> np.ndarray:
        """The columns of a term in one of its codings, shape (rows, columns); without the factors not coded there."""
        parts = [
            indicators(self.codes(v), len(self.levels(v)), full=full[v]) if v in full else self.values(v)
            for v in term.variables
            if v in full or not self.is_factor(v)
        ]
        return row_products(parts, self.data.rows)

    def varies(self, effect: Term, group: Term) -> np.ndarray:
        """Whether an effect's columns differ within each group, shape (K,): a row against the group's first row."""
        codes = self.data.codes(group)
        groups = len(self.data.levels(group))
        first = np.empty(groups, dtype=np.int64)
        first[codes[::-1]] = np.arange(len(codes))[::-1]  # the last write wins: the first row of each group
        differs = np.zeros(len(codes), dtype=bool)
        for values in self._parts(effect):
            differs |= values != values[first[codes]]
        return np.bincount(codes, differs, groups) > 0

    def is_intercept_of_some(self, effect: Term, block: Block) -> bool:
        """Whether a term of a bar without intercept is one: 0, or one number, in all rows of each group.

        So is each level of a factor that is the same in all rows of each group.
        """
        if block.has_intercept or self.varies(effect, block.group).any():
            return False
        numbers = [self.values(name) for name in effect.variables if not self.is_factor(name)]
        sizes = np.unique(np.abs(row_products(numbers, self.data.rows)))
        return len(sizes[sizes > 0]) == 1

    def _parts(self, effect: Term) -> Iterator[np.ndarray]:
        """What must differ for a slope to show: each factor, and the product of the numbers."""
        factors = self.factors_of(effect)
        yield from (self.codes(name) for name in factors)
        numbers = [self.values(name) for name in effect.variables if name not in factors]
        if numbers:
            yield from row_products(numbers, self.data.rows).T


def listed(names: Sequence[str]) -> str:
    """The first names, then how many more there are."""
    most = int(threshold("names shown"))
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def spoken(terms: Sequence[Term]) -> str:
    """Terms in a sentence."""
    return listed(["intercept" if term == INTERCEPT else str(term) for term in terms])
