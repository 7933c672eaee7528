"""The posterior by importance sampling: Laplace's approximation proposes, the groups' integrals are the target.

theta is proposed from a mixture of t's that is fitted to Laplace's approximation, u given theta from a t at the joint
mode. The weights are the exact density over the proposal's, so that the answer is exact whatever the approximation is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.quadrature.effects import effects
from hlm.engines.quadrature.gauss_hermite import Rules, rules
from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.integrals import ROUGH, Pairs, numbers_of_integrals, pairs
from hlm.engines.quadrature.joint_modes import Centre, Theta, joint_mode, log_laplace, origin
from hlm.engines.quadrature.memory_check import TOGETHER
from hlm.engines.quadrature.nodes import MOST_ERROR, chosen_rules, error_of
from hlm.engines.quadrature.theta import ThetaCoordinates
from hlm.engines.sampling.importance_sampling import WeightedPoints, importance_sample, resample
from hlm.engines.sampling.pareto_smoothing import GOOD_PARETO_K, smooth
from hlm.engines.sampling.t_mixtures import Mixture

_FITTING = 300  # draws for which the mixture is fitted
_SIZE = 100  # points for each dimension of theta in each round of fitting
_FINE = 1e-14  # Newton's decrement at a joint mode
_FEW = 100  # points
_EACH = 2  # values of u for each theta
_WITHOUT_THETA = 64  # stretches of values of u where no theta is sampled
_DOF = 10.0  # of the t of u given theta
_SPARE = 1.2  # effective pairs for each draw that is wanted
_ROWS = 2e7  # rows times pairs: of large tables fewer pairs are weighted, and each is drawn several times
_LEAST_PAIRS = 800
_CHECKED = 8  # pairs at which nodes are chosen, and checked
_ROUNDS = 3  # with a proposal that is fitted anew, while Pareto k is not good


@dataclass(frozen=True, slots=True)
class WeightedPairs:
    """Pairs of theta and u that stand for the posterior, and the effects of those that were drawn."""

    theta: Theta  # S values, one for each draw
    u: np.ndarray  # shape (S, p)
    v: np.ndarray  # shape (S, K, q)
    pareto_k: float
    ess: float
    points: int
    error: float  # of the sum of the log integrals, from twice as many nodes
    proposals: float  # the most that the draw of one group's effects took
    rules: Rules
    chosen: np.ndarray  # shape (K,); the rule of each group


def sample_pairs(
    grouped: GroupedRows, coordinates: ThetaCoordinates, total: int, rng: np.random.Generator, *,
    with_effects: bool = True,
) -> WeightedPairs:  # fmt: skip
    """Joint draws of theta, u and all effects (or without these) from the posterior."""
    centre, proposal, first = _proposal(grouped, coordinates, rng)
    available = rules(grouped.z.shape[1])
    weights = coordinates.dimension > 0 or len(grouped.means) > 0
    theta = coordinates.theta(first)
    modes = np.stack([joint_mode(grouped, theta.some(slice(t, t + 1)), centre).u for t in range(len(theta))])
    chosen = chosen_rules(grouped, available, theta, modes)
    most = max(_LEAST_PAIRS, int(_ROWS / len(grouped.z)))
    wanted = min(int(_SPARE * total), most) if weights else total
    for _ in range(_ROUNDS):
        points = np.empty((_WITHOUT_THETA, 0)) if proposal is None else proposal.draw(wanted // _EACH + 1, rng)
        theta = coordinates.theta(points)
        each = int(np.ceil(wanted / len(points)))
        stretch = np.sqrt(_DOF / rng.chisquare(_DOF, (len(points), each, 1)))
        normals = stretch * rng.standard_normal((len(points), each, len(centre.u)))
        keep = with_effects and len(points) * each * numbers_of_integrals(grouped) <= TOGETHER
        found = pairs(grouped, theta, centre, available, chosen, normals, keep=keep)
        ratios = np.zeros(found.log_target.shape)
        if weights:
            ratios = _log_ratios(grouped, coordinates, proposal, points, theta, normals, found)
        smoothed = smooth(ratios.reshape(-1, 1))
        weight, k = np.exp(smoothed.log_weights[:, 0]), float(smoothed.pareto_k[0])
        which = resample(WeightedPoints(points, weight, k), total, rng)
        t, r = np.divmod(which, each)
        drawn, u = theta.some(t), found.u[t, r]
        some = np.linspace(0, total - 1, _CHECKED).astype(int)
        error = error_of(grouped, available, chosen, drawn.some(some), u[some]) if weights else 0.0
        if k <= GOOD_PARETO_K and error <= MOST_ERROR:
            break
        if error > MOST_ERROR:
            chosen = chosen_rules(grouped, available, drawn.some(some), u[some])
        elif proposal is not None:
            proposal = proposal.refit(points, weight.reshape(len(points), each).sum(axis=1), 8)
    v, proposals = np.empty((total, 0, 0)), 0.0
    if with_effects:
        v, proposals = effects(grouped, theta, found, which, centre, available, chosen, rng)
    return WeightedPairs(drawn, u, v, k, float(1 / (weight**2).sum()), weight.size, error, proposals, available, chosen)


def _proposal(
    grouped: GroupedRows, coordinates: ThetaCoordinates, rng: np.random.Generator
) -> tuple[Centre, Mixture | None, np.ndarray]:
    """Where searches for the mode start, the mixture for theta, and some of its points."""
    centre = origin(grouped)
    starts = coordinates.starts
    centre = joint_mode(grouped, coordinates.theta(starts[:1]), centre)
    if coordinates.dimension == 0:
        return centre, None, starts[:1]
    best = -np.inf

    def log_density(u: np.ndarray) -> np.ndarray:
        nonlocal centre, best
        with np.errstate(all="ignore"):
            theta = coordinates.theta(u)
            tolerance = _FINE if len(u) < _FEW else ROUGH  # few: derivatives are taken from differences
            values = log_laplace(grouped, theta, centre, tolerance)
            values += grouped.own_constants(theta.phi) + coordinates.log_prior(u)
        values = np.where(np.isfinite(values), values, -np.inf)
        if values.max() > best:
            best, place = values.max(), int(values.argmax())
            centre = joint_mode(grouped, theta.some(slice(place, place + 1)), centre)
        return values

    most = max(_LEAST_PAIRS // 4, int(_ROWS / len(grouped.z) / 3))
    found = importance_sample(log_density, starts, draws=_FITTING, most=most, per_dimension=_SIZE, rng=rng)
    return centre, found.proposal, found.points[resample(found, _CHECKED, rng)]


def _log_ratios(
    grouped: GroupedRows, coordinates: ThetaCoordinates, proposal: Mixture | None, points: np.ndarray, theta: Theta,
    normals: np.ndarray, found: Pairs,
) -> np.ndarray:  # fmt: skip
    """Log of the exact density over the proposal's, shape (T, R)."""
    p = normals.shape[2]
    with np.errstate(all="ignore"):
        log_u = found.log_root[:, None] - 0.5 * (_DOF + p) * np.log1p((normals**2).sum(axis=2) / _DOF)
        ratios = found.log_target - log_u + grouped.own_constants(theta.phi)[:, None]
        if proposal is not None:
            ratios += (coordinates.log_prior(points) - proposal.log_density(points))[:, None]
    return np.where(np.isfinite(ratios), ratios, -np.inf)
