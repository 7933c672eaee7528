"""What the matrices are: the columns of terms as numbers, and which terms the data can tell apart.

The columns are evaluated by formulae, so that they are the ones that Bambi uses; the grouping factor never becomes
dummy columns here, it stays an integer code per row (400,000 rows x 4,000 groups would need 12 GB as dummies).
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hlm.errors import FitError, FormulaError
from hlm.formula.arms import OwnEffect, own_effects
from hlm.formula.formula import INTERCEPT, Block, Formula, Term
from hlm.frame import CleanData
from hlm.orthogonal import NEW_SHARE, within_least_squares

_RANK_TOLERANCE = 1e-8  # share of what a column varies that must be new


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


@dataclass(frozen=True, slots=True)
class Arm:
    """No pooling made concrete on data: each group's own effects, and what had to be left out.

    Attributes
    ----------
    own : tuple of OwnEffect
        The effects that each group has for itself.
    dropped : tuple of Term
        Common terms that lie in the span of the groups' own effects.
    notes : tuple of str
        One sentence for each thing left out.
    """

    own: tuple[OwnEffect, ...]
    dropped: tuple[Term, ...]
    notes: tuple[str, ...]


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
    labels = tuple("Intercept" if term == INTERCEPT else term.name for term in ordered)
    return Columns(matrix, tuple(ordered), labels, {term: {} for term in ordered}, terms)


def response_without_offset(formula: Formula, data: CleanData) -> np.ndarray:
    """The response less what is added to the linear predictor with coefficient 1, shape (rows,)."""
    y = data.columns[formula.response.variable].to_numpy(dtype=np.float64)
    return y if data.offset is None else np.asarray(y - data.offset)


def block_columns(formula: Formula, data: CleanData) -> tuple[tuple[Block, Columns], ...]:
    """The effects' columns of every block with a covariance matrix of its own (``||`` expanded)."""
    return tuple((block, columns(block.effects, data)) for block in formula.expanded_blocks())


def own_columns(own: tuple[OwnEffect, ...], group: Term, data: CleanData) -> Columns:
    """The columns of the effects that each group of one factor has for itself in no pooling."""
    return columns(tuple(o.effect for o in own if o.group == group), data)


def formulae_text(term: Term) -> str:
    """A term as formulae reads it: names that are not Python identifiers in back-quotes."""
    return ":".join(v if v.isidentifier() and not keyword.iskeyword(v) else f"`{v}`" for v in term.variables)


def grouped_text(term: Term) -> str:
    """A grouping factor as formulae reads it; cells ``a:b`` are one column under that name."""
    return formulae_text(Term((term.name,)))


def none_arm(formula: Formula, data: CleanData) -> Arm:
    """What no pooling can estimate on these data.

    A factor that another one refines (each cask lies in one batch) is left to the finer one; a common term that is
    constant within the groups (a county's uranium) is left to the groups' own intercepts.

    Returns
    -------
    Arm
    """
    own = own_effects(formula)
    notes: list[str] = []
    for coarse in list(own):
        finer = next((o for o in own if o != coarse and _refines(o, coarse, data)), None)
        if finer is not None:
            own = tuple(o for o in own if o != coarse)
            notes.append(f"each {finer.group.name} lies in one {coarse.group.name}, whose own {_what(coarse)} is in it")
    replaced = {frozenset(o.effect.variables) for o in own}
    rest = tuple(t for t in formula.common if frozenset(t.variables) not in replaced)
    dropped = _spanned_terms(own, rest, data)
    for term in dropped:
        groups = " and ".join(dict.fromkeys(o.group.name for o in own))
        name = "the intercept" if term == INTERCEPT else term.name
        notes.append(f"{name} is left out: the own coefficients of each {groups} already contain it")
    return Arm(own, dropped, tuple(notes))


def separate_by(formula: Formula, data: CleanData) -> Term:
    """The factor whose groups have a residual sd each in no pooling with ``residual="separate"``.

    Raises
    ------
    FitError
        Where the groups of several factors have coefficients of their own.
    """
    groups = list(dict.fromkeys(o.group for o in none_arm(formula, data).own))
    if len(groups) == 1:
        return groups[0]
    names = ", ".join(group.name for group in groups)
    raise FitError(
        f"residual='separate' gives each group of one factor its own residual standard deviation, but the groups of "
        f"{names} all have coefficients of their own. Use residual='shared', or leave one factor out."
    )


def _labels(name: str, term: Term, part: object, width: int) -> list[str]:
    if term == INTERCEPT or (width == 1 and getattr(part, "kind", "") == "numeric"):
        return [name]
    levels = getattr(part, "levels", None)
    return [name] if levels is None else [f"{name}[{level}]" for level in levels]


def _what(own: OwnEffect) -> str:
    return "intercept" if own.effect == INTERCEPT else f"effect of {own.effect.name}"


def _refines(fine: OwnEffect, coarse: OwnEffect, data: CleanData) -> bool:
    """Whether every level of one factor lies within one level of the other (with the same effect)."""
    if set(fine.effect.variables) != set(coarse.effect.variables) or fine.group == coarse.group:
        return False
    inner, outer = data.codes(fine.group), data.codes(coarse.group)
    pairs = np.unique(inner * (outer.max() + 1) + outer)
    same_partition = len(pairs) == len(data.levels(fine.group)) == len(data.levels(coarse.group))
    return len(pairs) == len(data.levels(fine.group)) and not same_partition


def _spanned_terms(own: tuple[OwnEffect, ...], rest: tuple[Term, ...], data: CleanData) -> tuple[Term, ...]:
    """The common terms all of whose columns lie in the span of the groups' own effects.

    Each column is regressed on the effects within each group, factor after factor until nothing moves (alternating
    projections); a term is spanned when nothing of it is left.
    """
    if not rest or not own:
        return ()
    spans = [(data.codes(g), own_columns(own, g, data).matrix) for g in dict.fromkeys(o.group for o in own)]
    together = dict.fromkeys([INTERCEPT, *(o.effect for o in own), *rest])
    candidates = columns(tuple(sorted(together, key=lambda t: t.degree)), data)
    spanned = []
    for term in rest:
        values = candidates.of(term)
        left = np.column_stack([_outside_span(values[:, j], spans) for j in range(values.shape[1])])
        rounding = NEW_SHARE * np.linalg.norm(values, axis=0)  # of a column far from 0 little is new, but it counts
        if (np.linalg.norm(left, axis=0) <= _RANK_TOLERANCE * values.std(axis=0) * len(values) ** 0.5 + rounding).all():
            spanned.append(term)
    return tuple(spanned)


def _outside_span(values: np.ndarray, spans: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    residual = values.copy()
    for _ in range(200 if len(spans) > 1 else 1):
        before = np.linalg.norm(residual)
        for codes, effects in spans:
            residual = residual - _fitted_within(residual, codes, effects)
        if before - np.linalg.norm(residual) <= 1e-12 * np.linalg.norm(values):
            break
    return residual


def _fitted_within(values: np.ndarray, codes: np.ndarray, effects: np.ndarray) -> np.ndarray:
    """Fitted values of a separate least-squares regression in each group, shape (rows,)."""
    return np.asarray(np.einsum("ij,ij->i", effects, within_least_squares(values, codes, effects)[codes]))
