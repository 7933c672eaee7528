"""The coordinates of an arm's theta, their units, and where to look for modes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np
from scipy.special import log_expit

from hlm.engines.exact.gaussian_model import GaussianModel
from hlm.engines.exact.likelihood.marginal import Sums, Theta
from hlm.engines.exact.sums.orthogonalised import turned
from hlm.engines.exact.theta.centred_coordinates import Centred
from hlm.engines.exact.theta.coordinates import Parameters
from hlm.engines.exact.theta.parametrisations import Chart
from hlm.engines.exact.theta.standard_deviations import Scale, scale
from hlm.formula.formula import INTERCEPT
from hlm.model.priors import Priors

_FAR = 2.0  # sds of a column that its mean lies from 0
_VARIES = 1e-12  # of a column's length: below, its sd is rounding
_MUCH, _STEEP = 10.0, 8.0  # times as much as the intercept varies about the means; and how sharply charts part there
_UNIT = 0.3  # of a rough guess of a standard deviation: the unit of its coordinate
_ROUGH_SHARE = 0.3  # of the response's sd that the groups may make up, for that guess

type _Beside = tuple[int, np.ndarray]  # of a block: the place of its intercept, and those of the other columns


@dataclass(frozen=True, slots=True)
class _Rough:
    """What is guessed before anything is searched; the arrays have shape (q,), for the columns of Z.

    Attributes
    ----------
    sigma : float
    sds : numpy.ndarray
        Of the effects.
    means, sizes : numpy.ndarray
        Of the columns: their means, and how much they vary (their lengths where they do not).
    """

    sigma: float
    sds: np.ndarray
    means: np.ndarray
    sizes: np.ndarray


def make_parameters(arm: GaussianModel, sums: Sums, priors: Priors) -> tuple[Parameters, np.ndarray]:
    """The coordinates of theta with their priors, and points to look for modes from, shape (starts, d)."""
    return _at_zero(arm, _rough(arm, sums), priors)


def make_charts(arm: GaussianModel, sums: Sums, priors: Priors) -> list[Chart]:
    """The same as one chart; as more where a column's 0 is far outside of the data, for each block with such a column.

    About the means for slopes that vary: they move intercepts at 0 by much more than intercepts at the means vary. At 0
    for the others.
    """
    rough = _rough(arm, sums)
    parameters, starts = _at_zero(arm, rough, priors)
    far = [
        (at, others)
        for at, others in _intercepts(arm)
        if (np.abs(rough.means[others]) > _FAR * rough.sizes[others]).any()
    ]
    if not far:
        return [Chart(parameters, starts)]
    return [_chart(arm, rough, parameters, far, centred) for centred in product((True, False), repeat=len(far))]


def _chart(
    arm: GaussianModel, rough: _Rough, parameters: Parameters, far: list[_Beside], centred: tuple[bool, ...]
) -> Chart:
    """The chart of the far blocks ``centred`` about their means and all else at 0."""
    sds = rough.sds.copy()
    for (at, others), about_means in zip(far, centred, strict=True):
        if not about_means:  # slopes that move the intercept no more than it varies about the means
            sds[others] = np.minimum(sds[others], sds[at] / np.maximum(np.abs(rough.means[others]), 1e-300))
    turn = _about_means(arm, rough, [block for block, chosen in zip(far, centred, strict=True) if chosen])
    space: Parameters | Centred = parameters
    if any(centred):
        free = tuple(Scale("Exponential(scale)", {"scale": one.unit}, one.unit) for one in parameters.sds)
        flat = tuple(replace(block, eta=1.0) for block in parameters.blocks)
        space = Centred(parameters, replace(parameters, sds=free, blocks=flat), turn)
    roots = np.stack([np.diag(sds), np.diag(sds / 10)])
    inside = space.inside if isinstance(space, Centred) else space
    return Chart(
        space, inside.coordinates(np.full(len(roots), rough.sigma), roots), partial(_log_share, rough, far, centred)
    )


def _log_share(rough: _Rough, far: list[_Beside], centred: tuple[bool, ...], theta: Theta) -> np.ndarray:
    """How much of the density at theta is the chart's: 0 or 1, but where slopes begin to move the intercept much."""
    total = np.zeros(len(theta))
    with np.errstate(all="ignore"):
        for (at, others), about_means in zip(far, centred, strict=True):
            moves = rough.means[others, None] * theta.factor[:, others]
            there = np.linalg.norm(theta.factor[:, at] + moves.sum(axis=1), axis=1)
            ratio = np.log(np.linalg.norm(moves, axis=2).max(axis=1) / there / _MUCH)
            ratio = _STEEP * np.where(np.isnan(ratio), 0.0, ratio)
            total += log_expit(ratio if about_means else -ratio)
    return total


def _rough(arm: GaussianModel, sums: Sums) -> _Rough:
    """From what is left beside the first factor's own lines, and one look at the columns of Z.

    The sums are weighted, and so is sigma: that of a row of weight 1. The effects are as large whatever the weights.
    """
    left, explained = sums.response
    whole = np.sqrt((left + (explained**2).sum()) / sums.rows)
    weight = 1.0 if arm.root_weights is None else np.sqrt(np.mean(arm.root_weights**2))
    spare = sums.rows - (np.abs(np.diagonal(sums.root, axis1=1, axis2=2)) > 0).sum()
    sigma = np.sqrt(left / spare) if spare > 0 else 0.0
    columns = [column for factor in arm.factors for column in factor.design.matrix.T]
    means, spreads = (np.array([measure(column) for column in columns]) for measure in (np.mean, np.std))
    lengths = np.hypot(means, spreads)
    sizes = np.where(spreads > _VARIES * lengths, spreads, lengths)
    return _Rough(float(max(sigma, 0.01 * whole)), _ROUGH_SHARE * whole / weight / sizes, means, sizes)


def _at_zero(arm: GaussianModel, rough: _Rough, priors: Priors) -> tuple[Parameters, np.ndarray]:
    residual = scale(priors["sigma"], unit=_UNIT * rough.sigma)
    if arm.known_sd is not None:
        return Parameters(residual, (), (), np.diag(arm.known_sd)), residual.coordinates(np.array([[rough.sigma]]))
    scales = tuple(
        scale(priors[term.sd.name], unit=_UNIT * rough.sds[factor.start + j], column=j - term.columns.start)
        for factor in arm.factors
        for term in factor.effects
        if term.sd is not None
        for j in range(term.columns.start, term.columns.stop)
    )
    parameters = Parameters(residual, scales, arm.blocks, np.zeros((0, 0)))
    about_means = turned(np.diag(rough.sds)[None], _about_means(arm, rough, list(_intercepts(arm))))
    roots = np.concatenate([about_means, [np.diag(rough.sds / 10), np.diag(rough.sds)]])
    return parameters, parameters.coordinates(np.full(len(roots), rough.sigma), roots)


def _about_means(arm: GaussianModel, rough: _Rough, blocks: list[_Beside]) -> np.ndarray:
    """T with b = T b_c, b_c the effects where the other columns of these intercepts' blocks have their means."""
    turn = np.eye(len(arm.mean))
    for at, others in blocks:
        turn[at, others] = -rough.means[others]
    return turn


def _intercepts(arm: GaussianModel) -> Iterator[_Beside]:
    """Of each correlated block with an intercept, its place and those of the other columns."""
    terms = [term for factor in arm.factors for term in factor.design.terms]
    for block in arm.blocks:
        places = np.arange(block.start, block.stop)
        is_one = np.array([terms[i] == INTERCEPT for i in places])
        if is_one.any():
            yield int(places[is_one][0]), places[~is_one]
