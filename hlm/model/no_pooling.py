"""No pooling made concrete on data: which effects each group has for itself, and which common terms stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.formula.formula import INTERCEPT, Formula, Term
from hlm.formula.pooling_formulas import OwnEffect, none_formula, own_effects
from hlm.model.design_columns import Columns
from hlm.model.left_out_columns import first_levels_last
from hlm.model.nesting import refines
from hlm.model.own_span import OwnSpan
from hlm.support.independent_columns import independent_columns, tolerance

type ColumnsOf = Callable[[tuple[Term, ...]], Columns]


@dataclass(frozen=True, slots=True)
class NoPooling:
    """The no-pooling strategy of a formula on its data."""

    formula: Formula  # with a fixed term for each own effect, ``0 + school + school:pre``
    own: tuple[OwnEffect, ...]  # the effects that each group has for itself
    designs: Mapping[Term, Columns]  # by grouping factor: the columns of its groups' own effects
    # by grouping factor, shape (K, q): own coefficients that are 0, since those of other factors stand for them
    fixed: Mapping[Term, np.ndarray]
    kept: Columns  # the common columns that the groups' own effects do not explain
    dropped: tuple[Term, ...]  # common terms without such a column
    notes: tuple[str, ...]  # one sentence for each thing left out

    @property
    def zeros(self) -> int:
        """How many own coefficients are fixed at 0."""
        return sum(int(fixed.sum()) for fixed in self.fixed.values())


def no_pooling(formula: Formula, data: CleanData | None, columns_of: ColumnsOf, common: Columns) -> NoPooling:
    """What no pooling can estimate on these data.

    A factor that another one refines (each cask lies in one batch) is left to the finer one. Of the common columns, as
    the user coded them, those stay that the groups' own effects do not explain: a county's uranium, or A in ``A*B``
    where A is a property of the subjects, is in the groups' own intercepts. Without data nothing is left out but what
    the formula alone decides.

    columns_of: gives the columns of terms that are coded together.
    common: the columns of the common terms.
    """
    own, notes = _finest(own_effects(formula), data)
    designs, fixed, span = _spanned(own, data, columns_of)
    while needless := [o for o in own if _all_zero(fixed, designs, o)]:
        own = tuple(o for o in own if o not in needless)
        notes += [f"{o.term.name} is left out: the other own coefficients already contain it" for o in needless]
        designs, fixed, span = _spanned(own, data, columns_of)
    replaced = [t for t in formula.common if frozenset(t.variables) in {frozenset(o.effect.variables) for o in own}]
    dropped: tuple[Term, ...] = tuple(replaced)
    kept = common.select(tuple(term for term in common.terms if term not in dropped))
    if span is not None:
        kept = common.take(_outside(common, span))
        dropped = tuple(term for term in formula.common if term not in kept.terms)
        notes += _notes(common, kept, replaced, " and ".join(group.name for group in designs))
    return NoPooling(none_formula(formula, own, dropped), own, designs, fixed, kept, dropped, tuple(notes))


def _spanned(
    own: tuple[OwnEffect, ...], data: CleanData | None, columns_of: ColumnsOf
) -> tuple[dict[Term, Columns], dict[Term, np.ndarray], OwnSpan | None]:
    """By grouping factor the columns of its own effects, and which coefficients are 0; with data what all explain."""
    groups = dict.fromkeys(o.group for o in own)
    designs = {group: columns_of(tuple(o.effect for o in own if o.group == group)) for group in groups}
    if data is None or not own:
        return designs, {}, None
    span = OwnSpan(tuple(data.codes(group) for group in groups), tuple(design.matrix for design in designs.values()))
    return designs, dict(zip(groups, span.fixed, strict=True)), span


def _all_zero(fixed: Mapping[Term, np.ndarray], designs: Mapping[Term, Columns], own: OwnEffect) -> bool:
    """Whether other own coefficients stand for all of an effect's."""
    mine = [term == own.effect for term in designs[own.group].terms]
    return own.group in fixed and bool(fixed[own.group][:, mine].all())


def _outside(common: Columns, span: OwnSpan) -> list[int]:
    """The places of the common columns that neither the groups' own effects nor those before them explain."""
    order = first_levels_last(common)
    matrix = common.matrix[:, order]
    return sorted(order[j] for j in independent_columns(span.outside(matrix), tolerance(matrix)))


def _notes(common: Columns, kept: Columns, replaced: list[Term], groups: str) -> Iterator[str]:
    """A sentence for each term that is not replaced by the groups' own effects and has lost columns."""
    there = set(kept.names)
    for term in dict.fromkeys(common.terms):
        mine = [j for j, t in enumerate(common.terms) if t == term]
        lost = [common.labels[j] for j in mine if common.names[j] not in there]
        if lost and term not in replaced:
            what = ", ".join(lost) if len(lost) < len(mine) else "the intercept" if term == INTERCEPT else term.name
            verb, it = ("are", "them") if len(lost) > 1 and len(lost) < len(mine) else ("is", "it")
            yield f"{what} {verb} left out: the own coefficients of each {groups} already contain {it}"


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
    """Whether every group of one factor lies within one group of another, coarser one (with the same effect).

    What differs between the levels of a factor within ``g``, as in ``(f|g)``, are intercepts of the cells ``g:f``.
    """
    is_factor = {v: data.columns[v].dtype == "category" for v in coarse.effect.variables}
    numbers = {v for v in coarse.effect.variables if not is_factor[v]}
    if fine.group == coarse.group or set(fine.effect.variables) not in (numbers, {*is_factor}):
        return False
    inner, outer = data.codes(fine.group), data.codes(coarse.group)
    if set(fine.effect.variables) == {*is_factor}:
        return refines(inner, outer) and not refines(outer, inner)
    levels = [data.columns[v].cat.codes.to_numpy() for v in is_factor if is_factor[v]]
    return all(refines(inner, codes) for codes in (outer, *levels))
