"""Checks of several grouping factors against each other: numbered anew, crossed or nested, one and the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from hlm.formula.formula import Block, Formula, Term, quote
from hlm.linting.case import DataCase
from hlm.linting.codes import threshold
from hlm.linting.findings import Finding
from hlm.linting.rewritten_formulas import with_blocks, without_groups
from hlm.model.nesting import count_parents, same_partition


@dataclass(frozen=True, slots=True)
class _Cells:
    """How the labels of a child spread over those of a parent."""

    parents: np.ndarray  # in how many parents each label of the child occurs, shape (labels,)
    parent_count: int

    @classmethod
    def of(cls, child: np.ndarray, parent: np.ndarray) -> _Cells:
        """The cells of two factors given as integers, each of shape (rows,)."""
        return cls(count_parents(child, parent), int(parent.max()) + 1)

    @property
    def recurring(self) -> float:
        """The share of labels that occur in several parents."""
        return float((self.parents > 1).mean())

    @property
    def filled(self) -> float:
        """The share of all combinations that are observed."""
        return float(self.parents.sum() / (len(self.parents) * self.parent_count))

    @property
    def low_labels_recur(self) -> float:
        """Rank correlation of a label's number with its parents: strongly negative if each parent starts at 1."""
        if len(set(self.parents)) < 2:
            return 0.0
        return float(np.corrcoef(np.arange(len(self.parents)), _ranks(self.parents))[0, 1])

    @property
    def numbered_anew(self) -> bool:
        return (
            len(self.parents) >= threshold("few groups")
            and self.recurring >= threshold("share of ids that recur")
            and self.filled < threshold("share of cells filled")
            and self.low_labels_recur <= threshold("rank correlation of ids")
        )


def reused_ids(case: DataCase) -> Iterator[Finding]:
    """``(1|student)`` where every school numbers its students from 1."""
    found = {child: pair for child in _single(case.formula) if (pair := _parent(child, case))}
    instead = case.formula
    for child, (parent, _) in found.items():
        instead = _nested(instead, child, parent)
    for child, (parent, cells) in found.items():
        label = case.data.levels(child)[int(cells.parents.argmax())]
        message = (
            f"{child} looks numbered anew in each {parent}: {child} {label} occurs in {cells.parents.max()} of the "
            f"{cells.parent_count} groups of {parent}, and low numbers recur most. As written they are taken for one "
            f"and the same {child}. Nested: (1|{quote(parent)}/{child})."
        )
        yield case.finding("reused-ids", message, at=case.block_of(child), instead=instead)


def crossed_or_nested(case: DataCase) -> Iterator[Finding]:
    """``(1|a) + (1|b)``: every label means the same thing in all of the other factor."""
    pairs = [pair for a, b in combinations(_single(case.formula), 2) if (pair := _crossed(a, b, case))]
    for parent, child in pairs:
        label = case.data.levels(child)[0]
        message = (
            f"{parent} and {child} are read as crossed: {child} {label} is the same {child} in every {parent}. If it "
            f"is another one in each {parent}, write (1|{parent}/{child})."
        )
        instead = _nested(case.formula, child, parent.variables[0]) if len(pairs) == 1 else None
        yield case.finding("crossed-or-nested", message, at=case.block_of(child), instead=instead)


def same_groups(case: DataCase) -> Iterator[Finding]:
    """Two names for one partition of the rows."""
    formula = case.formula
    same = {group: earlier for group in formula.groups if (earlier := _same_earlier(group, case))}
    for group, earlier in same.items():
        message = (
            f"{earlier} and {group} divide the rows into the same {len(case.data.levels(group))} groups: two standard "
            f"deviations for the same thing cannot be told apart."
        )
        yield case.finding("same-groups", message, at=case.block_of(group), instead=without_groups(formula, same))


def _single(formula: Formula) -> list[Term]:
    """Grouping factors of one column that are no part of another factor's cells."""
    inside = {v for group in formula.groups if group.degree > 1 for v in group.variables}
    return [group for group in formula.groups if group.degree == 1 and not set(group.variables) & inside]


def _parent(child: Term, case: DataCase) -> tuple[str, _Cells] | None:
    """The column in which a factor looks numbered anew, if there is one."""
    found = ((parent, _Cells.of(case.data.codes(child), codes)) for parent, codes in _possible_parents(child, case))
    return next((pair for pair in found if pair[1].numbered_anew), None)


def _crossed(a: Term, b: Term, case: DataCase) -> tuple[Term, Term] | None:
    """The pair, the one with more levels first, if (nearly) all combinations are observed."""
    parent, child = sorted((a, b), key=lambda group: -len(case.data.levels(group)))
    cells = _Cells.of(case.data.codes(child), case.data.codes(parent))
    crossed = cells.recurring == 1 and cells.filled >= threshold("share of cells filled")
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


def _possible_parents(child: Term, case: DataCase) -> Iterator[tuple[str, np.ndarray]]:
    """Columns in which the child may be numbered: the other factors first, then labels and whole numbers.

    Fewer levels than the child has, and five at least.
    """
    known = {group.variables[0] for group in _single(case.formula)}
    for name in (*known, *(name for name in case.frame.columns if name not in known)):
        if name in (*child.variables, *case.formula.response.variables):
            continue
        codes = case.data.codes(Term((name,))) if name in known else _outside_codes(name, case)
        if codes is not None and threshold("few groups") <= codes.max() + 1 < len(case.data.levels(child)):
            yield name, codes


def _outside_codes(name: str, case: DataCase) -> np.ndarray | None:
    """A column that is not in the formula as integers; None if it holds no labels or has gaps."""
    import narwhals.stable.v2 as nw
    import pandas as pd

    column = case.frame[name]
    if not (column.dtype.is_integer() or column.dtype in (nw.String, nw.Categorical, nw.Enum)):
        return None
    codes, _ = pd.factorize(np.asarray(column.to_numpy())[case.data.columns.index.to_numpy()])
    return None if len(codes) == 0 or codes.min() < 0 else np.asarray(codes, dtype=np.int64)


def _nested(formula: Formula, child: Term, parent: str) -> Formula:
    """The child's blocks by the cells of both, and intercepts by the parent if it has no block yet."""
    cells = Term((parent, *child.variables))
    own = [block for block in formula.blocks if block.group == child]
    change: dict[Block, tuple[Block, ...]] = {block: (replace(block, group=cells),) for block in own}
    if Term((parent,)) not in formula.groups:
        change[own[0]] = (replace(own[0], group=Term((parent,))), *change[own[0]])
    return with_blocks(formula, change)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks with ties at their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse])


ID_CHECKS = (reused_ids, crossed_or_nested, same_groups)
