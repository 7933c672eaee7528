"""theta at a point, and what its coordinates' slopes are, compiled."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math

from hlm.engines.compiled import inlined, part_of_kernels
from hlm.engines.nuts.kernels.row_density import LOG_ROOT_2PI, log_phi

COMPILED_WITH = {"row_density": "756a25efbe99"}
POSITIVE, INTERVAL = range(2)  # coordinates of theta
PRIOR_NUMBERS = 7


@part_of_kernels
def coordinate(kind, u, reals, at):
    """A value of theta at its coordinate, its derivative, and the log prior density of the coordinate with its own.

    at: where its numbers begin: low, width, c0 to c6.

    POSITIVE: value = width p / (1 - p), p = Phi(u), so that tails like those of 1 / (1 + value)^2 are normal ones; the
        log prior of the value s is c0 log s - c1 s - c2 s^2 - c3 / s - c4 (log s)^2 - c5 log(1 + s^2 / c6).
    INTERVAL: value = low + width p; p has the prior Beta(c0, c1).
    """
    low, width = reals[at], reals[at + 1]
    c0, c1, c2, c3, c4, c5, c6 = (
        reals[at + 2], reals[at + 3], reals[at + 4], reals[at + 5], reals[at + 6], reals[at + 7], reals[at + 8],
    )  # fmt: skip
    below, above = log_phi(u), log_phi(-u)
    normal = -0.5 * u * u - LOG_ROOT_2PI
    to_below, to_above = math.exp(normal - below), math.exp(normal - above)
    if kind == INTERVAL:
        density = (c0 - 1.0) * below + (c1 - 1.0) * above + normal
        slope = (c0 - 1.0) * to_below - (c1 - 1.0) * to_above - u
        return low + width * math.exp(below), width * math.exp(normal), density, slope
    log = math.log(width) + below - above
    s, rate = math.exp(log), to_below + to_above
    density = (c0 + 1.0) * log - c1 * s - c2 * s * s - c3 / s - c4 * log * log
    density += normal - below - above - c5 * math.log1p(s * s / c6)
    by_log = c0 + 1.0 - c1 * s - 2.0 * c2 * s * s + c3 / s - 2.0 * c4 * log
    by_log -= 2.0 * c5 / (1.0 + c6 / (s * s))
    return s, s * rate, density, by_log * rate - u - to_below + to_above


@part_of_kernels
def theta(ints, reals, x, value, rate, slope, root, left):
    """Theta at a point: values with their derivatives, the roots of the correlations; its log prior density.

    slope: shape (d,); of the log prior density by the coordinates.
    left: shape (correlations,); what is left of the row's unit length before each correlation.
    """
    d, own, q, pairs = ints[8], ints[3], ints[7], ints[9]
    kinds, numbers, origin, triangle = ints[21], ints[22], ints[23], ints[24]
    density = 0.0
    for j in range(d):
        u = reals[origin + j]
        for k in range(d):
            u += reals[triangle + j * d + k] * x[k]
        at = numbers + j * (2 + PRIOR_NUMBERS)
        value[j], rate[j], prior, slope[j] = coordinate(ints[kinds + j], u, reals, at)
        density += prior
    for i in range(q):
        for j in range(q):
            root[i, j] = 1.0 if i == j else 0.0
    for k in range(pairs):
        i, j = ints[ints[25] + 2 * k], ints[ints[25] + 2 * k + 1]
        w = value[d - pairs + k]
        left[k] = root[i, i]
        root[i, j] = left[k] * w
        root[i, i] = left[k] * math.sqrt(max(1.0 - w * w, 1e-300))
    for j in range(q):
        sd = reals[ints[26] + j] if ints[14] else value[own + j]
        for k in range(j + 1):
            root[j, k] *= sd
    return density


@inlined
def theta_back(ints, value, rate, lower, left, by_lower, slope):
    """Add to the slopes by theta's coordinates those that the covariance root's own derivatives give."""
    if ints[14]:
        return
    d, own, q, pairs = ints[8], ints[3], ints[7], ints[9]
    for j in range(q):
        sd, total = value[own + j], 0.0
        for k in range(j + 1):
            total += by_lower[j, k] * lower[j, k]
            by_lower[j, k] *= sd
        slope[own + j] += total / sd * rate[own + j]
    for k in range(pairs - 1, -1, -1):
        i, j = ints[ints[25] + 2 * k], ints[ints[25] + 2 * k + 1]
        w = value[d - pairs + k]
        rest = math.sqrt(max(1.0 - w * w, 1e-300))
        by_w = left[k] * (by_lower[i, j] - by_lower[i, i] * w / rest)
        by_lower[i, i] = by_lower[i, j] * w + by_lower[i, i] * rest
        slope[d - pairs + k] += by_w * rate[d - pairs + k]
