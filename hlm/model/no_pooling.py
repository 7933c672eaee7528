"""No pooling made concrete on data: which effects each group has for itself, and which common terms stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.formula.formula import INTERCEPT, Formula, Term
from hlm.formula.pooling_formulas import OwnEffect, none_formula, own_effects
from hlm.model.design_columns import Columns
from hlm.model.nesting import refines
from hlm.support.linear_algebra import NEW_SHARE, within_least_squares

type ColumnsOf = Callable[[tuple[Term, ...]], Columns]

_RANK_TOLERANCE = 1e-8  # share of what a column varies that must be new


@dataclass(frozen=True, slots=True)
class NoPooling:
    """The no-pooling strategy of a formula on its data."""

    formula: Formula  # with a fixed term for each own effect, ``0 + school + school:pre``
    own: tuple[OwnEffect, ...]  # the effects that each group has for itself
    designs: Mapping[Term, Columns]  # by grouping factor: the columns of its groups' own effects
    kept: Columns  # the common terms that stay, coded as they are beside the groups' own effects
    dropped: tuple[Term, ...]  # common terms that lie in the span of the groups' own effects
    notes: tuple[str, ...]  # one sentence for each thing left out

    @property
    def zeros(self) -> int:
        """How many own coefficients are fixed at 0: an intercept of each factor after the first."""
        return max(sum(own.effect == INTERCEPT for own in self.own) - 1, 0)


def no_pooling(formula: Formula, data: CleanData | None, columns_of: ColumnsOf) -> NoPooling:
    """What no pooling can estimate on these data.

    A factor that another one refines (each cask lies in one batch) is left to the finer one; a common term that is
    constant within the groups (a county's uranium) is left to the groups' own intercepts. Without data nothing is left
    out but what the formula alone decides. ``columns_of`` gives the columns of terms that are coded together.
    """
    own, notes = _finest(own_effects(formula), data)
    groups = dict.fromkeys(o.group for o in own)
    designs = {group: columns_of(tuple(o.effect for o in own if o.group == group)) for group in groups}
    dropped = () if data is None else _spanned_terms(formula, own, designs, data, columns_of)
    for term in dropped:
        name = "the intercept" if term == INTERCEPT else term.name
        factors = " and ".join(group.name for group in groups)
        notes.append(f"{name} is left out: the own coefficients of each {factors} already contain it")
    strategy = none_formula(formula, own, dropped)
    own_terms = {o.term for o in own}
    kept = tuple(term for term in strategy.common if term not in own_terms)
    together = columns_of(by_degree([*(o.effect for o in own), *kept]))
    return NoPooling(strategy, own, designs, together.select(kept), dropped, tuple(notes))


def by_degree(terms: list[Term]) -> tuple[Term, ...]:
    """Each term once, the short ones first."""
    return tuple(sorted(dict.fromkeys(terms), key=lambda term: term.degree))


def _finest(own: tuple[OwnEffect, ...], data: CleanData | None) -> tuple[tuple[OwnEffect, ...], list[str]]:
    """The own effects without those of a factor that a finer one refines, and a note for each of these."""
    notes: list[str] = []
    if data is None:
        return own, notes
    for coarse in own:
        finer = next((o for o in own if _finer(o, coarse, data)), None)
        if finer is not None:
            own = tuple(o for o in own if o != coarse)
            what = "intercept" if coarse.effect == INTERCEPT else f"effect of {coarse.effect.name}"
            notes.append(f"each {finer.group.name} lies in one {coarse.group.name}, whose own {what} is in it")
    return own, notes


def _finer(fine: OwnEffect, coarse: OwnEffect, data: CleanData) -> bool:
    """Whether every group of one factor lies within one group of another, coarser one (with the same effect)."""
    if set(fine.effect.variables) != set(coarse.effect.variables) or fine.group == coarse.group:
        return False
    inner, outer = data.codes(fine.group), data.codes(coarse.group)
    return refines(inner, outer) and not refines(outer, inner)


def _spanned_terms(
    formula: Formula,
    own: tuple[OwnEffect, ...],
    designs: Mapping[Term, Columns],
    data: CleanData,
    columns_of: ColumnsOf,
) -> tuple[Term, ...]:
    """The common terms all of whose columns lie in the span of the groups' own effects.

    Each column is regressed on the effects within each group, factor after factor until nothing moves (alternating
    projections); a term is spanned when nothing of it is left.
    """
    replaced = {frozenset(o.effect.variables) for o in own}
    rest = tuple(term for term in formula.common if frozenset(term.variables) not in replaced)
    if not rest or not own:
        return ()
    spans = [(data.codes(group), design.matrix) for group, design in designs.items()]
    candidates = columns_of(by_degree([INTERCEPT, *(o.effect for o in own), *rest]))
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
            own = within_least_squares(residual, codes, effects)  # a separate regression in each group
            residual = residual - np.einsum("ij,ij->i", effects, own[codes])
        if before - np.linalg.norm(residual) <= 1e-12 * np.linalg.norm(values):
            break
    return residual
