"""No pooling made concrete on data: which effects each group has for itself, and which common terms stay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.errors import FitError
from hlm.formula.formula import INTERCEPT, Formula, Term
from hlm.formula.pooling_formulas import OwnEffect, none_formula, own_effects
from hlm.model.design_columns import Columns, columns
from hlm.model.nesting import refines
from hlm.support.linear_algebra import NEW_SHARE, within_least_squares

_RANK_TOLERANCE = 1e-8  # share of what a column varies that must be new


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
        finer = next((o for o in own if o != coarse and _finer(o, coarse, data)), None)
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


def kept_columns(formula: Formula, arm: Arm, data: CleanData) -> Columns:
    """The common terms that no pooling keeps, coded as they are beside the groups' own effects."""
    own = {o.term for o in arm.own}
    kept = tuple(t for t in none_formula(formula, arm.own, arm.dropped).common if t not in own)
    together = dict.fromkeys([*(o.effect for o in arm.own), *kept])
    return columns(tuple(sorted(together, key=lambda t: t.degree)), data).select(kept)


def own_columns(own: tuple[OwnEffect, ...], group: Term, data: CleanData) -> Columns:
    """The columns of the effects that each group of one factor has for itself in no pooling."""
    return columns(tuple(o.effect for o in own if o.group == group), data)


def _what(own: OwnEffect) -> str:
    return "intercept" if own.effect == INTERCEPT else f"effect of {own.effect.name}"


def _finer(fine: OwnEffect, coarse: OwnEffect, data: CleanData) -> bool:
    """Whether every group of one factor lies within one group of another, coarser one (with the same effect)."""
    if set(fine.effect.variables) != set(coarse.effect.variables) or fine.group == coarse.group:
        return False
    inner, outer = data.codes(fine.group), data.codes(coarse.group)
    return refines(inner, outer) and not refines(outer, inner)


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
