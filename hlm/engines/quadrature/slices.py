"""The posterior of the quadrature engine given some of the group-level sds; `hlm.engines.theta.slices` says of what.

The common coefficients have no closed form, so that they are averaged over by the importance sums too. Given them and
theta a group's effects have a mean in closed form: I_k(m), the group's integral with the prior mean m of its v in place
of 0, has d log I_k / dm = E[v] at m = 0. A change of m by L e_j is one of the rows' offsets by z'L e_j.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from hlm.engines.normal_coefficients import NormalCoefficients, normal_coefficients
from hlm.engines.posterior_tree import JointDraws
from hlm.engines.quadrature.as_written import as_written
from hlm.engines.quadrature.gauss_hermite import Rules, rules
from hlm.engines.quadrature.grouped_rows import GroupedRows, grouped_rows
from hlm.engines.quadrature.integrals import group_integrals, pairs
from hlm.engines.quadrature.joint_modes import Centre, Theta, joint_mode, log_laplace, origin
from hlm.engines.quadrature.nodes import chosen_rules, error_of
from hlm.engines.quadrature.sampling import sample_pairs
from hlm.engines.quadrature.theta import ThetaCoordinates, theta_coordinates
from hlm.engines.theta.slices import Slice, SliceMeans, ThetaPoints, approximations, spread_normals
from hlm.model.model import Model

_FINE = 1e-14  # Newton's decrement at a joint mode
_WIDER = 1.1  # the spread of the common coefficients' points over that of the approximation
_EACH = 200  # multiplications for a row at a point: a mode, nodes, logarithms
_STEP = 1e-3  # of m, in prior sds of the effects
_MOST_NODES = 1000  # of one group
_PER_DIMENSION = 16  # points of an importance sum, at least
_NEGLIGIBLE = 1e-3  # of the weights together: points that a mean leaves out
_CHECKED = 4  # points at which nodes are checked


@dataclass(frozen=True, slots=True)
class QuadratureSlices:
    """See `hlm.engines.theta.slices.Slices`."""

    model: Model
    coefficients: NormalCoefficients
    grouped: GroupedRows
    coordinates: ThetaCoordinates

    @property
    def start(self) -> np.ndarray:
        return np.asarray(self.coordinates.starts[0])

    def points(self, affordable: float) -> int:
        rows, q = self.grouped.z.shape
        return int(affordable / (_EACH * rows * (1 + 2 * q)))

    def thetas(self, draws: int, rng: np.random.Generator) -> ThetaPoints:
        found = sample_pairs(self.grouped, self.coordinates, draws, rng, with_effects=False)
        scores = self.coordinates.covariance.coordinates(found.theta.factor)
        if self.coordinates.own is not None:
            scores = np.column_stack([self.coordinates.own.coordinates(found.theta.phi), scores])
        return ThetaPoints(scores, found.theta.factor, np.full(draws, 1.0 / draws), found.pareto_k)

    def means(self, fixed: Slice, s: np.ndarray, points: int) -> SliceMeans:
        p = len(self.grouped.means)
        centres = dict(zip(s.tolist(), self._centres(fixed, s), strict=True))

        def log_density(s: np.ndarray, u: np.ndarray) -> np.ndarray:
            theta, values = self._theta(fixed, s, u), np.empty(len(s))
            with np.errstate(all="ignore"):
                for one in np.unique(s):
                    mine = np.flatnonzero(s == one)
                    values[mine] = log_laplace(self.grouped, theta.some(mine), centres[float(one)], _FINE)
                values += self.grouped.own_constants(theta.phi) + fixed.log_prior_of_free(u)
            return np.where(np.isfinite(values), values, -np.inf)

        middles, roots = approximations(log_density, s, fixed.start[fixed.free])
        d = middles.shape[1]
        normals = spread_normals(max(points, _PER_DIMENSION * (d + p)), d + p) if d + p else np.zeros((2, 0))
        found = [
            self._at(fixed, one, middle, root, normals, centres[float(one)])
            for one, middle, root in zip(s, middles, roots, strict=True)
        ]
        phi, factor, common, effects, evidence, efficiency, error = (
            np.stack(parts) for parts in zip(*found, strict=True)
        )
        own = {parameter.prior_name: phi for parameter in self.model.of_kind("family")}
        joint = JointDraws(1, own, factor, common, [effects] if self.coefficients.factors else [])
        return SliceMeans(joint, evidence + fixed.log_prior_of_multiple(s), efficiency, error)

    def _at(
        self, fixed: Slice, s: float, middle: np.ndarray, root: np.ndarray, normals: np.ndarray, centre: Centre
    ) -> tuple[np.ndarray, ...]:
        """Means of phi, L, common coefficients and effects at one multiple; log evidence, efficiency, error."""
        grouped, n, d = self.grouped, len(normals), len(middle)
        u = middle + normals[:, :d] @ root.T
        theta = self._theta(fixed, np.full(n, s), u)
        available = rules(grouped.z.shape[1], most=_MOST_NODES)
        at_centre = self._theta(fixed, np.array([s]), middle[None])
        chosen = chosen_rules(grouped, available, at_centre, centre.u[None])
        steps = _WIDER * normals[:, None, d:]
        found = pairs(grouped, theta, centre, available, chosen, steps, keep=False)
        with np.errstate(all="ignore"):
            ratios = found.log_target[:, 0] + grouped.own_constants(theta.phi) + fixed.log_prior_of_free(u)
            ratios -= found.log_root - 0.5 * (normals**2).sum(axis=1) - np.log(np.diagonal(root)).sum()
        ratios = np.where(np.isfinite(ratios), ratios, -np.inf)
        top = ratios.max()
        weights = np.exp(ratios - top) if np.isfinite(top) else np.full(n, np.nan)  # no point has a density
        evidence = top + np.log(weights.mean())
        weights /= weights.sum()
        efficiency = 1.0 / (n * (weights**2).sum())
        order = np.argsort(-weights)
        counts = order[: 1 + np.searchsorted(np.cumsum(weights[order]), 1.0 - _NEGLIGIBLE)]
        theta, common, weights = theta.some(counts), found.u[counts, 0], weights[counts] / weights[counts].sum()
        v = effects_given(grouped, theta, common, available, chosen)
        few = slice(_CHECKED)
        error = error_of(grouped, available, chosen, theta.some(few), common[few])
        written = as_written(self.model, self.coefficients, grouped, theta, common, v, 1)
        effects = written.effects[0] if written.effects else np.zeros((len(counts), 0, 0))
        means = [np.tensordot(weights, array, axes=1) for array in (theta.phi, written.factor, written.common, effects)]
        return *means, evidence, efficiency, np.asarray(error)

    def _centres(self, fixed: Slice, s: np.ndarray) -> Iterator[Centre]:
        """Joint modes at the multiples, one after the other.

        Searches start from effects of 0: those of other sds and correlations may be far too large.
        """
        found, free = origin(self.grouped), fixed.start[fixed.free][None]
        nothing = np.zeros_like(found.v)
        for one in s:
            found = joint_mode(self.grouped, self._theta(fixed, np.array([one]), free), Centre(found.u, nothing))
            yield Centre(found.u, nothing)

    def _theta(self, fixed: Slice, s: np.ndarray, u: np.ndarray) -> Theta:
        """Multiples, shape (T,), and free coordinates, shape (T, free), to values."""
        theta = self.coordinates.theta(fixed.all_coordinates(u))
        return Theta(theta.phi, np.ascontiguousarray(fixed.with_multiple(theta.factor, s)))


def effects_given(
    grouped: GroupedRows, theta: Theta, u: np.ndarray, available: Rules, chosen: np.ndarray
) -> np.ndarray:
    """E[v | theta, u, y] of all groups, shape (T, K, q), for pairs of theta and u, shape (T, p)."""
    s, c, offset, x = grouped.rows
    moved = replace(grouped, rows=(s, c, offset, np.hstack([x, grouped.z])))
    found = np.empty((len(theta), grouped.groups, grouped.z.shape[1]))
    for j in range(grouped.z.shape[1]):
        way = _STEP * theta.factor[:, :, j]
        up, down = (
            group_integrals(moved, theta, np.hstack([u, way * sign]), available, chosen, exactly=True)
            for sign in (1.0, -1.0)
        )
        found[:, :, j] = (up - down) / (2 * _STEP)
    return found


def quadrature_slices(model: Model) -> QuadratureSlices:
    """Of a model that the quadrature engine covers."""
    coefficients = normal_coefficients(model)
    return QuadratureSlices(
        model, coefficients, grouped_rows(model, coefficients), theta_coordinates(model, coefficients)
    )
