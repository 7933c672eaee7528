"""Adaptive importance sampling of a density in a few unconstrained dimensions.

Newton's method finds modes, and Laplace approximations there are the first proposal. Each round then draws points,
weights them, and refits a small mixture of t distributions to the weighted points (Cappe, Douc, Guillin, Marin & Robert
2008, Stat. Comput. 18:447-459; Hoogerheide, Opschoor & van Dijk 2012, J. Econometrics 171:101-120). Every proposal has
a wide component, so that it covers the tails. The last round has more points; its weights are Pareto-smoothed (Vehtari
et al. 2024, JMLR 25(72)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hlm.engines.sampling.modes import laplace
from hlm.engines.sampling.pareto_smoothing import GOOD_PARETO_K, log_sum_exp, smooth
from hlm.engines.sampling.t_mixtures import Mixture, equal_parts, joined, moments, safe_cholesky
from hlm.errors import FitError
from hlm.support.linear_algebra import solve_lower

_LEAST_ROUNDS, _MOST_ROUNDS = 2, 8  # of refitting, which goes on while Pareto k is above the calm level
_CALM_PARETO_K = 0.5
_MORE_ROUNDS = 3  # large ones after the first, while Pareto k is not good
_STEPS = 4  # of EM in each round
_OTHER_MODE = 4.0  # scales away from the first mode: a mode of its own
_POINTS_PER_DIMENSION = 200
_LEAST_POINTS_PER_DIMENSION = 25
_EXPENSIVE = 5  # rounds: a density that may be evaluated less often gets one round
_COMPONENTS = 5
_DOF = 10.0
_WIDE_DOF = 4.0
_WIDE_SHARE = 0.1
_WIDE = 4.0  # the wide component's covariance over the posterior's
_SPARE = 1.5  # effective points for each draw that is wanted, so that resampling repeats few
_MOST_POINTS = 20  # times the draws wanted

type LogDensity = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class WeightedPoints:
    """Points that stand for a distribution."""

    points: np.ndarray  # shape (n, d)
    weights: np.ndarray  # shape (n,); Pareto-smoothed; sum to 1
    pareto_k: float
    # share of the fitted proposal where no density could be computed: about that share of the posterior is missing
    lost: float = 0.0
    log_evidence: float = 0.0  # log of the density's integral
    proposal: Mixture | None = None  # from which they were drawn

    @property
    def ess(self) -> float:
        """Effective number of points."""
        return float(1.0 / np.sum(self.weights**2))

    @property
    def efficiency(self) -> float:
        return self.ess / len(self.weights)


def importance_sample(
    log_density: LogDensity, starts: np.ndarray, *, draws: int, most: int = 10**9,
    per_dimension: int = _POINTS_PER_DIMENSION, rng: np.random.Generator,
) -> WeightedPoints:  # fmt: skip
    """Sample a density.

    log_density: log density of points, shape (n, d), up to a constant; -inf is allowed, and NaN and inf count as -inf.
    starts: shape (s, d); points from which modes are searched.
    draws: how many draws will be resampled; the last round has some 1.5 times as many effective points.
    most: most points of all rounds together; about 50 for each dimension are taken even if that is more.
    per_dimension: points for each dimension in each round of fitting, for three dimensions at least.
    result: do not trust them where ``pareto_k`` is above 0.7, or much is ``lost``. They are the points that were
        evaluated last.
    FitError: where the density is 0 at all points of a round.
    """
    size = per_dimension * max(starts.shape[1], 3)
    expensive = most < _EXPENSIVE * size
    if expensive:
        size = max(most // 3, _LEAST_POINTS_PER_DIMENSION * starts.shape[1])
    # an expensive density is near normal, since the data are many: one mode, one component, no refitting
    starts, rounds = (starts[:1], 0) if expensive else (starts, _MOST_ROUNDS)
    core, found, unimodal = _adapt(log_density, starts, size, rounds, rng)
    for good_k in (GOOD_PARETO_K,) * 2 if expensive else (_CALM_PARETO_K, *[GOOD_PARETO_K] * _MORE_ROUNDS):
        largest = 2 * size if expensive else _MOST_POINTS * draws + size
        proposal = _with_wide(core, found)
        found = _weigh(log_density, proposal, int(np.clip(_SPARE * draws / found.efficiency, size, largest)), rng)
        if found.pareto_k <= good_k:
            break
        core = _where_thin(core, found, rng).refit(found.points, found.weights, 2 * _STEPS, unimodal=unimodal)
    without = found.points[found.weights == 0.0]  # a weight; the core's probability of them is what is lost
    lost = np.exp(core.log_density(without) - proposal.log_density(without)).sum() / len(found.points)
    return replace(found, lost=float(lost))


def resample(found: WeightedPoints, size: int, rng: np.random.Generator) -> np.ndarray:
    """Choose points by their weights, in random order: their places, shape (size,).

    Systematic: a point of weight w comes floor(size w) or ceil(size w) times, so that hardly any comes twice.
    """
    ticks = (np.arange(size) + rng.uniform()) / size
    chosen = np.searchsorted(np.cumsum(found.weights), ticks).clip(max=len(found.weights) - 1)
    return rng.permutation(chosen)


def _adapt(
    log_density: LogDensity, starts: np.ndarray, size: int, rounds: int, rng: np.random.Generator
) -> tuple[Mixture, WeightedPoints, bool]:
    """The mixture after rounds of refitting, the last round's points, and whether the density has one mode."""
    # wide t distributions at the modes
    modes, covariances = laplace(lambda u: log_density(u.reshape(-1, u.shape[2])).reshape(u.shape[:2]), starts)
    core = equal_parts(modes, 1.3 * covariances, _WIDE_DOF)
    unimodal = not _apart_from_the_first(core)
    found = _weigh(log_density, core, size, rng)
    mean, covariance = moments(found.points, found.weights)
    if unimodal:
        core = equal_parts(mean[None], covariance, _DOF)
    else:
        core = core.refit(found.points, found.weights, _STEPS, unimodal=False)
    for round_ in range(rounds):
        found = _weigh(log_density, _with_wide(core, found), size, rng)
        if round_ == 0 and unimodal:
            _, covariance = moments(found.points, found.weights)
            places = _apart(found.points, found.weights, safe_cholesky(covariance), rng)
            core = equal_parts(places, covariance / 2, _DOF)
        steps = 2 * _STEPS if round_ == 0 else _STEPS
        core = core.refit(found.points, found.weights, steps, unimodal=unimodal)
        if round_ >= _LEAST_ROUNDS and found.pareto_k < _CALM_PARETO_K:
            break
    return core, found, unimodal


def _apart_from_the_first(modes: Mixture) -> bool:
    """Whether another mode is far from the first, in the metric of either."""
    steps = (modes.means - modes.means[0])[:, :, None]
    theirs = (solve_lower(modes.roots, steps) ** 2).sum(axis=(1, 2))
    firsts = (solve_lower(modes.roots[0], steps) ** 2).sum(axis=(1, 2))
    return bool((np.maximum(theirs, firsts) > _OTHER_MODE**2).any())


def _where_thin(core: Mixture, found: WeightedPoints, rng: np.random.Generator) -> Mixture:
    """The core with more components, at points where its density was too low."""
    excess = np.maximum(found.weights - 2 / len(found.weights), 0.0)
    if not excess.any():
        return core
    _, covariance = moments(found.points, found.weights)
    places = _apart(found.points, excess / excess.sum(), safe_cholesky(covariance), rng)
    return joined((0.9, core), (0.1, equal_parts(places, covariance / 4, _DOF)))


def _apart(points: np.ndarray, weights: np.ndarray, root: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Places for new components, far from each other, so in the tails too (k-means++; Arthur & Vassilvitskii 2007)."""
    standard = solve_lower(root, points.T).T
    chosen = [int(rng.choice(len(standard), p=weights))]
    distance = np.full(len(standard), np.inf)
    while len(chosen) < min(_COMPONENTS, int(np.count_nonzero(weights))):
        distance = np.minimum(distance, ((standard - standard[chosen[-1]]) ** 2).sum(axis=1))
        share = weights * distance
        chosen.append(int(rng.choice(len(standard), p=share / share.sum())))
    return points[chosen]


def _weigh(log_density: LogDensity, proposal: Mixture, size: int, rng: np.random.Generator) -> WeightedPoints:
    """One round: points from the proposal with their smoothed weights."""
    points = proposal.draw(size, rng)
    with np.errstate(all="ignore"):
        log_ratios = log_density(points) - proposal.log_density(points)
    log_ratios = np.where(np.isfinite(log_ratios), log_ratios, -np.inf)
    if np.isneginf(log_ratios).all():
        raise FitError(
            f"The posterior density could not be computed at any of {size} points. Rescale the response and the "
            f"columns to sizes of about 1, or try method='nuts'."
        )
    smoothed, evidence = smooth(log_ratios[:, None]), float(log_sum_exp(log_ratios) - np.log(size))
    weights = np.exp(smoothed.log_weights[:, 0])
    return WeightedPoints(points, weights, float(smoothed.pareto_k[0]), log_evidence=evidence, proposal=proposal)


def _with_wide(core: Mixture, found: WeightedPoints) -> Mixture:
    """The fitted mixture with a much wider component."""
    mean, covariance = moments(found.points, found.weights)
    return joined((1 - _WIDE_SHARE, core), (_WIDE_SHARE, equal_parts(mean[None], _WIDE * covariance, _WIDE_DOF)))
