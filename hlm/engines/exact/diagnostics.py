"""Whether draws of the exact engine can be trusted.

The effect of rounding is seen from the answer computed again, from sums that are changed in their last digits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hlm.engines.exact.likelihood.marginal import CommonPosterior, Sums, Theta, common_posterior
from hlm.engines.exact.sums.several_factors import CrossedProducts
from hlm.engines.normal_coefficients import NormalPrior
from hlm.engines.sampling.pareto_smoothing import GOOD_PARETO_K

ENOUGH_ESS = 100  # the error of a posterior mean is then a tenth of its posterior sd
MOST_LOST = 0.001
MOST_ROUNDING = 0.01  # of the log density, or of a coefficient in its posterior sds: below any Monte Carlo error
_LAST_DIGITS = 4 * np.finfo(np.float64).eps  # relative precision of the sums


@dataclass(frozen=True, slots=True)
class ExactDiagnostics:
    """Whether the draws can be trusted."""

    # shape of the tail of the importance weights; above 0.7 part of the posterior may be missing (Vehtari et al. 2024,
    # JMLR 25(72)). -inf where no weights were needed.
    pareto_k: float
    ess: float  # effective number of weighted points that the draws were taken from
    points: int  # how many points that were
    draws: int  # joint draws in the posterior, all chains together
    lost: float = 0.0  # share of the posterior, about, where its density could not be computed
    # how far rounding may move the log density, or a coefficient in its posterior sds, at some of the draws; inf where
    # it has left nothing
    rounding: float = 0.0

    @property
    def ok(self) -> bool:
        return self.problem is None

    @property
    def efficiency(self) -> float:
        """Effective points per point; 1 if the proposal were the posterior itself."""
        return self.ess / self.points

    @property
    def problem(self) -> str | None:
        """What is wrong, as the end of a sentence; None if nothing is."""
        if not self.pareto_k <= GOOD_PARETO_K:
            return f"the importance weights have Pareto k {self.pareto_k:.2f}, wanted 0.7 at most"
        if not self.lost <= MOST_LOST:
            return f"the density could not be computed at {self.lost:.1%} of the points where it should be large"
        if not self.rounding <= MOST_ROUNDING:
            return (
                "rounding decides: a group-level sd is too large beside sigma, or columns are nearly collinear; centre "
                "and scale the columns, or let less vary"
            )
        if not self.ess >= ENOUGH_ESS:
            return f"the draws come from {self.ess:.0f} effective points, wanted {ENOUGH_ESS} at least"
        return None

    @property
    def sentence(self) -> str:
        if self.problem is not None:
            return f"Not reliable: {self.problem}; part of the posterior may be missing. Use method='nuts'."
        if self.pareto_k == -np.inf:
            return f"{self.draws} joint draws of the exact posterior, by quadrature."
        return (
            f"{self.draws} joint draws of the exact posterior, by importance sampling "
            f"(efficiency {self.efficiency:.0%}, Pareto k {self.pareto_k:.1f}; at most 0.7 wanted)."
        )


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

    squares = np.zeros(1)  # that the left ones lack: of one factor they are products of what is left alone
    if isinstance(sums, CrossedProducts):
        squares = np.bincount(sums.column, (sums.explained**2).sum(axis=0), len(sums.left))
        if sums.transformation is not None:
            sums = replace(sums, transformation=moved(sums.transformation))
    left = together(sums.left, squares)
    return replace(sums, root=moved(sums.root), explained=moved(sums.explained), left=left)
