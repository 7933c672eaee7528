"""The proposal of the importance sampler: a mixture of multivariate t distributions, fitted to weighted points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from hlm.support.linear_algebra import lower_roots, solve_lower

_LEAST_SHARE = 0.005  # of the weight: a component with less has too few points


@dataclass(frozen=True, slots=True)
class Mixture:
    """Multivariate t components."""

    shares: np.ndarray  # shape (m,); sum to 1
    means: np.ndarray  # shape (m, d)
    roots: np.ndarray  # shape (m, d, d); lower Cholesky factors of the scale matrices
    dof: np.ndarray  # shape (m,); degrees of freedom

    def draw(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Points, shape (size, d), of which each component has its share, rounded up or down."""
        edges = np.floor(size * np.cumsum(self.shares) + rng.uniform()).astype(int)
        component = np.searchsorted(np.minimum(edges, size), np.arange(size), side="right").clip(max=len(edges) - 1)
        normals = rng.standard_normal((size, self.means.shape[1]))
        stretch = np.sqrt(self.dof[component] / rng.chisquare(self.dof[component]))
        points = self.means[component].copy()
        for k, root in enumerate(self.roots):
            mine = component == k
            points[mine] += (normals[mine] * stretch[mine, None]) @ root.T
        return np.asarray(points)

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Shape (points,)."""
        return np.asarray(np.logaddexp.reduce(self._log_parts(self._distances(points)), axis=0))

    def refit(self, points: np.ndarray, weights: np.ndarray, steps: int, *, unimodal: bool = True) -> Mixture:
        """Move the components towards weighted points by EM steps (Cappe et al. 2008, Stat. Comput. 18:447-459).

        points: shape (n, d).
        weights: shape (n,); sum to 1.
        unimodal: a component with few points takes the scatter of all points; if False, its own scatter before the
            step.
        """
        if steps == 0:
            return self
        d = points.shape[1]
        distances = self._distances(points)
        log_parts = self._log_parts(distances)
        owned = weights * np.exp(log_parts - np.logaddexp.reduce(log_parts, axis=0))
        shares = owned.sum(axis=1)
        stay = shares >= _LEAST_SHARE
        shares, roots, dof = shares[stay], self.roots[stay], self.dof[stay, None]
        near = owned[stay] * (dof + d) / (dof + distances[stay])
        mass = near.sum(axis=1) / shares
        means, scatter = moments(points, near / near.sum(axis=1, keepdims=True))
        trust = np.maximum(0.0, 1.0 - d * np.sum(weights**2) / shares)[:, None, None]
        before = moments(points, weights)[1] if unimodal else roots @ roots.swapaxes(1, 2)
        scales = trust * mass[:, None, None] * scatter + (1.0 - trust) * before
        moved = Mixture(shares / shares.sum(), means, safe_cholesky(scales), dof[:, 0])
        return moved.refit(points, weights, steps - 1, unimodal=unimodal)

    def _distances(self, points: np.ndarray) -> np.ndarray:
        """Squared distance of each point from each component in its own metric, shape (m, points)."""
        standard = solve_lower(self.roots, np.eye(self.means.shape[1])) @ (points - self.means[:, None]).swapaxes(1, 2)
        return np.asarray((standard**2).sum(axis=1))

    def _log_parts(self, distances: np.ndarray) -> np.ndarray:
        """Log of share times density of each component, shape (m, points)."""
        d = self.means.shape[1]
        constant = gammaln((self.dof + d) / 2) - gammaln(self.dof / 2) - d / 2 * np.log(self.dof * np.pi)
        constant -= np.log(np.diagonal(self.roots, axis1=1, axis2=2)).sum(axis=1)
        spread = (self.dof + d)[:, None] / 2 * np.log1p(distances / self.dof[:, None])
        return np.asarray((np.log(self.shares) + constant)[:, None] - spread)


def joined(*weighted: tuple[float, Mixture]) -> Mixture:
    """Several mixtures as one, from pairs of share and mixture."""
    parts = [(share * one.shares, one.means, one.roots, one.dof) for share, one in weighted]
    return Mixture(*map(np.concatenate, zip(*parts, strict=True)))


def equal_parts(means: np.ndarray, covariance: np.ndarray, dof: float) -> Mixture:
    """One component at each mean, shape (m, d); ``covariance`` has shape (d, d) or (m, d, d)."""
    m, d = means.shape
    roots = np.broadcast_to(safe_cholesky(covariance), (m, d, d))
    return Mixture(np.full(m, 1 / m), means, roots, np.full(m, dof))


def moments(points: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means and covariance matrices, for each of a stack of weights that sum to 1."""
    mean = weights @ points
    centred = points.T - mean[..., None]
    return mean, (centred * weights[..., None, :]) @ centred.swapaxes(-1, -2)


def safe_cholesky(covariance: np.ndarray) -> np.ndarray:
    """Cholesky factors of covariance matrices that may be singular, as those of few points; NaN of ones not finite."""
    d = covariance.shape[-1]
    size = np.trace(covariance, axis1=-2, axis2=-1)[..., None, None] / d
    return lower_roots(covariance + (1e-9 * size + 1e-18) * np.eye(d))
