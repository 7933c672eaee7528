"""The likelihood with all coefficients integrated out, exactly.

With Lambda = L / sigma, L = diag(tau) chol(Omega), the covariance of a group's responses is
V_k = sigma^2 (I + Z_k Lambda Lambda' Z_k'), never formed. `sweep` goes over the groups once per theta and reduces
W = [X, y] to S = sum_k W_k' (I + Z_k Lambda Lambda' Z_k')^-1 W_k; the rest is algebra with the p common coefficients::

    M_k = I + Lambda' Z_k'Z_k Lambda,    S = sum_k W_k'W_k - (Lambda' Z_k'W_k)' M_k^-1 (Lambda' Z_k'W_k)
    Q = S_xx / sigma^2 + S0^-1,          r = S_xy / sigma^2 + S0^-1 m0
    log p(y | theta) = -1/2 [ N log(2 pi sigma^2) + sum_k log|M_k| + S_yy / sigma^2
                              + log|S0| + m0' S0^-1 m0 + log|Q| - r' Q^-1 r ]
    beta | theta, y ~ N(Q^-1 r, Q^-1),   v_k | beta, theta, y ~ N(M_k^-1 Lambda' Z_k'(y_k - X_k beta) / sigma, M_k^-1)

and b_k = L v_k (Lindley & Smith 1972, J. R. Stat. Soc. B 34:1-41; Bates et al. 2015, J. Stat. Software 67(1)). Nothing
is inverted but M_k, whose eigenvalues are 1 at least: sds of 0, correlations of 1 and n_k < q are no special cases.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from hlm.fit.collapsed.crossproducts import CrossProducts

_WORTH_A_THREAD = 64  # thetas: below, starting threads costs more than it saves


@dataclass(frozen=True, slots=True)
class Theta:
    """Values of the variance parameters.

    Attributes
    ----------
    sigma : numpy.ndarray, shape (T,)
        Residual sd.
    factor : numpy.ndarray, shape (T, q, q)
        L, with L L' the covariance matrix of a group's effects.
    """

    sigma: np.ndarray
    factor: np.ndarray

    def __len__(self) -> int:
        return len(self.sigma)


@dataclass(frozen=True, slots=True)
class NormalPrior:
    """Independent Normal priors of the (centred) common coefficients; ``mean`` and ``sd`` have shape (p,)."""

    mean: np.ndarray
    sd: np.ndarray


@dataclass(frozen=True, slots=True)
class CommonPosterior:
    """Common coefficients given theta, as departures from `CrossProducts.shift`.

    Attributes
    ----------
    log_marginal : numpy.ndarray, shape (T,)
        log p(y | theta); -inf where rounding has left nothing.
    mean : numpy.ndarray, shape (T, p)
    precision : numpy.ndarray, shape (T, p, p)
    """

    log_marginal: np.ndarray
    mean: np.ndarray
    precision: np.ndarray


def common_posterior(sums: CrossProducts, theta: Theta, prior: NormalPrior) -> CommonPosterior:
    """log p(y | theta) and the common coefficients' conditional mean and precision, for many theta at once."""
    p, variance = sums.p, theta.sigma**2
    reduced, log_det = sweep(sums, _relative(sums, theta))
    scaled = reduced / variance[:, None, None]
    weight = 1.0 / prior.sd**2
    offset = prior.mean - sums.shift
    precision = scaled[:, :p, :p] + np.diag(weight)
    right = scaled[:, :p, p] + weight * offset
    sign, log_det_precision = np.linalg.slogdet(precision)
    mean = np.linalg.solve(precision, right[:, :, None])[:, :, 0]
    deviance = (
        sums.rows * np.log(2 * np.pi * variance) + log_det + scaled[:, p, p]
        - np.log(weight).sum() + weight @ offset**2 + log_det_precision - np.einsum("tp,tp->t", right, mean)
    )  # fmt: skip
    usable = (sign > 0) & np.isfinite(deviance)
    return CommonPosterior(np.where(usable, -0.5 * deviance, -np.inf), mean, precision)


def draw_effects(sums: CrossProducts, theta: Theta, common: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """The groups' effects b_k given theta and the common coefficients, one draw for each theta.

    Parameters
    ----------
    sums : CrossProducts
    theta : Theta
        T values.
    common : numpy.ndarray, shape (T, p)
        Departures from `CrossProducts.shift`.
    normals : numpy.ndarray, shape (T, K, q)
        Standard normal numbers; overwritten, since T x K x q is the largest array of a fit.

    Returns
    -------
    numpy.ndarray, shape (T, K, q)
    """
    relative = _relative(sums, theta)
    zz, zw = sums.zz, sums.zw
    _in_threads(
        lambda part: _effects_kernel(zz, zw, relative[part], theta.factor[part], theta.sigma[part], common[part], normals[part]),
        len(theta),
    )
    return normals


def sweep(sums: CrossProducts, relative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One pass over the groups for each theta.

    Parameters
    ----------
    sums : CrossProducts
    relative : numpy.ndarray, shape (T, q, q)
        ``change @ L / sigma``.

    Returns
    -------
    reduced : numpy.ndarray, shape (T, p + 1, p + 1)
        S in the formulas above.
    log_det : numpy.ndarray, shape (T,)
        sum_k log|M_k|.
    """
    size = sums.p + 1
    reduced, log_det = np.empty((len(relative), size, size)), np.empty(len(relative))
    zz, zw, ww = sums.zz, sums.zw, sums.ww
    _in_threads(lambda part: _sweep_kernel(zz, zw, ww, relative[part], reduced[part], log_det[part]), len(relative))
    return reduced, log_det


def _relative(sums: CrossProducts, theta: Theta) -> np.ndarray:
    return np.ascontiguousarray(sums.change @ (theta.factor / theta.sigma[:, None, None]))


def _in_threads(work: Callable[[slice], Any], size: int) -> None:
    """Share the thetas out among threads; the kernels release the interpreter's lock.

    Python's own threads rather than numba's: those may not be used after a fork, nor from two threads at a time.
    """
    workers = min(numba.get_num_threads(), size // _WORTH_A_THREAD)
    if workers < 2:
        work(slice(0, size))
        return
    edges = np.linspace(0, size, workers + 1).astype(int)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _sweep_kernel(zz, zw, ww, relative, reduced, log_det):  # type: ignore[no-untyped-def]  # pragma: no cover
    q, size = zw.shape[1], zw.shape[2]
    factor, half, scratch = np.empty((q, q)), np.empty((q, size)), np.empty((q, q))
    for t in range(len(relative)):
        reduced[t] = ww
        log_det[t] = 0.0
        for k in range(len(zz)):
            _whiten(zz[k], zw[k], relative[t], factor, half, scratch)
            for i in range(q):
                log_det[t] += 2.0 * np.log(factor[i, i])
                for a in range(size):
                    for b in range(a + 1):
                        reduced[t, a, b] -= half[i, a] * half[i, b]
        for a in range(size):
            for b in range(a):
                reduced[t, b, a] = reduced[t, a, b]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _effects_kernel(zz, zw, relative, cholesky, sigma, common, normals):  # type: ignore[no-untyped-def]  # pragma: no cover
    q, p = zw.shape[1], zw.shape[2] - 1
    factor, half, scratch, v = np.empty((q, q)), np.empty((q, p + 1)), np.empty((q, q)), np.empty(q)
    for t in range(len(relative)):
        for k in range(len(zz)):
            _whiten(zz[k], zw[k], relative[t], factor, half, scratch)
            for i in range(q - 1, -1, -1):  # v = R'^-1 ( R^-1 Lambda' Z'(y - X beta) / sigma + normal )
                total = half[i, p]
                for a in range(p):
                    total -= half[i, a] * common[t, a]
                total = total / sigma[t] + normals[t, k, i]
                for j in range(i + 1, q):
                    total -= factor[j, i] * v[j]
                v[i] = total / factor[i, i]
            for i in range(q):
                total = 0.0
                for j in range(i + 1):
                    total += cholesky[t, i, j] * v[j]
                normals[t, k, i] = total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _whiten(zz, zw, relative, factor, half, scratch):  # type: ignore[no-untyped-def]  # pragma: no cover
    """One group: ``factor`` becomes R with R R' = M_k, ``half`` becomes R^-1 Lambda' Z_k'[X_k, y_k]."""
    q, size = zw.shape
    for a in range(q):
        for j in range(q):
            total = 0.0
            for b in range(q):
                total += zz[a, b] * relative[b, j]
            scratch[a, j] = total
    for i in range(q):
        for j in range(i + 1):
            total = 1.0 if i == j else 0.0
            for a in range(q):
                total += relative[a, i] * scratch[a, j]
            for a in range(j):
                total -= factor[i, a] * factor[j, a]
            factor[i, j] = np.sqrt(total) if i == j else total / factor[j, j]
        for c in range(size):
            total = 0.0
            for a in range(q):
                total += relative[a, i] * zw[a, c]
            for a in range(i):
                total -= factor[i, a] * half[a, c]
            half[i, c] = total / factor[i, i]
