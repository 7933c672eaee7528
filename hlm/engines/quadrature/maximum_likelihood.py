"""The maximum of the likelihood from the groups' integrals: what lme4's ``glmer`` finds with the same nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.normal_coefficients import NormalCoefficients
from hlm.engines.quadrature.gauss_hermite import Rules
from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.integrals import group_integrals
from hlm.engines.quadrature.joint_modes import Theta, joint_mode, origin
from hlm.engines.theta.estimated import column_sizes

_STEP = 1e-4  # of differences, in coordinates of order 1
_TOLERANCE = 1e-5  # of the gradient
_ROUGH = 0.5  # sds of the effects where the search starts, in spreads of the linear predictor
_ZERO = 1e-4  # a root's diagonal relative to the sizes of the columns: a singular fit


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where the likelihood is largest."""

    theta: Theta  # one value
    u: np.ndarray  # shape (p,)
    covariance: np.ndarray  # shape (p, p); of u, from the curvature at the maximum
    loglik: float
    singular: bool
    settled: bool


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The log-likelihood as a function of coordinates: u, the logarithm of the family's own parameter, entries of L."""

    grouped: GroupedRows
    rules: Rules  # one
    entries: tuple[tuple[int, int], ...]  # of L that are estimated
    sizes: np.ndarray  # shape (q,); of the columns of z: entries of L are in units of 1 / size
    has_own: bool

    @property
    def dimension(self) -> int:
        return len(self.grouped.means) + self.has_own + len(self.entries)

    def parts(self, w: np.ndarray) -> tuple[Theta, np.ndarray]:
        """Coordinates, shape (T, d), as theta and u."""
        p, q = len(self.grouped.means), len(self.sizes)
        phi = np.exp(w[:, p]) if self.has_own else np.ones(len(w))
        factor = np.zeros((len(w), q, q))
        for place, (i, j) in enumerate(self.entries):
            factor[:, i, j] = w[:, p + self.has_own + place] / self.sizes[i]
        return Theta(phi, factor), np.ascontiguousarray(w[:, :p])

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """Shape (T,)."""
        theta, u = self.parts(w)
        chosen = np.zeros(self.grouped.groups, dtype=np.int64)
        values = group_integrals(self.grouped, theta, u, self.rules, chosen, exactly=True).sum(axis=1)
        return np.asarray(values + self.grouped.own_constants(theta.phi) + self.grouped.constants.sum())

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """Central differences, shape (d,)."""
        ways = _STEP * np.eye(self.dimension)
        values = self(np.concatenate([w + ways, w - ways]))
        return np.asarray((values[: self.dimension] - values[self.dimension :]) / (2 * _STEP))


def maximise(grouped: GroupedRows, coefficients: NormalCoefficients, rules: Rules, *, has_own: bool) -> Maximum:
    """Search the maximum from the joint mode of moderate effects."""
    from scipy.optimize import minimize

    sizes = column_sizes(coefficients)
    blocks = [range(block.start, block.stop) for block in coefficients.blocks]
    entries = tuple(
        (i, j) for i in range(len(sizes)) for j in range(i + 1) if i == j or any(i in b and j in b for b in blocks)
    )
    likelihood = Likelihood(grouped, rules, entries, sizes, has_own)
    start = Theta(np.ones(1), np.diag(_ROUGH / sizes)[None])
    u = joint_mode(grouped, start, origin(grouped)).u
    first = np.concatenate([u, np.zeros(int(has_own)), [_ROUGH * (i == j) for i, j in entries]])
    found = minimize(
        lambda w: -float(likelihood(w[None])[0]), first, jac=lambda w: -likelihood.gradient(w), method="BFGS",
        options={"gtol": _TOLERANCE},
    )  # fmt: skip
    diagonal = np.array([abs(found.x[-len(entries) + k]) for k, (i, j) in enumerate(entries) if i == j])
    singular = bool((diagonal < _ZERO).any())
    gradient = likelihood.gradient(found.x)
    settled = bool(np.abs(gradient).max() < 1e-2)
    theta, u = likelihood.parts(found.x[None])
    return Maximum(theta, u[0], _covariance(likelihood, found.x, singular), -float(found.fun), singular, settled)


def _covariance(likelihood: Likelihood, w: np.ndarray, singular: bool) -> np.ndarray:
    """Of u, from the curvature: in all coordinates, or in u alone where an sd is 0."""
    p = len(likelihood.grouped.means)
    size = p if singular else likelihood.dimension
    ways = _STEP**0.5 * np.eye(likelihood.dimension)[:size]
    gradients = [likelihood.gradient(w + way)[:size] - likelihood.gradient(w - way)[:size] for way in ways]
    curvature = -np.stack(gradients) / (2 * _STEP**0.5)
    return np.asarray(np.linalg.pinv((curvature + curvature.T) / 2)[:p, :p])
