"""How much of the answer is rounding: the answer again from sums that are moved by their last digits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hlm.engines.exact.likelihood.marginal import CommonPosterior, NormalPrior, Sums, Theta, common_posterior
from hlm.engines.exact.sums.several_factors import CrossedProducts

MOST_ROUNDING = 0.01  # of the log density, or of a coefficient in its posterior sds: below any Monte Carlo error
_LAST_DIGITS = 4 * np.finfo(np.float64).eps  # what the sums themselves are worth


def rounding(sums: Sums, theta: Theta, prior: NormalPrior, given: CommonPosterior) -> float:
    """The largest effect of rounding at some theta.

    Parameters
    ----------
    sums : CrossProducts or CrossedProducts
    theta : Theta
    prior : NormalPrior
    given : CommonPosterior
        Of these theta, from these sums.

    Returns
    -------
    float
        Change of the log density, or of the common coefficients in units of their conditional sd, whatever is larger;
        inf where one of them cannot be computed.
    """
    with np.errstate(all="ignore"):
        again = common_posterior(_moved(sums), theta, prior)
        step = again.mean - given.mean
        steps = np.sqrt(np.abs(np.einsum("ti,tij,tj->t", step, given.precision, step)))
        worst = np.maximum(np.abs(again.log_marginal - given.log_marginal), steps).max(initial=0.0)
    return float(worst) if np.isfinite(worst) else np.inf


def _moved(sums: Sums) -> Sums:
    """Every number up or down by its last digits; products by those of the columns that they were taken from."""
    rng = np.random.default_rng(0)  # signs only: the same for every fit

    def moved(values: np.ndarray, size: np.ndarray | None = None) -> np.ndarray:
        sign = rng.integers(0, 2, values.shape) * 2.0 - 1.0
        return np.asarray(values + _LAST_DIGITS * sign * (values if size is None else size))

    def together(left: np.ndarray, explained: np.ndarray) -> np.ndarray:
        """Products, moved alike on both sides of the diagonal."""
        lengths = np.sqrt(np.einsum("...ii->...i", left) + explained)
        change = moved(left, lengths[..., :, None] * lengths[..., None, :]) - left
        return np.asarray(left + (change + change.swapaxes(-1, -2)) / 2)

    if isinstance(sums, CrossedProducts):
        squares = np.bincount(sums.column, (sums.explained**2).sum(axis=0), len(sums.left))
        turn = None if sums.turn is None else moved(sums.turn)
        left = together(sums.left, squares)
        return replace(sums, root=moved(sums.root), explained=moved(sums.explained), left=left, turn=turn)
    left = together(sums.left, np.zeros(1))
    return replace(sums, root=moved(sums.root), explained=moved(sums.explained), left=left)
