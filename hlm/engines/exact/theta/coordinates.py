"""theta = (sigma, tau, Omega) as a point of R^d: the residual sd, then the effects' covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.exact.likelihood.marginal import Theta
from hlm.engines.theta.covariance import Correlations, Covariance
from hlm.engines.theta.standard_deviations import Scale
from hlm.support.linear_algebra import rotated_to_lower


@dataclass(frozen=True, slots=True)
class Parameters:
    """The coordinates of theta, in this order: sigma, the effects' sds, the partial correlations block by block."""

    sigma: Scale  # the residual sd
    covariance: Covariance

    @property
    def dimension(self) -> int:
        return 1 + self.covariance.dimension

    def theta(self, u: np.ndarray) -> Theta:
        """Coordinates, shape (T, d), to values."""
        inside = self.inside(u)
        return Theta(inside.sigma, rotated_to_lower(inside.factor, self.covariance.transformation))

    def inside(self, u: np.ndarray) -> Theta:
        """The values for the orthogonalised effects b_c."""
        return Theta(self.sigma.value(u[:, 0]), self.covariance.inside(u[:, 1:]))

    def coordinates(self, sigma: np.ndarray, roots: np.ndarray) -> np.ndarray:
        """Values to coordinates, shape (T, d): the inverse of `inside`, of ``roots`` L with shape (T, q, q)."""
        return np.column_stack([self.sigma.coordinates(sigma), self.covariance.coordinates(roots)])

    def log_prior(self, u: np.ndarray) -> np.ndarray:
        """Log prior density of the coordinates, Jacobians included, shape (T,)."""
        return np.asarray(self.sigma.log_density(u[:, 0]) + self.covariance.log_prior(u[:, 1:]))

    @property
    def correlations(self) -> list[tuple[int, Correlations, tuple[int, int]]]:
        """Of each the place of its coordinate, its block, and its two columns of Z."""
        return [(1 + place, block, pair) for place, block, pair in self.covariance.correlations]
