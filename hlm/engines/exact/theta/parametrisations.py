"""Theta's posterior in one or several coordinate systems, each for the part that is easy to sample in it.

With effects of columns far from 0, such as days since 1970, the posterior may have two parts. In one part slopes vary,
and intercepts at 0 are nearly collinear with them: in coordinates at 0 it is thin and curved, in those about the
columns' means it is not. In the other part slopes hardly vary: coordinates at 0 are easy. So the density is split by
shares that add up to 1 everywhere. Each part is sampled by itself, and gets its evidence, the integral of its part of
the density, as its weight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hlm.engines.exact.likelihood.marginal import CommonPosterior, NormalPrior, Sums, Theta, common_posterior
from hlm.engines.exact.theta.coordinates import Centred, Parameters
from hlm.engines.sampling.importance_sampling import WeightedPoints, importance_sample
from hlm.engines.sampling.pareto_smoothing import smooth

_LEAST_SHARE = 0.01  # of the posterior: the Pareto k of parts with less does not count


@dataclass(frozen=True, slots=True)
class Parametrisation:
    """Coordinates of theta for a part of its posterior."""

    space: Parameters | Centred
    starts: np.ndarray  # shape (s, d); points from which modes are searched
    log_share: Callable[[Theta], np.ndarray]  # of the density at theta that is sampled in these coordinates, shape (T,)


@dataclass(frozen=True, slots=True)
class WeightedThetas:
    """Values of theta that stand for its posterior."""

    theta: Theta
    given: CommonPosterior  # of these
    points: WeightedPoints  # their weights, in coordinates that may change from point to point


def sample_parametrisations(
    parametrisations: Sequence[Parametrisation], sums: Sums, prior: NormalPrior, *, draws: int, most: int,
    rng: np.random.Generator,
) -> WeightedThetas:  # fmt: skip
    """Sample the posterior; the other parameters, and what may be raised, are those of `importance_sample`."""
    most = most // len(parametrisations)
    return _joined([_sample(one, sums, prior, draws=draws, most=most, rng=rng) for one in parametrisations])


def _sample(
    parametrisation: Parametrisation, sums: Sums, prior: NormalPrior, *, draws: int, most: int, rng: np.random.Generator
) -> WeightedThetas:
    given: CommonPosterior | None = None

    def log_posterior(u: np.ndarray) -> np.ndarray:
        nonlocal given
        with np.errstate(all="ignore"):  # far out in a tail an sd may underflow: no density there
            theta = parametrisation.space.theta(u)
            given = common_posterior(sums, theta, prior)
            values = parametrisation.space.log_prior(u) + given.log_marginal + parametrisation.log_share(theta)
        return np.where(np.isfinite(values), values, -np.inf)

    found = importance_sample(log_posterior, parametrisation.starts, draws=draws, most=most, rng=rng)
    assert given is not None  # and its points are the last evaluated, those of ``found``
    return WeightedThetas(parametrisation.space.theta(found.points), given, found)


def _joined(parts: list[WeightedThetas]) -> WeightedThetas:
    """All parts as one, each weighted by its evidence."""
    if len(parts) == 1:
        return parts[0]
    evidence = np.array([part.points.log_evidence for part in parts])
    shares = np.exp(evidence - evidence.max())
    shares /= shares.sum()
    weights = np.concatenate([share * part.points.weights for share, part in zip(shares, parts, strict=True)])
    with np.errstate(divide="ignore"):
        together = float(smooth(np.log(weights)[:, None]).pareto_k[0])
    points = WeightedPoints(
        np.concatenate([part.points.points for part in parts]),
        weights,
        max([together, *(part.points.pareto_k for part, s in zip(parts, shares, strict=True) if s > _LEAST_SHARE)]),
        lost=float(shares @ [part.points.lost for part in parts]),
        log_evidence=float(np.logaddexp.reduce(evidence)),
    )
    thetas = ((part.theta.sigma, part.theta.factor) for part in parts)
    given = ((part.given.log_marginal, part.given.mean, part.given.precision) for part in parts)
    return WeightedThetas(
        Theta(*map(np.concatenate, zip(*thetas, strict=True))),
        CommonPosterior(*map(np.concatenate, zip(*given, strict=True))),
        points,
    )
