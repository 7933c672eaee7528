"""Expected responses along a predictor, group by group: posterior means of curves, not curves of posterior means."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hlm.compare.compare_slopes import thinned
from hlm.fits.group_coefficients import coefficients
from hlm.fits.new_responses import expected_responses, parents
from hlm.fits.results import Fit
from hlm.formula.formula import Term

_POINTS = 10  # of a curve, that count as one number of `thinned`: 40 million are computed at most


def expected_curves(
    fit: Fit, factor: Term, groups: np.ndarray, design: np.ndarray, known: np.ndarray, offset: float
) -> np.ndarray:
    """The posterior mean of the expected response of some groups, shape (groups, points).

    groups: their numbers.
    design: shape (groups, points, terms); the target's columns.
    known: shape (K, terms); False where the group's rows cannot determine a coefficient, whose curves are NaN.
    offset: added to the linear predictor.
    result: NaN too where the link gives a parameter that the family cannot have.
    """
    levels, points = fit.resolved.data.levels(factor), design.shape[1]
    few = thinned(fit, -(-len(groups) * points // _POINTS))[fit.pooling]
    draws = coefficients(few, factor.name).isel(pooling=0).transpose("chain", "draw", factor.name, "term").to_numpy()
    draws = np.where(known, draws.reshape(-1, *draws.shape[2:]), np.nan)
    low, high = fit.resolved.family.parent_limits
    found = np.empty(design.shape[:2])
    for i, k in enumerate(groups):
        rows = pd.DataFrame({factor.name: [levels[k]] * points})
        with np.errstate(over="ignore", invalid="ignore"):
            parent = parents(few, {"": through(draws[:, None, k], design[i]) + offset})
            mean = expected_responses(few, rows, parent)
            found[i] = np.where((parent >= low) & (parent <= high), mean, np.nan).mean(axis=0)
    return found


def through(estimates: np.ndarray, design: np.ndarray) -> np.ndarray:
    """Linear predictors at some points, (..., points); what none of the points uses may be NaN."""
    used = (design != 0).any(axis=tuple(range(design.ndim - 1)))
    return np.asarray((design[..., used] * estimates[..., used]).sum(axis=-1))
