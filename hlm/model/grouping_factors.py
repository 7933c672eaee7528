"""A grouping factor of a model: its groups, the effects that vary by it, and the blocks of correlated effects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.formula.formula import Block, Formula, Term
from hlm.formula.pooling_formulas import OwnEffect
from hlm.model import names
from hlm.model.design_columns import Columns, side_by_side
from hlm.model.parameters import Parameter


@dataclass(frozen=True, slots=True)
class Effect:
    """One term that varies by a grouping factor."""

    term: Term
    columns: slice  # its columns of the factor's design
    labels: tuple[str, ...]  # the labels of these columns
    # the groups' departures, ``pre|school``; in no pooling their own coefficients, ``school:pre``
    coefficients: Parameter
    sd: Parameter | None = None  # the standard deviation between groups, ``pre|school_sigma``; None in no pooling


@dataclass(frozen=True, slots=True)
class CovarianceBlock:
    """Effects with one covariance matrix."""

    effects: tuple[Effect, ...]
    columns: slice  # their columns of the factor's design
    correlation: Parameter | None  # None for a single column


@dataclass(frozen=True, slots=True)
class GroupingFactor:
    """One grouping factor with the effects that vary by it."""

    group: Term  # ``school``, or the cells ``batch:cask``
    codes: np.ndarray  # shape (rows,); the group of each row, 0 .. K-1.
    levels: tuple[str, ...]  # the labels of the groups, length K
    design: Columns  # Z, shape (rows, q): the columns of all its effects side by side
    effects: tuple[Effect, ...]
    blocks: tuple[CovarianceBlock, ...] = ()  # empty in no pooling
    start: int = 0  # where its columns begin among those of all factors
    # shape (K, q), or None; in no pooling of several factors which own coefficients are 0, since others stand for them
    fixed: np.ndarray | None = None

    @property
    def name(self) -> str:
        return self.group.name

    @property
    def size(self) -> int:
        """The number of groups."""
        return len(self.levels)

    @property
    def width(self) -> int:
        """The number of columns of its design, q."""
        return len(self.design.terms)

    @property
    def columns(self) -> slice:
        """Its columns among those of all factors."""
        return slice(self.start, self.start + self.width)

    def free(self, columns: slice) -> np.ndarray:
        """Which of some columns' own coefficients are not fixed at 0, group after group, shape (K columns,)."""
        every = np.zeros((self.size, self.width), dtype=bool) if self.fixed is None else self.fixed
        return np.asarray(~every[:, columns].ravel())

    @property
    def counts(self) -> np.ndarray:
        """Rows of each group, shape (K,)."""
        return np.bincount(self.codes, minlength=self.size)


def partial_factors(
    formula: Formula, data: CleanData | None, designs: tuple[tuple[Block, Columns], ...]
) -> tuple[GroupingFactor, ...]:
    """The factors of partial pooling; ``designs`` are the columns of each block with one covariance matrix."""
    found: list[GroupingFactor] = []
    for group in formula.groups:
        mine = [(block, design) for block, design in designs if block.group == group]
        codes, levels = _groups(group, data)
        blocks = tuple(_blocks(group, levels, mine))
        effects = tuple(effect for block in blocks for effect in block.effects)
        start = found[-1].columns.stop if found else 0
        design = side_by_side([design for _, design in mine])
        found.append(GroupingFactor(group, codes, levels, design, effects, blocks, start))
    return tuple(found)


def own_factors(
    own: tuple[OwnEffect, ...],
    data: CleanData | None,
    designs: Mapping[Term, Columns],
    fixed: Mapping[Term, np.ndarray],
) -> tuple[GroupingFactor, ...]:
    """The factors of no pooling, whose groups have coefficients of their own; ``fixed`` are those that are 0."""
    found: list[GroupingFactor] = []
    for group, design in designs.items():
        codes, levels = _groups(group, data)
        zeros = fixed[group] if group in fixed and fixed[group].any() else None
        effects = tuple(_own_effect(o, levels, design, zeros) for o in own if o.group == group)
        start = found[-1].columns.stop if found else 0
        found.append(GroupingFactor(group, codes, levels, design, effects, (), start, zeros))
    return tuple(found)


def _groups(group: Term, data: CleanData | None) -> tuple[np.ndarray, tuple[str, ...]]:
    if data is None:
        return np.zeros(0, dtype=np.int64), ()
    return data.codes(group), tuple(data.levels(group))


def _blocks(group: Term, levels: tuple[str, ...], parts: list[tuple[Block, Columns]]) -> Iterator[CovarianceBlock]:
    at, correlated = 0, 0
    for block, design in parts:
        effects = tuple(_departing_effect(term, group, levels, design, at) for term in block.effects)
        width = len(design.terms)
        correlated += width > 1
        correlation = _correlation(group, correlated, design) if width > 1 else None
        yield CovarianceBlock(effects, slice(at, at + width), correlation)
        at += width


def _departing_effect(term: Term, group: Term, groups: tuple[str, ...], design: Columns, at: int) -> Effect:
    """``pre|school``; a factor's columns have a dim of their own, before the groups'."""
    columns, labels, levels = _place(term, design, at)
    own_coords = {} if levels is None else {names.effect_dim(term): levels}
    own_dim = tuple(own_coords)
    dim = names.groups_dim(group)
    coefficients = Parameter(
        names.group_effect(term, group), "group effect", labels, term, group, (*own_dim, dim),
        MappingProxyType({**own_coords, dim: groups}),
    )  # fmt: skip
    sd = Parameter(names.group_sd(term, group), "sd", labels, term, group, own_dim, MappingProxyType(own_coords))
    return Effect(term, columns, labels, coefficients, sd)


def _own_effect(own: OwnEffect, groups: tuple[str, ...], design: Columns, fixed: np.ndarray | None) -> Effect:
    """``school:pre`` in one dim, labelled ``A``, or ``A, q`` for a factor's columns; without those fixed at 0."""
    columns, labels, levels = _place(own.effect, design, 0)
    name = names.own_coefficient(own.effect, own.group)
    dim = names.coefficient_dim(name)
    inner: tuple[str | None, ...] = (None,) if levels is None else levels
    free = np.ones(len(groups) * len(inner), dtype=bool) if fixed is None else ~fixed[:, columns].ravel()
    every = [names.own_label(level, one) for level in groups for one in inner]
    coords = tuple(label for label, there in zip(every, free, strict=True) if there)
    parameter = Parameter(name, "group effect", labels, own.effect, own.group, (dim,), MappingProxyType({dim: coords}))
    return Effect(own.effect, columns, labels, parameter)


def _place(term: Term, design: Columns, at: int) -> tuple[slice, tuple[str, ...], tuple[str, ...] | None]:
    """A term's columns of the design, which stand together, with their labels and levels."""
    first = design.terms.index(term)
    labels = design.labels_of(term)
    return slice(at + first, at + first + len(labels)), labels, design.levels_of(term)


def _correlation(group: Term, number: int, design: Columns) -> Parameter:
    dims = names.correlation_dims(group, number)
    coords = MappingProxyType(dict.fromkeys(dims, design.labels))
    return Parameter(names.correlation(group, number), "correlation", design.labels, None, group, dims, coords)
