"""The posterior given some of the group-level sds, from which a pooling path is made.

A slice fixes the sds of some columns of Z at ``s`` times their estimates; u are the other coordinates of theta::

    h(s, u) = p(y | s, u) p(u) prod_j p(s w_j) s^(|J| - 1)     j in J, the columns; w_j their estimates
    E[coefficients | s, y] = integral of E[coefficients | s, u, y] h(s, u) du / integral of h(s, u) du

The second integral, as a function of s, is the posterior density of s up to a constant. For one column it is the
marginal density of the sd. For several it is the density of their common factor where the ratios of the sds are fixed;
s and the ratios are polar coordinates, which gives the power of s. The correlations among several columns are fixed
too, so that Sigma becomes s^2 Sigma. If they were free they would go to 1 or -1 as s grows, since K groups prefer a
small |Sigma|, and in the limit only one direction would be unpooled.

Both integrals are importance sums over the same fixed, evenly spread normal points for every s. Modes are found at a
few s and interpolated between, so that the result is smooth in s and has no random numbers in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hlm.engines.exact.draws.coefficients import CoefficientDraws, conditional_means
from hlm.engines.exact.gaussian_model import GaussianModel
from hlm.engines.exact.likelihood.marginal import Sums, Theta, common_posterior
from hlm.engines.exact.theta.coordinates import Parameters
from hlm.engines.sampling.modes import laplace
from hlm.engines.sampling.t_mixtures import safe_cholesky
from hlm.support.linear_algebra import lower_roots, rotated_to_lower, solve_lower

_KNOTS = 30  # values of s at which modes are searched
_WIDER = 1.2  # the points' spread over that of the approximation, so that weights stay bounded


@dataclass(frozen=True, slots=True)
class Slice:
    """Some sds fixed at a multiple of their estimates, the correlations among them fixed, all else free."""

    parameters: Parameters
    columns: tuple[int, ...]  # columns of Z whose sds are fixed; none in a model without sds to estimate
    estimates: np.ndarray  # shape (columns,); their sds where the multiple is 1
    # shape (d,); coordinates of all of theta: where the search for modes starts, and the values of the fixed
    # correlations
    start: np.ndarray

    @property
    def free(self) -> list[int]:
        """The coordinates that are averaged over."""
        fixed = {1 + j for j in self.columns}.union(self._held)
        return [i for i in range(self.parameters.dimension) if i not in fixed]

    @property
    def _held(self) -> list[int]:
        return [i for i, _, pair in self.parameters.correlations if set(pair) <= set(self.columns)]

    def theta(self, s: np.ndarray, u: np.ndarray) -> Theta:
        """Multiples, shape (T,), and free coordinates, shape (T, free), to values."""
        inside = self.parameters.inside(self._all(u))
        factor = inside.factor.copy()
        for j, estimate in zip(self.columns, self.estimates, strict=True):
            factor[:, j] *= (s * estimate / self.parameters.covariance.sds[j].value(np.zeros(1)))[:, None]
        return Theta(inside.sigma, rotated_to_lower(factor, self.parameters.covariance.transformation))

    def log_prior_of_free(self, u: np.ndarray) -> np.ndarray:
        """Log prior density of the free coordinates up to a constant, shape (T,)."""
        return self.parameters.log_prior(self._all(u))

    def log_prior_of_multiple(self, s: np.ndarray) -> np.ndarray:
        """Log prior density of the multiple up to a constant, shape (T,)."""
        with np.errstate(all="ignore"):  # at 0: no density is -inf
            value = np.log(s) * (len(self.columns) - 1) if len(self.columns) > 1 else np.zeros(len(s))
            for j, estimate in zip(self.columns, self.estimates, strict=True):
                value = value + self.parameters.covariance.sds[j].log_density_of(s * estimate)
        return np.where(np.isnan(value), -np.inf, value)

    def _all(self, u: np.ndarray) -> np.ndarray:
        """All coordinates, those of the fixed sds at 0; `theta` sets their values afterwards."""
        full = np.zeros((len(u), self.parameters.dimension))
        full[:, self._held] = self.start[self._held]
        full[:, self.free] = u
        return full


@dataclass(frozen=True, slots=True)
class SliceMeans:
    """Posterior means given each multiple."""

    means: CoefficientDraws  # as if they were S draws of one chain
    log_density: np.ndarray  # shape (S,); of the multiple, up to a constant
    efficiency: np.ndarray  # shape (S,); effective points per point of the importance sums


def slice_means(model: GaussianModel, sums: Sums, fixed: Slice, s: np.ndarray, points: int) -> SliceMeans:
    """Average the coefficients over the free parameters, for every multiple.

    s: shape (S,); multiples in ascending order, finite.
    points: number of points of each importance sum.
    """

    def log_density(s: np.ndarray, u: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):  # far out in a tail an sd may underflow: no density there
            value = common_posterior(sums, fixed.theta(s, u), model.prior).log_marginal + fixed.log_prior_of_free(u)
        return np.where(np.isfinite(value), value, -np.inf)

    centres, roots = _approximations(log_density, s, fixed.start[fixed.free])
    normals = spread_normals(points, centres.shape[1])
    u = (centres[:, None] + np.einsum("sij,nj->sni", roots, normals)).reshape(-1, centres.shape[1])
    theta = fixed.theta(np.repeat(s, points), u)
    given = common_posterior(sums, theta, model.prior)
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
        drawn = conditional_means(model, sums, theta.some(here), given.some(here))
        arrays = drawn.theta.sigma, drawn.theta.factor, drawn.common, *drawn.effects
        means.append([np.tensordot(weight[counts], array, axes=1) for array in arrays])
    sigma, factor, common, *effects = (np.stack(parts) for parts in zip(*means, strict=True))
    found = CoefficientDraws(Theta(sigma, factor), common, effects, 1)
    density = evidence + fixed.log_prior_of_multiple(s)
    return SliceMeans(found, density, 1.0 / (points * (weights**2).sum(axis=1)))


def spread_normals(points: int, d: int) -> np.ndarray:
    """Evenly spread standard normal points in pairs z, -z, shape (points, d); an even number, 4 d at least.

    The additive recurrence of the d-dimensional golden ratio (Roberts 2018), through the normal quantiles; then
    transformed a little, so that their second moments are exactly the normal ones.
    """
    from scipy.special import ndtri

    ratio = 2.0
    for _ in range(50):  # the root of x^(d + 1) = x + 1
        ratio = (1 + ratio) ** (1 / (d + 1))
    step = ratio ** -np.arange(1, d + 1)
    half = ndtri((0.5 + np.arange(1, points // 2 + 1)[:, None] * step) % 1.0)
    half = solve_lower(lower_roots(half.T @ half / len(half)), half.T).T
    return np.concatenate([half, -half])


def _approximations(
    log_density: Callable[[np.ndarray, np.ndarray], np.ndarray], s: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Centres, shape (S, d), and lower roots of the scatter, shape (S, d, d), interpolated between a few multiples."""
    places = np.unique(np.linspace(0, len(s) - 1, _KNOTS).round().astype(int))

    def densities(u: np.ndarray) -> np.ndarray:
        return log_density(np.repeat(s[places], u.shape[1]), u.reshape(-1, u.shape[2])).reshape(u.shape[:2])

    d = len(start)
    modes, scatter = laplace(densities, np.repeat(start[None], len(places), axis=0))
    found = np.hstack([modes, scatter.reshape(len(places), -1)])
    at, knots = s / (1 + s), s[places] / (1 + s[places])
    between = np.column_stack([np.interp(at, knots, column) for column in found.T])
    return between[:, :d], _WIDER * safe_cholesky(between[:, d:].reshape(-1, d, d))
