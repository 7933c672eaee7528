"""Values of theta with weights, which stand for its posterior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hlm.engines.exact.likelihood.marginal import CommonPosterior, Sums, Theta, common_posterior
from hlm.engines.exact.theta.coordinates import Parameters
from hlm.engines.normal_coefficients import NormalCoefficients, NormalPrior
from hlm.engines.posterior_tree import flat, roots_of
from hlm.engines.sampling.importance_sampling import WeightedPoints, importance_sample
from hlm.model import names

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, slots=True)
class WeightedThetas:
    """Values of theta that stand for its posterior."""

    theta: Theta
    given: CommonPosterior  # of these
    points: WeightedPoints  # their coordinates and weights


def weighted_thetas(
    parameters: Parameters, starts: np.ndarray, sums: Sums, prior: NormalPrior, *, draws: int, most: int,
    rng: np.random.Generator,
) -> WeightedThetas:  # fmt: skip
    """Sample the posterior of theta.

    starts: shape (starts, d); points from which modes are searched.
    draws, most, rng: see `importance_sample`, which says what may be raised.
    """
    given: CommonPosterior | None = None

    def log_posterior(u: np.ndarray) -> np.ndarray:
        nonlocal given
        with np.errstate(all="ignore"):  # far out in a tail an sd may underflow: no density there
            given = common_posterior(sums, parameters.theta(u), prior)
            values = parameters.log_prior(u) + given.log_marginal
        return np.where(np.isfinite(values), values, -np.inf)

    found = importance_sample(log_posterior, starts, draws=draws, most=most, rng=rng)
    assert given is not None  # and its points are the last evaluated, those of ``found``
    return WeightedThetas(parameters.theta(found.points), given, found)


def theta_of(posterior: xr.Dataset, coefficients: NormalCoefficients) -> Theta:
    """Read theta back from a posterior under Bambi's names, whatever engine it is from; T = chains x draws."""
    return Theta(flat(posterior[names.residual_sd()]), roots_of(posterior, coefficients))
