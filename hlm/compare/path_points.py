"""The places on a pooling path and the posterior at each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hlm.compare.compare_slopes import known_term
from hlm.engines.exact.coverage import covers as exact_covers
from hlm.engines.exact.slices import exact_slices
from hlm.engines.posterior_tree import posterior_tree
from hlm.engines.quadrature.coverage import covers as quadrature_covers
from hlm.engines.quadrature.slices import quadrature_slices
from hlm.engines.theta.slices import Slice, SliceMeans, Slices
from hlm.errors import FitError
from hlm.formula.formula import Term
from hlm.model import names
from hlm.model.grouping_factors import Effect
from hlm.model.model import Model
from hlm.support.linear_algebra import rotated_to_lower
from hlm.support.random_streams import stream

if TYPE_CHECKING:
    import xarray as xr

_ESTIMATING_DRAWS = 400  # for the posterior means of the sds
_NEAR = 4.0  # posterior sds around the estimate that get places of their own
_SHARE_NEAR = 0.4  # of the places
# estimates, where there is no strategy to take the end from: what pooling is left is about its square less
_INFINITE = 1e4
_MOST, _LEAST = 64, 16  # points of an importance sum
_OPERATIONS = 5e8  # of the importance sums, about a second


@dataclass(frozen=True, slots=True)
class Moving:
    """Which sds move."""

    model: Model  # of partial pooling
    slices: Slices  # its engine's
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
    # efficiency, error: shape (S,); see `SliceMeans`
    efficiency: np.ndarray
    error: np.ndarray


def slices_of(model: Model) -> Slices:
    """What an engine says about a model given its sds.

    FitError: where no engine without a Markov chain covers the model.
    """
    if exact_covers(model) is None:
        return exact_slices(model)
    if (why_not := quadrature_covers(model)) is None:
        return quadrature_slices(model)
    if model.family.is_gaussian:
        why_not = exact_covers(model)
    raise FitError(f"There is no pooling path of this model. {why_not} shrinkage(fit_pooling(...)) works for any.")


def moving(model: Model, factor: Term, term: str | None, seed: int | None) -> Moving:
    """Estimate the sds of a factor and choose those that move: of one term, or all."""
    slices = slices_of(model)
    coefficients, covariance = slices.coefficients, slices.coordinates.covariance
    mine = model.factor(factor)
    effects = mine.effects
    if term is not None:
        known = {names.coefficient(e.term): e for e in effects}
        effects = (known[known_term(term, known, "No effect", f" varies by {mine.name}.")],)
    columns = tuple(mine.start + j for e in effects for j in range(e.columns.start, e.columns.stop))
    found = slices.thetas(_ESTIMATING_DRAWS, stream(seed, "pooling path"))
    sds = np.linalg.norm(found.roots[:, columns], axis=2)
    means = found.weights @ sds
    spread = np.sqrt(found.weights @ (sds - means) ** 2)
    inside = np.isfinite(found.scores).all(axis=1)  # an sd that underflows has a score of -inf, and hardly a weight
    relative_sd = float((spread / means).mean())
    start = np.average(found.scores[inside], axis=0, weights=found.weights[inside])
    fixed = Slice(slices.coordinates, columns, means, start)
    whole = len(coefficients.factors) == 1 and len(columns) == len(coefficients.mean)
    blocks = [set(range(block.start, block.stop)) for block in coefficients.blocks]
    if all(block <= set(columns) for block in blocks if block & set(columns)):
        written = rotated_to_lower(found.roots, covariance.transformation)
        means = found.weights @ np.linalg.norm(written[:, columns], axis=2)
    return Moving(model, slices, fixed, *_names(effects), relative_sd, whole, found.pareto_k, means)


def trace(none: Model, moved: Moving, points: int) -> Trace:
    """Posterior means from 0 to infinity, which is no pooling where all sds of the only factor move."""
    last = slices_of(none) if moved.whole and (exact_covers(none) is None or quadrature_covers(none) is None) else None
    s = _places(points, moved.relative_sd)
    inside = s if last is not None else np.append(s, _INFINITE)
    affordable = moved.slices.points(_OPERATIONS / len(inside))
    size = max(2 * (int(np.clip(affordable, _LEAST, _MOST)) // 2), 4 * len(moved.fixed.free))  # even
    found = moved.slices.means(moved.fixed, inside, size)
    trees = [(moved.model, posterior_tree(moved.model, moved.slices.coefficients, found.means))]
    efficiency, error = found.efficiency, found.error
    if last is not None:
        end = _no_pooling(last, size)
        trees.append((none, posterior_tree(none, last.coefficients, end.means)))
        efficiency, error = np.append(efficiency, end.efficiency), np.append(error, end.error)
    return Trace(np.append(s, np.inf), trees, found.log_density[: len(s)], efficiency, error)


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


def _no_pooling(slices: Slices, points: int) -> SliceMeans:
    """No pooling, averaged over its residual sd, or its family's own parameter."""
    return slices.means(Slice(slices.coordinates, (), np.zeros(0), slices.start), np.ones(1), points)
