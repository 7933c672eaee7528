"""theta = (sigma, tau, Omega) as a point of R^d: coordinates, priors, Jacobians.

Standard deviations go by their logarithm (by a logit where a Uniform prior bounds them); a correlation matrix by its
canonical partial correlations through atanh. Under LKJ(eta) the partial correlations of column j are independent
Beta(eta + (q - 2 - j) / 2) variables scaled to (-1, 1) (Lewandowski, Kurowicka & Joe 2009, J. Multivariate Analysis
100:1989-2001), as in hlm/model/correlated.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, expit

from hlm.fit.collapsed.marginal import Theta
from hlm.fit.collapsed.scales import Scale


@dataclass(frozen=True, slots=True)
class Correlations:
    """A block of correlated effects: columns ``start`` to ``stop`` of Z, and the eta of their LKJ prior."""

    name: str
    start: int
    stop: int
    eta: float

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Entries below the diagonal, row by row."""
        return [(i, j) for i in range(self.start, self.stop) for j in range(self.start, i)]


@dataclass(frozen=True, slots=True)
class Parameters:
    """The coordinates of theta, in this order: sigma, the sds of the effects, the partial correlations of each block.

    Attributes
    ----------
    sigma : Scale
        The residual sd and its prior.
    sds : tuple of Scale
        One for each column of Z; empty where the effects' covariance is known.
    blocks : tuple of Correlations
    known_factor : numpy.ndarray, shape (q, q)
        L where it is known: no pooling's prior sds on the diagonal; (0, 0) in complete pooling.
    """

    sigma: Scale
    sds: tuple[Scale, ...]
    blocks: tuple[Correlations, ...]
    known_factor: np.ndarray

    @property
    def dimension(self) -> int:
        return 1 + len(self.sds) + sum(len(block.pairs) for block in self.blocks)

    def theta(self, u: np.ndarray) -> Theta:
        """Coordinates, shape (T, d), to values."""
        sigma = self.sigma.value(u[:, 0])
        if not self.sds:
            return Theta(sigma, np.broadcast_to(self.known_factor, (len(u), *self.known_factor.shape)))
        sds = np.column_stack([scale.value(u[:, 1 + j]) for j, scale in enumerate(self.sds)])
        return Theta(sigma, sds[:, :, None] * self._correlation_cholesky(u))

    def log_prior(self, u: np.ndarray) -> np.ndarray:
        """Log prior density of the coordinates (Jacobians included), shape (T,)."""
        total = self.sigma.log_density(u[:, 0])
        for j, scale in enumerate(self.sds):
            total = total + scale.log_density(u[:, 1 + j])
        column = 1 + len(self.sds)
        for block in self.blocks:
            for _, j in block.pairs:
                a = block.eta + (block.stop - block.start - 2 - (j - block.start)) / 2
                total = total - 2 * a * _log_cosh(u[:, column]) - betaln(a, a) - (2 * a - 1) * np.log(2)
                column += 1
        return np.asarray(total)

    def _correlation_cholesky(self, u: np.ndarray) -> np.ndarray:
        """Partial correlations to the Cholesky factor of Omega, shape (T, q, q); blocks are uncorrelated."""
        q, column = len(self.sds), 1 + len(self.sds)
        factor = np.zeros((len(u), q, q))
        factor[:, range(q), range(q)] = 1.0
        for block in self.blocks:
            for i, j in block.pairs:
                left = factor[:, i, i].copy()  # what columns 0 .. j-1 have left of the row's unit length
                factor[:, i, j] = left * np.tanh(u[:, column])
                factor[:, i, i] = left * np.exp(-_log_cosh(u[:, column]))  # sqrt(1 - tanh^2) without cancellation
                column += 1
        return factor


def _log_cosh(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - np.log(2))
