"""Draws of the groups' effects given theta and the common coefficients, compiled."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math

import numpy as np

from hlm.engines.compiled import compiled, part_of_kernels
from hlm.engines.quadrature.kernels.group_integrals import DOF, whitened
from hlm.engines.quadrature.kernels.matrices import backward, times_root
from hlm.engines.quadrature.kernels.row_density import LOGIT, row

COMPILED_WITH = {"group_integrals": "baf26593ff79", "matrices": "c74d36df5eaf", "row_density": "8c3eafefde76"}
MOST_PROPOSALS = 20_000


@part_of_kernels
def _uniform(state):
    """A number between 0 and 1 (SplitMix64: Steele, Lea & Flood 2014)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (float(z >> np.uint64(11)) + 0.5) / 9007199254740992.0


@part_of_kernels
def _sum(kind, phi, s, c, at, a, i0, i1, x):
    """The sum of the rows' log densities at one value of the effects: at a predictor of ``at + a'x``."""
    total, product = 0.0, 1.0
    for n in range(i0, i1):
        eta = at[n]
        for j in range(len(x)):
            eta += a[n, j] * x[j]
        if kind == LOGIT and c[n] == 1.0 and abs(eta) < 300.0:  # one logarithm of many rows
            total += s[n] * eta
            product *= 1.0 + math.exp(eta)
            if product > 1e150:
                total -= math.log(product)
                product = 1.0
        else:
            total += row(kind, s[n], c[n], eta, phi)[0]
    return total - math.log(product)


@compiled
def effects_kernel(kind, phi, rows, start, z, factor, u, v, root, peak, state, draws, proposals, work):
    """A draw of every group's effects by rejection, for each pair of theta and common coefficients.

    From a t at the mode, where the largest ratio of the densities is inside of the nodes: it is taken with some slack,
    and a proposal that exceeds it becomes the largest (Caffo, Booth & Davis 2002, Biometrika 89:745-754). Elsewhere,
    and where more proposals are accepted, from a normal distribution with the group level's own covariance: the log
    likelihood is concave and lies below its tangent plane, so that the ratio is bounded everywhere.

    u, v, root, peak: shapes (T, R, p), (T, R, K, q), (T, R, K, q, q) and (T, R, K, 3), from the integrals' kernel; or
        with 1 in the place of R where all are the same.
    state: shape (T, 1); where the random numbers of each theta begin.
    draws: shape (T, R, K, q); overwritten.
    proposals: shape (T,); overwritten with the most that one draw took.
    work: as for the integrals' kernel.
    """
    s, c, offset, columns = rows
    zl, a, row_numbers, _, few, _ = work
    groups, q = v.shape[2], v.shape[3]
    base, at, x, slope = row_numbers[0], row_numbers[1], few[0, :q], few[1, :q]
    for t in range(len(phi)):
        times_root(z, factor[t], zl)
        proposals[t] = 0.0
        for r in range(draws.shape[1]):
            pair = min(r, u.shape[1] - 1)
            for n in range(len(s)):
                base[n] = offset[n]
                for j in range(u.shape[2]):
                    base[n] += columns[n, j] * u[t, pair, j]
            for k in range(groups):
                i, j = start[k], start[k + 1]
                mode, curvature, ratios, result = v[t, pair, k], root[t, pair, k], peak[t, pair, k], draws[t, r, k]
                if not math.isfinite(ratios[0]):  # no integral, so that the pair has no weight
                    continue
                whitened(zl, i, j, curvature, mode, base, at, a)
                from_t, middle = ratios[2] > ratios[1], 0.0
                if not from_t:
                    for d in range(q):
                        slope[d] = 0.0
                    for n in range(i, j):
                        value, one, _ = row(kind, s[n], c[n], at[n], phi[t])
                        middle += value
                        for d in range(q):
                            slope[d] += one * zl[n, d]
                tried, accepted = 0, False
                while not accepted and tried <= MOST_PROPOSALS:
                    tried += 1
                    stretch, squares = 1.0, 0.0
                    if from_t:
                        chi_square = 0.0
                        for _ in range(int(DOF / 2)):
                            chi_square -= 2.0 * math.log(_uniform(state[t]))
                        stretch = math.sqrt(DOF / chi_square)
                    for d in range(q):
                        length = stretch * math.sqrt(-2.0 * math.log(_uniform(state[t])))
                        x[d] = length * math.cos(2.0 * math.pi * _uniform(state[t]))
                        squares += x[d] * x[d]
                    value = -middle
                    if from_t:
                        value = 0.5 * (DOF + q) * math.log1p(squares / DOF)
                        value += _sum(kind, phi[t], s, c, at, a, i, j, x)
                        backward(curvature, x)
                        for d in range(q):
                            result[d] = mode[d] + x[d]
                            value -= 0.5 * result[d] ** 2
                        accepted = value >= ratios[0] + math.log(_uniform(state[t]))
                        ratios[0] = max(ratios[0], value)
                    else:  # the tangent plane of the log likelihood times the prior is a normal density at the slope
                        for d in range(q):
                            result[d] = slope[d] + x[d]
                            value -= slope[d] * (result[d] - mode[d])
                        value += _sum(kind, phi[t], s, c, base, zl, i, j, result)
                        accepted = value >= math.log(_uniform(state[t]))
                proposals[t] = max(proposals[t], tried)
