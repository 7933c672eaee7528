"""The pooling matrix of a group and what is read off it: pure functions on arrays, draws first.

With Sigma the covariance of a group's q effects and I_k the information that its own rows have about them (Z'Z / s2 in
a gaussian model), the posterior mean of the effects is (1 - B_k) times what the rows alone say, where::

    B_k = (I_k + Sigma^-1)^-1 Sigma^-1 = (1 + Sigma I_k)^-1

The second form needs no inverse of Sigma, which may be singular: sds of 0 and correlations of 1 are ordinary values.
"""

from __future__ import annotations

import numpy as np

from hlm.support.linear_algebra import inverses


def pooling_matrix(covariance: np.ndarray, information: np.ndarray) -> np.ndarray:
    """B_k of every draw and group: 0 is no pooling, the identity complete pooling.

    covariance: shape (T, q, q); sigma, draw by draw.
    information: shape (T, K, q, q).
    result: shape (T, K, q, q); its trace over q is the share that the other groups decide. Trace and diagonal do not
        depend on the units of the predictors; with several effects a diagonal entry can leave [0, 1], the trace over q
        cannot.

    NaN where rounding has left a singular matrix: sds some 1e8 times the sampling errors, and correlations of 1.

    Of a random intercept alone it is (s2/n) / (s2/n + tau^2) (Gelman & Hill 2007, equation 12.1).
    """
    return inverses(np.eye(covariance.shape[-1]) + covariance[:, None] @ information)


def swept(information: np.ndarray, covariance: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Information about the outer effects when the inner groups' own effects are unknown too.

    information: shape (T, J, m, m); of each inner group, its own q effects first.
    covariance: shape (T, q, q); of the inner effects.
    parents: shape (J,); the outer group of each inner one, 0 .. K-1.
    result: shape (T, K, m - q, m - q); the Schur complement in each inner group, added up over the inner groups of an
        outer one.
    """
    q = covariance.shape[-1]
    across = information[..., :q, q:]
    left = pooling_matrix(covariance, information[..., :q, :q]) @ covariance[:, None]
    own = information[..., q:, q:] - across.swapaxes(-1, -2) @ left @ across
    order = np.argsort(parents, kind="stable")
    starts = np.searchsorted(parents[order], np.arange(parents.max() + 1))
    return np.asarray(np.add.reduceat(own[:, order], starts, axis=1))


def reliability(covariance: np.ndarray, information: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Share of a group's least-squares estimate that is not error (Raudenbush & Bryk 2002, section 3.4).

    covariance: shape (T, q, q).
    information: shape (1 or T, K, q, q); the information of every draw is ``information / scale``; where it is the same
        matrix, it is inverted once.
    scale: shape (T,).
    result: shape (K, q); ``tau^2 / (tau^2 + V)``, mean over the draws. Without meaning where a group's rows do not
        determine the effect.
    """
    size = np.sqrt(np.einsum("tkjj->j", information))
    size = np.where(size > 0, size, 1.0)  # in units of 1, so that the inverse's threshold is about directions
    inverse = np.linalg.pinv(information / (size[:, None] * size), rcond=1e-10, hermitian=True)
    variance = np.einsum("tkjj->tkj", inverse) / size**2 * scale[:, None, None]
    between = np.einsum("tjj->tj", covariance)[:, None, :]
    total = between + variance
    return np.asarray(np.divide(between, total, out=np.zeros_like(total), where=total > 0).mean(axis=0))


def cross_products(columns: np.ndarray, weights: np.ndarray | None, codes: np.ndarray, groups: int) -> np.ndarray:
    """Z_k'W_k Z_k of every group.

    columns: shape (rows, m).
    weights: shape (rows,), or None.
    codes: shape (rows,).
    result: shape (groups, m, m).
    """
    m = columns.shape[1]
    found = np.empty((groups, m, m))
    for i in range(m):
        left = columns[:, i] if weights is None else weights * columns[:, i]
        for j in range(i + 1):
            found[:, i, j] = found[:, j, i] = np.bincount(codes, left * columns[:, j], groups)
    return found
