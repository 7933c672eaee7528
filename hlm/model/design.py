"""The columns of one formula on its data: each set is made once, and all strategies share it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.formula.formula import Block, Formula, Term
from hlm.model.design_columns import Columns, columns
from hlm.model.no_pooling import NoPooling, by_degree, no_pooling


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
        """The common terms."""
        return self.columns_of(self.formula.common)

    @cached_property
    def blocks(self) -> tuple[tuple[Block, Columns], ...]:
        """The effects of each block with a covariance matrix of its own (``||`` expanded)."""
        return tuple((block, self.columns_of(block.effects)) for block in self.formula.expanded_blocks())

    @cached_property
    def no_pooling(self) -> NoPooling:
        """The strategy in which each group has coefficients of its own."""
        return no_pooling(self.formula, self.data, self.columns_of)

    @cached_property
    def group_coefficients(self) -> Columns:
        """The columns in which the groups' total coefficients of all strategies are written.

        Every term but those that no pooling cannot have.
        """
        effects = [effect for group in self.formula.groups for effect in self.formula.effects_of(group)]
        kept = [term for term in self.formula.common if term not in self.no_pooling.dropped]
        return self.columns_of(by_degree([*kept, *effects]))

    @cached_property
    def by_factor(self) -> dict[Term, Columns]:
        """By grouping factor: all effects that vary by it, coded together."""
        return {group: self.columns_of(self.formula.effects_of(group)) for group in self.formula.groups}


def response_less_offset(formula: Formula, data: CleanData) -> np.ndarray:
    """The response less what is added to the linear predictor with coefficient 1, shape (rows,)."""
    y = data.columns[formula.response.variable].to_numpy(dtype=np.float64)
    return y if data.offset is None else np.asarray(y - data.offset)
