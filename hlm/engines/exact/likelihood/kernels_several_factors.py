"""The loops of several factors, compiled: one theta after the other, the dense rest by LAPACK.

Only the lower triangle of the matrix ``total`` (columns: rest, X, y) is filled and read.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np

from hlm.engines.compiled import compiled


@compiled
def sweep_crossed_kernel(data, factor, sigma, reduced, log_det):
    """S_reduced, shape (T, p + 1, p + 1), and log|V / sigma^2|, shape (T,); NaN where rounding has left nothing."""
    for t in range(len(sigma)):
        total, log_first, lower, good = _factorise(data, factor[t] / sigma[t])
        m, size = len(lower), len(total)
        reduced[t] = np.nan
        log_det[t] = np.nan
        if good:
            half = np.empty((size - m, m))
            log_rest = 0.0
            for i in range(m):
                log_rest += np.log(lower[i, i])
            for e in range(size - m):
                half[e] = total[m + e, :m]
                _forward(lower, half[e])
                for f in range(e + 1):
                    reduced[t, e, f] = reduced[t, f, e] = total[m + e, m + f] - np.dot(half[e], half[f])
            log_det[t] = log_first + 2.0 * log_rest


@compiled
def draw_rest_kernel(data, factor, sigma, which, common, rest):
    """The effects of all factors but the first; they overwrite standard normal numbers, shape (draws, m).

    ``which`` is the theta of each draw; draws of one theta are adjacent, so that each theta is factorised once.
    """
    left, start, stop, effect = data[4:8]
    m, p = stop[-1], common.shape[1]
    total, lower = left, left
    for d in range(len(which)):
        t = which[d]
        if d == 0 or t != which[d - 1]:
            total, _, lower, _ = _factorise(data, factor[t] / sigma[t])
        u = total[m + p, :m].copy()
        for c in range(p):
            u -= common[d, c] * total[m + c, :m]
        u /= sigma[t]
        _forward(lower, u)
        u += rest[d]
        _backward(lower, u)
        for a in range(len(start)):
            for i in range(stop[a] - start[a]):
                rest[d, start[a] + i] = 0.0
                for j in range(i + 1):
                    rest[d, start[a] + i] += factor[t, effect[a] + i, effect[a] + j] * u[start[a] + j]


@compiled
def _factorise(data, relative):
    """S with J in the columns of the rest, the first factor's log determinant, the root of N, whether there is one.

    N = I + J' S_rr J / sigma^2; ``relative`` is L / sigma.
    """
    root, begin, column, explained, left, start, stop, effect, offset = data
    total, log_first = _eliminate_first(root, begin, column, explained, left, offset, relative)
    _scale(total, start, stop, effect, relative)
    m = stop[-1]
    n = total[:m, :m].copy()
    good = True
    for i in range(m):
        n[i, i] += 1.0
        for j in range(i + 1):
            good = good and np.isfinite(n[i, j])
    if good:
        try:
            return total, log_first, np.linalg.cholesky(n), True
        except Exception:  # LinAlgError; numba catches no other class
            good = False
    return total, log_first, np.asfortranarray(n), False


@compiled
def _eliminate_first(root, begin, column, explained, left, offset, relative):
    """S before the rest is eliminated, and the first factor's log determinant."""
    q = root.shape[1]
    total = left.copy()
    lower, half = np.empty((q, q)), np.empty((q, np.max(begin[1:] - begin[:-1])))
    log_det = 0.0
    for k in range(len(root)):
        log_det += 2.0 * _root_of_group(root[k], offset, relative, lower)
        s = begin[k]
        for i in range(q):
            for e in range(begin[k + 1] - s):
                half[i, e] = explained[i, s + e]
                for j in range(i):
                    half[i, e] -= lower[i, j] * half[j, e]
                half[i, e] /= lower[i, i]
                value, row = half[i, e], total[column[s + e]]
                for f in range(e + 1):
                    row[column[s + f]] += value * half[i, f]
    return total, log_det


@compiled
def _root_of_group(root, offset, relative, lower):
    """The Cholesky factor of N_k = I + A A', A = R L / sigma; returns half its log determinant."""
    q = len(root)
    a = np.zeros((q, q))
    for i in range(q):
        for j in range(q):
            for b in range(max(i, j), q):
                a[i, j] += root[i, b] * relative[offset + b, offset + j]
    log_det = 0.0
    for i in range(q):
        for j in range(i + 1):
            value = 1.0 if i == j else 0.0
            for c in range(q):
                value += a[i, c] * a[j, c]
            for c in range(j):
                value -= lower[i, c] * lower[j, c]
            lower[i, j] = np.sqrt(value) if i == j else value / lower[j, j]
        log_det += np.log(lower[i, i])
    return log_det


@compiled
def _scale(total, start, stop, effect, relative):
    """J' S J / sigma^2 in the rest's rows and columns, S J / sigma in those of X and y."""
    for a in range(len(start)):
        s, width, l0 = start[a], stop[a] - start[a], effect[a]
        for i in range(width):
            for j in range(i + 1, width):
                total[s + i, s + j] = total[s + j, s + i]
        for r in range(s, len(total)):
            for j in range(width):
                value = 0.0
                for i in range(j, width):
                    value += total[r, s + i] * relative[l0 + i, l0 + j]
                total[r, s + j] = value
        for j in range(width):
            for c in range(stop[a]):
                value = 0.0
                for i in range(j, width):
                    value += relative[l0 + i, l0 + j] * total[s + i, c]
                total[s + j, c] = value


@compiled
def _forward(lower, x):
    """Replace x by C^-1 x."""
    for j in range(len(x)):
        x[j] /= lower[j, j]
        value = x[j]
        for i in range(j + 1, len(x)):
            x[i] -= lower[i, j] * value


@compiled
def _backward(lower, x):
    """Replace x by C'^-1 x."""
    for j in range(len(x) - 1, -1, -1):
        value = x[j]
        for i in range(j + 1, len(x)):
            value -= lower[i, j] * x[i]
        x[j] = value / lower[j, j]
