"""The coordinates of a model's theta, their units, and the points from which modes are searched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np
from scipy.special import log_expit

from hlm.engines.exact.gaussian_model import GaussianModel
from hlm.engines.exact.likelihood.marginal import Sums, Theta
from hlm.engines.exact.sums.orthogonalised import transformed
from hlm.engines.exact.theta.coordinates import Centred, Parameters
from hlm.engines.exact.theta.parametrisations import Parametrisation
from hlm.engines.exact.theta.standard_deviations import Scale, scale
from hlm.formula.formula import INTERCEPT
from hlm.model.priors import Priors

_FAR = 2.0  # sds of a column that its mean lies from 0
_VARIES = 1e-12  # of a column's length: below, its sd is rounding
_MUCH = 10.0  # times as much as the intercept varies about the means: slopes that move the intercept so far vary much
_STEEP = 8.0  # how sharply the share of a parametrisation changes there, in logs
_UNIT = 0.3  # of a rough guess of a standard deviation: the unit of its coordinate
_ROUGH_SHARE = 0.3  # of the response's sd that the groups may make up, for that guess

type _Block = tuple[int, np.ndarray]  # the place of its intercept, and those of the other columns
type _Choice = list[tuple[_Block, bool]]  # blocks, and whether each is about its columns' means


@dataclass(frozen=True, slots=True)
class _Rough:
    """Rough guesses, before any search; the arrays have shape (q,), for the columns of Z."""

    sigma: float
    sds: np.ndarray  # of the effects
    # means, sizes: of the columns: their means, and their sds (or root mean squares, where they do not vary)
    means: np.ndarray
    sizes: np.ndarray


def make_parameters(model: GaussianModel, sums: Sums, priors: Priors) -> tuple[Parameters, np.ndarray]:
    """The coordinates of theta with their priors, and points from which modes are searched, shape (starts, d)."""
    return _at_zero(model, _rough(model, sums), priors)


def make_parametrisations(model: GaussianModel, sums: Sums, priors: Priors) -> list[Parametrisation]:
    """One parametrisation; two for each block with a column whose 0 lies far outside of the data.

    One is about the columns' means, for slopes that move intercepts at 0 much, the other at 0, for slopes that do not.
    """
    rough = _rough(model, sums)
    parameters, starts = _at_zero(model, rough, priors)
    is_far = np.abs(rough.means) > _FAR * rough.sizes
    far = [(at, others) for at, others in _intercepts(model) if is_far[others].any()]
    if not far:
        return [Parametrisation(parameters, starts, partial(_log_share, rough, []))]
    choices = product((True, False), repeat=len(far))
    return [_parametrisation(model, rough, parameters, list(zip(far, choice, strict=True))) for choice in choices]


def _parametrisation(model: GaussianModel, rough: _Rough, parameters: Parameters, choice: _Choice) -> Parametrisation:
    """The parametrisation with some of the far blocks about their means, and all else at 0."""
    sds = rough.sds.copy()
    for (at, others), about_means in choice:
        if not about_means:  # slopes so small that they move the intercept no more than it varies about the means
            sds[others] = np.minimum(sds[others], sds[at] / np.maximum(np.abs(rough.means[others]), 1e-300))
    inside, centred = parameters, [block for block, about_means in choice if about_means]
    space: Parameters | Centred = parameters
    if centred:
        free = tuple(Scale("Exponential(scale)", {"scale": one.unit}, one.unit) for one in parameters.sds)
        inside = replace(parameters, sds=free, blocks=tuple(replace(block, eta=1.0) for block in parameters.blocks))
        space = Centred(parameters, inside, _about_means(model, rough, centred))
    roots = np.stack([np.diag(sds), np.diag(sds / 10)])
    starts = inside.coordinates(np.full(len(roots), rough.sigma), roots)
    return Parametrisation(space, starts, partial(_log_share, rough, choice))


def _log_share(rough: _Rough, choice: _Choice, theta: Theta) -> np.ndarray:
    """Log share of the density at theta that a parametrisation samples, shape (T,).

    The share is near 0 or 1, but where slopes move the intercept about `_MUCH` times as much as it varies.
    """
    total = np.zeros(len(theta))
    with np.errstate(all="ignore"):
        for (at, others), about_means in choice:
            moves = rough.means[others, None] * theta.factor[:, others]
            there = np.linalg.norm(theta.factor[:, at] + moves.sum(axis=1), axis=1)
            ratio = np.log(np.linalg.norm(moves, axis=2).max(axis=1) / there / _MUCH)
            ratio = _STEEP * np.where(np.isnan(ratio), 0.0, ratio)
            total += log_expit(ratio if about_means else -ratio)
    return total


def _rough(model: GaussianModel, sums: Sums) -> _Rough:
    """Guesses from the residuals of the first factor's own lines, and from the sizes of the columns of Z.

    The sums are weighted, and so is sigma, which is that of a row of weight 1. The effects do not depend on weights.
    """
    left, explained = sums.response
    whole = np.sqrt((left + (explained**2).sum()) / sums.rows)
    weight = 1.0 if model.root_weights is None else np.sqrt(np.mean(model.root_weights**2))
    spare = sums.rows - (np.abs(np.diagonal(sums.root, axis1=1, axis2=2)) > 0).sum()
    sigma = np.sqrt(left / spare) if spare > 0 else 0.0
    columns = [column for factor in model.factors for column in factor.design.matrix.T]
    means, spreads = (np.array([measure(column) for column in columns]) for measure in (np.mean, np.std))
    lengths = np.hypot(means, spreads)
    sizes = np.where(spreads > _VARIES * lengths, spreads, lengths)
    return _Rough(float(max(sigma, 0.01 * whole)), _ROUGH_SHARE * whole / weight / sizes, means, sizes)


def _at_zero(model: GaussianModel, rough: _Rough, priors: Priors) -> tuple[Parameters, np.ndarray]:
    residual = scale(priors["sigma"], unit=_UNIT * rough.sigma)
    if model.known_sd is not None:
        return Parameters(residual, (), (), np.diag(model.known_sd)), residual.coordinates(np.array([[rough.sigma]]))
    scales = tuple(
        scale(priors[term.sd.name], unit=_UNIT * rough.sds[factor.start + j], column=j - term.columns.start)
        for factor in model.factors
        for term in factor.effects
        if term.sd is not None
        for j in range(term.columns.start, term.columns.stop)
    )
    parameters = Parameters(residual, scales, model.blocks, np.zeros((0, 0)))
    about_means = transformed(np.diag(rough.sds)[None], _about_means(model, rough, _intercepts(model)))
    roots = np.concatenate([about_means, [np.diag(rough.sds / 10), np.diag(rough.sds)]])
    return parameters, parameters.coordinates(np.full(len(roots), rough.sigma), roots)


def _about_means(model: GaussianModel, rough: _Rough, blocks: list[_Block]) -> np.ndarray:
    """T with b = T b_c, where b_c are the effects at the means of the other columns of these intercepts' blocks."""
    transformation = np.eye(len(model.mean))
    for at, others in blocks:
        transformation[at, others] = -rough.means[others]
    return transformation


def _intercepts(model: GaussianModel) -> list[_Block]:
    """For each correlated block with an intercept: the place of the intercept, and those of the other columns."""
    is_one = np.array([term == INTERCEPT for factor in model.factors for term in factor.design.terms])
    blocks = [np.arange(block.start, block.stop) for block in model.blocks]
    return [(int(at[is_one[at]][0]), at[~is_one[at]]) for at in blocks if is_one[at].any()]
