"""The likelihood with all coefficients integrated out, exactly.

With L = diag(tau) chol(Omega), A_k = R_k L / sigma and W_k = [X_k, y_k], where Z_k = Q_k R_k (see sums/),
the responses of a group have covariance V_k = sigma^2 (I + Q_k A_k A_k' Q_k'), which is never formed. `sweep` goes over
the groups once per theta; the rest is algebra with the p common coefficients, whose prior is N(m0, S0)::

    N_k = I + A_k A_k',    S = sum_k [ left_k + explained_k' N_k^-1 explained_k ] = sigma^2 sum_k W_k' V_k^-1 W_k
    P = S_xx / sigma^2 + S0^-1,    r = S_xy / sigma^2 + S0^-1 m0
    log p(y | theta) = -1/2 [ N log(2 pi sigma^2) + sum_k log|N_k| + log|S0| + log|P|
                              + sum_k e_k' V_k^-1 e_k + (b0 - m0)' S0^-1 (b0 - m0) ],  b0 = P^-1 r, e_k = y_k - X_k b0
    beta | theta, y ~ N(b0, P^-1)
    b_k = L v_k,    v_k | beta, theta, y ~ N(M_k^-1 A_k' Q_k'(y_k - X_k beta) / sigma, M_k^-1),    M_k = I + A_k' A_k

(Lindley & Smith 1972, J. R. Stat. Soc. B 34:1-41; Bates et al. 2015, J. Stat. Software 67(1), section 3). Only N_k and
M_k are inverted. Their eigenvalues are 1 at least, so sds of 0, correlations of 1 and n_k < q are no special cases.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numba
import numpy as np

from hlm.engines.exact.likelihood.kernels_one_factor import draw_beside_kernel, draw_kernel, sweep_kernel
from hlm.engines.exact.likelihood.kernels_several_factors import draw_rest_kernel, sweep_crossed_kernel
from hlm.engines.exact.sums.one_factor import CrossProducts
from hlm.engines.exact.sums.several_factors import CrossedProducts
from hlm.engines.normal_coefficients import NormalPrior
from hlm.support.interrupts import checkpoint
from hlm.support.linear_algebra import lower_roots, rotated_to_lower, solve_with_root

type Sums = CrossProducts | CrossedProducts

_WORTH_A_THREAD = 64  # thetas: with fewer, starting a thread takes longer than it saves
_BLOCK = 5e8  # multiplications between two chances to be interrupted, about half a second
_ROUNDING = 1e-3  # a sum of squares over sigma^2 that is further below 0 is rounding alone
_LARGE = 100  # columns of a dense matrix: from here each theta is worth a thread
_AT_ONCE = 5e6  # numbers in the dense matrices of all threads


@dataclass(frozen=True, slots=True)
class Theta:
    """Values of the variance parameters."""

    sigma: np.ndarray  # shape (T,); residual sd
    factor: np.ndarray  # shape (T, q, q); L, with L L' the covariance matrix of a group's effects

    def __len__(self) -> int:
        return len(self.sigma)

    def some(self, places: np.ndarray) -> Theta:
        """Some of the values."""
        return Theta(self.sigma[places], self.factor[places])


@dataclass(frozen=True, slots=True)
class CommonPosterior:
    """Common coefficients given theta, as departures from `CrossProducts.shift`."""

    log_marginal: np.ndarray  # shape (T,); log p(y | theta); -inf where rounding has left nothing
    mean: np.ndarray  # shape (T, p); NaN where rounding has left nothing
    precision: np.ndarray  # shape (T, p, p)

    def some(self, places: np.ndarray) -> CommonPosterior:
        """Of some of the thetas."""
        return CommonPosterior(self.log_marginal[places], self.mean[places], self.precision[places])


def common_posterior(sums: Sums, theta: Theta, prior: NormalPrior) -> CommonPosterior:
    """Log p(y | theta) and the common coefficients' conditional mean and precision, for many theta at once."""
    p, variance = sums.p, theta.sigma**2
    reduced, log_det = sweep(sums, theta)
    scaled = reduced / variance[:, None, None]
    weight, offset = prior.precision, prior.centre - sums.shift
    precision = scaled[:, :p, :p] + weight
    right = scaled[:, :p, p] + weight @ offset
    root = lower_roots(precision)
    finite = np.isfinite(root).all(axis=(1, 2))
    if not finite.all():  # rounding has left nothing of some of them: their precision is not used
        precision = np.where(finite[:, None, None], precision, np.eye(p))
    log_det_precision = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    mean = solve_with_root(root, right[:, :, None])[:, :, 0]
    residual = np.concatenate([-mean, np.ones((len(mean), 1))], axis=1)
    squares = np.einsum("ti,tij,tj->t", residual, scaled, residual)
    deviance = (
        sums.rows * np.log(2 * np.pi * variance) + log_det + 2 * np.log(prior.sd).sum() + log_det_precision
        + squares + np.einsum("ti,ij,tj->t", mean - offset, weight, mean - offset)
    )  # fmt: skip
    finite &= np.isfinite(deviance) & (squares > -_ROUNDING)
    return CommonPosterior(np.where(finite, -0.5 * deviance, -np.inf), mean, precision)


def draw_effects(sums: CrossProducts, theta: Theta, common: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """The effects b_k of one factor given theta and the common coefficients, one draw for each theta.

    theta: T values.
    common: shape (T, p); departures from `CrossProducts.shift`.
    normals: shape (T, K, q); standard normal numbers; overwritten, since T x K x q is the largest array of a fit.
    result: shape (T, K, q).
    """
    work = partial(draw_kernel, sums.root, sums.explained)
    _in_threads(work, *_cut(sums, len(theta)), np.ascontiguousarray(theta.factor), theta.sigma, common, normals)
    return normals


def draw_crossed(
    sums: CrossedProducts, theta: Theta, which: np.ndarray, common: np.ndarray, first: np.ndarray, rest: np.ndarray
) -> list[np.ndarray]:
    """The effects of several factors; all draws of one theta share one factorisation.

    theta: T values.
    which: shape (draws,); the theta of each draw, in ascending order.
    common: shape (draws, p).
    first, rest: shapes (draws, K, q) and (draws, m); standard normal numbers; overwritten.
    result: for each factor in the model's order, shape (draws, levels, width).
    """
    factor = np.ascontiguousarray(rotated_to_lower(theta.factor, sums.transformation))
    edges, workers = _cut(sums, len(theta))
    edges = np.searchsorted(which, edges)
    work = partial(draw_rest_kernel, _data(sums), factor, theta.sigma)
    _in_threads(work, edges, workers, which, common, rest)
    own = slice(sums.offset, sums.offset + sums.root.shape[1])
    work = partial(draw_beside_kernel, *_data(sums)[:4], np.ascontiguousarray(factor[:, own, own]), theta.sigma)
    _in_threads(work, edges, workers, which, common, rest, first)
    return sums.effects(first, rest)


def sweep(sums: Sums, theta: Theta) -> tuple[np.ndarray, np.ndarray]:
    """One pass over the groups for each theta.

    reduced: shape (T, p + 1, p + 1); S in the formulas above.
    log_det: shape (T,); sum_k log|N_k|, or log|V / sigma^2| for several factors.
    """
    reduced, log_det, factor = np.empty((len(theta), sums.p + 1, sums.p + 1)), np.empty(len(theta)), theta.factor
    if isinstance(sums, CrossedProducts):
        work, factor = partial(sweep_crossed_kernel, _data(sums)), rotated_to_lower(factor, sums.transformation)
    else:
        work = partial(sweep_kernel, sums.root, sums.explained, sums.left.sum(axis=0))
    _in_threads(work, *_cut(sums, len(theta)), np.ascontiguousarray(factor), theta.sigma, reduced, log_det)
    return reduced, log_det


def _data(sums: CrossedProducts) -> tuple[np.ndarray | int, ...]:
    return sums.root, sums.begin, sums.column, sums.explained, sums.left, *sums.levels, sums.offset


def _cut(sums: Sums, thetas: int) -> tuple[np.ndarray, int]:
    """The edges of stretches of thetas, and how many threads; stretches are short, since Ctrl-C waits for their end."""
    worth, most = _WORTH_A_THREAD, numba.get_num_threads()
    if isinstance(sums, CrossedProducts) and sums.m >= _LARGE:
        worth, most = 1, min(most, int(_AT_ONCE / sums.m**2))
    workers = max(1, min(most, thetas // worth))
    each = max(1, int(np.ceil(thetas * sums.operations / _BLOCK / workers)))
    return np.linspace(0, thetas, min(workers * each, max(thetas, 1)) + 1).astype(int), workers


def _in_threads(work: Callable[..., None], edges: np.ndarray, workers: int, *arrays: np.ndarray) -> None:
    """Call ``work`` on stretches of all arrays; the kernels release the interpreter's lock.

    Python's own threads rather than numba's, which may not be used after a fork nor from two threads at a time.
    """
    stretches = [tuple(a[i:j] for a in arrays) for i, j in pairwise(edges)]
    if workers == 1:
        for stretch in stretches:
            work(*stretch)
            checkpoint()
        return
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda stretch: work(*stretch), stretches))
    checkpoint()
