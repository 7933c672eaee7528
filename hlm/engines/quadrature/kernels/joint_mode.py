"""The mode of the common coefficients and of all groups' effects given theta, compiled."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math

import numpy as np

from hlm.engines.compiled import compiled
from hlm.engines.quadrature.kernels.matrices import backward, eliminate, times_root
from hlm.engines.quadrature.kernels.row_density import row

COMPILED_WITH = {"matrices": "c74d36df5eaf", "row_density": "8c3eafefde76"}
_MOST_STEPS = 60


@compiled
def joint_mode_kernel(kind, phi, rows, start, z, weight, factor, near, found, work):
    """Newton's method for each theta; the groups are eliminated one by one.

    phi, factor: shapes (T,) and (T, q, q).
    weight: shape (p, p); prior precision of the common coefficients, whose prior mean is 0.
    near: Newton's decrement that ends the search; the log determinant is off by its square root.
    found: the log density at the mode, shape (T,), minus infinity where there is none; half the log determinant of the
        curvature, (T,), and of that part that is left for beta, (T,); beta (T, p) and v (T, K, q), where each search
        starts; the root of the curvature for beta with a row below it, (T, p + 1, p + 1); how v follows beta, M^-1 B,
        (T, K, q, p).
    work: rows of Z L and X, (n, q + p); coefficients of one group, (q + p,); curvature and gradient of one group,
        (q + p + 1, q + p + 1); its first columns for all groups, (K, q + p + 1, q); last values and steps of beta,
        (2, p), and of v, (2, K, q).
    """
    s, c, offset, x = rows
    density, log_root, log_root_of_beta, betas, vs, curvatures, follows = found
    zx, both, h, eliminated, old_beta, old_v = work
    q, p, groups = vs.shape[2], betas.shape[1], vs.shape[1]
    d = q + p
    for n in range(len(s)):
        for j in range(p):
            zx[n, q + j] = x[n, j]
    for t in range(len(phi)):
        beta, v, a = betas[t], vs[t], curvatures[t]
        times_root(z, factor[t], zx)
        density[t] = -np.inf
        best, share = -np.inf, 1.0
        for _step in range(_MOST_STEPS):
            height, log_det, good = 0.0, 0.0, True
            for i in range(p + 1):
                a[p, i] = 0.0
            for i in range(p):
                both[q + i] = beta[i]
                for j in range(p):
                    a[i, j] = weight[i, j]
                    a[p, i] -= weight[i, j] * beta[j]
                height += 0.5 * a[p, i] * beta[i]
            for k in range(groups):
                for i in range(d + 1):
                    for j in range(i + 1):
                        h[i, j] = 0.0
                for i in range(q):
                    both[i] = v[k, i]
                    height -= 0.5 * v[k, i] * v[k, i]
                    h[i, i], h[d, i] = 1.0, -v[k, i]
                for n in range(start[k], start[k + 1]):
                    eta = offset[n]
                    for j in range(d):
                        eta += zx[n, j] * both[j]
                    value, slope, w = row(kind, s[n], c[n], eta, phi[t])
                    height += value
                    for i in range(d):
                        h[d, i] += slope * zx[n, i]
                        for j in range(i + 1):
                            h[i, j] += w * zx[n, i] * zx[n, j]
                good = good and eliminate(h, q)
                for i in range(q):
                    log_det += math.log(h[i, i])
                for i in range(d + 1):
                    for j in range(min(i + 1, q)):
                        eliminated[k, i, j] = h[i, j]
                    for j in range(q, i + 1):
                        a[i - q, j - q] += h[i, j]
            if not (good and height > best - 1e-9 * (1.0 + abs(best))) or not math.isfinite(height):
                share *= 0.5  # too far: half of the last step
                if share < 1e-9 or not math.isfinite(best):
                    break
                for i in range(p):
                    beta[i] = old_beta[0, i] + share * old_beta[1, i]
                for k in range(groups):
                    for i in range(q):
                        v[k, i] = old_v[0, k, i] + share * old_v[1, k, i]
                continue
            if not eliminate(a, p):
                break
            log_root_of_beta[t] = 0.0
            for i in range(p):
                log_root_of_beta[t] += math.log(a[i, i])
            if -a[p, p] < near:
                density[t], log_root[t] = height, log_det + log_root_of_beta[t]
                break
            best, share = height, 1.0
            for i in range(p):
                old_beta[0, i], old_beta[1, i] = beta[i], a[p, i]
            backward(a, old_beta[1])
            for i in range(p):
                beta[i] += old_beta[1, i]
            for k in range(groups):
                step = old_v[1, k]
                for i in range(q):
                    old_v[0, k, i], step[i] = v[k, i], eliminated[k, d, i]
                    for j in range(p):
                        step[i] -= eliminated[k, q + j, i] * old_beta[1, j]
                backward(eliminated[k], step)
                for i in range(q):
                    v[k, i] += step[i]
        for k in range(groups):
            for j in range(p):
                for i in range(q - 1, -1, -1):
                    total = eliminated[k, q + j, i]
                    for e in range(i + 1, q):
                        total -= eliminated[k, e, i] * follows[t, k, e, j]
                    follows[t, k, i, j] = total / eliminated[k, i, i]
