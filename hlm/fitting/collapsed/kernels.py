"""The loops over groups, compiled: all that has to be fast.

``root``, ``explained`` and ``left`` are those of `CrossProducts`; every kernel works on a stretch of thetas and writes
its results into the arrays it is given. The sweep takes a block of thetas through each step together, their place last
in every array, so that the processor's vector instructions take several at a time: 3 to 8 times faster than one by one.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np

from hlm.fitting.collapsed.compiled import compiled

_TOGETHER = 32  # thetas in a block: long enough for vector instructions, short enough for the processor's first cache


@compiled
def sweep_kernel(root, explained, left, factor, sigma, reduced, log_det):
    """S, shape (T, p + 1, p + 1), and sum_k log|N_k|, shape (T,), as in marginal.py."""
    q, size = explained.shape[1], explained.shape[2]
    relative, a, lower = np.zeros((q, q, _TOGETHER)), np.empty((q, q, _TOGETHER)), np.empty((q, q, _TOGETHER))
    half, total = np.empty((q, size, _TOGETHER)), np.empty((size, size, _TOGETHER))
    product, logs = np.empty(_TOGETHER), np.empty(_TOGETHER)
    for start in range(0, len(sigma), _TOGETHER):
        stop = min(start + _TOGETHER, len(sigma))
        for t in range(_TOGETHER):
            u = min(start + t, stop - 1)  # the last block is filled up with its last theta
            relative[:, :, t] = factor[u] / sigma[u]
            total[:, :, t] = left
        product[:] = 1.0
        logs[:] = 0.0
        for k in range(len(root)):
            _root_times_factor(root, k, relative, a)
            _cholesky_of_i_plus(a, lower)
            _add_squares(explained, k, lower, half, total)
            for i in range(q):
                for t in range(_TOGETHER):  # a logarithm costs more than the rest: take one when it must be
                    product[t] *= lower[i, i, t]
                    if product[t] < 1e-200:
                        logs[t] += np.log(product[t])
                        product[t] = 1.0
        for t in range(stop - start):
            log_det[start + t] = -2.0 * (logs[t] + np.log(product[t]))
            for c in range(size):
                for d in range(c + 1):
                    reduced[start + t, c, d] = reduced[start + t, d, c] = total[c, d, t]


@compiled
def _root_times_factor(root, k, relative, a):
    """A = R L / sigma; R is upper, L lower triangular."""
    q = len(a)
    for i in range(q):
        for j in range(q):
            a[i, j] = 0.0
            for b in range(max(i, j), q):
                for t in range(_TOGETHER):
                    a[i, j, t] += root[k, i, b] * relative[b, j, t]


@compiled
def _cholesky_of_i_plus(a, lower):
    """The Cholesky factor of I + A A'; its diagonal is stored inverted."""
    q = len(a)
    for i in range(q):
        for j in range(i + 1):
            lower[i, j] = 1.0 if i == j else 0.0
            for c in range(q):
                for t in range(_TOGETHER):
                    lower[i, j, t] += a[i, c, t] * a[j, c, t]
            for c in range(j):
                for t in range(_TOGETHER):
                    lower[i, j, t] -= lower[i, c, t] * lower[j, c, t]
            for t in range(_TOGETHER):
                lower[i, j, t] = 1.0 / np.sqrt(lower[i, i, t]) if i == j else lower[i, j, t] * lower[j, j, t]


@compiled
def _add_squares(explained, k, lower, half, total):
    """``half`` becomes the inverse Cholesky factor times explained_k, and ``total`` grows by half' half."""
    q, size, _ = half.shape
    for i in range(q):
        for c in range(size):
            half[i, c] = explained[k, i, c]
            for j in range(i):
                for t in range(_TOGETHER):
                    half[i, c, t] -= lower[i, j, t] * half[j, c, t]
            for t in range(_TOGETHER):
                half[i, c, t] *= lower[i, i, t]
            for d in range(c + 1):
                for t in range(_TOGETHER):
                    total[c, d, t] += half[i, c, t] * half[i, d, t]


@compiled
def draw_kernel(root, explained, factor, sigma, common, normals):
    """b_k = L v_k in place of the standard normal numbers, shape (T, K, q)."""
    q, p = explained.shape[1], explained.shape[2] - 1
    work, rest, v = np.empty((3, q, q)), np.empty(q), np.empty(q)
    for t in range(len(sigma)):
        work[0] = factor[t]
        for k in range(len(root)):
            for i in range(q):
                rest[i] = explained[k, i, p]
                for c in range(p):
                    rest[i] -= explained[k, i, c] * common[t, c]
            draw_one_group(root[k], sigma[t], rest, normals[t, k], work, v)


@compiled
def draw_one_group(root, sigma, rest, normals, work, v):
    """b_k in place of its standard normal numbers; ``rest`` is Q_k'(y_k - X_k beta), ``work[0]`` holds L.

    The other two of ``work`` and ``v``, shape (q,), are room to work in, taken once and not for each group.
    """
    factor, a, lower = work[0], work[1], work[2]
    q = len(rest)
    for i in range(q):
        for j in range(q):
            a[i, j] = 0.0
            for b in range(max(i, j), q):
                a[i, j] += root[i, b] * factor[b, j] / sigma
    _factor_precision(a, lower)
    for i in range(q):  # v = G'^-1 (G^-1 A' Q'(y - X beta) / sigma + normal), G G' = M
        v[i] = 0.0
        for j in range(q):
            v[i] += a[j, i] * rest[j] / sigma
        for j in range(i):
            v[i] -= lower[i, j] * (v[j] - normals[j])
        v[i] = v[i] * lower[i, i] + normals[i]
    for i in range(q - 1, -1, -1):
        for j in range(i + 1, q):
            v[i] -= lower[j, i] * v[j]
        v[i] *= lower[i, i]
    for i in range(q):
        normals[i] = 0.0
        for j in range(i + 1):
            normals[i] += factor[i, j] * v[j]


@compiled
def _factor_precision(a, lower):
    """The Cholesky factor G of M = I + A' A; its diagonal is stored inverted."""
    q = len(a)
    for i in range(q):
        for j in range(i + 1):
            total = 1.0 if i == j else 0.0
            for c in range(q):
                total += a[c, i] * a[c, j]
            for c in range(j):
                total -= lower[i, c] * lower[j, c]
            lower[i, j] = 1.0 / np.sqrt(total) if i == j else total * lower[j, j]
