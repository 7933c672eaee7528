"""No pooling with a residual sd for each group: every group is a regression of its own, its sigma_k by quadrature.

With R_k L = U diag(s) W' and e = U'Q_k'y_k (one_factor.py; L = diag of the known prior sds)::

    log p(y_k | sigma) = -1/2 [ n_k log(2 pi sigma^2) + sum_j log(1 + s_j^2 / sigma^2)
                                + (left_k + sum_j e_j^2 / (1 + s_j^2 / sigma^2)) / sigma^2 ]
    b_k = L W v,  v_j | sigma ~ N( s_j e_j / (sigma^2 + s_j^2), sigma^2 / (sigma^2 + s_j^2) )

The density of sigma_k has one dimension, so that its distribution function is added up on a fine grid and inverted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from hlm.engines.exact.diagnostics import ExactDiagnostics
from hlm.engines.exact.draws.coefficients import CoefficientDraws, balanced_normals
from hlm.engines.exact.gaussian_model import columns_alone, gaussian_model
from hlm.engines.exact.likelihood.marginal import Theta
from hlm.engines.exact.memory_check import check_memory_of_fit
from hlm.engines.exact.sums.one_factor import CrossProducts, cross_products
from hlm.engines.interface import Draws, Options
from hlm.engines.posterior_tree import posterior_tree
from hlm.engines.theta.standard_deviations import Scale, scale
from hlm.model.model import Model
from hlm.support.random_streams import stream

_COARSE = np.linspace(-12.0, 60.0, 1441)  # of the normal score of sigma: from 0 to 500 times the groups' common size
_DROP = 30.0  # below the highest log density a point's probability is nothing
_FINE = 1000


def sample_separate(model: Model, options: Options) -> Draws:
    """Draw from the posterior of no pooling with ``residual="separate"``; the prior of ``sigma`` is each group's."""
    rng = stream(options.seed, "none pooling, separate")
    chains, draws = options.chains, options.draws
    gaussian = gaussian_model(model)
    check_memory_of_fit(gaussian, draws=2 * draws, chains=chains)  # a residual sd and its score for each group besides
    assert gaussian.known_sd is not None
    sums = cross_products(*columns_alone(gaussian))
    prior = scale(model.priors["sigma"], unit=0.3 * float(np.sqrt(sums.left[:, -1, -1].sum() / sums.rows)) or 1.0)
    singular, e, w = _own_coordinates(sums, gaussian.known_sd)
    total = chains * draws
    score = _invert(partial(_log_density, prior, sums, singular, e), rng.uniform(size=(len(sums.n), total)))
    sigma = prior.value(score).T
    variance = sigma[:, :, None] ** 2
    whole = variance + singular**2
    normals = balanced_normals(chains, draws, singular.size, rng).reshape(whole.shape)
    v = singular * e / whole + np.sqrt(variance / whole) * normals
    effects = np.einsum("kij,dkj->dki", w, v) * gaussian.known_sd + gaussian.mean
    diagnostics = ExactDiagnostics(-np.inf, float(total), total, total)
    drawn = CoefficientDraws(Theta(sigma, np.empty((total, 0, 0))), np.empty((total, 0)), [effects], chains)
    return Draws(posterior_tree(model, gaussian, drawn.joint), diagnostics)


def _own_coordinates(sums: CrossProducts, known_sd: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """s, shape (K, q), e, shape (K, q), and W, shape (K, q, q), of all groups."""
    u, singular, w = np.linalg.svd(sums.root * known_sd)
    return singular, np.einsum("kji,kj->ki", u, sums.explained[:, :, -1]), w.swapaxes(1, 2)


def _log_density(
    prior: Scale, sums: CrossProducts, singular: np.ndarray, e: np.ndarray, score: np.ndarray
) -> np.ndarray:
    """Log posterior density of the normal scores of sigma_k, shape (K, points)."""
    with np.errstate(all="ignore"):  # far out sigma underflows: no density there
        variance = prior.value(score) ** 2
        total = prior.log_density(score) - 0.5 * sums.n[:, None] * np.log(2 * np.pi * variance)
        quadratic = np.broadcast_to(sums.left[:, -1, -1:], variance.shape).copy()
        for s, one in zip(singular.T[:, :, None], e.T[:, :, None], strict=True):
            total = total - 0.5 * np.log1p(s**2 / variance)
            quadratic += one**2 / (1 + s**2 / variance)
        total = total - 0.5 * quadratic / variance
    return np.where(np.isfinite(total), total, -np.inf)


def _invert(log_density: Callable[[np.ndarray], np.ndarray], uniform: np.ndarray) -> np.ndarray:
    """Scores at given values of their distribution functions, shape (K, draws)."""
    coarse = log_density(np.tile(_COARSE, (len(uniform), 1)))
    near = coarse > coarse.max(axis=1, keepdims=True) - _DROP
    first = _COARSE[np.maximum(near.argmax(axis=1) - 1, 0)]
    last = _COARSE[np.minimum(len(_COARSE) - near[:, ::-1].argmax(axis=1), len(_COARSE) - 1)]
    grid = np.linspace(first, last, _FINE, axis=1)
    density = log_density(grid)
    density = np.exp(density - density.max(axis=1, keepdims=True))
    area = np.cumsum((density[:, 1:] + density[:, :-1]) / 2, axis=1)
    share = np.hstack([np.zeros((len(area), 1)), area / area[:, -1:]])
    return np.stack([np.interp(*of_group) for of_group in zip(uniform, share, grid, strict=True)])
