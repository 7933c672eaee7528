"""The coordinates of an arm's theta, their units, and where to look for modes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

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
_UNIT = 0.3  # of a rough guess of a standard deviation: the unit of its coordinate
_ROUGH_SHARE = 0.3  # of the response's sd that the groups may make up, for that guess


def make_parameters(arm: GaussianArm, sums: Sums, priors: Priors) -> tuple[Parameters, np.ndarray]:
    """The coordinates of theta with their priors, and points to look for modes from, shape (starts, d)."""
    sigma, sds = _rough_sizes(arm, sums)
    residual = scale(priors["sigma"], unit=_UNIT * sigma)
    if arm.known_sd is not None:
        return Parameters(residual, (), (), np.diag(arm.known_sd)), residual.coordinates(np.array([[sigma]]))
    scales = tuple(
        scale(priors[f"{term.name}_sigma"], unit=_UNIT * sds[factor.start + j], column=j - term.columns.start)
        for factor in arm.factors
        for term in factor.effects
        for j in range(term.columns.start, term.columns.stop)
    )
    parameters = Parameters(residual, scales, arm.blocks, np.zeros((0, 0)))
    about_means = turned(np.diag(sds)[None], _about_means(arm))
    roots = np.concatenate([about_means, [np.diag(sds / 10), np.diag(sds)]])
    return parameters, parameters.coordinates(np.full(len(roots), sigma), roots)


def make_space(arm: GaussianArm, sums: Sums, priors: Priors) -> tuple[Parameters | Centred, np.ndarray]:
    """The same in coordinates that are easy to sample in, where a column's 0 is far outside of the data."""
    parameters, starts = make_parameters(arm, sums, priors)
    if not any((np.abs(means) > _FAR * sizes).any() for _, _, means, sizes in _with_intercepts(arm)):
        return parameters, starts
    free = tuple(Scale("Exponential(scale)", {"scale": one.unit}, one.unit) for one in parameters.sds)
    flat = tuple(replace(block, eta=1.0) for block in parameters.blocks)
    space = Centred(parameters, replace(parameters, sds=free, blocks=flat), _about_means(arm))
    sigma, sds = _rough_sizes(arm, sums)
    hardly = sds.copy()  # slopes that leave intercepts at 0 as they are about the means: often a bump of its own
    for at, others, means, _ in _with_intercepts(arm):
        hardly[others] = np.minimum(sds[others], sds[at] / np.maximum(np.abs(means), 1e-300))
    roots = np.stack([np.diag(sds), np.diag(sds / 10), np.diag(hardly)])
    return space, space.inside.coordinates(np.full(len(roots), sigma), roots)


def _rough_sizes(arm: GaussianArm, sums: Sums) -> tuple[float, np.ndarray]:
    """Guesses of sigma and of the effects' sds, shape (q,), from what is left beside the first factor's own lines.

    The sums are weighted, and so is sigma: that of a row of weight 1. The effects are as large whatever the weights.
    """
    left, explained = sums.response
    whole = np.sqrt((left + (explained**2).sum()) / sums.rows)
    weight = 1.0 if arm.root_weights is None else np.sqrt(np.mean(arm.root_weights**2))
    spare = sums.rows - (np.abs(np.diagonal(sums.root, axis1=1, axis2=2)) > 0).sum()
    sigma = np.sqrt(left / spare) if spare > 0 else 0.0
    sizes = [_size(column) for factor in arm.factors for column in factor.design.matrix.T]
    return float(max(sigma, 0.01 * whole)), _ROUGH_SHARE * whole / weight / np.array(sizes)


def _about_means(arm: GaussianArm) -> np.ndarray:
    """T with b = T b_c, b_c the effects where the other columns of an intercept's block have their means."""
    turn = np.eye(len(arm.mean))
    for at, others, means, _ in _with_intercepts(arm):
        turn[at, others] = -means
    return turn


def _with_intercepts(arm: GaussianArm) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Of each correlated block with an intercept: its place, the others' places, their means and sizes."""
    if not arm.blocks:
        return
    design = np.column_stack([factor.design.matrix for factor in arm.factors])
    terms = [term for factor in arm.factors for term in factor.design.terms]
    for block in arm.blocks:
        places = np.arange(block.start, block.stop)
        is_one = np.array([terms[i] == INTERCEPT for i in places])
        if is_one.any():
            others = places[~is_one]
            sizes = np.array([_size(column) for column in design[:, others].T])
            yield int(places[is_one][0]), others, design[:, others].mean(axis=0), sizes


def _size(column: np.ndarray) -> float:
    """How much a column varies; its length where it does not."""
    sd = column.std()
    length = np.sqrt(np.mean(column**2))
    return float(sd if sd > 1e-6 * length else length)
