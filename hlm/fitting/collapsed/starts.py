"""The coordinates of an arm's theta, their units, and where to look for modes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from hlm.fitting.collapsed.arm import GaussianArm
from hlm.fitting.collapsed.centred import Centred
from hlm.fitting.collapsed.marginal import Sums
from hlm.fitting.collapsed.parameters import Parameters
from hlm.fitting.collapsed.scales import Scale, scale
from hlm.fitting.collapsed.upright import turned
from hlm.formula.formula import INTERCEPT
from hlm.prior import Priors

_FAR = 2.0  # sds of a column that its mean lies from 0
_VARIES = 1e-12  # of a column's length: below, its sd is rounding
_UNIT = 0.3  # of a rough guess of a standard deviation: the unit of its coordinate
_ROUGH_SHARE = 0.3  # of the response's sd that the groups may make up, for that guess


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


def make_parameters(arm: GaussianArm, sums: Sums, priors: Priors) -> tuple[Parameters, np.ndarray]:
    """The coordinates of theta with their priors, and points to look for modes from, shape (starts, d)."""
    return _at_zero(arm, _rough(arm, sums), priors)


def make_space(arm: GaussianArm, sums: Sums, priors: Priors) -> tuple[Parameters | Centred, np.ndarray]:
    """The same in coordinates that are easy to sample in, where a column's 0 is far outside of the data."""
    rough = _rough(arm, sums)
    parameters, starts = _at_zero(arm, rough, priors)
    beside = list(_intercepts(arm))
    if not any((np.abs(rough.means[others]) > _FAR * rough.sizes[others]).any() for _, others in beside):
        return parameters, starts
    free = tuple(Scale("Exponential(scale)", {"scale": one.unit}, one.unit) for one in parameters.sds)
    flat = tuple(replace(block, eta=1.0) for block in parameters.blocks)
    space = Centred(parameters, replace(parameters, sds=free, blocks=flat), _about_means(arm, rough))
    hardly = rough.sds.copy()  # slopes that leave intercepts at 0 as they are about the means: often a bump of its own
    for at, others in beside:
        away = np.maximum(np.abs(rough.means[others]), 1e-300)
        hardly[others] = np.minimum(rough.sds[others], rough.sds[at] / away)
    roots = np.stack([np.diag(rough.sds), np.diag(rough.sds / 10), np.diag(hardly)])
    return space, space.inside.coordinates(np.full(len(roots), rough.sigma), roots)


def _rough(arm: GaussianArm, sums: Sums) -> _Rough:
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


def _at_zero(arm: GaussianArm, rough: _Rough, priors: Priors) -> tuple[Parameters, np.ndarray]:
    residual = scale(priors["sigma"], unit=_UNIT * rough.sigma)
    if arm.known_sd is not None:
        return Parameters(residual, (), (), np.diag(arm.known_sd)), residual.coordinates(np.array([[rough.sigma]]))
    scales = tuple(
        scale(priors[f"{term.name}_sigma"], unit=_UNIT * rough.sds[factor.start + j], column=j - term.columns.start)
        for factor in arm.factors
        for term in factor.effects
        for j in range(term.columns.start, term.columns.stop)
    )
    parameters = Parameters(residual, scales, arm.blocks, np.zeros((0, 0)))
    about_means = turned(np.diag(rough.sds)[None], _about_means(arm, rough))
    roots = np.concatenate([about_means, [np.diag(rough.sds / 10), np.diag(rough.sds)]])
    return parameters, parameters.coordinates(np.full(len(roots), rough.sigma), roots)


def _about_means(arm: GaussianArm, rough: _Rough) -> np.ndarray:
    """T with b = T b_c, b_c the effects where the other columns of an intercept's block have their means."""
    turn = np.eye(len(arm.mean))
    for at, others in _intercepts(arm):
        turn[at, others] = -rough.means[others]
    return turn


def _intercepts(arm: GaussianArm) -> Iterator[tuple[int, np.ndarray]]:
    """Of each correlated block with an intercept, its place and those of the other columns."""
    terms = [term for factor in arm.factors for term in factor.design.terms]
    for block in arm.blocks:
        places = np.arange(block.start, block.stop)
        is_one = np.array([terms[i] == INTERCEPT for i in places])
        if is_one.any():
            yield int(places[is_one][0]), places[~is_one]
