"""Where the priors of no pooling's own intercepts hold: at the means of each group's own rows.

Where responses of a group are all alike its own intercept is the prior's doing, so that the prior must say the same
wherever a predictor has its origin. Under the identity link the prior is so wide that it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hlm.formula.formula import INTERCEPT

if TYPE_CHECKING:
    from hlm.model.grouping_factors import GroupingFactor
    from hlm.model.model import Model


def own_intercepts_at_means(model: Model) -> tuple[str, ...]:
    """The names of the own intercepts whose priors hold at means; those with a prior of the user's are as written."""
    if model.pooling != "none" or model.family.link == "identity":
        return ()
    named = (e.coefficients.name for f in model.factors for e in f.effects if e.term == INTERCEPT)
    return tuple(name for name in named if name not in model.as_written and slopes_beside(model, name))


def slopes_beside(model: Model, name: str) -> tuple[str, ...]:
    """The coefficients of the columns whose means count: the factor's own, and for the first factor the common ones.

    So do those of factors without own intercepts there. Intercepts of a further factor are differences.
    """
    intercepts = [p for p in model.of_kind("group effect") if p.term == INTERCEPT]
    group = next(p.factor for p in intercepts if p.name == name)
    first, elsewhere = name == intercepts[0].name, {p.factor for p in intercepts}
    others = (p for p in model.of_kind("common", "group effect") if p.term != INTERCEPT)
    return tuple(p.name for p in others if p.factor == group or (first and p.factor not in elsewhere))


def means_of_groups(model: Model, name: str) -> Mapping[str, np.ndarray]:
    """By the name of a coefficient beside own intercepts: the means of its columns in the intercepts' groups.

    Each has the shape (intercepts, columns).
    """
    own = {e.coefficients.name: (f, e) for f in model.factors for e in f.effects}
    common = {p.name: model.columns_of(p) for p in model.of_kind("common")}
    factor, intercept = own[name]
    found: dict[str, np.ndarray] = {}
    for beside in slopes_beside(model, name):
        if beside in common:
            means = _means(factor, common[beside], np.zeros(model.rows, dtype=np.int64), 1)
        else:
            other, effect = own[beside]
            values = other.design.matrix[:, effect.columns]
            means = _means(factor, values, other.codes, other.size)[:, other.free(effect.columns)]
        found[beside] = means[factor.free(intercept.columns)]
    return found


def _means(factor: GroupingFactor, values: np.ndarray, others: np.ndarray, size: int) -> np.ndarray:
    """The means of columns that are those of another factor's groups, shape (groups, other groups x columns)."""
    sums = np.zeros((factor.size, size, values.shape[1]))
    np.add.at(sums, (factor.codes, others), values)
    return np.asarray(sums.reshape(factor.size, -1) / factor.counts[:, None])
