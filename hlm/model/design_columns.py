"""Design columns: the terms of a formula as columns of numbers.

The columns are evaluated by formulae, so that they are the ones that Bambi uses; the grouping factor never becomes
dummy columns here, it stays an integer code per row (400,000 rows x 4,000 groups would need 12 GB as dummies).
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.data.column_checks import check_size_of_products
from hlm.errors import FormulaError
from hlm.formula.formula import INTERCEPT, Block, Formula, Term


@dataclass(frozen=True, slots=True)
class Columns:
    """Design columns of some terms.

    Attributes
    ----------
    matrix : numpy.ndarray
        Shape (rows, columns), float64.
    terms : tuple of Term
        The term of each column, length ``columns``.
    labels : tuple of str
        The name of each column: ``Intercept``, ``pre``, ``sex[M]``, ``x:c[q]``.
    coding : Mapping
        By term and factor: True where the factor has a column for every level, False where its first is left out.
    together : tuple of Term
        The terms that were coded together, of which these may be a part (see `select`).
    """

    matrix: np.ndarray
    terms: tuple[Term, ...]
    labels: tuple[str, ...]
    coding: Mapping[Term, Mapping[str, bool]] = field(default_factory=dict)
    together: tuple[Term, ...] = ()

    def select(self, terms: tuple[Term, ...]) -> Columns:
        """Some of the terms, coded as they are beside the others."""
        keep = [i for i, term in enumerate(self.terms) if term in terms]
        owners, labels = tuple(self.terms[i] for i in keep), tuple(self.labels[i] for i in keep)
        return Columns(self.matrix[:, keep], owners, labels, self.coding, self.together)

    def on(self, data: CleanData) -> Columns:
        """The same columns of other rows, which must have every level of every factor."""
        return columns(self.together, data).select(tuple(dict.fromkeys(self.terms)))

    def of(self, term: Term) -> np.ndarray:
        """The columns of one term, shape (rows, its columns)."""
        return self.matrix[:, [t == term for t in self.terms]]

    def labels_of(self, term: Term) -> tuple[str, ...]:
        return tuple(label for label, t in zip(self.labels, self.terms, strict=True) if t == term)


def columns(terms: tuple[Term, ...], data: CleanData) -> Columns:
    """The design columns of a sum of terms, factors coded as R codes them (treatment contrasts).

    Parameters
    ----------
    terms : tuple of Term
        With or without the intercept; whether a factor has a column for its first level depends on that.
    data : CleanData

    Returns
    -------
    Columns
    """
    if not terms:
        return Columns(np.empty((data.rows, 0)), (), ())
    if all(data.columns[v].dtype != "category" for term in terms for v in term.variables):
        return _numeric_columns(terms, data)
    import formulae

    text = " + ".join(["1" if INTERCEPT in terms else "0", *(formulae_text(t) for t in terms if t != INTERCEPT)])
    frame = data.columns.reset_index(drop=True)
    evaluated = formulae.design_matrices(text, frame).common.terms
    matrices, owners, labels, coding = [], [], [], {}
    by_name = {"Intercept" if t == INTERCEPT else t.name: t for t in terms}
    for name, part in evaluated.items():
        if name not in by_name:  # patsy's rule fills a gap, such as a missing main effect, with a term of its own
            raise _missing_margin(name, terms)
        values = np.asarray(part.data, dtype=np.float64).reshape(data.rows, -1)
        if by_name[name].degree > 1:
            check_size_of_products(values, name)
        matrices.append(values)
        owners += [by_name[name]] * values.shape[1]
        labels += _labels(name, by_name[name], part, values.shape[1])
        factors = [c for c in getattr(part, "components", ()) if c.kind == "categoric"]
        coding[by_name[name]] = {c.name: bool(c.spans_intercept) for c in factors}
    return Columns(np.column_stack(matrices), tuple(owners), tuple(labels), coding, terms)


def _missing_margin(name: str, terms: tuple[Term, ...]) -> FormulaError:
    """What to say of a term that factors need, with the first term that needs it marked."""
    missing = Term(tuple(name.split(":")))
    ordered = sorted(terms, key=lambda term: term != INTERCEPT)
    text = " + ".join([*(["0"] if INTERCEPT not in terms else []), *map(str, ordered)])
    needs = next((str(term) for term in ordered if set(missing.variables) < set(term.variables)), text)
    return FormulaError(
        f"The terms {text} leave out {missing}, which their factors need: add {missing}, or join the factors into one "
        f"column of the data.",
        text,
        text.index(needs),
        text.index(needs) + len(needs),
    )


def _numeric_columns(terms: tuple[Term, ...], data: CleanData) -> Columns:
    """Products of numbers, the intercept first; without formulae, whose import takes longer than all the rest."""
    ordered = sorted(terms, key=lambda term: term != INTERCEPT)
    matrix = np.ones((data.rows, len(ordered)))
    for place, term in enumerate(ordered):
        for variable in term.variables:
            matrix[:, place] *= data.columns[variable].to_numpy(np.float64)
        if term.degree > 1:
            check_size_of_products(matrix[:, place], term.name)
    labels = tuple("Intercept" if term == INTERCEPT else term.name for term in ordered)
    return Columns(matrix, tuple(ordered), labels, {term: {} for term in ordered}, terms)


def response_without_offset(formula: Formula, data: CleanData) -> np.ndarray:
    """The response less what is added to the linear predictor with coefficient 1, shape (rows,)."""
    y = data.columns[formula.response.variable].to_numpy(dtype=np.float64)
    return y if data.offset is None else np.asarray(y - data.offset)


def block_columns(formula: Formula, data: CleanData) -> tuple[tuple[Block, Columns], ...]:
    """The effects' columns of every block with a covariance matrix of its own (``||`` expanded)."""
    return tuple((block, columns(block.effects, data)) for block in formula.expanded_blocks())


def _labels(name: str, term: Term, part: object, width: int) -> list[str]:
    if term == INTERCEPT or (width == 1 and getattr(part, "kind", "") == "numeric"):
        return [name]
    levels = getattr(part, "levels", None)
    return [name] if levels is None else [f"{name}[{level}]" for level in levels]


def formulae_text(term: Term) -> str:
    """A term as formulae reads it: names that are not Python identifiers in back-quotes."""
    return ":".join(v if v.isidentifier() and not keyword.iskeyword(v) else f"`{v}`" for v in term.variables)
