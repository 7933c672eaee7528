"""Checks that need the formula alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np

from hlm.formula.formula import INTERCEPT, Block, Formula, Term
from hlm.formula.function_calls import source_columns
from hlm.linting.case import Case, DataCase, spoken
from hlm.linting.codes import threshold
from hlm.linting.collinear_columns import spanned, tells_groups
from hlm.linting.findings import Finding
from hlm.linting.places_in_text import tokens_of
from hlm.linting.rewritten_formulas import with_blocks, with_common, without_common, without_effects


def no_groups(case: Case) -> Iterator[Finding]:
    """No bar: complete pooling."""
    if not case.formula.blocks:
        message = (
            "No bar, so no group: this is complete pooling, and there is nothing to compare it with. If the rows come "
            f"in groups, add for example {case.formula} + (1|group), group being the column that tells them apart."
        )
        yield case.finding("no-groups", message)


def slope_without_common_effect(case: Case) -> Iterator[Finding]:
    """``(x|g)`` without ``x``: the groups' slopes are then drawn towards zero."""
    formula = case.formula
    missing = {block: _not_common(block, case) for block in formula.blocks}
    instead = with_common(formula, [effect for alone in missing.values() for effect in alone])
    for block, alone in missing.items():
        if alone:
            message = (
                f"{spoken(alone)} varies by {block.group} but is no common term: the groups' slopes then vary around "
                f"zero, and partial pooling pulls each of them to zero instead of to their mean."
            )
            yield case.finding("slope-without-common-effect", message, at=block, instead=instead)


def _not_common(block: Block, case: Case) -> list[Term]:
    """The slopes of a block that are no common terms, and that no common terms add up to."""
    common = {frozenset(term.variables) for term in case.formula.common}
    alone = [e for e in block.effects if e != INTERCEPT and frozenset(e.variables) not in common]
    return [e for e in alone if not (isinstance(case, DataCase) and spanned(e, case))]


def interaction_without_main_effects(case: Case) -> Iterator[Finding]:
    """``x:z`` without ``x`` and ``z``; ``a:x`` without ``x`` is fine if ``a`` is a factor."""
    if not isinstance(case, DataCase) and any(t.operator in ("/", "%in%") for t in tokens_of(case.text)):
        return  # a/x is meant: a factor, and a line for each of its levels
    needed = {term: _lower_terms_missing(term, case) for term in case.formula.common}
    instead = with_common(case.formula, [lower for missing in needed.values() for lower in missing])
    for term, missing in needed.items():
        if missing:
            names = spoken(missing)
            message = (
                f"{term} stands without {names}. The slope of one variable is then forced through zero where the other "
                f"is zero, and the answer changes when a predictor is shifted."
            )
            if not isinstance(case, DataCase):
                message += (
                    f" (If what {names} is joined with is a factor, the same model is only written "
                    f"differently; if it is a time that is 0 at a baseline which all share, this is meant.)"
                )
            yield case.finding("interaction-without-main-effects", message, at=term, instead=instead)


def _lower_terms_missing(term: Term, case: Case) -> list[Term]:
    terms = {frozenset(other.variables) for other in case.formula.common}
    lower = [Term(names) for k in range(1, term.degree) for names in combinations(term.variables, k)]
    missing = [t for t in lower if frozenset(t.variables) not in terms]
    if not isinstance(case, DataCase):
        return missing
    # an interaction spans a missing term where what it adds to it are factors only, coded in full
    rest = {t: [v for v in term.variables if v not in t.variables] for t in missing}
    return [t for t in missing if not (all(map(case.is_factor, rest[t])) or _is_zero_at_baseline(t, rest[t], case))]


def _is_zero_at_baseline(term: Term, rest: list[str], case: DataCase) -> bool:
    """``treat`` of ``time + time:treat``: arms that are alike at time 0, where every subject was measured once.

    term: what is the same in all rows of a group.
    rest: what it is joined with; one of them is 0 at the least, and differs from row to row of a group.
    """
    return any(
        _is_time_since_baseline(case.numbers(name), case.data.codes(group))
        for group in case.formula.groups
        if not case.varies(term, group).any()
        for name in rest
        if not case.is_factor(name) and not case.is_basis(name)
    )


def _is_time_since_baseline(x: np.ndarray, groups: np.ndarray) -> bool:
    """Whether x is least at 0, where most groups have a row, and (nearly) all of them no more than one."""
    at_zero = groups[x == 0]
    known = len(np.unique(at_zero))
    return bool(x.min() == 0 and 2 * known > groups.max() + 1 and len(at_zero) < threshold("rows per group") * known)


def group_also_common(case: Case) -> Iterator[Finding]:
    """``g + (1|g)``: each group's own coefficient twice, once free and once pooled."""
    formula = case.formula
    twice = {block: _own_common_terms(block, case) for block in formula.blocks}
    every = {term for block, terms in twice.items() for term in terms if _same_columns(term, block, formula)}
    instead = with_common(without_common(formula, every), [INTERCEPT]) if every else None
    for block, terms in twice.items():
        if terms:
            other = [term for term in terms if not _same_columns(term, block, formula)]
            what = (
                f"{spoken(other)} is a common term, and tells to which {block.group} a row belongs"
                if other
                else f"{spoken(terms)} is a common term and varies in {block}"
            )
            message = (
                f"{what}: every {block.group} would have a free coefficient (no pooling) and a pooled one, and nothing "
                f"is left for the pooled one to do."
            )
            yield case.finding("group-also-common", message, at=terms[0], instead=instead)


def _same_columns(term: Term, block: Block, formula: Formula) -> bool:
    """Whether a common term is made of the columns of the group, as ``factor(g)`` is, and perhaps of others."""
    columns = [{c for v in t.variables for c in source_columns(v, formula.functions)} for t in (term, block.group)]
    return columns[1] <= columns[0]


def _own_common_terms(block: Block, case: Case) -> list[Term]:
    """The common terms that give each group the coefficient which the block pools."""
    own = {frozenset((*block.group.variables, *effect.variables)) for effect in block.effects}
    found = [term for term in case.formula.common if frozenset(term.variables) in own]
    if isinstance(case, DataCase) and block.has_intercept:  # the same groups under another name, or finer ones
        found += [t for t in case.formula.common if t not in found and tells_groups(t, block.group, case)]
    return found


def slope_without_intercept(case: Case) -> Iterator[Finding]:
    """``(0 + x|g)`` alone: all lines of the groups through one point."""
    formula = case.formula
    # the levels of a factor are intercepts, too, and so is what is 0 or 1 in all rows of each group
    shifted = {
        block.group
        for block in formula.blocks
        if block.has_intercept
        or _has_factor(block, case)
        or (isinstance(case, DataCase) and any(case.is_intercept_of_some(e, block) for e in block.effects))
    }
    blocks = [case.block_of(group) for group in formula.groups if group not in shifted]
    instead = with_blocks(formula, {b: (replace(b, effects=(INTERCEPT, *b.effects)),) for b in blocks})
    for block in blocks:
        names = spoken(formula.effects_of(block.group))
        message = (
            f"The slope of {names} varies by {block.group} but the intercept does not: the lines of all groups go "
            f"through one point, at {names} = 0. Without '0 +' the intercepts vary, too."
        )
        yield case.finding("slope-without-intercept", message, at=block, instead=instead)


def nested_slopes(case: Case) -> Iterator[Finding]:
    """``(x|a/b)``: slopes at two levels."""
    formula = case.formula
    inner = {block: twice for block in formula.blocks if (twice := _slopes_outside(block, formula.blocks))}
    instead = formula
    for block, twice in inner.items():
        instead = without_effects(instead, block.group, twice)
    for block, twice in inner.items():
        names = spoken(twice)
        message = (
            f"The slope of {names} varies by {block.group} and by a coarser factor as well: this needs many "
            f"{block.group} in each of its groups, and several values of {names} in each. Often the intercept alone "
            f"varies at the finer level."
        )
        yield case.finding("nested-slopes", message, at=block, instead=instead)


def _slopes_outside(block: Block, blocks: tuple[Block, ...]) -> list[Term]:
    """The slopes of a block that vary by a coarser factor, too."""
    outer = [b for b in blocks if set(b.group.variables) < set(block.group.variables)]
    return [e for e in block.effects if e != INTERCEPT and any(e in b.effects for b in outer)]


def correlated_slopes(case: Case) -> Iterator[Finding]:
    """``(x|g)``: a correlation is part of the model; ``||`` leaves it out."""
    blocks = [block for block in case.formula.blocks if block.correlated and len(block.effects) > 1]
    free = {block: (replace(block, correlated=False),) for block in blocks if not _has_factor(block, case)}
    for block in blocks:
        q = case.coefficients(block.effects) if isinstance(case, DataCase) else len(block.effects)
        pairs = q * (q - 1) // 2
        message = (
            f"{block} is read as correlated: the effects of each {block.group} ({spoken(block.effects)}) vary "
            f"together, with {q} standard deviations and {pairs} correlation{'s' if pairs > 1 else ''}."
        )
        if block in free:
            message += " '||' leaves the correlations out." if pairs > 1 else " '||' leaves the correlation out."
        instead = with_blocks(case.formula, free) if len(free) == len(blocks) else None
        yield case.finding("correlated-slopes", message, at=block, instead=instead)


def _has_factor(block: Block, case: Case) -> bool:
    """Whether '||' would mean something else (levels of a factor stay correlated)."""
    return isinstance(case, DataCase) and any(case.factors_of(effect) for effect in block.effects)


SYNTAX_CHECKS = (
    no_groups, slope_without_common_effect, interaction_without_main_effects, group_also_common,
    slope_without_intercept, nested_slopes, correlated_slopes,
)  # fmt: skip
