"""What a fit says about its model before anybody asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from hlm.formula.formula import INTERCEPT, quote

if TYPE_CHECKING:
    from hlm.model.grouping_factors import CovarianceBlock, Effect
    from hlm.model.model import Model

_FAR = 100.0  # standard deviations of a column that its mean lies from 0


def far_from_zero(model: Model) -> Iterator[str]:
    """One sentence for each slope that varies beside an intercept in a column far from 0, where that says something."""
    for factor in model.factors if model.pooling == "partial" and model.has_data else ():
        for block in factor.blocks:
            names = [e.term.name for e in block.effects if e.term.degree == 1 and not model.is_factor(e.term)]
            if model.is_orthogonalised(block) or not _has_intercepts(model, factor.effects):
                continue
            for name in names:
                values = model.data.columns[name].to_numpy(dtype=np.float64)
                away = abs(values.mean()) / max(values.std(), 1e-300)
                if away > _FAR:
                    yield (
                        f"{name} lies {away:.0f} of its standard deviations from 0, where the intercepts of "
                        f"{factor.name} are and {_what_holds(model, block)}: that decides much; write "
                        f"center({quote(name)})"
                    )


def nearly_collinear(model: Model) -> Iterator[str]:
    """A sentence about common columns that are collinear but for the last digits."""
    near = [name in model.design.nearly_explained for name in model.common.names] if model.has_data else []
    if sum(near) > 1:
        labels = [label for label, one in zip(model.common.labels, near, strict=True) if one]
        yield (
            f"the other common columns leave less than a millionth of {', '.join(labels)}: these coefficients rest on "
            f"the last digits of the data; center() of a column far from 0, or poly(), has no such loss"
        )


def _what_holds(model: Model, block: CovarianceBlock) -> str:
    """What is said about the effects of a block where its columns are 0."""
    if block.correlation is None or not _has_intercepts(model, block.effects):
        return "they are uncorrelated"
    return "the priors that you gave hold"  # with the default priors the block would be orthogonalised


def _has_intercepts(model: Model, effects: Iterable[Effect]) -> bool:
    """Whether the groups have intercepts: one each, or one for each level of a factor."""
    return any(effect.term == INTERCEPT or model.is_factor(effect.term) for effect in effects)
