"""Checks of several grouping factors against each other: crossed or nested, one and the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from hlm.formula.formula import Formula, Term
from hlm.linting.case import DataCase
from hlm.linting.check_nesting import reversed_order
from hlm.linting.codes import threshold
from hlm.linting.findings import Finding
from hlm.linting.rewritten_formulas import with_blocks, without_groups
from hlm.model.nesting import count_parents, same_partition


def crossed_or_nested(case: DataCase) -> Iterator[Finding]:
    """``(1|a) + (1|b)``: every label means the same thing in all of the other factor."""
    pairs = [pair for a, b in combinations(_single(case.formula), 2) if (pair := _crossed(a, b, case))]
    for parent, child in pairs:
        label = case.data.levels(child)[0]
        message = (
            f"{parent} and {child} are read as crossed: {child} {label} is the same {child} in every {parent}. If it "
            f"is another one in each {parent}, "
        )
        if _cells_are_rows(parent, child, case):
            message += f"each cell of both is one row, and (1|{parent}) alone is left."
            instead = without_groups(case.formula, [child])
        else:
            message += f"write (1|{parent}/{child})."
            instead = _nested(case.formula, child, parent)
        yield case.finding(
            "crossed-or-nested", message, at=case.block_of(child), instead=instead if len(pairs) == 1 else None
        )


def same_groups(case: DataCase) -> Iterator[Finding]:
    """Two names for one partition of the rows."""
    formula = case.formula
    same = {group: earlier for group in formula.groups if (earlier := _same_earlier(group, case))}
    for group, earlier in same.items():
        message = (
            f"{earlier} and {group} divide the rows into the same {len(case.data.levels(group))} groups: two standard "
            f"deviations for the same thing cannot be told apart."
        )
        if reversed_order(group, case) is not None:
            continue  # `reversed-nesting` speaks
        yield case.finding("same-groups", message, at=case.block_of(group), instead=without_groups(formula, same))


def _single(formula: Formula) -> list[Term]:
    """Grouping factors of one column that are no part of another factor's cells."""
    inside = {v for group in formula.groups if group.degree > 1 for v in group.variables}
    return [group for group in formula.groups if group.degree == 1 and not set(group.variables) & inside]


def _crossed(a: Term, b: Term, case: DataCase) -> tuple[Term, Term] | None:
    """The pair, the one with more levels first, if (nearly) all combinations are observed."""
    parent, child = sorted((a, b), key=lambda group: -len(case.data.levels(group)))
    parents = count_parents(case.data.codes(child), case.data.codes(parent))
    filled = parents.sum() / (len(parents) * len(case.data.levels(parent)))
    crossed = (parents > 1).all() and filled >= threshold("share of cells filled")
    return (parent, child) if crossed else None


def _same_earlier(group: Term, case: DataCase) -> Term | None:
    """A factor written before that makes the same groups and has an effect in common."""
    formula = case.formula
    for other in formula.groups[: formula.groups.index(group)]:
        shared = set(formula.effects_of(group)) & set(formula.effects_of(other))
        several = len(case.data.levels(group)) > 1  # of one group, `one-group` speaks
        if shared and several and same_partition(case.data.codes(other), case.data.codes(group)):
            return other
    return None


def _cells_are_rows(a: Term, b: Term, case: DataCase) -> bool:
    cells = int(count_parents(case.data.codes(a), case.data.codes(b)).sum())
    return case.data.rows < threshold("rows per group") * cells


def _nested(formula: Formula, child: Term, parent: Term) -> Formula:
    """The child's blocks by the cells of both."""
    cells = Term((*parent.variables, *child.variables))
    own = [block for block in formula.blocks if block.group == child]
    return with_blocks(formula, {block: (replace(block, group=cells),) for block in own})


FACTOR_CHECKS = (crossed_or_nested, same_groups)
