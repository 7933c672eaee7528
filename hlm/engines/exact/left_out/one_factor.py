"""Densities of left-out rows or groups given all others and theta, every coefficient integrated out, exactly.

A row given all others has the distribution Normal(y - r / f, sigma^2 / f), where r is its mean residual given theta
and all rows, and 1 - f its leverage (Sundararajan & Keerthi 2001, Neural Computation 13:1103-1118; Vehtari et al. 2016,
JMLR 17(103), with beta integrated out too). With q the row's basis, and x and y what the basis leaves::

    xt = x + N_k^-1 q explained_x,   r = y + q'N_k^-1 explained_y - xt'b0,   f = 1 - q'q + q'N_k^-1 q - xt'P^-1 xt / s2

(marginal.py; s2 = sigma^2). All of these are as small as what is left, so that columns far from 0 and large sds lose no
digits.

A group of the only factor: y_k ~ N(X_k b_-k, V_k + X_k P_-k^-1 X_k'), where b_-k and P_-k are the mean and precision of
the common coefficients without group k.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from hlm.engines.exact.gaussian_model import GaussianModel, columns_alone
from hlm.engines.exact.likelihood.marginal import Theta, common_posterior
from hlm.engines.exact.sums.one_factor import CrossProducts, split_rows
from hlm.engines.normal_coefficients import NormalPrior
from hlm.support.linear_algebra import lower_roots, solve_lower, solve_with_root

_CHUNK_NUMBERS = 4_000_000  # thetas x rows in one piece
_LEAST_LEFT = 1e-10  # of a precision: rounding leaves some 1e-16 of the whole
_ROUNDING = 1e-14  # what is left of a row that its group's effects explain completely


class LeftOut(NamedTuple):
    """Log densities of some units, one for each theta."""

    units: np.ndarray  # shape (u,); which rows, or which groups
    without: np.ndarray  # shape (T, u); given theta and all other units
    inside: np.ndarray  # shape (T, u); given theta and all units, this one included


def rows_left_out(model: GaussianModel, theta: Theta) -> Iterator[LeftOut]:
    """Every row of a model with one factor or none, in pieces of whole groups."""
    common, effects, codes, y, weights = columns_alone(model)
    sums, basis, left = split_rows(common, effects, codes, y, weights)
    columns = np.concatenate([left[:-1], basis]).T
    i, j = np.triu_indices(columns.shape[1])
    twice = np.where(i == j, 1.0, 2.0)
    outside = 1.0 - (basis**2).sum(axis=0)
    outside[outside < _ROUNDING] = 0.0
    given = common_posterior(sums, theta, model.prior)
    half = solve_lower(lower_roots(given.precision), np.eye(sums.p)) / theta.sigma[:, None, None]
    order, edges = np.argsort(codes, kind="stable"), np.concatenate([[0], np.cumsum(sums.n)])
    size = max(1, _CHUNK_NUMBERS // len(theta))
    waiting: list[LeftOut] = []
    for k in range(len(sums.n)):
        linear, quadratic = _forms(sums, k, theta, given.mean, half)
        for start in range(edges[k], edges[k + 1], size):
            some = order[start : min(start + size, edges[k + 1])]
            mine = columns[some]
            residual = left[-1, some] + linear @ mine.T
            free = outside[some] + quadratic[:, i, j] @ (mine[:, i] * mine[:, j] * twice).T
            waiting.append(LeftOut(some, *log_densities(residual, free, theta.sigma)))
            if sum(len(one.units) for one in waiting) >= size:
                yield _together(waiting)
                waiting = []
    if waiting:
        yield _together(waiting)


def groups_left_out(sums: CrossProducts, theta: Theta, prior: NormalPrior) -> LeftOut:
    """Every group of the cross-products, as if it were new."""
    given, p, variance = common_posterior(sums, theta, prior), sums.p, theta.sigma**2
    right, root = given.precision @ given.mean[:, :, None], lower_roots(given.precision)
    without, inside = np.empty((2, len(theta), len(sums.n)))
    for k in range(len(sums.n)):
        upper = _upper_roots(sums, k, theta)
        half = solve_lower(upper.swapaxes(1, 2), sums.explained[k])
        share = (sums.left[k] + half.swapaxes(1, 2) @ half) / variance[:, None, None]  # of S, over sigma^2
        constant = sums.n[k] * np.log(2 * np.pi * variance) + _log_det(upper)
        others = _root_without(given.precision, share[:, :p, :p])
        mean = solve_with_root(others, right - share[:, :p, p:])[:, :, 0]
        without[:, k] = _log_density(share, constant, mean, others, root)
        inside[:, k] = _log_density(share, constant, given.mean, root, lower_roots(given.precision + share[:, :p, :p]))
    return LeftOut(np.arange(len(sums.n)), without, inside)


def _root_without(precision: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The precision's root without a group; NaN where only that group and a wide prior determine the coefficients."""
    root = lower_roots(precision - share)
    pivots = np.diagonal(root, axis1=1, axis2=2) ** 2
    enough = (pivots > _LEAST_LEFT * np.diagonal(precision, axis1=1, axis2=2)).all(axis=1)
    return np.where(enough[:, None, None], root, np.nan)


def _log_density(
    share: np.ndarray, constant: np.ndarray, mean: np.ndarray, root: np.ndarray, updated: np.ndarray
) -> np.ndarray:
    """Log N(y_k; X_k mean, V_k + X_k P^-1 X_k'), shape (T,), with roots of P and of P plus the group's ``share``."""
    residual = np.concatenate([-mean, np.ones((len(mean), 1))], axis=1)
    weighted = np.einsum("tij,tj->ti", share, residual)
    pull = solve_lower(updated, weighted[:, :-1, None])
    quadratic = (residual * weighted).sum(axis=1) - (pull**2).sum(axis=(1, 2))
    return np.asarray(-0.5 * (constant + _log_det(updated) - _log_det(root) + quadratic))


def _log_det(roots: np.ndarray) -> np.ndarray:
    """Log determinants, shape (T,), of the matrices whose triangular roots these are."""
    return np.asarray(2 * np.log(np.abs(np.diagonal(roots, axis1=1, axis2=2))).sum(axis=1))


def _upper_roots(sums: CrossProducts, k: int, theta: Theta) -> np.ndarray:
    """One group's U with U'U = N_k = I + A A', shape (T, q, q), by QR of [I, A']: in N_k a large A would hide I."""
    a = sums.root[k] @ theta.factor / theta.sigma[:, None, None]
    q = a.shape[1]
    return np.linalg.qr(np.concatenate([np.broadcast_to(np.eye(q), a.shape), a.swapaxes(1, 2)], axis=1), mode="r")


def _forms(
    sums: CrossProducts, k: int, theta: Theta, mean: np.ndarray, half: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One group's linear form for mean residuals, shape (T, p + q), and quadratic form for f, (T, p + q, p + q).

    ``half`` is the inverse root of P, over sigma, shape (T, p, p).
    """
    p = sums.p
    inverse = solve_lower(_upper_roots(sums, k, theta).swapaxes(1, 2), np.eye(sums.root.shape[1]))
    inner = inverse.swapaxes(1, 2) @ inverse
    pull = (inner @ sums.explained[k]).swapaxes(1, 2)
    linear = np.concatenate([-mean, pull[:, -1] - np.einsum("tpq,tp->tq", pull[:, :-1], mean)], axis=1)
    wide = np.concatenate([half, half @ pull[:, :-1]], axis=2)
    quadratic = -wide.swapaxes(1, 2) @ wide
    quadratic[:, p:, p:] += inner
    return linear, quadratic


def log_densities(residual: np.ndarray, free: np.ndarray, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Without and with the row itself, from mean residuals and 1 - leverages (NaN if negative), shape (T, rows)."""
    if not free.min(initial=1.0) > 0.0:  # rounding has left nothing
        free = np.where(free > 0.0, free, np.nan)
    standard = (residual / sigma[:, None]) ** 2
    constant = -0.5 * np.log(2 * np.pi) - np.log(sigma)[:, None]
    without = constant + 0.5 * np.log(free) - 0.5 * standard / free
    inside = constant - 0.5 * np.log(2 - free) - 0.5 * standard / (2 - free)
    return without, inside


def _together(pieces: list[LeftOut]) -> LeftOut:
    return LeftOut(*(np.concatenate(parts, axis=-1) for parts in zip(*pieces, strict=True)))
