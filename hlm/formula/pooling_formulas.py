"""One formula, three models: the pooling strategies as formulas, before any data are seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from hlm.errors import FormulaError
from hlm.formula.formula import INTERCEPT, Formula, Term

Pooling = Literal["complete", "none", "partial"]
Residual = Literal["shared", "separate"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)
LABEL: Mapping[str, str] = {"complete": "complete pooling", "none": "no pooling", "partial": "partial pooling"}


@dataclass(frozen=True, slots=True)
class OwnEffect:
    """In no pooling: an effect that every group of a factor has for itself, as the fixed term ``group:effect``."""

    group: Term
    effect: Term

    @property
    def term(self) -> Term:
        return Term((*self.group.variables, *self.effect.variables))


def complete_formula(formula: Formula) -> Formula:
    """Complete pooling: the bars removed, so that all groups share every coefficient."""
    return replace(formula, blocks=())


def own_effects(formula: Formula) -> tuple[OwnEffect, ...]:
    """What varies in partial pooling and so becomes each group's own in no pooling.

    Of nested factors only the finest is kept for an effect: the cells ``a:b`` of ``(1|a/b)`` contain ``a``. The effects
    of a factor stand by degree, as their design columns do, in whatever order its bars are written.
    """
    effects = {group: sorted(formula.effects_of(group), key=lambda term: term.degree) for group in formula.groups}
    pairs = [OwnEffect(group, effect) for group in formula.groups for effect in effects[group]]
    return tuple(own for own in pairs if not any(_contains(other, own) for other in pairs))


def none_formula(formula: Formula, own: tuple[OwnEffect, ...], dropped: tuple[Term, ...] = ()) -> Formula:
    """No pooling: every varying effect as a fixed term per group; a common term that it replaces goes.

    formula: the partial-pooling formula.
    own: what each group has for itself (see `own_effects`).
    dropped: common terms to leave out because the groups' own effects already contain them.
    """
    replaced = {frozenset(o.effect.variables) for o in own}
    kept = [t for t in formula.common if frozenset(t.variables) not in replaced and t not in dropped]
    intercept = [t for t in kept if t == INTERCEPT]
    others = [t for t in kept if t != INTERCEPT and t not in [o.term for o in own]]
    return replace(formula, common=(*intercept, *(o.term for o in own), *others), blocks=())


def check_has_groups(formula: Formula) -> None:
    """Comparing poolings needs a bar; say what to write if there is none."""
    if not formula.blocks:
        raise FormulaError(
            f"The formula has no grouping factor, so there is nothing to pool. Add one in parentheses: "
            f"{formula} + (1|group) for intercepts that vary by group, a column of yours.",
            str(formula),
        )


def _contains(finer: OwnEffect, coarser: OwnEffect) -> bool:
    same_effect = set(finer.effect.variables) == set(coarser.effect.variables)
    return same_effect and set(coarser.group.variables) < set(finer.group.variables)
