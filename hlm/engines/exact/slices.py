"""The posterior of the exact engine given some of the group-level sds; `hlm.engines.theta.slices` says of what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.exact.draws.coefficients import CoefficientDraws, conditional_means
from hlm.engines.exact.gaussian_model import GaussianModel, gaussian_model, summed
from hlm.engines.exact.likelihood.marginal import Sums, Theta, common_posterior
from hlm.engines.exact.theta.coordinates import Parameters
from hlm.engines.exact.theta.starts import make_parameters
from hlm.engines.exact.theta.weighted_thetas import weighted_thetas
from hlm.engines.theta.slices import Slice, SliceMeans, ThetaPoints, approximations, spread_normals
from hlm.model.model import Model
from hlm.support.linear_algebra import rotated_to_lower

_OPERATIONS = 5e8  # for the estimates, about a second


@dataclass(frozen=True, slots=True)
class ExactSlices:
    """See `hlm.engines.theta.slices.Slices`."""

    coefficients: GaussianModel
    sums: Sums
    coordinates: Parameters
    starts: np.ndarray

    @property
    def start(self) -> np.ndarray:
        return np.asarray(self.starts[0])

    def points(self, affordable: float) -> int:
        return int(affordable / self.sums.operations)

    def thetas(self, draws: int, rng: np.random.Generator) -> ThetaPoints:
        found = weighted_thetas(
            self.coordinates, self.starts, self.sums, self.coefficients.prior, draws=draws,
            most=int(_OPERATIONS / self.sums.operations), rng=rng,
        )  # fmt: skip
        roots = self.coordinates.covariance.orthogonalised(found.theta.factor)
        scores = self.coordinates.coordinates(found.theta.sigma, roots)
        return ThetaPoints(scores, roots, found.points.weights, found.points.pareto_k)

    def means(self, fixed: Slice, s: np.ndarray, points: int) -> SliceMeans:
        prior = self.coefficients.prior

        def log_density(s: np.ndarray, u: np.ndarray) -> np.ndarray:
            with np.errstate(all="ignore"):  # far out in a tail an sd may underflow: no density there
                value = common_posterior(self.sums, self._theta(fixed, s, u), prior).log_marginal
                value = value + fixed.log_prior_of_free(u)
            return np.where(np.isfinite(value), value, -np.inf)

        centres, roots = approximations(log_density, s, fixed.start[fixed.free])
        normals = spread_normals(points, centres.shape[1])
        u = (centres[:, None] + np.einsum("sij,nj->sni", roots, normals)).reshape(-1, centres.shape[1])
        theta = self._theta(fixed, np.repeat(s, points), u)
        given = common_posterior(self.sums, theta, prior)
        log_h = (given.log_marginal + fixed.log_prior_of_free(u)).reshape(len(s), points)
        log_q = -0.5 * (normals**2).sum(axis=1) - np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)[:, None]
        top = (log_h - log_q).max(axis=1, keepdims=True)
        weights = np.exp(log_h - log_q - top)
        evidence = np.log(weights.mean(axis=1)) + top[:, 0]
        weights /= weights.sum(axis=1, keepdims=True)
        means = []
        for i, weight in enumerate(weights):  # one multiple after the other: the array of the groups' effects is large
            counts = np.flatnonzero(weight != 0.0)  # where rounding has left nothing, the means are NaN
            here = i * points + counts
            drawn = conditional_means(self.coefficients, self.sums, theta.some(here), given.some(here))
            arrays = drawn.theta.sigma, drawn.theta.factor, drawn.common, *drawn.effects
            means.append([np.tensordot(weight[counts], array, axes=1) for array in arrays])
        sigma, factor, common, *effects = (np.stack(parts) for parts in zip(*means, strict=True))
        found = CoefficientDraws(Theta(sigma, factor), common, effects, 1)
        density = evidence + fixed.log_prior_of_multiple(s)
        efficiency = 1.0 / (points * (weights**2).sum(axis=1))
        return SliceMeans(found.joint, density, efficiency, np.zeros(len(s)))

    def _theta(self, fixed: Slice, s: np.ndarray, u: np.ndarray) -> Theta:
        """Multiples, shape (T,), and free coordinates, shape (T, free), to values."""
        inside = self.coordinates.inside(fixed.all_coordinates(u))
        roots = fixed.with_multiple(inside.factor, s)
        return Theta(inside.sigma, rotated_to_lower(roots, self.coordinates.covariance.transformation))


def exact_slices(model: Model) -> ExactSlices:
    """Of a model that the exact engine covers."""
    gaussian = gaussian_model(model)
    sums = summed(gaussian)
    return ExactSlices(gaussian, sums, *make_parameters(gaussian, sums, model.priors))
