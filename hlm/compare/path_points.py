"""The places on a pooling path and what the collapsed engine says at each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.engines.exact.coverage import covers
from hlm.engines.exact.draws.posterior_tree import posterior_tree
from hlm.engines.exact.gaussian_model import EffectTerm, Factor, GaussianArm, make_arm, summed
from hlm.engines.exact.likelihood.marginal import Sums
from hlm.engines.exact.theta.parametrisations import sample_parametrisations
from hlm.engines.exact.theta.starts import make_parameters, make_parametrisations
from hlm.engines.sampling.slices import Slice, SliceMeans, slice_means
from hlm.errors import FitError, nearest
from hlm.formula.formula import INTERCEPT, Formula, Term
from hlm.formula.function_calls import kept
from hlm.formula.pooling_formulas import Pooling
from hlm.model.design_columns import response_without_offset
from hlm.model.prior_distributions import Priors
from hlm.support.options import offending
from hlm.support.random_streams import stream

if TYPE_CHECKING:
    import xarray as xr

_ESTIMATING_DRAWS = 400  # for the posterior means of the sds
_NEAR = 4.0  # posterior sds around the estimate that get places of their own
_SHARE_NEAR = 0.4  # of the places
_INFINITE = 1e4  # estimates, where there is no arm to take the end from: what pooling is left is about its square less
_MOST, _LEAST = 64, 16  # points of an importance sum
_OPERATIONS = 5e8  # for each of two steps, about a second


@dataclass(frozen=True, slots=True)
class Moving:
    """Which sds move.

    Attributes
    ----------
    arm : GaussianArm
        Partial pooling.
    sums : CrossProducts or CrossedProducts
    fixed : Slice
    names : tuple of str
        Of the sds, ``pre|school_sigma``, one for each column.
    relative_sd : float
        Posterior sd of the sds over their means, on average.
    whole : bool
        Whether these are all sds of the only factor, so that the path joins the arms.
    pareto_k : float
        Of the points that the estimates come from.
    """

    arm: GaussianArm
    sums: Sums
    fixed: Slice
    names: tuple[str, ...]
    relative_sd: float
    whole: bool
    pareto_k: float

    @property
    def estimates(self) -> np.ndarray:
        return self.fixed.estimates


@dataclass(frozen=True, slots=True)
class Trace:
    """The path as posteriors.

    Attributes
    ----------
    s : numpy.ndarray, shape (S,)
        Multiples of the estimates, from 0 to infinity.
    trees : list of (arm, xarray.DataTree)
        Posterior means in place of draws, one for each multiple; of partial pooling, then of the end at infinity where
        that is no pooling.
    log_density : numpy.ndarray
        Of the finite multiples, up to a constant.
    efficiency : numpy.ndarray, shape (S,)
        See `SliceMeans`.
    """

    s: np.ndarray
    trees: list[tuple[Pooling, xr.DataTree]]
    log_density: np.ndarray
    efficiency: np.ndarray


def moving(
    formula: Formula, data: CleanData, priors: Priors, factor: Term, term: str | None, seed: int | None
) -> Moving:
    """Estimate the sds of a factor and choose those that move: of one term, or all."""
    arm = make_arm(formula, data, "partial", priors)
    sums = summed(arm, response_without_offset(formula, data))
    parameters, _ = make_parameters(arm, sums, priors)
    mine = next(f for f in arm.factors if f.group == factor)
    effects = mine.effects if term is None else (_effect(mine, term),)
    columns = tuple(mine.start + j for e in effects for j in range(e.columns.start, e.columns.stop))
    most, rng = int(_OPERATIONS / sums.operations), stream(seed, "pooling path")
    parametrisations = make_parametrisations(arm, sums, priors)
    found = sample_parametrisations(parametrisations, sums, arm.prior, draws=_ESTIMATING_DRAWS, most=most, rng=rng)
    theta, weights = found.theta, found.points.weights
    sds = np.linalg.norm(theta.factor[:, columns], axis=2)
    means = weights @ sds
    spread = np.sqrt(weights @ (sds - means) ** 2)
    scores = parameters.coordinates(theta.sigma, theta.factor)
    inside = np.isfinite(scores).all(axis=1)  # an sd that underflows has a score of -inf, and hardly a weight
    fixed = Slice(parameters, columns, means, np.average(scores[inside], axis=0, weights=weights[inside]))
    whole = len(arm.factors) == 1 and len(columns) == len(arm.mean)
    return Moving(
        arm, sums, fixed, tuple(_names(effects)), float((spread / means).mean()), whole, found.points.pareto_k
    )


def trace(formula: Formula, data: CleanData, priors: Mapping[Pooling, Priors], moved: Moving, points: int) -> Trace:
    """Posterior means from 0 to infinity."""
    ended = moved.whole and covers(formula, data, pooling="none", family="gaussian", priors=priors["none"]) is None
    s = _places(points, moved.relative_sd)
    inside = s if ended else np.append(s, _INFINITE)
    size = _sum_points(moved, len(inside))
    found = slice_means(moved.arm, moved.sums, moved.fixed, inside, size)
    trees: list[tuple[Pooling, xr.DataTree]] = [("partial", posterior_tree(moved.arm, formula, data, found.means))]
    efficiency = found.efficiency
    if ended:
        none, last = _no_pooling(formula, data, priors["none"], size)
        trees.append(("none", posterior_tree(none, formula, data, last.means)))
        efficiency = np.append(efficiency, last.efficiency)
    return Trace(np.append(s, np.inf), trees, found.log_density[: len(s)], efficiency)


def _effect(factor: Factor, term: str) -> EffectTerm:
    names = {"Intercept" if e.effect == INTERCEPT else e.effect.name: e for e in factor.effects}
    wanted = kept(term) if isinstance(term, str) else ""
    wanted = "Intercept" if wanted in ("1", "(Intercept)") else wanted
    if wanted not in names:
        raise FitError(f"No effect {offending(term)} varies by {factor.group.name}. {nearest(term, names)}")
    return names[wanted]


def _names(effects: tuple[EffectTerm, ...]) -> list[str]:
    """``pre|school_sigma``; of an effect with several columns one for each, ``c|g_sigma[a]``."""
    names = []
    for e in effects:
        ends = [label[label.index("[") :] if label.endswith("]") else "" for label in e.labels]
        names += [f"{e.name}_sigma{end}" for end in ends]
    return names


def _places(points: int, relative_sd: float) -> np.ndarray:
    """Finite multiples from 0 on: evenly spread in s / (1 + s), and more of them where the posterior is."""
    near = round(_SHARE_NEAR * points)
    at = np.arange(points - near - 1) / (points - near - 1)
    window = 1 + _NEAR * relative_sd * np.linspace(-1, 1, near + 1)
    return np.unique(np.concatenate([at / (1 - at), [1.0], window[window > 0]]).round(12))[:points]


def _sum_points(moved: Moving, places: int) -> int:
    """How many points the importance sums may have; an even number."""
    affordable = int(_OPERATIONS / (moved.sums.operations * places))
    return max(2 * (int(np.clip(affordable, _LEAST, _MOST)) // 2), 4 * len(moved.fixed.free))


def _no_pooling(formula: Formula, data: CleanData, priors: Priors, points: int) -> tuple[GaussianArm, SliceMeans]:
    """The none arm, averaged over its residual sd."""
    arm = make_arm(formula, data, "none", priors)
    sums = summed(arm, response_without_offset(formula, data))
    parameters, starts = make_parameters(arm, sums, priors)
    return arm, slice_means(arm, sums, Slice(parameters, (), np.zeros(0), starts[0]), np.ones(1), points)
