"""theta = (sigma, tau, Omega) as a point of R^d: coordinates, priors, Jacobians.

Every coordinate is a normal score (see standard_deviations.py). In a correlation matrix the canonical partial
correlations are w = 2 Phi(u) - 1. Under LKJ(eta) those of column j are independent Beta(eta + (q - 2 - j) / 2)
variables scaled to (-1, 1) (Lewandowski, Kurowicka & Joe 2009, J. Multivariate Analysis 100:1989-2001), as in
hlm/engines/bambi/correlated_effects.py.

`Centred` has coordinates about the columns' means, for effects of columns far from 0, such as years (the reason is in
parametrisations.py). The effects about the means are b_c with b = T b_c, so that Sigma = T Sigma_c T'. The prior stays
that of the effects at 0. With |T| = 1, s the sds, w the partial correlations, and q effects in a block::

    p(s_c, w_c) = p(s, w) J(s_c, w_c) / J(s, w)
    J(s, w) = |d Sigma / d (s, w)| = 2^q prod_i s_i^q prod_ij (1 - w_ij^2)^((q - 2 - j) / 2)

Under LKJ(eta), p(w) over the last product is |Omega|^(eta - 1) up to a constant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import betaln, log_ndtr, ndtr, ndtri

from hlm.engines.exact.likelihood.marginal import Theta
from hlm.engines.exact.sums.orthogonalised import transformed
from hlm.engines.exact.theta.standard_deviations import Scale, log_normal_density


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
class Parameters:
    """The coordinates of theta, in this order: sigma, the effects' sds, the partial correlations block by block."""

    sigma: Scale  # the residual sd
    sds: tuple[Scale, ...]  # one for each column of Z; empty where the effects' covariance is known
    blocks: tuple[Correlations, ...]
    # shape (q, q); L where it is known: no pooling's prior sds on the diagonal, or (0, 0) in complete pooling
    known: np.ndarray

    @property
    def dimension(self) -> int:
        return 1 + len(self.sds) + sum(len(block.pairs) for block in self.blocks)

    def theta(self, u: np.ndarray) -> Theta:
        """Coordinates, shape (T, d), to values."""
        sigma = self.sigma.value(u[:, 0])
        if not self.sds:
            return Theta(sigma, np.repeat(self.known[None], len(u), axis=0))
        sds = np.column_stack([scale.value(u[:, 1 + j]) for j, scale in enumerate(self.sds)])
        return Theta(sigma, sds[:, :, None] * self._correlation_roots(u))

    def coordinates(self, sigma: np.ndarray, roots: np.ndarray) -> np.ndarray:
        """Values to coordinates, shape (T, d): the inverse of `theta`, of ``roots`` L with shape (T, q, q).

        Correlations of 1 and beyond the bounds of a Uniform prior are moved inside.
        """
        roots = roots * np.where(np.diagonal(roots, axis1=1, axis2=2) < 0, -1.0, 1.0)[:, None]
        sds = np.linalg.norm(roots, axis=2)
        found = [self.sigma.coordinates(sigma)] + [s.coordinates(sds[:, j]) for j, s in enumerate(self.sds)]
        for _, _, (i, j) in self.correlations:
            before = np.linalg.norm(roots[:, i, j:], axis=1)  # what is left of the row beside the columns before
            rest = np.linalg.norm(roots[:, i, j + 1 :], axis=1)
            w = np.divide(roots[:, i, j], before, out=np.zeros_like(before), where=before > 0)
            tail = np.divide(rest, before, out=np.ones_like(before), where=before > 0) ** 2 / (2 * (1 + np.abs(w)))
            found.append(-np.sign(w) * ndtri(np.maximum(tail, 1e-300)))
        return np.column_stack(found)

    def log_prior(self, u: np.ndarray) -> np.ndarray:
        """Log prior density of the coordinates, Jacobians included, shape (T,)."""
        total = self.sigma.log_density(u[:, 0])
        for j, scale in enumerate(self.sds):
            total = total + scale.log_density(u[:, 1 + j])
        for column, block, (_, j) in self.correlations:
            score, a = u[:, column], block.beta(j)
            total = total + (a - 1) * (log_ndtr(score) + log_ndtr(-score)) - betaln(a, a) + log_normal_density(score)
        return total

    @property
    def correlations(self) -> list[tuple[int, Correlations, tuple[int, int]]]:
        """Of each the place of its coordinate, its block, and its two columns of Z."""
        entries = [(block, pair) for block in self.blocks for pair in block.pairs]
        return [(1 + len(self.sds) + k, block, pair) for k, (block, pair) in enumerate(entries)]

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


@dataclass(frozen=True, slots=True)
class Centred:
    """Coordinates about the means, with the methods of `Parameters` that the engine calls."""

    at_zero: Parameters  # coordinates and priors of the effects where all columns are 0
    inside: Parameters  # coordinates of the effects about the means: the same blocks with eta 1, sds without bounds
    transformation: np.ndarray  # shape (q, q); T, unit triangular but for the order of its columns

    def theta(self, u: np.ndarray) -> Theta:
        """Coordinates, shape (T, d), to values of the effects at 0."""
        found = self.inside.theta(u)
        return Theta(found.sigma, transformed(found.factor, self.transformation))

    def log_prior(self, u: np.ndarray) -> np.ndarray:
        """Log prior density of the coordinates, Jacobians included, shape (T,)."""
        inside = self.inside.theta(u).factor
        outside = transformed(inside, self.transformation)
        sds_inside, sds = np.linalg.norm(inside, axis=2), np.linalg.norm(outside, axis=2)
        total = self.inside.log_prior(u)  # that of sigma is the same
        for j, (scale, own) in enumerate(zip(self.at_zero.sds, self.inside.sds, strict=True)):
            total = total + scale.log_density_of(sds[:, j]) - own.log_density_of(sds_inside[:, j])
        for block in self.at_zero.blocks:
            here = slice(block.start, block.stop)
            logs = np.log(sds[:, here]).sum(axis=1)
            log_det = 2 * (np.log(np.diagonal(outside, axis1=1, axis2=2)[:, here]).sum(axis=1) - logs)
            stretched = np.log(sds_inside[:, here]).sum(axis=1) - logs
            total = total + (block.stop - block.start) * stretched + (block.eta - 1) * log_det + _constant(block)
        return np.asarray(total)


def _constant(block: Correlations) -> float:
    """LKJ(eta)'s constant minus that of LKJ(1), from the Beta densities of the partial correlations on (-1, 1)."""
    flat = replace(block, eta=1.0)
    betas = [(block.beta(j), flat.beta(j)) for _, j in block.pairs]
    return float(sum(betaln(b, b) - betaln(a, a) - 2 * (a - b) * np.log(2) for a, b in betas))
