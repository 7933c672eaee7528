"""Checks of the groups: how many, how large, and whether an effect can vary between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hlm.formula.formula import INTERCEPT, Block, Term
from hlm.linting.case import DataCase, listed
from hlm.linting.check_nesting import are_cells_of_reused_ids
from hlm.linting.codes import threshold
from hlm.linting.findings import Finding
from hlm.linting.rewritten_formulas import with_blocks, with_common, without_effects, without_groups


def group_count(case: DataCase) -> Iterator[Finding]:
    """One group is none; a handful says little about their own spread."""
    levels = {group: case.data.levels(group) for group in case.formula.groups}
    single = [group for group, labels in levels.items() if len(labels) == 1]
    few = [group for group, labels in levels.items() if 1 < len(labels) < threshold("few groups")]
    for group in single:
        message = f"{group} has one group only ({levels[group][0]}) on these rows: nothing can vary by it."
        instead = without_groups(case.formula, single)
        yield case.finding("one-group", message, at=case.block_of(group), instead=instead)
    common = [  # with the margins of interactions
        term
        for group in few
        for effect in case.formula.effects_of(group)
        for term in (effect, group, Term((*group.variables, *effect.variables)))
        if term != INTERCEPT
    ]
    for group in few:
        message = (
            f"{group} has {len(levels[group])} groups ({', '.join(levels[group])}): their standard deviation is hardly "
            f"known from so few, and its prior decides how much is pooled. As a common term each group has its own "
            f"coefficient."
        )
        instead = with_common(without_groups(case.formula, few), common)
        yield case.finding("few-groups", message, at=case.block_of(group), instead=instead)


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
    """Groups with too few rows for a line of their own."""
    blocks = [block for block in case.formula.blocks if not _nearly_rows(block.group, case)]
    for block in blocks:
        sizes, q = _sizes(block.group, case), case.coefficients(block.effects)
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


def one_row_per_group(case: DataCase) -> Iterator[Finding]:
    """The groups are the rows, and the group-level sd is the residual sd."""
    if case.family.support in ("count", "trials"):
        return  # there it is extra variation, which the family lacks
    groups = [g for g in case.formula.groups if _nearly_rows(g, case) and INTERCEPT in case.formula.effects_of(g)]
    for group in groups:
        if are_cells_of_reused_ids(group, case):
            continue  # `reused-ids` speaks, and leaves them out
        count = len(case.data.levels(group))
        what = "one row each" if count == case.data.rows else "nearly all of one row"
        message = (
            f"{group} makes {count} groups on {case.data.rows} rows, {what}: what varies by it is the residual under "
            f"another name, and the two standard deviations cannot be told apart."
        )
        instead = without_groups(case.formula, groups)
        yield case.finding("one-row-per-group", message, at=case.block_of(group), instead=instead)


def constant_within_groups(case: DataCase) -> Iterator[Finding]:
    """A slope needs values of x that differ within the group."""
    instead = case.formula
    varies = _varying_effects(case)
    flat = {pair for pair, groups in varies.items() if not groups.any()}
    for block in dict.fromkeys(block for block, _ in varies):
        gone = tuple(effect for own, effect in flat if own == block)
        if gone and set(gone) == set(block.effects) and INTERCEPT not in instead.effects_of(block.group):
            instead = with_blocks(instead, {block: (replace(block, effects=(INTERCEPT,), correlated=True),)})
        elif gone:
            instead = without_effects(instead, block.group, gone)
    for (block, effect), groups in varies.items():
        if (block, effect) in flat:
            message = (
                f"{effect} is the same in all rows of each {block.group}, so no {block.group} can show a slope for it. "
                f"It can stand among the common terms, where it describes the groups."
            )
            if not block.has_intercept:
                message += f" As written, each {block.group} has an intercept that is multiplied by {effect}."
            yield case.finding("constant-within-groups", message, at=block, instead=instead)
        elif groups.mean() < threshold("share of groups that vary"):
            message = (
                f"{effect} differs within {groups.sum()} of the {len(groups)} groups of {block.group} only: the others "
                f"say nothing about the spread of its slopes, and theirs are taken from these few."
            )
            yield case.finding("rarely-varies", message, at=block)


def _varying_effects(case: DataCase) -> dict[tuple[Block, Term], np.ndarray]:
    """Every effect that needs to differ within groups, with whether it does in each group, shape (K,)."""
    found = {}
    for block in case.formula.blocks:
        if not (_sizes(block.group, case) > 1).any():
            continue
        for effect in block.effects:
            constant = any(map(case.is_constant, effect.variables))  # `constant-column` speaks
            if effect != INTERCEPT and not constant and not case.is_intercept_of_some(effect, block):
                found[block, effect] = case.varies(effect, block.group)
    return found


def double_bar_factor(case: DataCase) -> Iterator[Finding]:
    """``(c||g)``: lme4 splits off the intercept only; the levels of c stay correlated."""
    change = {block: _single_bars(block, case) for block in case.formula.blocks}
    change = {block: parts for block, parts in change.items() if parts != (block,)}
    for block in change:
        for effect in (e for e in block.effects if case.factors_of(e) and case.varies(e, block.group).any()):
            levels = case.coefficients((effect,))
            beside = "beside an intercept of their own" if block.has_intercept else "beside the other effects"
            message = (
                f"'||' does not separate the levels of a factor: {effect} brings {levels} effects per {block.group}, "
                f"which stay correlated with each other, {beside} ({' + '.join(map(str, block.expand()))})."
            )
            yield case.finding("double-bar-factor", message, at=block, instead=with_blocks(case.formula, change))


def _single_bars(block: Block, case: DataCase) -> tuple[Block, ...]:
    """A ``||`` block with its factors in a correlated block, the numbers still apart."""
    factors = tuple(e for e in block.effects if case.factors_of(e))
    if block.correlated or not factors:
        return (block,)
    numbers = tuple(e for e in block.effects if e not in factors and e != INTERCEPT)
    together = replace(block, effects=(INTERCEPT, *factors) if block.has_intercept else factors, correlated=True)
    return (together, *(Block((effect,), block.group) for effect in numbers))


def _nearly_rows(group: Term, case: DataCase) -> bool:
    groups = len(case.data.levels(group))
    return groups > 1 and case.data.rows < threshold("rows per group") * groups


def _sizes(group: Term, case: DataCase) -> np.ndarray:
    return np.bincount(case.data.codes(group), minlength=len(case.data.levels(group)))


GROUP_CHECKS = (
    group_count, numeric_group, group_sizes, one_row_per_group, constant_within_groups, double_bar_factor,
)  # fmt: skip
