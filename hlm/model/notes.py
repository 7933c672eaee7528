"""What a fit says about its model before anybody asks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.formula.formula import INTERCEPT, Formula, quote

_FAR = 100.0  # standard deviations of a column that its mean lies from 0


def far_from_zero(formula: Formula, data: CleanData) -> Iterator[str]:
    """One sentence for each slope that varies beside an intercept in a column that lies far from 0."""
    for block in formula.blocks:
        slopes = [effect.name for effect in block.effects if effect.degree == 1]
        for name in slopes if INTERCEPT in block.effects else ():
            if data.columns[name].dtype == "category":
                continue
            values = data.columns[name].to_numpy(dtype=np.float64)
            away = abs(values.mean()) / max(values.std(), 1e-300)
            if away > _FAR:
                yield (
                    f"{name} lies {away:.0f} of its standard deviations from 0, where the intercepts of "
                    f"{block.group.name} and their priors are: they decide much; write center({quote(name)})"
                )
