"""The loops over groups, compiled: all that has to be fast.

``root``, ``explained`` and ``left`` are those of `CrossProducts`; every kernel works on a stretch of thetas and writes
its results into the arrays it is given.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, error_model="numpy")
def sweep_kernel(root, explained, left, factor, sigma, reduced, log_det):
    """S, shape (T, p + 1, p + 1), and sum_k log|N_k|, shape (T,), as in marginal.py."""
    q, size = explained.shape[1], explained.shape[2]
    a, lower, half = np.empty((q, q)), np.empty((q, q)), np.empty((q, size))
    for t in range(len(sigma)):
        reduced[t] = left
        log_det[t] = 0.0
        product = 1.0  # of the inverse pivots: a logarithm costs more than all the rest of a small group
        for k in range(len(root)):
            _root_times_factor(root, k, factor, t, sigma[t], a)
            _cholesky_of_i_plus(a, lower)
            for i in range(q):
                product *= lower[i, i]
                if product < 1e-200:
                    log_det[t] -= 2.0 * np.log(product)
                    product = 1.0
                for c in range(size):
                    total = explained[k, i, c]
                    for j in range(i):
                        total -= lower[i, j] * half[j, c]
                    half[i, c] = total * lower[i, i]
                    for d in range(c + 1):
                        reduced[t, c, d] += half[i, c] * half[i, d]
        log_det[t] -= 2.0 * np.log(product)
        for c in range(size):
            for d in range(c):
                reduced[t, d, c] = reduced[t, c, d]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def draw_kernel(root, explained, factor, sigma, common, normals):
    """b_k = L v_k in place of the standard normal numbers, shape (T, K, q)."""
    q, p = explained.shape[1], explained.shape[2] - 1
    a, lower, rest, v = np.empty((q, q)), np.empty((q, q)), np.empty(q), np.empty(q)
    for t in range(len(sigma)):
        for k in range(len(root)):
            _root_times_factor(root, k, factor, t, sigma[t], a)
            _cholesky_of_i_plus(a.T, lower)
            for i in range(q):
                rest[i] = explained[k, i, p]
                for c in range(p):
                    rest[i] -= explained[k, i, c] * common[t, c]
            for i in range(q):  # v = G'^-1 (G^-1 A' Q'(y - X beta) / sigma + normal), G G' = M
                total = 0.0
                for j in range(q):
                    total += a[j, i] * rest[j]
                total /= sigma[t]
                for j in range(i):
                    total -= lower[i, j] * (v[j] - normals[t, k, j])
                v[i] = total * lower[i, i] + normals[t, k, i]
            for i in range(q - 1, -1, -1):
                for j in range(i + 1, q):
                    v[i] -= lower[j, i] * v[j]
                v[i] *= lower[i, i]
            for i in range(q):
                normals[t, k, i] = 0.0
                for j in range(i + 1):
                    normals[t, k, i] += factor[t, i, j] * v[j]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _root_times_factor(root, k, factor, t, sigma, a):
    """A = R L / sigma; R is upper, L lower triangular."""
    q = len(a)
    for i in range(q):
        for j in range(q):
            total = 0.0
            for b in range(max(i, j), q):
                total += root[k, i, b] * factor[t, b, j]
            a[i, j] = total / sigma


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _cholesky_of_i_plus(a, lower):
    """The Cholesky factor of I + A A'; its diagonal is stored inverted."""
    q = len(a)
    for i in range(q):
        for j in range(i + 1):
            total = 1.0 if i == j else 0.0
            for c in range(q):
                total += a[i, c] * a[j, c]
            for c in range(j):
                total -= lower[i, c] * lower[j, c]
            lower[i, j] = 1.0 / np.sqrt(total) if i == j else total * lower[j, j]
