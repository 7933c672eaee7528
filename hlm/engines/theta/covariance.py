"""The covariance matrix of the groups' effects as a point of R^d: coordinates, priors, Jacobians.

Every coordinate is a normal score (see standard_deviations.py). In a correlation matrix the canonical partial
correlations are w = 2 Phi(u) - 1. Under LKJ(eta) those of column j are independent Beta(eta + (q - 2 - j) / 2)
variables scaled to (-1, 1) (Lewandowski, Kurowicka & Joe 2009, J. Multivariate Analysis 100:1989-2001), as in
hlm/engines/bambi/correlated_effects.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, log_ndtr, ndtr, ndtri

from hlm.engines.theta.standard_deviations import Scale, log_normal_density
from hlm.support.linear_algebra import rotated_to_lower, solve_upper


@dataclass(frozen=True, slots=True)
class Correlations:
    """A block of correlated effects."""

    name: str  # of the correlation matrix, ``school_corr``
    # start, stop: its columns of Z
    start: int
    stop: int
    eta: float  # of the LKJ prior

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Entries below the diagonal, row by row."""
        return [(i, j) for i in range(self.start, self.stop) for j in range(self.start, i)]

    def beta(self, j: int) -> float:
        """Both parameters of the Beta prior of a partial correlation in column j."""
        return self.eta + (self.stop - 2 - j) / 2


@dataclass(frozen=True, slots=True)
class Covariance:
    """The coordinates of L, with L L' the covariance matrix of a group's effects: sds, then correlations by block."""

    sds: tuple[Scale, ...]  # one for each column of Z; empty where the covariance is known
    blocks: tuple[Correlations, ...]
    # shape (q, q); L where it is known: no pooling's prior sds on the diagonal, or (0, 0) in complete pooling
    known: np.ndarray
    # shape (q, q), or None; T with b = T b_c, where the sds and correlations are those of b_c (`Model.transformations`)
    transformation: np.ndarray | None = None

    @property
    def dimension(self) -> int:
        return len(self.sds) + sum(len(block.pairs) for block in self.blocks)

    def root(self, u: np.ndarray) -> np.ndarray:
        """Coordinates, shape (T, d), to L of the effects as written, shape (T, q, q)."""
        return rotated_to_lower(self.inside(u), self.transformation)

    def inside(self, u: np.ndarray) -> np.ndarray:
        """L of the orthogonalised effects b_c."""
        if not self.sds:
            return np.repeat(self.known[None], len(u), axis=0)
        sds = np.column_stack([scale.value(u[:, j]) for j, scale in enumerate(self.sds)])
        return np.asarray(sds[:, :, None] * self._correlation_roots(u))

    def orthogonalised(self, roots: np.ndarray) -> np.ndarray:
        """Roots L of the effects as written, shape (T, q, q), as those of b_c."""
        if self.transformation is None:
            return roots
        return rotated_to_lower(roots, solve_upper(self.transformation, np.eye(len(self.transformation))))

    def coordinates(self, roots: np.ndarray) -> np.ndarray:
        """Values to coordinates, shape (T, d): the inverse of `inside`, of ``roots`` L with shape (T, q, q).

        Correlations of 1 and beyond the bounds of a Uniform prior are moved inside.
        """
        roots = roots * np.where(np.diagonal(roots, axis1=1, axis2=2) < 0, -1.0, 1.0)[:, None]
        sds = np.linalg.norm(roots, axis=2)
        found = [np.empty((len(roots), 0)), *[s.coordinates(sds[:, j]) for j, s in enumerate(self.sds)]]
        for _, _, (i, j) in self.correlations:
            before = np.linalg.norm(roots[:, i, j:], axis=1)  # what is left of the row beside the columns before
            rest = np.linalg.norm(roots[:, i, j + 1 :], axis=1)
            w = np.divide(roots[:, i, j], before, out=np.zeros_like(before), where=before > 0)
            tail = np.divide(rest, before, out=np.ones_like(before), where=before > 0) ** 2 / (2 * (1 + np.abs(w)))
            found.append(-np.sign(w) * ndtri(np.maximum(tail, 1e-300)))
        return np.column_stack(found)

    def log_prior(self, u: np.ndarray) -> np.ndarray:
        """Log prior density of the coordinates, Jacobians included, shape (T,)."""
        total = np.zeros(len(u))
        for j, scale in enumerate(self.sds):
            total = total + scale.log_density(u[:, j])
        for column, block, (_, j) in self.correlations:
            score, a = u[:, column], block.beta(j)
            total = total + (a - 1) * (log_ndtr(score) + log_ndtr(-score)) - betaln(a, a) + log_normal_density(score)
        return total

    @property
    def correlations(self) -> list[tuple[int, Correlations, tuple[int, int]]]:
        """Of each the place of its coordinate, its block, and its two columns of Z."""
        entries = [(block, pair) for block in self.blocks for pair in block.pairs]
        return [(len(self.sds) + k, block, pair) for k, (block, pair) in enumerate(entries)]

    def _correlation_roots(self, u: np.ndarray) -> np.ndarray:
        """Cholesky factors of Omega, shape (T, q, q); blocks are uncorrelated with each other."""
        q = len(self.sds)
        root = np.zeros((len(u), q, q))
        root[:, range(q), range(q)] = 1.0
        for column, _, (i, j) in self.correlations:
            score, left = u[:, column], root[:, i, i].copy()  # what is left of the row's unit length
            root[:, i, j] = left * (ndtr(score) - ndtr(-score))
            root[:, i, i] = left * 2 * np.exp((log_ndtr(score) + log_ndtr(-score)) / 2)  # sqrt(1 - w^2), not cancelling
        return root
