"""The loops over groups, compiled: most of a fit's time is spent here.

``root``, ``explained`` and ``left`` are those of `CrossProducts`; every kernel works on some of the thetas and writes
its results into the arrays it is given. The sweep does each step for a block of thetas at once. Their index is the last
one of every array, so that the processor's vector instructions apply: 3 to 8 times faster than one theta at a time.

No compiled function here calls one of another file: numba caches the machine code of both, and would notice a change in
the caller's file only.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np

from hlm.engines.compiled import compiled

_MOST_LOST = 1e-6  # of a pivot: what rounding may leave of it is 1e-10 then, far below any Monte Carlo error
_TOGETHER = 64  # thetas in a block: long enough for vector instructions, short enough for the processor's first cache


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
                small = False
                for t in range(_TOGETHER):
                    product[t] *= lower[i, i, t]
                    small |= product[t] < 1e-150
                if small:  # logarithms take longer than the rest: they are taken only before products underflow
                    logs += np.log(product)
                    product[:] = 1.0
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
    """b_k = L v_k, which overwrites the standard normal numbers, shape (T, K, q)."""
    groups, q, size = explained.shape
    rest, work = np.empty((q, _TOGETHER)), np.empty((2 * q + 1, q, _TOGETHER))
    for t in range(len(sigma)):
        relative = factor[t] / sigma[t]
        for start in range(0, groups, _TOGETHER):
            stop = min(start + _TOGETHER, groups)
            for i in range(q):
                for k in range(stop - start):
                    rest[i, k] = explained[start + k, i, size - 1]
                for c in range(size - 1):
                    for k in range(stop - start):
                        rest[i, k] -= explained[start + k, i, c] * common[t, c]
            _draw_groups(root[start:stop], relative, sigma[t], rest, normals[t, start:stop], work)


@compiled
def draw_beside_kernel(root, begin, column, explained, factor, sigma, which, common, rest, normals):
    """The same of the first of several factors, shape (draws, K, q), beside the others' effects, shape (draws, m).

    ``explained`` has the columns ``column`` of a group from ``begin`` on, counted through the rest, X and y.
    """
    m, p, q = rest.shape[1], common.shape[1], root.shape[1]
    projected, work = np.empty((q, _TOGETHER)), np.empty((2 * q + 1, q, _TOGETHER))
    given = np.ones(m + p + 1)
    for d in range(len(which)):
        given[:m] = -rest[d]
        given[m : m + p] = -common[d]
        relative = factor[which[d]] / sigma[which[d]]
        for start in range(0, len(root), _TOGETHER):
            stop = min(start + _TOGETHER, len(root))
            projected[:] = 0.0
            for k in range(start, stop):
                for i in range(q):
                    for e in range(begin[k], begin[k + 1]):
                        projected[i, k - start] += explained[i, e] * given[column[e]]
            _draw_groups(root[start:stop], relative, sigma[which[d]], projected, normals[d, start:stop], work)


@compiled
def _draw_groups(root, relative, sigma, rest, normals, work):
    """b_k of at most _TOGETHER groups; they overwrite their standard normal numbers.

    ``relative`` is L / sigma and ``rest`` Q_k'(y_k - X_k beta), shape (q, groups); ``work`` is scratch memory.
    """
    q, groups = len(rest), len(root)
    a, lower, v = work[:q], work[q : 2 * q], work[2 * q]
    for i in range(q):
        for j in range(q):
            for k in range(groups):
                a[i, j, k] = 0.0
            for b in range(max(i, j), q):
                for k in range(groups):
                    a[i, j, k] += root[k, i, b] * relative[b, j]
    lost = _factor_precision(a, lower, groups)
    for i in range(q):  # v = G'^-1 (G^-1 A' Q'(y - X beta) / sigma + normal), G G' = M
        for k in range(groups):
            v[i, k] = 0.0
        for j in range(q):
            for k in range(groups):
                v[i, k] += a[j, i, k] * rest[j, k]
        for k in range(groups):
            v[i, k] /= sigma
        for j in range(i):
            for k in range(groups):
                v[i, k] -= lower[i, j, k] * (v[j, k] - normals[k, j])
        for k in range(groups):
            v[i, k] = v[i, k] * lower[i, i, k] + normals[k, i]
    for k in range(groups):
        if lost[k]:
            _rotate_in(a[:, :, k], rest[:, k], sigma, lower[:, :, k], v[:, k])
            v[:, k] += normals[k]
    for i in range(q - 1, -1, -1):
        for j in range(i + 1, q):
            for k in range(groups):
                v[i, k] -= lower[j, i, k] * v[j, k]
        for k in range(groups):
            v[i, k] *= lower[i, i, k]
    for i in range(q):
        for k in range(groups):
            normals[k, i] = 0.0
        for j in range(i + 1):
            for k in range(groups):
                normals[k, i] += sigma * relative[i, j] * v[j, k]


@compiled
def _factor_precision(a, lower, groups):
    """The Cholesky factor G of M = I + A' A, its diagonal stored inverted; which groups lost too many digits."""
    q = len(a)
    lost = np.zeros(_TOGETHER, dtype=np.bool_)
    whole = np.empty(_TOGETHER)
    for i in range(q):
        for j in range(i + 1):
            for k in range(groups):
                lower[i, j, k] = 1.0 if i == j else 0.0
            for c in range(q):
                for k in range(groups):
                    lower[i, j, k] += a[c, i, k] * a[c, j, k]
            for k in range(groups):
                whole[k] = lower[i, j, k]
            for c in range(j):
                for k in range(groups):
                    lower[i, j, k] -= lower[i, c, k] * lower[j, c, k]
            if i == j:
                for k in range(groups):
                    lost[k] |= not lower[i, i, k] > _MOST_LOST * whole[k]
            for k in range(groups):
                lower[i, j, k] = 1.0 / np.sqrt(lower[i, i, k]) if i == j else lower[i, j, k] * lower[j, j, k]
    return lost


@compiled
def _rotate_in(a, rest, sigma, lower, v):
    """The same factor, its diagonal inverted, and v = G^-1 A' rest / sigma, by rotations of [A, I], without forming M.

    The rows of A, overwritten, join those of I one after the other, with ``rest / sigma`` as one more column.
    """
    q = len(a)
    lower[:] = np.eye(q)
    v[:] = 0.0
    for k in range(q):
        last = rest[k] / sigma
        for i in range(q):
            length = np.hypot(lower[i, i], a[k, i])
            cosine, sine = lower[i, i] / length, a[k, i] / length
            for j in range(i, q):
                old = lower[j, i]
                lower[j, i] = cosine * old + sine * a[k, j]
                a[k, j] = cosine * a[k, j] - sine * old
            v[i], last = cosine * v[i] + sine * last, cosine * last - sine * v[i]
    for i in range(q):
        lower[i, i] = 1.0 / lower[i, i]
