"""Exact draws of all coefficients, given draws of theta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.exact.gaussian_model import GaussianModel
from hlm.engines.exact.likelihood.marginal import CommonPosterior, Sums, Theta, draw_crossed, draw_effects
from hlm.engines.exact.sums.several_factors import CrossedProducts
from hlm.formula.formula import INTERCEPT
from hlm.support.linear_algebra import lower_roots, solve_upper


@dataclass(frozen=True, slots=True)
class CoefficientDraws:
    """Joint draws of theta and all coefficients, one chain after the other."""

    theta: Theta  # S = chains x draws values
    common: np.ndarray  # shape (S, p); beta, with the intercept where all predictors are 0
    effects: list[np.ndarray]  # shape (S, K, q) each; b of every factor
    chains: int

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
    normals = balanced_normals(chains, len(which) // chains, sums.p, rng)
    upper = lower_roots(given.precision).swapaxes(1, 2)[which]
    common = given.mean[which] + solve_upper(upper, normals[:, :, None])[:, :, 0]
    groups, q, _ = sums.root.shape
    first = balanced_normals(chains, len(which) // chains, groups * q, rng).reshape(len(which), groups, q)
    rest = None
    if isinstance(sums, CrossedProducts):
        rest = balanced_normals(chains, len(which) // chains, sums.m, rng)
    effects = _effects(model, sums, theta, which, common, first, rest)
    return CoefficientDraws(theta.some(which), _at_zero(model, sums, common), effects, chains)


def conditional_means(model: GaussianModel, sums: Sums, theta: Theta, given: CommonPosterior) -> CoefficientDraws:
    """E[beta, b | theta, y] in place of draws, one for each theta, as one chain."""
    groups, q, _ = sums.root.shape
    first = np.zeros((len(theta), groups, q))
    rest = np.zeros((len(theta), sums.m)) if isinstance(sums, CrossedProducts) else None
    effects = _effects(model, sums, theta, np.arange(len(theta)), given.mean, first, rest)
    return CoefficientDraws(theta, _at_zero(model, sums, given.mean), effects, 1)


def _at_zero(model: GaussianModel, sums: Sums, common: np.ndarray) -> np.ndarray:
    """Coefficients from departures from the shift, with the intercept where all predictors are 0."""
    common = common + sums.shift
    if INTERCEPT in model.common.terms:
        common[:, model.common.terms.index(INTERCEPT)] -= common @ sums.means
    return common


def _effects(
    model: GaussianModel, sums: Sums, theta: Theta, which: np.ndarray, common: np.ndarray, first: np.ndarray,
    rest: np.ndarray | None,
) -> list[np.ndarray]:  # fmt: skip
    """The effects of every factor; they overwrite the standard normal numbers ``first`` and ``rest``."""
    if isinstance(sums, CrossedProducts) and rest is not None:
        order = np.argsort(which, kind="stable")  # draws of one theta together
        back = np.argsort(order)
        return [e[back] for e in draw_crossed(sums, theta, which[order], common[order], first[order], rest[order])]
    if not model.factors:
        return []
    assert not isinstance(sums, CrossedProducts)
    effects = draw_effects(sums, theta.some(which), common, first)  # the largest array of a fit: not copied
    effects += model.mean
    return [effects]


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
