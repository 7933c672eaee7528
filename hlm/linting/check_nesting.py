"""Checks of factors inside factors: ids that begin anew in each parent, and nesting written the wrong way round."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from hlm.formula.formula import Block, Formula, Term
from hlm.formula.function_calls import source_columns
from hlm.linting.case import DataCase
from hlm.linting.cells_of_ids import Cells
from hlm.linting.findings import Finding
from hlm.linting.outside_columns import describes, outside_codes
from hlm.linting.rewritten_formulas import with_blocks
from hlm.model.nesting import refines, same_partition


@dataclass(frozen=True, slots=True)
class _Parent:
    """What a factor looks numbered anew in."""

    term: Term
    cells: Cells


def reused_ids(case: DataCase) -> Iterator[Finding]:
    """``(1|student)`` where every school numbers its students from 1."""
    found = _numbered_anew(case)
    instead = case.formula
    for child, parent in found.items():
        instead = _nested(instead, child, parent)
    for child, parent in found.items():
        cells, name = parent.cells, str(parent.term)
        levels = case.data.levels(child)
        label = levels[_natural_order(levels)[int(cells.parents.argmax())]]
        used = set(parent.term.variables) <= {*case.formula.columns, *case.formula.variables}
        where = name if used else f"{name}, a column of the data that the formula does not have"
        message = (
            f"{child} looks numbered anew in each {name}: {child} {label} occurs in {cells.parents.max()} of the "
            f"{len(cells.labels)} groups of {where}, and low numbers recur most. As written they are taken for one "
            f"and the same {child}."
        )
        message += (
            f" A {child} of one {name} has one row, so that it cannot vary beside the residual: let the intercept vary "
            f"by {name}."
            if cells.are_rows
            else f" Nested: (1|{'/'.join(map(str, (*map(_alone, parent.term.variables), child)))})."
        )
        yield case.finding("reused-ids", message, at=case.block_of(child), instead=instead)


def reversed_nesting(case: DataCase) -> Iterator[Finding]:
    """``(1|pupil/class)``, where each pupil is in one class."""
    for group in case.formula.groups:
        if order := reversed_order(group, case):
            chain = {Term(group.variables[:k]): Term(order[:k]) for k in range(1, group.degree + 1)}
            change = {b: (replace(b, group=chain[b.group]),) for b in case.formula.blocks if b.group in chain}
            outer, inner = str(Term(order[:1])), str(Term(order[-1:]))
            message = (
                f"The nesting stands the wrong way round: each {inner} lies in one {outer}, so that {group} makes the "
                f"same groups as {Term(group.variables[:1])}, and nothing varies by {outer}. The outer factor comes "
                f"first: (1|{'/'.join(str(_alone(v)) for v in order)})."
            )
            instead = with_blocks(case.formula, change)
            yield case.finding("reversed-nesting", message, at=case.block_of(group), instead=instead)


def reversed_order(group: Term, case: DataCase) -> tuple[str, ...] | None:
    """The variables of ``(1|a/b)`` from the coarsest to the finest, where they are nested but not as written."""
    written = group.variables
    chain = [Term(written[:k]) for k in range(1, group.degree)]
    if not chain or not set(chain) <= {*case.formula.groups} or set(written) & set(case.formula.predictors):
        return None
    codes = {v: case.data.codes(Term((v,))) for v in written}
    order = tuple(sorted(written, key=lambda v: int(codes[v].max())))
    nested = all(refines(codes[b], codes[a]) and not refines(codes[a], codes[b]) for a, b in pairwise(order))
    return order if nested and order != written and codes[order[0]].max() > 0 else None


def are_cells_of_reused_ids(group: Term, case: DataCase) -> bool:
    """Whether a factor is the cells of ids and of what they begin anew in, of which `reused-ids` says what to write."""
    if group.degree < 2:
        return False
    found = _numbered_anew(case).items()
    return any({*child.variables, *parent.term.variables} == set(group.variables) for child, parent in found)


def _numbered_anew(case: DataCase) -> dict[Term, _Parent]:
    """The factors of one column that begin anew in something, and in what."""
    singles = [group for group in case.formula.groups if group.degree == 1]
    return {child: parent for child in singles if (parent := _parent(child, case))}


def _parent(child: Term, case: DataCase) -> _Parent | None:
    """What a factor looks numbered anew in, if there is anything."""
    own = _by_label(child, case)
    for term, codes in _possible_parents(child, case):
        cells = Cells.of(own, codes)
        if not cells.numbered_anew or _is_occasion(term, codes, cells, case) or describes(own, codes, case):
            continue
        if _are_cells(term, child, case) and Cells.of(_by_label(term, case), own).numbered_anew:
            continue  # each numbers the other: the parent is the one that has the cells
        return _Parent(term, cells)
    return None


def _possible_parents(child: Term, case: DataCase) -> Iterator[tuple[Term, np.ndarray]]:
    """The finest other factor first, then columns of labels or whole numbers outside of the formula."""
    formula = case.formula
    inside = [g for g in formula.groups if g.degree > 1 and set(child.variables) <= set(g.variables)]
    if inside:
        known = [Term((v,)) for group in inside[:1] for v in group.variables if v not in child.variables]
    else:
        known = sorted((g for g in formula.groups if g != child), key=lambda g: -len(case.data.levels(g)))
    yield from ((term, case.data.codes(term)) for term in known)
    for name in () if inside else case.frame.columns:
        used = name in child.variables or name in formula.columns
        codes = None if used else outside_codes(name, case, labels_only=True)
        if codes is not None and 2 * (codes.max() + 1) <= len(codes):
            yield Term((name,)), codes


def _is_occasion(parent: Term, codes: np.ndarray, cells: Cells, case: DataCase) -> bool:
    """Whether a parent says when rows were measured: it is a common term, or each of its cells holds one row.

    Labels that other columns describe, as they do a school, are no occasions.
    """
    common = {c for t in case.formula.common for v in t.variables for c in _sources(v, case)}
    if common & set(parent.variables):
        return True
    others = (outside_codes(name, case) for name in common)
    if any(other is not None and same_partition(codes, other) for other in others):
        return True
    is_number = all(case.frame[v].dtype.is_numeric() for v in parent.variables if v in case.frame.columns)
    return cells.are_rows and (is_number or not describes(codes, None, case))


def _sources(variable: str, case: DataCase) -> tuple[str, ...]:
    return source_columns(variable, case.formula.functions)


def _are_cells(parent: Term, child: Term, case: DataCase) -> bool:
    return any({*parent.variables, *child.variables} <= set(group.variables) for group in case.formula.groups)


def _by_label(term: Term, case: DataCase) -> np.ndarray:
    """A factor as integers in the order of the numbers in its labels, shape (rows,)."""
    return np.asarray(np.argsort(_natural_order(case.data.levels(term)))[case.data.codes(term)])


def _nested(formula: Formula, child: Term, parent: _Parent) -> Formula:
    """The child's blocks by the cells of both, and intercepts by the parent if it has no block yet.

    Where each cell is a row, the parent alone is left.
    """
    cells = Term((*parent.term.variables, *child.variables))
    own = [block for block in formula.blocks if block.group == child]
    same_cells = [block for block in formula.blocks if set(block.group.variables) == set(cells.variables)]
    change: dict[Block, tuple[Block, ...]] = {
        block: () if same_cells or parent.cells.are_rows else (replace(block, group=cells),) for block in own
    }
    if parent.cells.are_rows:
        change |= dict.fromkeys(same_cells, ())
    if parent.term not in formula.groups:
        change[own[0]] = (replace(own[0], group=parent.term), *change[own[0]])
    return with_blocks(formula, change)


def _alone(variable: str) -> Term:
    return Term((variable,))


def _natural_order(labels: list[str]) -> list[int]:
    """Places of the labels in the order of the numbers in them: ``s2`` before ``s10``."""
    keys = [[int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", label)] for label in labels]
    return sorted(range(len(labels)), key=lambda place: keys[place])


NESTING_CHECKS = (reused_ids, reversed_nesting)
