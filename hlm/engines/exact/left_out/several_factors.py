"""Left-out rows and groups where several factors overlap: through the joint covariance of all coefficients.

With F the columns of the left-out rows J, and m and C the mean and covariance of all coefficients given theta and y::

    Q_JJ = (I - F C F' / sigma^2) / sigma^2,    (Q r)_J = (y_J - F m) / sigma^2
    y_J | others, theta ~ N(y_J - Q_JJ^-1 (Q r)_J, Q_JJ^-1)

(Q is the precision of all responses given theta, Sundararajan & Keerthi 2001, Neural Computation 13:1103-1118.) The
coefficients of a group that is left out as a whole then have their prior, as they should. C is never formed: with U'U
the precision of u (b = J u), F C F' is G G' with G = F J U^-1. So no large numbers cancel where only the priors tell
two factors' effects apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse import csr_array

from hlm.engines.exact.gaussian_model import GaussianModel
from hlm.engines.exact.left_out.one_factor import LeftOut, log_densities
from hlm.engines.exact.likelihood.marginal import Theta
from hlm.engines.exact.sums.one_factor import centred, weighted
from hlm.engines.exact.sums.orthogonalised import orthogonalised
from hlm.support.linear_algebra import lower_roots, rotated_to_lower, solve_lower

_CHUNK_NUMBERS = 4_000_000  # of the covariances of a few thetas
_LEAST_FREE = 1e-10  # 1 - leverage; its rounding error is some 1e-15. Below, a density is NaN

type _Places = list[tuple[slice, slice]]  # each factor's coefficients among all, and its columns of L


def crossed_rows_left_out(model: GaussianModel, theta: Theta) -> Iterator[LeftOut]:
    """Every row, in one piece."""
    rows = len(model.response)
    without, inside = np.empty((2, len(theta), rows))
    for some, residual, g in _moments(model, theta):
        sigma = theta.sigma[some]
        free = 1.0 - (g**2).sum(axis=2).T / (sigma**2)[:, None]
        free[free < _LEAST_FREE] = np.nan
        without[some], inside[some] = log_densities(residual, free, sigma)
    yield LeftOut(np.arange(rows), without, inside)


def crossed_groups_left_out(model: GaussianModel, theta: Theta, members: Sequence[np.ndarray]) -> LeftOut:
    """Groups of rows; ``members`` are the rows of each."""
    without, inside = np.empty((2, len(theta), len(members)))
    for some, residuals, g in _moments(model, theta):
        sigma = theta.sigma[some, None, None]
        for k, rows in enumerate(members):
            mine, eye = g[rows].swapaxes(0, 1) / sigma, np.eye(len(rows))
            spread, residual = mine @ mine.swapaxes(1, 2), residuals[:, rows, None] / sigma
            free = lower_roots(eye - spread)
            free[np.diagonal(free, axis1=1, axis2=2).min(axis=1) ** 2 < _LEAST_FREE] = np.nan
            log_scale = len(rows) * np.log(theta.sigma[some])
            without[some, k] = _log_normal(residual, free, 1.0) - log_scale
            inside[some, k] = _log_normal(residual, lower_roots(eye + spread), -1.0) - log_scale
    return LeftOut(np.arange(len(members)), without, inside)


def _log_normal(residual: np.ndarray, root: np.ndarray, sign: float) -> np.ndarray:
    """Log density of a residual, shape (T,).

    ``root`` is the lower root of its precision (sign 1) or of its covariance (sign -1). Where it is that of a precision
    Q, ``residual`` is Q times the residual, (Q r)_J.
    """
    standard = solve_lower(root, residual)
    log_det = sign * 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    return np.asarray(-0.5 * (residual.shape[1] * np.log(2 * np.pi) - log_det + (standard**2).sum(axis=(1, 2))))


def _moments(model: GaussianModel, theta: Theta) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """For a few thetas at a time the rows' mean residuals, shape (T, rows), and G, shape (rows, T, D)."""
    w, _, shift = centred(model.common, model.response_less_means, model.root_weights)
    f, factors, transformation = _joint(model, w[:-1])
    p, size, y = len(shift), f.shape[1], w[-1]
    products, moments = (f.T @ f).toarray(), f.T @ y
    weight, prior = np.eye(size), np.zeros(size)
    weight[:p, :p] = model.prior.precision
    prior[:p] = model.prior.precision @ (model.prior.centre - shift)
    step = max(1, _CHUNK_NUMBERS // (size * max(size, len(y))))
    for start in range(0, len(theta), step):
        some = slice(start, min(start + step, len(theta)))
        factor, variance = rotated_to_lower(theta.factor[some], transformation), (theta.sigma[some] ** 2)[:, None]
        gram = np.repeat(products[None], len(variance), axis=0)
        moment = np.repeat(moments[None, None], len(variance), axis=0)
        gram = _by_factor(factors, _by_factor(factors, gram, factor).swapaxes(1, 2), factor)
        right = _by_factor(factors, moment, factor)[:, 0] / variance + prior
        lower = solve_lower(lower_roots(gram / variance[:, :, None] + weight), np.eye(size))
        back = _by_factor(factors, lower, factor.swapaxes(1, 2))
        g = (f @ back.reshape(-1, size).T).reshape(len(y), *right.shape)
        yield some, y - np.einsum("ntd,td->tn", g, np.einsum("tij,tj->ti", lower, right)), g


def _joint(model: GaussianModel, x: np.ndarray) -> tuple[csr_array, _Places, np.ndarray | None]:
    """The columns of all coefficients, shape (rows, D): beta, then each factor's effects, level by level.

    With each factor's places among them and in L, and U of sums/orthogonalised.py.
    """
    places, values = [np.broadcast_to(np.arange(len(x)), x.T.shape)], [x.T]
    factors, at = [], len(x)
    columns = [weighted(factor.design.matrix, model.root_weights) for factor in model.factors]
    effects, transformation = orthogonalised(columns)
    for factor, z in zip(model.factors, effects, strict=True):
        places.append(at + len(z) * factor.codes[:, None] + np.arange(len(z)))
        values.append(z.T)
        factors.append((slice(at, at + factor.size * factor.width), factor.columns))
        at += factor.size * factor.width
    place, value = np.hstack(places), np.hstack(values)
    ends = np.arange(0, place.size + 1, place.shape[1])
    return csr_array((value.ravel(), place.ravel(), ends), shape=(len(place), at)), factors, transformation


def _by_factor(factors: _Places, matrix: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """``matrix`` times L, level by level; shapes (T, rows, D) and (T, q, q)."""
    found = matrix.copy()
    for mine, effects in factors:
        one = factor[:, None, effects, effects]
        part = matrix[:, :, mine]
        found[:, :, mine] = (part.reshape(*part.shape[:2], -1, one.shape[-1]) @ one).reshape(part.shape)
    return found
