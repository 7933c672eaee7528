"""The columns of one formula on its data: each set is made once, and all strategies share it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.errors import DataError
from hlm.formula.formula import INTERCEPT, Block, Formula, Term
from hlm.model.design_columns import Columns, columns, side_by_side
from hlm.model.left_out_columns import independent, why_left_out
from hlm.model.no_pooling import NoPooling, by_degree, no_pooling
from hlm.support.linear_algebra import combination_of, left_over

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 5  # columns of a term that are left out: more are counted
_NEARLY = 1e-6  # of a column's sd, left by the others: the covariance matrix has a condition of 1e12 then
_DIFFERS = 1e-6  # of the parts of a sum: more is no rounding


@dataclass(frozen=True, eq=False)
class Design:
    """What a formula's columns are, made when first asked for."""

    formula: Formula  # of partial pooling, with one term for each column
    data: CleanData | None
    _made: dict[tuple[Term, ...], Columns] = field(init=False, repr=False, default_factory=dict)

    def columns_of(self, terms: tuple[Term, ...]) -> Columns:
        """The columns of terms that are coded together, made once for each set of terms."""
        if terms not in self._made:
            self._made[terms] = columns(terms, self.data)
        return self._made[terms]

    @cached_property
    def common(self) -> Columns:
        """The columns of the common terms that those before them do not explain."""
        whole = self.columns_of(self.formula.common)
        return whole if self.data is None else whole.take(independent(whole))

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """A sentence for each column of the common terms that is left out."""
        return _left_out(self.columns_of(self.formula.common), self.common)

    @cached_property
    def nearly_explained(self) -> frozenset[tuple[Term, int]]:
        """The common columns of which the others leave almost nothing, though more than rounding."""
        slopes = self.common.take([j for j, term in enumerate(self.common.terms) if term != INTERCEPT])
        if self.data is None or len(slopes.terms) < 2:
            return frozenset()
        x, centred = slopes.matrix, self.formula.has_intercept
        spread = x.std(axis=0) if centred else np.sqrt((x**2).mean(axis=0))
        near = left_over(x, centred=centred) < _NEARLY * spread
        return frozenset(name for name, one in zip(slopes.names, near, strict=True) if one)

    def untold(self, rows: pd.DataFrame) -> dict[int, list[str]]:
        """By the place of a new row: the columns left out that the others do not make there as they do in the data."""
        whole, kept = self.columns_of(self.formula.common), set(self.common.names)
        dropped = [j for j, name in enumerate(whole.names) if name not in kept]
        if not dropped or rows.empty:
            return {}
        made = combination_of(self.common.matrix, whole.matrix[:, dropped])
        new, here = self.common.on(rows).matrix, whole.on(rows).matrix[:, dropped]
        differs = np.abs(here - new @ made) > _DIFFERS * (np.abs(here) + np.abs(new) @ np.abs(made))
        return {
            int(row): [whole.labels[dropped[j]] for j in np.flatnonzero(differs[row])]
            for row in np.flatnonzero(differs.any(axis=1))
        }

    @cached_property
    def blocks(self) -> tuple[tuple[Block, Columns], ...]:
        """The effects of each block with a covariance matrix of its own (``||`` expanded), but columns of zeros.

        Without an intercept the factors come first: their levels' effects are in its place.

        DataError: where nothing of a term is left.
        """
        found = []
        for block in self.formula.expanded_blocks():
            if not block.has_intercept and self.data is not None:
                kinds = self.data.columns.dtypes
                numbers = {e: any(kinds[v] != "category" for v in e.variables) for e in block.effects}
                block = replace(block, effects=tuple(sorted(block.effects, key=lambda effect: numbers[effect])))
            whole = self.columns_of(block.effects)
            some = whole if self.data is None else whole.take(np.flatnonzero(whole.matrix.any(axis=0)).tolist())
            for term in set(whole.terms).difference(some.terms):
                raise DataError(
                    f"{term.name} is 0 in every row, so that it cannot vary by {block.group.name}: leave it out of the "
                    f"bar."
                )
            found.append((block, some))
        return tuple(found)

    @cached_property
    def left_out_of_bars(self) -> tuple[str, ...]:
        """A sentence for each column of a bar that is 0 in every row: nothing is known of how it varies."""
        pairs = [(self.columns_of(block.effects), some, block.group) for block, some in self.blocks]
        return tuple(
            f"{sentence}, so that nothing there varies by {group.name}"
            for whole, some, group in pairs
            for sentence in _left_out(whole, some)
        )

    @cached_property
    def no_pooling(self) -> NoPooling:
        """The strategy in which each group has coefficients of its own."""
        return no_pooling(self.formula, self.data, self.columns_of, self.common)

    @cached_property
    def group_coefficients(self) -> Columns:
        """The columns in which the groups' total coefficients of all strategies are written.

        The effects, and of the common terms what no pooling can have beside them.
        """
        effects = [effect for group in self.formula.groups for effect in self.formula.effects_of(group)]
        varying, kept = self.columns_of(by_degree(effects)), self.no_pooling.kept
        both = side_by_side(
            [
                varying if self.data is None else varying.take(independent(varying)),
                kept.take([j for j, term in enumerate(kept.terms) if term not in effects]),
            ]
        )
        order = by_degree([*self.formula.common, *effects])
        return both.take(sorted(range(len(both.terms)), key=lambda j: order.index(both.terms[j])))

    @cached_property
    def by_factor(self) -> dict[Term, Columns]:
        """By grouping factor: all effects that vary by it, coded together."""
        return {group: self.columns_of(self.formula.effects_of(group)) for group in self.formula.groups}


def _left_out(whole: Columns, some: Columns) -> tuple[str, ...]:
    return tuple(_sentences(whole, set(some.names)))


def _sentences(whole: Columns, kept: set[tuple[Term, int]]) -> Iterator[str]:
    """One for each column that is left out; of a term with many of them, one for all."""
    for term in dict.fromkeys(whole.terms):
        mine = [j for j, other in enumerate(whole.terms) if other == term]
        gone = [j for j in mine if whole.names[j] not in kept]
        if len(gone) <= _NAMED:
            yield from (why_left_out(whole, j) for j in gone)
        else:
            yield (
                f"{len(gone)} of the {len(mine)} columns of {term.name} are left out: no row has their levels, or "
                f"other columns already contain them"
            )


def response_less_offset(formula: Formula, data: CleanData) -> np.ndarray:
    """The response less what is added to the linear predictor with coefficient 1, shape (rows,)."""
    y = data.columns[formula.response.variable].to_numpy(dtype=np.float64)
    return y if data.offset is None else np.asarray(y - data.offset)
