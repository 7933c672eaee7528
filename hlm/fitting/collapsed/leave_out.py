"""Densities of left-out rows or groups given all others and theta, every coefficient integrated out, exactly.

A row: with m and C the mean and covariance of its group's coefficients (beta, b_k) given theta and all rows, and f its
columns, leaving it out gives Normal(y - r / (1 - h), sigma^2 / (1 - h)), where r = y - f'm and h = f'C f / sigma^2: the
mean residual and the leverage (Sundararajan & Keerthi 2001, Neural Computation 13:1103-1118; Vehtari et al. 2016, JMLR
17(103), with beta integrated too).

A group of the only factor: y_k ~ N(X_k b_-k, V_k + X_k P_-k^-1 X_k'), where b_-k and P_-k are those of the common
coefficients without group k, all from the cross-products of marginal.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hlm.fitting.collapsed.arm import GaussianArm, summed_alone
from hlm.fitting.collapsed.crossproducts import CrossProducts, centred, weighted
from hlm.fitting.collapsed.marginal import NormalPrior, Theta, common_posterior

_ROUNDING = 1e-12  # of a leverage: what is left of 1 is then rounding
_CHUNK_NUMBERS = 4_000_000  # thetas x rows in one piece


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Log densities of some units, one for each theta.

    Attributes
    ----------
    units : numpy.ndarray of int, shape (u,)
        Which rows, or which groups.
    without : numpy.ndarray, shape (T, u)
        Given theta and all other units.
    inside : numpy.ndarray, shape (T, u)
        Given theta and all units, this one included.
    """

    units: np.ndarray
    without: np.ndarray
    inside: np.ndarray


def rows_left_out(arm: GaussianArm, y: np.ndarray, theta: Theta) -> Iterator[LeftOut]:
    """Every row of an arm with one factor or none, in pieces of whole groups.

    Parameters
    ----------
    arm : GaussianArm
    sums : CrossProducts
    y : numpy.ndarray, shape (rows,)
    theta : Theta
    """
    sums = summed_alone(arm, y)
    codes, z = _groups(arm, len(y))
    w, _, _ = centred(arm.common, y - z @ arm.mean, arm.root_weights)
    columns, response = np.column_stack([w[:-1].T, weighted(z, arm.root_weights).T]), w[-1]
    given = common_posterior(sums, theta, arm.prior)
    covariance = np.linalg.inv(given.precision)
    order = np.argsort(codes, kind="stable")
    edges = np.concatenate([[0], np.cumsum(sums.n)])
    size = max(1, _CHUNK_NUMBERS // len(theta))
    waiting: list[LeftOut] = []
    for k in range(len(sums.n)):
        mean, spread = _coefficients(sums, k, theta, given.mean, covariance)
        for start in range(edges[k], edges[k + 1], size):
            rows = order[start : min(start + size, edges[k + 1])]
            waiting.append(_leave(rows, columns[rows], response[rows], mean, spread, theta.sigma))
            if sum(len(one.units) for one in waiting) >= size:
                yield _together(waiting)
                waiting = []
    if waiting:
        yield _together(waiting)


def groups_left_out(sums: CrossProducts, theta: Theta, prior: NormalPrior) -> LeftOut:
    """Every group of the cross-products, as if it were new."""
    given = common_posterior(sums, theta, prior)
    columns = []
    for k in range(len(sums.n)):
        reduced, log_det = _reduced(sums, k, theta)
        share = reduced / (theta.sigma**2)[:, None, None]
        constant = sums.n[k] * np.log(2 * np.pi * theta.sigma**2) + log_det
        p = sums.p
        before = given.precision - share[:, :p, :p]
        mean = np.linalg.solve(
            before, (given.precision @ given.mean[:, :, None])[:, :, 0][:, :, None] - share[:, :p, p:]
        )[:, :, 0]
        without = _log_density(share, constant, mean, before, given.precision)
        inside = _log_density(share, constant, given.mean, given.precision, given.precision + share[:, :p, :p])
        columns.append(LeftOut(np.array([k]), without[:, None], inside[:, None]))
    return _together(columns)


def _log_density(
    share: np.ndarray, constant: np.ndarray, mean: np.ndarray, precision: np.ndarray, updated: np.ndarray
) -> np.ndarray:
    """Log N(y_k; X_k mean, V_k + X_k precision^-1 X_k'), (T,); ``updated`` is the precision plus k's."""
    p = mean.shape[1]
    residual = np.concatenate([-mean, np.ones((len(mean), 1))], axis=1)
    weighted = np.einsum("tij,tj->ti", share, residual)
    pull = weighted[:, :p]
    quadratic = (residual * weighted).sum(axis=1) - (pull * np.linalg.solve(updated, pull[:, :, None])[:, :, 0]).sum(
        axis=1
    )
    log_dets = np.linalg.slogdet(updated)[1] - np.linalg.slogdet(precision)[1]
    return np.asarray(-0.5 * (constant + log_dets + quadratic))


def _reduced(sums: CrossProducts, k: int, theta: Theta) -> tuple[np.ndarray, np.ndarray]:
    """One group's share of S, shape (T, p + 1, p + 1), and log|N_k|."""
    a = sums.root[k] @ theta.factor / theta.sigma[:, None, None]
    n = np.eye(a.shape[1]) + a @ a.swapaxes(1, 2)
    explained = np.broadcast_to(sums.explained[k], (len(theta), *sums.explained[k].shape))
    return sums.left[k] + explained.swapaxes(1, 2) @ np.linalg.solve(n, explained), np.linalg.slogdet(n)[1]


def _groups(arm: GaussianArm, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes and Z; all rows are one group without effects where there is no factor."""
    if not arm.factors:
        return np.zeros(rows, dtype=np.int64), np.zeros((rows, 0))
    return arm.factors[0].codes, arm.factors[0].design.matrix


def _coefficients(
    sums: CrossProducts, k: int, theta: Theta, common: np.ndarray, covariance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean, shape (T, p + q), and covariance of (beta, b_k) given theta and all rows."""
    factor = theta.factor
    a = sums.root[k] @ factor / theta.sigma[:, None, None]
    inner = np.linalg.inv(np.eye(a.shape[1]) + a.swapaxes(1, 2) @ a)
    effect = factor @ inner @ a.swapaxes(1, 2) / theta.sigma[:, None, None] @ sums.explained[k]
    slope, constant = effect[:, :, :-1], effect[:, :, -1]
    mean = np.concatenate([common, constant - np.einsum("tqp,tp->tq", slope, common)], axis=1)
    cross = -slope @ covariance
    own = factor @ inner @ factor.swapaxes(1, 2) - cross @ slope.swapaxes(1, 2)
    return mean, np.block([[covariance, cross.swapaxes(1, 2)], [cross, own]])


def _leave(
    rows: np.ndarray, columns: np.ndarray, y: np.ndarray, mean: np.ndarray, covariance: np.ndarray, sigma: np.ndarray
) -> LeftOut:
    """Rows of one group; the leverages of all rows and thetas are one product of matrices."""
    i, j = np.triu_indices(columns.shape[1])
    products = columns[:, i] * columns[:, j] * np.where(i == j, 1.0, 2.0)
    leverage = covariance[:, i, j] @ products.T / (sigma**2)[:, None]
    residual = y - mean @ columns.T
    return LeftOut(rows, *log_densities(residual, leverage, sigma))


def log_densities(residual: np.ndarray, leverage: np.ndarray, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Without and with the row itself, from mean residuals and leverages, shape (T, rows).

    NaN without a row whose leverage is 1 as far as float64 tells: nothing else says what it would be.
    """
    standard = (residual / sigma[:, None]) ** 2
    constant = -0.5 * np.log(2 * np.pi) - np.log(sigma)[:, None]
    room = np.where(leverage < 1 - _ROUNDING, 1 - leverage, np.nan)
    without = constant + 0.5 * np.log(room) - 0.5 * standard / room
    inside = constant - 0.5 * np.log1p(leverage) - 0.5 * standard / (1 + leverage)
    return without, inside


def _together(pieces: list[LeftOut]) -> LeftOut:
    if len(pieces) == 1:
        return pieces[0]
    return LeftOut(
        np.concatenate([piece.units for piece in pieces]),
        np.concatenate([piece.without for piece in pieces], axis=1),
        np.concatenate([piece.inside for piece in pieces], axis=1),
    )
