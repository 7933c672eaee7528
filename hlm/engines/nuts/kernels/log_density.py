"""The log density of a model and its gradient, compiled: what nutpie's chains call without the interpreter's lock.

All numbers of a model are one block of memory (`hlm.engines.nuts.block` writes it), read as whole numbers and as real
ones. A point is x = (w_theta, w): theta's coordinates are u = u0 + T w_theta, and for each of them a value, a
family's own parameter, an sd or a correlation, see `coordinate`. Coefficients are beta and, for each group, b = L v::

    C C' = 1 + L' J L,   v = C'^-1 (a + C^-1 L' h),   (beta, a) = a fixed triangle times w

J is what the data tell of the group's effects, all others given, and h where they are, both at the mode. So a, given
theta, is nearly standard normal for groups of any size: for a group without rows b = L a, for one of many rows b hardly
depends on L.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math
from functools import cache

import numba
import numpy as np

from hlm.engines.compiled import compiled_callback, part_of_kernels
from hlm.engines.nuts.kernels.coefficients import effects, effects_back, mixed, mixed_back
from hlm.engines.nuts.kernels.row_density import LOGIT, NO_ZEROS, SUCCESSES, own_numbers, row_with_zeros
from hlm.engines.nuts.kernels.theta import theta, theta_back

COMPILED_WITH = {"coefficients": "da99c3e5a70b", "row_density": "756a25efbe99", "theta": "a26e427156d9"}
HEADER = 40  # whole numbers in front of the block, see `hlm.engines.nuts.block`; the last is its length
EXPANDS = 35  # which of them is 1 where (theta, beta, b) are asked for in the place of slopes
_ROWS_OF_A_PRODUCT = 512  # each factor is at most 2


@part_of_kernels
def rows_back(ints, reals, own, coefficients, by, by_own):
    """The log density of all rows, with its slopes by the coefficients and by the family's own parameters."""
    n, p, factors, q = ints[4], ints[5], ints[6], ints[7]
    family, link, zeros, count = ints[0], ints[1], ints[2], ints[3]
    y, m, offset, x, z, table, place = ints[15], ints[16], ints[17], ints[18], ints[19], ints[27], ints[28]
    c, share = np.empty(5), own[count - 1] if count > 0 else 1.0
    own_numbers(family, own, c)
    total, first, second, product = 0.0, 0.0, 0.0, 1.0
    plain = family == SUCCESSES and link == LOGIT and zeros == NO_ZEROS
    for i in range(n):
        eta, response, trials = reals[offset + i], reals[y + i], reals[m + i]
        for j in range(p):
            eta += reals[x + i * p + j] * coefficients[j]
        for f in range(factors):
            column, at = z + i * q + ints[table + 4 * f], ints[place + i * factors + f]
            for j in range(ints[table + 4 * f + 1]):
                eta += reals[column + j] * coefficients[at + j]
        if plain and trials == 1.0:  # what costs most in the commonest of all models: one logarithm for many rows
            e = math.exp(-abs(eta))
            share_above = 1.0 / (1.0 + e)
            slope = response - (share_above if eta >= 0.0 else e * share_above)
            total += (response - 1.0) * eta if eta >= 0.0 else response * eta
            product *= 1.0 + e
            if i % _ROWS_OF_A_PRODUCT == 0:
                total -= math.log(product)
                product = 1.0
        else:
            value, slope, by_first, by_second = row_with_zeros(family, link, zeros, share, response, trials, eta, c)
            total, first, second = total + value, first + by_first, second + by_second
        for j in range(p):
            by[j] += reals[x + i * p + j] * slope
        for f in range(factors):
            column, at = z + i * q + ints[table + 4 * f], ints[place + i * factors + f]
            for j in range(ints[table + 4 * f + 1]):
                by[at + j] += reals[column + j] * slope
    total -= math.log(product)
    if zeros and count == 1:
        by_own[0] = second
    else:
        by_own[0], by_own[1] = first, second
    return total


def _called_for_densities(dimension, x_, out_, density_, block):
    """The log density at a point and its slopes; 0, or a positive number where one is not finite.

    With EXPANDS, (values of theta, beta, b) stand in the place of the slopes, and there is no log density.
    """
    size = numba.carray(block, (HEADER,), np.int64)[HEADER - 1]
    ints, reals = numba.carray(block, (size,), np.int64), numba.carray(block, (size,), np.float64)
    x, out = numba.carray(x_, (dimension,)), numba.carray(out_, (dimension,))
    d, p, q, widest = ints[8], ints[5], ints[7], ints[13]
    every = p + ints[11]
    value, rate, slope = np.empty(d), np.empty(d), np.empty(d)
    lower, left = np.empty((q, q)), np.empty(ints[9])
    density = theta(ints, reals, x, value, rate, slope, lower, left)
    t, v, pull, b = np.empty(every), np.empty(every), np.empty(every), np.empty(every)
    chol = np.empty((every, widest))
    mixed(ints, reals, x, t)
    density += effects(ints, reals, lower, t, v, chol, pull, b)
    if ints[EXPANDS]:
        for j in range(d):
            out[j] = value[j]
        for j in range(every):
            out[d + j] = b[j]
        return 0
    own, by_own = np.ones(2), np.zeros(2)
    for j in range(ints[3]):
        own[j] = value[j]
    by_b, by_t, by_lower = np.zeros(every), np.zeros(every), np.zeros((q, q))
    density += rows_back(ints, reals, own, b, by_b, by_own)
    for j in range(p):
        total = 0.0
        for k in range(p):
            total += reals[ints[20] + j * p + k] * b[k]
        density -= 0.5 * b[j] * total
        by_t[j] = by_b[j] - total
    for k in range(p, every):
        density -= 0.5 * v[k] * v[k]
    effects_back(ints, reals, lower, v, chol, pull, by_b, by_lower, by_t)
    theta_back(ints, value, rate, lower, left, by_lower, slope)
    for j in range(ints[3]):
        slope[j] += by_own[j] * rate[j]
    for k in range(d):
        out[k] = 0.0
        for j in range(d):
            out[k] += reals[ints[24] + j * d + k] * slope[j]
    mixed_back(ints, reals, by_t, out)
    numba.carray(density_, (1,))[0] = density
    if not math.isfinite(density):
        return 4
    for k in range(dimension):
        if not math.isfinite(out[k]):
            return 3
    return 0


def _called_for_draws(dimension, expanded, x, out, block):
    """Each point is kept as it is."""
    source, target = numba.carray(x, (dimension,)), numba.carray(out, (dimension,))
    for j in range(dimension):
        target[j] = source[j]
    return 0


@cache
def callbacks():
    """What nutpie calls for the log density, and for each draw that it keeps; compiled when first asked for."""
    whole, pointer, block = numba.types.uint64, numba.types.CPointer(numba.types.double), numba.types.voidptr
    densities = numba.types.int64(whole, pointer, pointer, pointer, block)
    draws = numba.types.int64(whole, whole, pointer, pointer, block)
    return compiled_callback(densities)(_called_for_densities), compiled_callback(draws)(_called_for_draws)
