"""Some of the group-level sds fixed: what a pooling path needs of an engine, and what engines share for it.

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
from typing import Protocol

import numpy as np

from hlm.engines.normal_coefficients import NormalCoefficients
from hlm.engines.posterior_tree import JointDraws
from hlm.engines.sampling.modes import laplace
from hlm.engines.sampling.t_mixtures import safe_cholesky
from hlm.engines.theta.covariance import Covariance
from hlm.support.linear_algebra import lower_roots, solve_lower

_KNOTS = 30  # values of s at which modes are searched
_WIDER = 1.2  # the points' spread over that of the approximation, so that weights stay bounded


class Coordinates(Protocol):
    """The coordinates of an engine's theta: its own parameter, if it has one, then the effects' covariance."""

    @property
    def dimension(self) -> int:
        """How many there are."""

    @property
    def covariance(self) -> Covariance:
        """Those of the effects' covariance, the last ones."""

    def log_prior(self, u: np.ndarray) -> np.ndarray:
        """Log prior density of the coordinates, Jacobians included, shape (T,)."""


@dataclass(frozen=True, slots=True)
class ThetaPoints:
    """Values of theta that stand for its posterior."""

    scores: np.ndarray  # shape (T, d); their coordinates
    roots: np.ndarray  # shape (T, q, q); L of the orthogonalised effects
    weights: np.ndarray  # shape (T,); sum to 1
    pareto_k: float


@dataclass(frozen=True, slots=True)
class SliceMeans:
    """Posterior means given each multiple."""

    means: JointDraws  # as if they were S draws of one chain
    log_density: np.ndarray  # shape (S,); of the multiple, up to a constant
    efficiency: np.ndarray  # shape (S,); effective points per point of the importance sums
    # shape (S,); of the sum of the groups' log integrals, from twice as many nodes; 0 where they are closed forms
    error: np.ndarray


class Slices(Protocol):
    """A model as a pooling path asks its engine about it."""

    @property
    def coefficients(self) -> NormalCoefficients:
        """Its columns and priors."""

    @property
    def coordinates(self) -> Coordinates:
        """Of theta."""

    @property
    def start(self) -> np.ndarray:
        """Coordinates near the posterior's mode, shape (d,)."""

    def points(self, affordable: float) -> int:
        """How many points an importance sum may have where all together may take so many multiplications."""

    def thetas(self, draws: int, rng: np.random.Generator) -> ThetaPoints:
        """The posterior of theta."""

    def means(self, fixed: Slice, s: np.ndarray, points: int) -> SliceMeans:
        """Average the coefficients over the free parameters, for every multiple.

        s: shape (S,); multiples in ascending order, finite.
        points: number of points of each importance sum.
        """


@dataclass(frozen=True, slots=True)
class Slice:
    """Some sds fixed at a multiple of their estimates, the correlations among them fixed, all else free."""

    coordinates: Coordinates
    columns: tuple[int, ...]  # columns of Z whose sds are fixed; none in a model without sds to estimate
    estimates: np.ndarray  # shape (columns,); their sds where the multiple is 1
    # shape (d,); coordinates of all of theta: where the search for modes starts, and the values of the fixed
    # correlations
    start: np.ndarray

    @property
    def free(self) -> list[int]:
        """The coordinates that are averaged over."""
        fixed = {self._own + j for j in self.columns}.union(self._held)
        return [i for i in range(self.coordinates.dimension) if i not in fixed]

    @property
    def _own(self) -> int:
        """How many coordinates stand before those of the covariance."""
        return self.coordinates.dimension - self.coordinates.covariance.dimension

    @property
    def _held(self) -> list[int]:
        found = self.coordinates.covariance.correlations
        return [self._own + i for i, _, pair in found if set(pair) <= set(self.columns)]

    def with_multiple(self, roots: np.ndarray, s: np.ndarray) -> np.ndarray:
        """Roots L of the orthogonalised effects at `all_coordinates`, shape (T, q, q), with the fixed sds in them."""
        roots = roots.copy()
        for j, estimate in zip(self.columns, self.estimates, strict=True):
            roots[:, j] *= (s * estimate / self.coordinates.covariance.sds[j].value(np.zeros(1)))[:, None]
        return roots

    def log_prior_of_free(self, u: np.ndarray) -> np.ndarray:
        """Log prior density of the free coordinates up to a constant, shape (T,)."""
        return self.coordinates.log_prior(self.all_coordinates(u))

    def log_prior_of_multiple(self, s: np.ndarray) -> np.ndarray:
        """Log prior density of the multiple up to a constant, shape (T,)."""
        with np.errstate(all="ignore"):  # at 0: no density is -inf
            value = np.log(s) * (len(self.columns) - 1) if len(self.columns) > 1 else np.zeros(len(s))
            for j, estimate in zip(self.columns, self.estimates, strict=True):
                value = value + self.coordinates.covariance.sds[j].log_density_of(s * estimate)
        return np.where(np.isnan(value), -np.inf, value)

    def all_coordinates(self, u: np.ndarray) -> np.ndarray:
        """The free coordinates, shape (T, free), among all; those of the fixed sds are 0 (see `with_multiple`)."""
        full = np.zeros((len(u), self.coordinates.dimension))
        full[:, self._held] = self.start[self._held]
        full[:, self.free] = u
        return full


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


def approximations(
    log_density: Callable[[np.ndarray, np.ndarray], np.ndarray], s: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Centres, shape (S, d), and lower roots of the scatter, shape (S, d, d), interpolated between a few multiples.

    log_density: of multiples, shape (T,), and free coordinates, shape (T, d).
    """
    d = len(start)
    if d == 0:
        return np.zeros((len(s), 0)), np.zeros((len(s), 0, 0))
    places = np.unique(np.linspace(0, len(s) - 1, _KNOTS).round().astype(int))

    def densities(u: np.ndarray) -> np.ndarray:
        return log_density(np.repeat(s[places], u.shape[1]), u.reshape(-1, u.shape[2])).reshape(u.shape[:2])

    modes, scatter = laplace(densities, np.repeat(start[None], len(places), axis=0))
    found = np.hstack([modes, scatter.reshape(len(places), -1)])
    at, knots = s / (1 + s), s[places] / (1 + s[places])
    between = np.column_stack([np.interp(at, knots, column) for column in found.T])
    return between[:, :d], _WIDER * safe_cholesky(between[:, d:].reshape(-1, d, d))
