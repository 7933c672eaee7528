"""The places on a pooling path and the posterior of the exact engine at each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hlm.compare.compare_slopes import known_term
from hlm.engines.exact.coverage import covers
from hlm.engines.exact.gaussian_model import GaussianModel, gaussian_model, summed
from hlm.engines.exact.likelihood.marginal import Sums
from hlm.engines.exact.slices import Slice, SliceMeans, slice_means
from hlm.engines.exact.theta.starts import make_parameters
from hlm.engines.exact.theta.weighted_thetas import weighted_thetas
from hlm.engines.posterior_tree import posterior_tree
from hlm.formula.formula import Term
from hlm.model import names
from hlm.model.grouping_factors import Effect
from hlm.model.model import Model
from hlm.support.random_streams import stream

if TYPE_CHECKING:
    import xarray as xr

_ESTIMATING_DRAWS = 400  # for the posterior means of the sds
_NEAR = 4.0  # posterior sds around the estimate that get places of their own
_SHARE_NEAR = 0.4  # of the places
# estimates, where there is no strategy to take the end from: what pooling is left is about its square less
_INFINITE = 1e4
_MOST, _LEAST = 64, 16  # points of an importance sum
_OPERATIONS = 5e8  # for each of two steps, about a second


@dataclass(frozen=True, slots=True)
class Moving:
    """Which sds move."""

    model: Model  # of partial pooling
    gaussian: GaussianModel  # its numbers
    sums: Sums
    fixed: Slice
    names: tuple[str, ...]  # of the sds, ``pre|school_sigma``, one for each column
    effects: tuple[str, ...]  # the effects of these columns, ``pre|school``
    relative_sd: float  # posterior sd of the sds over their means, on average
    whole: bool  # whether these are all sds of the only factor, so that the path joins the strategies
    pareto_k: float  # of the points that the estimates come from
    # posterior means of the sds that move, as the formula writes them; of one effect of an orthogonalised block
    # (`Model.transformations`) where the other columns are at their means
    estimates: np.ndarray


@dataclass(frozen=True, slots=True)
class Trace:
    """The path as posteriors."""

    s: np.ndarray  # shape (S,); multiples of the estimates, from 0 to infinity
    # posterior means in place of draws, one for each multiple; of partial pooling, then of the end at infinity where
    # that is no pooling
    trees: list[tuple[Model, xr.DataTree]]
    log_density: np.ndarray  # of the finite multiples, up to a constant
    efficiency: np.ndarray  # shape (S,); see `SliceMeans`


def moving(model: Model, factor: Term, term: str | None, seed: int | None) -> Moving:
    """Estimate the sds of a factor and choose those that move: of one term, or all."""
    gaussian = gaussian_model(model)
    sums = summed(gaussian)
    parameters, starts = make_parameters(gaussian, sums, model.priors)
    mine = model.factor(factor)
    effects = mine.effects
    if term is not None:
        known = {names.coefficient(e.term): e for e in effects}
        effects = (known[known_term(term, known, "No effect", f" varies by {mine.name}.")],)
    columns = tuple(mine.start + j for e in effects for j in range(e.columns.start, e.columns.stop))
    most, rng = int(_OPERATIONS / sums.operations), stream(seed, "pooling path")
    found = weighted_thetas(parameters, starts, sums, gaussian.prior, draws=_ESTIMATING_DRAWS, most=most, rng=rng)
    theta, weights = found.theta, found.points.weights
    roots = parameters.covariance.orthogonalised(theta.factor)
    sds = np.linalg.norm(roots[:, columns], axis=2)
    means = weights @ sds
    spread = np.sqrt(weights @ (sds - means) ** 2)
    scores = parameters.coordinates(theta.sigma, roots)
    inside = np.isfinite(scores).all(axis=1)  # an sd that underflows has a score of -inf, and hardly a weight
    relative_sd = float((spread / means).mean())
    fixed = Slice(parameters, columns, means, np.average(scores[inside], axis=0, weights=weights[inside]))
    whole = len(gaussian.factors) == 1 and len(columns) == len(gaussian.mean)
    blocks = [set(range(block.start, block.stop)) for block in gaussian.blocks]
    if all(block <= set(columns) for block in blocks if block & set(columns)):
        means = weights @ np.linalg.norm(theta.factor[:, columns], axis=2)
    return Moving(model, gaussian, sums, fixed, *_names(effects), relative_sd, whole, found.points.pareto_k, means)


def trace(none: Model, moved: Moving, points: int) -> Trace:
    """Posterior means from 0 to infinity, which is no pooling where all sds of the only factor move."""
    ended = moved.whole and covers(none) is None
    s = _places(points, moved.relative_sd)
    inside = s if ended else np.append(s, _INFINITE)
    affordable = int(_OPERATIONS / (moved.sums.operations * len(inside)))
    size = max(2 * (int(np.clip(affordable, _LEAST, _MOST)) // 2), 4 * len(moved.fixed.free))  # even
    found = slice_means(moved.gaussian, moved.sums, moved.fixed, inside, size)
    trees = [(moved.model, posterior_tree(moved.model, moved.gaussian, found.means.joint))]
    efficiency = found.efficiency
    if ended:
        gaussian, last = _no_pooling(none, size)
        trees.append((none, posterior_tree(none, gaussian, last.means.joint)))
        efficiency = np.append(efficiency, last.efficiency)
    return Trace(np.append(s, np.inf), trees, found.log_density[: len(s)], efficiency)


def _names(effects: tuple[Effect, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """For each column the name of its sd and its effect: ``pre|school_sigma`` and ``pre|school``, or with a level."""
    sds, what = [], []
    for effect in effects:
        assert effect.sd is not None and effect.sd.factor is not None
        levels = next(iter(effect.sd.coords.values()), (None,))
        for level in levels:
            end = "" if level is None else f"[{level}]"
            sds.append(f"{effect.sd.name}{end}")
            what.append(f"{effect.term.name}{end}|{effect.sd.factor.name}")
    return tuple(sds), tuple(what)


def _places(points: int, relative_sd: float) -> np.ndarray:
    """Finite multiples from 0 on: evenly spread in s / (1 + s), and more of them where the posterior is."""
    near = round(_SHARE_NEAR * points)
    at = np.arange(points - near - 1) / (points - near - 1)
    window = 1 + _NEAR * relative_sd * np.linspace(-1, 1, near + 1)
    return np.unique(np.concatenate([at / (1 - at), [1.0], window[window > 0]]).round(12))[:points]


def _no_pooling(none: Model, points: int) -> tuple[GaussianModel, SliceMeans]:
    """No pooling, averaged over its residual sd."""
    gaussian = gaussian_model(none)
    sums = summed(gaussian)
    parameters, starts = make_parameters(gaussian, sums, none.priors)
    return gaussian, slice_means(gaussian, sums, Slice(parameters, (), np.zeros(0), starts[0]), np.ones(1), points)
