"""What a fit says about its model before anybody asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hlm.formula.formula import INTERCEPT, quote

if TYPE_CHECKING:
    from hlm.model.model import Model

_FAR = 100.0  # standard deviations of a column that its mean lies from 0


def far_from_zero(model: Model) -> Iterator[str]:
    """One sentence for each slope that varies beside an intercept in a column far from 0, where that says something."""
    for factor in model.factors if model.pooling == "partial" and model.has_data else ():
        for block in factor.blocks:
            names = [e.term.name for e in block.effects if e.term.degree == 1 and not model.is_factor(e.term)]
            if model.is_orthogonalised(block) or INTERCEPT not in [effect.term for effect in factor.effects]:
                continue
            for name in names:
                values = model.data.columns[name].to_numpy(dtype=np.float64)
                away = abs(values.mean()) / max(values.std(), 1e-300)
                if away > _FAR:
                    together = "the priors that you gave hold" if block.correlation else "they are uncorrelated"
                    yield (
                        f"{name} lies {away:.0f} of its standard deviations from 0, where the intercepts of "
                        f"{factor.name} are and {together}: that decides much; write center({quote(name)})"
                    )
