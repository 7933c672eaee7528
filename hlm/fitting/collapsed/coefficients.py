"""Exact draws of all coefficients, given draws of theta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.fitting.collapsed.arm import GaussianArm
from hlm.fitting.collapsed.crossproducts import CrossProducts
from hlm.fitting.collapsed.marginal import Theta, common_posterior, draw_effects
from hlm.formula.formula import INTERCEPT


@dataclass(frozen=True, slots=True)
class Draws:
    """Joint draws of everything, a chain after the other.

    Attributes
    ----------
    theta : Theta
        S = chains x draws values.
    common : numpy.ndarray, shape (S, p)
        beta, with the intercept where all predictors are 0.
    effects : numpy.ndarray, shape (S, K, q)
        b.
    chains : int
    """

    theta: Theta
    common: np.ndarray
    effects: np.ndarray
    chains: int


def draw_coefficients(
    arm: GaussianArm, sums: CrossProducts, theta: Theta, *, chains: int, rng: np.random.Generator
) -> Draws:
    """One joint draw of beta and b for each theta.

    Parameters
    ----------
    arm : GaussianArm
    sums : CrossProducts
    theta : Theta
        chains x draws values, a chain after the other.
    chains : int
    rng : numpy.random.Generator
    """
    p, (groups, q, _) = sums.p, sums.root.shape
    given = common_posterior(sums, theta, arm.prior)
    normals = balanced_normals(chains, len(theta) // chains, p, rng)
    upper = np.linalg.cholesky(given.precision).swapaxes(1, 2)
    common = given.mean + np.linalg.solve(upper, normals[:, :, None])[:, :, 0]
    effects = balanced_normals(chains, len(theta) // chains, groups * q, rng).reshape(len(theta), groups, q)
    draw_effects(sums, theta, common, effects)
    effects += arm.mean
    common = common + sums.shift
    if INTERCEPT in arm.common.terms:
        common[:, arm.common.terms.index(INTERCEPT)] -= common @ sums.means
    return Draws(theta, common, effects, chains)


def balanced_normals(chains: int, draws: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Standard normal numbers whose sum over each chain is 0, shape (chains * draws, size).

    z_s = (e_s - mean of e) / sqrt(1 - 1 / draws), e independent standard normals, is exactly standard normal itself,
    and independent of theta. So every draw of the coefficients has the right distribution, whatever theta it goes with
    and however often that theta comes; but the noise cancels in the mean over a chain, to the extent that the
    conditional sd of a coefficient is the same for all theta.
    """
    normals = rng.standard_normal((chains, draws, size))
    if draws > 1:
        normals -= normals.mean(axis=1, keepdims=True)
        normals /= np.sqrt(1.0 - 1.0 / draws)
    return normals.reshape(chains * draws, size)
