"""Exact draws of all coefficients, given draws of theta."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from hlm.engines.exact.gaussian_model import GaussianModel
from hlm.engines.exact.likelihood.marginal import CommonPosterior, Sums, Theta, draw_crossed, draw_effects
from hlm.engines.exact.sums.several_factors import CrossedProducts
from hlm.engines.posterior_tree import JointDraws
from hlm.formula.formula import INTERCEPT
from hlm.model import names
from hlm.support.linear_algebra import lower_roots, solve_upper

_TOGETHER = 20_000_000  # numbers in the matrices of all draws, 160 MB


@dataclass(frozen=True, slots=True)
class CoefficientDraws:
    """Joint draws of theta and all coefficients, one chain after the other."""

    theta: Theta  # S = chains x draws values
    common: np.ndarray  # shape (S, p); beta, with the intercept where all predictors are 0
    effects: list[np.ndarray]  # shape (S, K, q) each; b of every factor
    chains: int

    @property
    def joint(self) -> JointDraws:
        """The same for `posterior_tree`."""
        own = {names.RESIDUAL_SD: self.theta.sigma}
        return JointDraws(self.chains, own, self.theta.factor, self.common, self.effects)

    @property
    def finite(self) -> bool:
        """Whether no number is NaN or infinite."""
        return all(np.isfinite(array.sum()) for array in (self.common, *self.effects))


def draw_coefficients(
    model: GaussianModel, sums: Sums, theta: Theta, given: CommonPosterior, which: np.ndarray, *, chains: int,
    rng: np.random.Generator,
) -> CoefficientDraws:  # fmt: skip
    """One joint draw of beta and b for each entry of ``which``.

    theta: different values.
    given: of these.
    which: shape (S,); the theta of each draw, one chain after the other.
    """
    normals = partial(balanced_normals, chains, len(which) // chains, rng=rng)
    common = given.mean[which] + _correlated(lower_roots(given.precision), which, normals(sums.p))
    return _with_effects(model, sums, theta, which, common, normals, chains)


def _correlated(roots: np.ndarray, which: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Standard normal numbers, shape (S, p), as ones with the inverse of root root' as covariance."""
    if normals.size * normals.shape[1] <= _TOGETHER:
        return solve_upper(roots.swapaxes(1, 2)[which], normals[:, :, None])[:, :, 0]
    found = np.empty_like(normals)
    for t, root in enumerate(roots):  # the draws of one theta together, so that no matrix is copied for each draw
        mine = which == t
        found[mine] = solve_upper(root.T, normals[mine].T).T
    return found


def conditional_means(model: GaussianModel, sums: Sums, theta: Theta, given: CommonPosterior) -> CoefficientDraws:
    """E[beta, b | theta, y] in place of draws, one for each theta, as one chain."""
    every = np.arange(len(theta))
    return _with_effects(model, sums, theta, every, given.mean, lambda size: np.zeros((len(theta), size)), 1)


def _with_effects(
    model: GaussianModel, sums: Sums, theta: Theta, which: np.ndarray, common: np.ndarray,
    normals: Callable[[int], np.ndarray], chains: int,
) -> CoefficientDraws:  # fmt: skip
    """The effects of every factor given theta and beta; ``common`` are departures from the shift, shape (S, p).

    normals: gives so many standard normal numbers for each draw.
    """
    groups, q, _ = sums.root.shape
    effects = [normals(groups * q).reshape(len(which), groups, q)]
    if isinstance(sums, CrossedProducts):
        order = np.argsort(which, kind="stable")  # draws of one theta together
        rest = normals(sums.m)[order]
        effects = draw_crossed(sums, theta, which[order], common[order], effects[0][order], rest)
        effects = [effect[np.argsort(order)] for effect in effects]
    elif model.factors:
        draw_effects(sums, theta.some(which), common, effects[0])  # the largest array of a fit: not copied
    for factor, effect in zip(model.factors, effects, strict=False):  # complete pooling has an empty effect
        if model.mean.any():
            effect += model.mean[factor.columns]
        if factor.fixed is not None:
            effect[:, factor.fixed] = 0.0
    at_zero = common + sums.shift
    if INTERCEPT in model.common.terms:  # of the columns as they are, not centred
        at_zero[:, model.common.terms.index(INTERCEPT)] -= at_zero @ sums.means
    if model.common_transformation is not None:
        at_zero = at_zero @ model.common_transformation.T
    return CoefficientDraws(theta.some(which), at_zero, effects if model.factors else [], chains)


def balanced_normals(chains: int, draws: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Standard normal numbers whose sum over each chain is 0, shape (chains * draws, size).

    z_s = (e_s - mean of e) / sqrt(1 - 1 / draws), with e independent standard normals, is exactly standard normal and
    independent of theta. So every draw of the coefficients has the right distribution. In the mean over a chain the
    noise cancels as far as the conditional sd of a coefficient is the same for all theta.
    """
    normals = rng.standard_normal((chains, draws, size))
    if draws > 1:
        normals -= normals.mean(axis=1, keepdims=True)
        normals /= np.sqrt(1.0 - 1.0 / draws)
    return normals.reshape(chains * draws, size)
