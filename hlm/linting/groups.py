"""Checks of the groups: how many, how large, and whether an effect can vary between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hlm.formula.formula import INTERCEPT, Block, Formula, Term
from hlm.linting.case import DataCase, listed
from hlm.linting.codes import threshold
from hlm.linting.findings import Finding
from hlm.linting.rewrite import with_blocks, with_common, without_effects


def group_count(case: DataCase) -> Iterator[Finding]:
    """One group is none; a handful says little about their own spread."""
    for block in _first_blocks(case.formula):
        levels = case.data.levels(block.group)
        without = _without_group(case.formula, block.group)
        if len(levels) == 1:
            message = f"{block.group} has one group only ({levels[0]}) on these rows: nothing can vary by it."
            yield case.finding("one-group", message, at=block, instead=without)
        elif len(levels) < threshold("few groups"):
            message = (
                f"{block.group} has {len(levels)} groups ({', '.join(levels)}): their standard deviation is hardly "
                f"known from so few, and its prior decides how much is pooled. As a common term each group has its "
                f"own coefficient."
            )
            instead = _as_common(case.formula, block.group)
            yield case.finding("few-groups", message, at=block, instead=instead)


def numeric_group(case: DataCase) -> Iterator[Finding]:
    """Numbers right of the bar are labels, whatever their order and distance."""
    for name in case.formula.group_variables:
        if name not in case.frame.columns or not case.frame[name].dtype.is_numeric():
            continue
        column = case.frame[name].drop_nulls().to_numpy().astype(np.float64)
        column = column[~np.isnan(column)]
        fractions = column[column != np.floor(column)]
        if len(fractions):
            message = (
                f"{name} holds numbers with fractions such as {fractions[0]:.4g}: each distinct number is taken as a "
                f"group of its own. A measured quantity belongs left of the bar, or must be cut into classes first."
            )
            yield case.finding("fractional-group", message, at=name)
        else:
            message = (
                f"{name} holds numbers; they are taken as labels of {len(np.unique(column))} groups, so that order and "
                f"distance of the numbers mean nothing."
            )
            yield case.finding("numeric-group", message, at=name)


def group_sizes(case: DataCase) -> Iterator[Finding]:
    """Groups with too few rows for a line of their own, and groups that are rows."""
    for block in case.formula.blocks:
        sizes = _sizes(block.group, case)
        q = case.coefficients(block.effects)
        if case.data.rows < threshold("rows per group") * len(sizes):
            if block.has_intercept and case.family.support not in ("count", "trials"):  # there: extra variation
                yield _one_row_per_group(block, len(sizes), case)
            continue
        small = np.flatnonzero(sizes <= q)
        if len(small):
            levels = case.data.levels(block.group)
            order = small[np.argsort(sizes[small], kind="stable")]
            named = listed([f"{levels[k]} ({sizes[k]})" for k in order])
            has = f"{len(small)} of {len(sizes)} groups have" if len(small) > 1 else f"1 of {len(sizes)} groups has"
            message = (
                f"{has} no more rows than {block} has effects ({q}): {block.group} {named}. Alone they have no or only "
                f"a perfectly fitting estimate; partial pooling takes nearly all from the other groups."
            )
            yield case.finding("small-groups", message, at=block)


def constant_within_groups(case: DataCase) -> Iterator[Finding]:
    """A slope needs values of x that differ within the group."""
    for block in case.formula.blocks:
        sizes = _sizes(block.group, case)
        if (sizes < 2).all():
            continue
        varies = {e: _varies(e, block.group, case) for e in block.effects if e != INTERCEPT}
        stuck = [e for e, groups in varies.items() if not groups.any() and not _is_constant(e, case)]
        for effect, groups in varies.items():
            if effect in stuck:
                message = (
                    f"{effect} is the same in all rows of each {block.group}, so no {block.group} can show a slope for "
                    f"it. It can stand among the common terms, where it describes the groups."
                )
                instead = without_effects(case.formula, block.group, stuck)
                yield case.finding("constant-within-groups", message, at=block, instead=instead)
            elif 0 < groups.sum() < threshold("share of groups that vary") * len(sizes):
                message = (
                    f"{effect} differs within {groups.sum()} of the {len(sizes)} groups of {block.group} only: the "
                    f"others say nothing about the spread of its slopes, and theirs are taken from these few."
                )
                yield case.finding("rarely-varies", message, at=block)


def double_bar_factor(case: DataCase) -> Iterator[Finding]:
    """``(c||g)``: lme4 splits off the intercept only; the levels of c stay correlated."""
    change = {block: _single_bars(block, case) for block in case.formula.blocks}
    change = {block: parts for block, parts in change.items() if parts != (block,)}
    for block in change:
        for effect in (e for e in block.effects if case.factors_of(e)):
            levels = case.width(effect, (effect,))
            beside = "beside an intercept of their own" if block.has_intercept else "beside the other effects"
            message = (
                f"'||' does not separate the levels of a factor: {effect} brings {levels} effects per {block.group}, "
                f"which stay correlated with each other, {beside} ({' + '.join(map(str, block.expand()))})."
            )
            instead = with_blocks(case.formula, change)
            yield case.finding("double-bar-factor", message, at=block, instead=instead)


def _one_row_per_group(block: Block, groups: int, case: DataCase) -> Finding:
    rows = f"{groups} groups on {case.data.rows} rows"
    what = "one row each" if groups == case.data.rows else "nearly all of one row"
    message = (
        f"{block.group} makes {rows}, {what}: what varies by it is the residual under another name, and the two "
        f"standard deviations cannot be told apart."
    )
    return case.finding("one-row-per-group", message, at=block, instead=_without_group(case.formula, block.group))


def _single_bars(block: Block, case: DataCase) -> tuple[Block, ...]:
    """A ``||`` block with its factors in a correlated block, the numbers still apart."""
    factors = tuple(e for e in block.effects if case.factors_of(e))
    if block.correlated or not factors:
        return (block,)
    numbers = tuple(e for e in block.effects if e not in factors and e != INTERCEPT)
    together = replace(block, effects=(INTERCEPT, *factors) if block.has_intercept else factors, correlated=True)
    return (together, *(Block((effect,), block.group) for effect in numbers))


def _first_blocks(formula: Formula) -> list[Block]:
    """One block for each grouping factor."""
    return [next(b for b in formula.blocks if b.group == group) for group in formula.groups]


def _without_group(formula: Formula, group: Term) -> Formula:
    return with_blocks(formula, {block: () for block in formula.blocks if block.group == group})


def _as_common(formula: Formula, group: Term) -> Formula:
    """The varying effects of one group as common interactions with it."""
    terms = [Term((*group.variables, *effect.variables)) for effect in formula.effects_of(group)]
    return with_common(_without_group(formula, group), terms)


def _sizes(group: Term, case: DataCase) -> np.ndarray:
    return np.bincount(case.data.codes(group), minlength=len(case.data.levels(group)))


def _varies(effect: Term, group: Term, case: DataCase) -> np.ndarray:
    """Whether an effect's columns differ within each group, shape (K,): a row against the group's first row."""
    codes = case.data.codes(group)
    groups = len(case.data.levels(group))
    first = np.empty(groups, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # the last write wins: the first row of each group
    differs = np.zeros(len(codes), dtype=bool)
    for values in _columns(effect, case):
        differs |= values != values[first[codes]]
    return np.bincount(codes, differs, groups) > 0


def _columns(effect: Term, case: DataCase) -> Iterator[np.ndarray]:
    """What must differ for a slope to show: each factor, and the product of the numbers."""
    factors = case.factors_of(effect)
    yield from (case.codes(name) for name in factors)
    numbers = [case.numbers(name) for name in effect.variables if name not in factors]
    if numbers:
        yield np.prod(numbers, axis=0)


def _is_constant(effect: Term, case: DataCase) -> bool:
    """Constant everywhere: `constant-column` speaks."""
    return any(case.data.columns[name].nunique() < 2 for name in effect.variables)


GROUP_CHECKS = (group_count, numeric_group, group_sizes, constant_within_groups, double_bar_factor)
