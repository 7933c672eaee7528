"""The maximum of the likelihood from the groups' integrals: what lme4's ``glmer`` finds with the same nodes.

The likelihood depends on L L' alone: without a bound of the diagonal it is an even function of the columns of L, and an
sd of 0 is an ordinary stationary point. Entries of L are then set to 0 where that costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from hlm.engines.normal_coefficients import NormalCoefficients
from hlm.engines.quadrature.gauss_hermite import Rules
from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.integrals import group_integrals
from hlm.engines.quadrature.joint_modes import Theta, joint_mode, origin
from hlm.engines.theta.estimated import column_sizes
from hlm.support.linear_algebra import inverses

_STEP, _WIDE = 1e-4, 1e-2  # of first and second differences, in coordinates of order 1
_TOLERANCE = 1e-5  # of the gradient
_STARTS = (0.1, 0.5, 2.0)  # sds of the effects, on the scale of the linear predictor
_SMALL = 0.05  # diagonal entries of L, on that scale, that may be 0
_SAME = 1e-7  # loss of log-likelihood at which they are
_MOST_STEPS = 5  # of Newton's method, after the search
_AT_TOP, _AS_GOOD = 1e-10, 1e-6  # gain of log-likelihood that a further step promises: no step is made, none is missed
_FLAT = 1e-5  # curvature, in coordinates of order 1
_IMPOSSIBLE = -1e300


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where the likelihood is largest."""

    theta: Theta  # one value
    u: np.ndarray  # shape (p,)
    covariance: np.ndarray  # shape (p, p); of u, from the curvature in all parameters; NaN where the maximum is flat
    loglik: float
    largest: float  # sd of an effect on the scale of the linear predictor
    singular: bool
    settled: bool
    flat: bool  # whether other values are as good


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The log-likelihood as a function of coordinates: u, the logarithm of the family's own parameter, entries of L."""

    grouped: GroupedRows
    rules: Rules  # one
    entries: tuple[tuple[int, int], ...]  # of L that are estimated; the others are 0
    sizes: np.ndarray  # shape (q,); of the columns of z: entries of L are in units of 1 / size
    has_own: bool

    @property
    def others(self) -> int:
        """Coordinates that are no entries of L."""
        return len(self.grouped.means) + self.has_own

    @property
    def dimension(self) -> int:
        return self.others + len(self.entries)

    def parts(self, w: np.ndarray) -> tuple[Theta, np.ndarray]:
        """Coordinates, shape (T, d), as theta and u."""
        p, q = len(self.grouped.means), len(self.sizes)
        phi = np.exp(w[:, p]) if self.has_own else np.ones(len(w))
        factor = np.zeros((len(w), q, q))
        for place, (i, j) in enumerate(self.entries, self.others):
            factor[:, i, j] = w[:, place] / self.sizes[i]
        return Theta(phi, factor), np.ascontiguousarray(w[:, :p])

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """Shape (T,)."""
        theta, u = self.parts(w)
        chosen = np.zeros(self.grouped.groups, dtype=np.int64)
        values = group_integrals(self.grouped, theta, u, self.rules, chosen, exactly=True).sum(axis=1)
        values += self.grouped.own_constants(theta.phi) + self.grouped.constants.sum()
        return np.where(np.isfinite(values), values, _IMPOSSIBLE)

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """Central differences, shape (d,)."""
        ways = _STEP * np.eye(self.dimension)
        values = self(np.concatenate([w + ways, w - ways]))
        return np.asarray((values[: self.dimension] - values[self.dimension :]) / (2 * _STEP))

    def curvature(self, w: np.ndarray) -> np.ndarray:
        """Minus the second derivatives, by central differences, shape (d, d)."""
        d, ways = self.dimension, _WIDE * np.eye(self.dimension)
        i, j = np.tril_indices(d, -1)
        both = ways[i] + ways[j]
        middle, *values = np.split(self(np.concatenate([w[None], w + ways, w - ways, w + both, w - both])), [
            1, 1 + d, 1 + 2 * d, 1 + 2 * d + len(i)
        ])  # fmt: skip
        ahead, back, ahead_both, back_both = values
        found = np.diag((2 * middle - ahead - back) / _WIDE**2)
        mixed = (ahead_both + back_both + 2 * middle - (ahead + back)[i] - (ahead + back)[j]) / (-2 * _WIDE**2)
        found[i, j] = found[j, i] = mixed
        return found


def maximise(grouped: GroupedRows, coefficients: NormalCoefficients, rules: Rules, *, has_own: bool) -> Maximum:
    """Search the maximum, then leave out entries of L that can be 0."""
    sizes = column_sizes(coefficients)
    blocks = [range(block.start, block.stop) for block in coefficients.blocks]
    entries = tuple(
        (i, j) for i in range(len(sizes)) for j in range(i + 1) if i == j or any(i in b and j in b for b in blocks)
    )
    full = likelihood = Likelihood(grouped, rules, entries, sizes, has_own)
    w, value = _searched(likelihood, _start(likelihood))
    for zero in list(_candidates(likelihood, w)):
        kept = [place for place, entry in enumerate(likelihood.entries, likelihood.others) if entry not in zero]
        fewer = replace(likelihood, entries=tuple(likelihood.entries[place - likelihood.others] for place in kept))
        start, best = _searched(fewer, w[[*range(likelihood.others), *kept]])
        if best > value - _SAME:
            likelihood, w, value = fewer, start, best
    w, curvature, gain = _polished(likelihood, w)
    theta, u = likelihood.parts(w[None])
    flat = bool(len(w)) and bool(np.linalg.eigvalsh(curvature)[0] < _FLAT)
    p = len(u[0])
    covariance = np.full((p, p), np.nan) if flat else inverses(curvature)[:p, :p]
    sds = np.linalg.norm(theta.factor[0] * sizes[:, None], axis=1)
    return Maximum(
        theta, u[0], covariance, float(likelihood(w[None])[0]), float(sds.max()), likelihood is not full,
        bool(gain < _AS_GOOD), flat,
    )  # fmt: skip


def _start(likelihood: Likelihood) -> np.ndarray:
    """The joint mode at the best of some sizes of all sds."""
    diagonal = np.array([float(i == j) for i, j in likelihood.entries])
    starts = []
    for size in _STARTS:
        theta = Theta(np.ones(1), np.diag(size / likelihood.sizes)[None])
        u = joint_mode(likelihood.grouped, theta, origin(likelihood.grouped)).u
        starts.append(np.concatenate([u, np.zeros(int(likelihood.has_own)), size * diagonal]))
    return starts[int(np.argmax(likelihood(np.array(starts))))]


def _searched(likelihood: Likelihood, start: np.ndarray) -> tuple[np.ndarray, float]:
    """Where the search from a starting point ends, and the log-likelihood there."""
    from scipy.optimize import minimize

    if not len(start):
        return start, float(likelihood(start[None])[0])
    found = minimize(
        lambda w: -float(likelihood(w[None])[0]), start, jac=lambda w: -likelihood.gradient(w), method="BFGS",
        options={"gtol": _TOLERANCE},
    )  # fmt: skip
    return found.x, -float(found.fun)


def _candidates(likelihood: Likelihood, w: np.ndarray) -> Iterator[set[tuple[int, int]]]:
    """Entries of L that may be 0: all of an effect, or what it does not share with those before it."""
    places = {entry: place for place, entry in enumerate(likelihood.entries, likelihood.others)}
    for i in range(len(likelihood.sizes)):
        yield {entry for entry in likelihood.entries if entry[0] == i}
        if i and abs(w[places[i, i]]) < _SMALL:
            yield {(i, i)}


def _polished(likelihood: Likelihood, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """After some steps of Newton's method: the place, the curvature there, and what another step promises."""
    for step in range(_MOST_STEPS + 1):
        gradient, curvature = likelihood.gradient(w), likelihood.curvature(w)
        sizes, axes = np.linalg.eigh(curvature)
        along = axes.T @ gradient / np.maximum(np.abs(sizes), _FLAT)
        gain = 0.5 * float(along @ (axes.T @ gradient))
        moved = w + axes @ along
        if gain < _AT_TOP or step == _MOST_STEPS or not likelihood(moved[None])[0] > likelihood(w[None])[0]:
            break
        w = moved
    return w, curvature, gain
