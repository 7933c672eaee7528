"""The effect of rounding on the answer: it is computed again from sums that are changed in their last digits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hlm.engines.exact.likelihood.marginal import CommonPosterior, NormalPrior, Sums, Theta, common_posterior
from hlm.engines.exact.sums.several_factors import CrossedProducts

MOST_ROUNDING = 0.01  # of the log density, or of a coefficient in its posterior sds: below any Monte Carlo error
_LAST_DIGITS = 4 * np.finfo(np.float64).eps  # relative precision of the sums


def rounding(sums: Sums, theta: Theta, prior: NormalPrior, given: CommonPosterior) -> float:
    """The largest effect of rounding at some theta.

    given: of these theta, from these sums.
    result: change of the log density, or of the common coefficients in units of their conditional sd, whichever is
        larger; inf where one of them cannot be computed.
    """
    with np.errstate(all="ignore"):
        again = common_posterior(_moved(sums), theta, prior)
        step = again.mean - given.mean
        steps = np.sqrt(np.abs(np.einsum("ti,tij,tj->t", step, given.precision, step)))
        worst = np.maximum(np.abs(again.log_marginal - given.log_marginal), steps).max(initial=0.0)
    return float(worst) if np.isfinite(worst) else np.inf


def _moved(sums: Sums) -> Sums:
    """Every number changed in its last digits; products in those of the columns that they are made of."""
    rng = np.random.default_rng(0)  # signs only: the same for every fit

    def moved(values: np.ndarray, size: np.ndarray | None = None) -> np.ndarray:
        sign = rng.integers(0, 2, values.shape) * 2.0 - 1.0
        return np.asarray(values + _LAST_DIGITS * sign * (values if size is None else size))

    def together(left: np.ndarray, explained: np.ndarray) -> np.ndarray:
        """Products, with the same change on both sides of the diagonal."""
        lengths = np.sqrt(np.einsum("...ii->...i", left) + explained)
        change = moved(left, lengths[..., :, None] * lengths[..., None, :]) - left
        return np.asarray(left + (change + change.swapaxes(-1, -2)) / 2)

    if isinstance(sums, CrossedProducts):
        squares = np.bincount(sums.column, (sums.explained**2).sum(axis=0), len(sums.left))
        transformation = None if sums.transformation is None else moved(sums.transformation)
        left = together(sums.left, squares)
        root, explained = moved(sums.root), moved(sums.explained)
        return replace(sums, root=root, explained=explained, left=left, transformation=transformation)
    left = together(sums.left, np.zeros(1))
    return replace(sums, root=moved(sums.root), explained=moved(sums.explained), left=left)
