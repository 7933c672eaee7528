"""The log density of a model and its gradient, compiled: what nutpie's chains call without the interpreter's lock.

All numbers of a model are one block of memory (`hlm.engines.nuts.block` writes it), read as whole numbers and as real
ones. A point is x = (w_theta, w): theta's coordinates are u = u0 + T w_theta, and for each of them a value, a family's
own parameter, an sd or a correlation, see `_coordinate`. Coefficients are beta and, for each group, b = L v::

    C C' = 1 + L' J L,   v = C'^-1 (a + C^-1 L' h),   (beta, a) = a fixed triangle times w

J is what the data tell of the group's effects, all others given, and h where they are, both at the mode. So a, given
theta, is nearly standard normal for groups of any size: for a group without rows b = L a, for one of many rows b hardly
depends on L.

No compiled function here calls one of another file: numba would not notice a change there.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math
from functools import cache

import numba
import numpy as np

from hlm.engines.compiled import compiled, compiled_callback, part_of_kernels

# families
SUCCESSES, BETA, BETA_BINOMIAL, POISSON, NEGATIVE_BINOMIAL, GAMMA, WEIBULL, WALD, GAUSSIAN, STUDENT = range(10)
IDENTITY, LOG, LOGIT, PROBIT, CLOGLOG = range(5)  # links
NO_ZEROS, EXTRA_ZEROS, HURDLE = range(3)  # what the last of the family's own parameters does
POSITIVE, INTERVAL = range(2)  # coordinates of theta
PRIOR_NUMBERS = 7
HEADER = 40  # whole numbers in front of the block, see `hlm.engines.nuts.block`; the last is its length

_ROOT_HALF, _LOG_ROOT_2PI = math.sqrt(0.5), 0.5 * math.log(2.0 * math.pi)
_STEP = 1e-4  # of the linear predictor, for the second derivative
_ROWS_OF_A_PRODUCT = 512  # each factor is at most 2
_PRODUCTS = 40.0  # counts up to which a ratio of gamma functions is a product


@part_of_kernels
def _log_phi(x):
    """Log of the normal distribution function."""
    if x > -30.0:
        return math.log(0.5 * math.erfc(-x * _ROOT_HALF))
    y = 1.0 / (x * x)
    return -0.5 * x * x - math.log(-x) - _LOG_ROOT_2PI + math.log1p(-y * (1.0 - 3.0 * y * (1.0 - 5.0 * y)))


@part_of_kernels
def _digamma(x):
    """Derivative of log Gamma at x > 0: up by the recurrence to 8, there the asymptotic series."""
    found = 0.0
    while x < 8.0:
        found -= 1.0 / x
        x += 1.0
    y = 1.0 / (x * x)
    tail = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132 - y * 691 / 32760)))))
    return found + math.log(x) - 0.5 / x - tail


@part_of_kernels
def _rising(y, a):
    """Log Gamma(a + y) - log Gamma(a) for a count y, and its derivative with respect to a."""
    if y > _PRODUCTS or a > 1e6:
        return math.lgamma(a + y) - math.lgamma(a), _digamma(a + y) - _digamma(a)
    product, total = 1.0, 0.0
    for k in range(int(y)):
        product *= a + k
        total += 1.0 / (a + k)
    return math.log(product), total


@part_of_kernels
def _coordinate(kind, u, low, width, c):
    """A value of theta at its coordinate, its derivative, and the log prior density of the coordinate with its own.

    POSITIVE: value = width p / (1 - p), p = Phi(u), so that tails like those of 1 / (1 + value)^2 are normal ones; the
        log prior of the value s is c0 log s - c1 s - c2 s^2 - c3 / s - c4 (log s)^2 - c5 log(1 + s^2 / c6).
    INTERVAL: value = low + width p; p has the prior Beta(c0, c1).
    """
    below, above = _log_phi(u), _log_phi(-u)
    normal = -0.5 * u * u - _LOG_ROOT_2PI
    to_below, to_above = math.exp(normal - below), math.exp(normal - above)
    if kind == INTERVAL:
        density = (c[0] - 1.0) * below + (c[1] - 1.0) * above + normal
        slope = (c[0] - 1.0) * to_below - (c[1] - 1.0) * to_above - u
        return low + width * math.exp(below), width * math.exp(normal), density, slope
    log = math.log(width) + below - above
    s, rate = math.exp(log), to_below + to_above
    density = (c[0] + 1.0) * log - c[1] * s - c[2] * s * s - c[3] / s - c[4] * log * log
    density += normal - below - above - c[5] * math.log1p(s * s / c[6])
    by_log = c[0] + 1.0 - c[1] * s - 2.0 * c[2] * s * s + c[3] / s - 2.0 * c[4] * log
    by_log -= 2.0 * c[5] / (1.0 + c[6] / (s * s))
    return s, s * rate, density, by_log * rate - u - to_below + to_above


@part_of_kernels
def _own_numbers(family, own, c):
    """What the rows need of the family's own parameters."""
    c[0] = own[0]
    if family in (NEGATIVE_BINOMIAL, GAUSSIAN, STUDENT, WALD):
        c[1] = math.log(own[0])
    elif family == BETA:
        c[1], c[2] = math.lgamma(own[0]), _digamma(own[0])
    elif family == GAMMA:
        c[1] = own[0] * math.log(own[0]) - math.lgamma(own[0])
        c[2] = math.log(own[0]) + 1.0 - _digamma(own[0])
    elif family == WEIBULL:
        at = 1.0 + 1.0 / own[0]
        c[1], c[2], c[3] = math.log(own[0]), math.lgamma(at), -_digamma(at) / (own[0] * own[0])
    if family == STUDENT:
        nu = own[1]
        c[2] = nu
        c[3] = math.lgamma(0.5 * nu + 0.5) - math.lgamma(0.5 * nu) - 0.5 * math.log(nu)
        c[4] = 0.5 * (_digamma(0.5 * nu + 0.5) - _digamma(0.5 * nu) - 1.0 / nu)


@part_of_kernels
def _probability(link, eta):
    """Log p and log(1 - p) with their derivatives."""
    if link == LOGIT:
        e = math.exp(-abs(eta))
        log, p = math.log1p(e), 1.0 / (1.0 + e)
        if eta >= 0.0:
            return -log, -eta - log, e * p, -p
        return eta - log, -log, p, -e * p
    if link == PROBIT:
        normal, p, q = -0.5 * eta * eta - _LOG_ROOT_2PI, _log_phi(eta), _log_phi(-eta)
        return p, q, math.exp(normal - p), -math.exp(normal - q)
    rate = math.exp(min(eta, 700.0))
    if rate < 1e-8:
        return eta - 0.5 * rate, -rate, 1.0 - 0.5 * rate, -rate
    to_p = rate / math.expm1(rate) if rate < 700.0 else 0.0
    return math.log(-math.expm1(-rate)), -rate, to_p, -rate


@part_of_kernels
def _row(family, link, y, m, eta, c):
    """The log density of a row less what has no parameter, its derivatives by eta and by two own parameters.

    y, m: the response and its trials; for beta log y and log(1 - y), for gamma, Weibull and Wald y and log y.
    """
    if family <= BETA_BINOMIAL:
        log_p, log_q, to_p, to_q = _probability(link, eta)
        if family == SUCCESSES:
            return y * log_p + (m - y) * log_q, y * to_p + (m - y) * to_q, 0.0, 0.0
        p, q, k = math.exp(log_p), math.exp(log_q), c[0]
        if family == BETA:
            by_p, by_q = y - _digamma(k * p), m - _digamma(k * q)
            value = c[1] - math.lgamma(k * p) - math.lgamma(k * q) + k * (p * y + q * m)
            by_k = c[2] + p * by_p + q * by_q
        else:
            (one, by_p), (other, by_q), (both, by_both) = _rising(y, k * p), _rising(m - y, k * q), _rising(m, k)
            value, by_k = one + other - both, p * by_p + q * by_q - by_both
        return value, k * p * to_p * (by_p - by_q), by_k, 0.0
    if family >= GAUSSIAN:
        mu, to_mu = (math.exp(eta), math.exp(eta)) if link == LOG else (eta, 1.0)
        z = (y - mu) / c[0]
        if family == GAUSSIAN:
            return -0.5 * z * z - c[1], z * to_mu / c[0], (z * z - 1.0) / c[0], 0.0
        whole, log = (c[2] + 1.0) / (c[2] + z * z), math.log1p(z * z / c[2])
        by_nu = c[4] - 0.5 * log + 0.5 * whole * z * z / c[2]
        value = c[3] - c[1] - 0.5 * (c[2] + 1.0) * log
        return value, whole * z * to_mu / c[0], (whole * z * z - 1.0) / c[0], by_nu
    log_mu, to_log = eta, 1.0
    if link == CLOGLOG:
        log_mu, _, to_log, _ = _probability(link, eta)
    if family == POISSON:
        mu = math.exp(log_mu)
        return y * log_mu - mu, (y - mu) * to_log, 0.0, 0.0
    if family == NEGATIVE_BINOMIAL:
        t = log_mu - c[1]
        e = math.exp(-abs(t))
        p = 1.0 / (1.0 + e) if t >= 0 else e / (1.0 + e)
        below = max(t, 0.0) + math.log1p(e)  # - log(1 - p)
        ways, by_ways = _rising(y, c[0])
        slope = y * (1.0 - p) - c[0] * p
        return ways + y * (t - below) - c[0] * below, slope * to_log, by_ways - below - slope / c[0], 0.0
    if family == GAMMA:
        ratio = y * math.exp(-log_mu)
        rest = m - log_mu - ratio
        return c[1] + c[0] * rest, c[0] * (ratio - 1.0), c[2] + rest, 0.0
    if family == WEIBULL:
        log = m - log_mu + c[2]  # of y over the scale
        power = math.exp(c[0] * log)
        return c[1] + c[0] * log - power, c[0] * (power - 1.0), 1 / c[0] + (1.0 - power) * (log + c[0] * c[3]), 0.0
    off = math.exp(-log_mu) * y - 1.0
    square = off * off / y  # (y - mu)^2 / (mu^2 y)
    slope = c[0] * off * math.exp(-log_mu)
    return 0.5 * c[1] - 0.5 * c[0] * square, slope, 0.5 / c[0] - 0.5 * square, 0.0


@part_of_kernels
def _row_with_zeros(family, link, zeros, share, y, m, eta, c):
    """The same with extra zeros, or with zeros of their own; and the derivative by the share that is not one of them.

    With zeros, the family itself has one own parameter at most, so that the share's derivative is the last number.
    """
    if y == 0.0 and zeros == HURDLE:
        return math.log1p(-share), 0.0, 0.0, -1.0 / (1.0 - share)
    value, slope, by_own, second, zero, zero_slope, zero_by_own = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    parts = 2 if zeros == HURDLE and family <= NEGATIVE_BINOMIAL else 1
    for part in range(parts):  # one call of the large function, which is compiled once here
        one, by_eta, by_first, by_second = _row(family, link, 0.0 if part else y, m, eta, c)
        if part:
            zero, zero_slope, zero_by_own = one, by_eta, by_first
        else:
            value, slope, by_own, second = one, by_eta, by_first, by_second
    if zeros == NO_ZEROS:
        return value, slope, by_own, second
    if y == 0.0:
        whole = 1.0 - share + share * math.exp(value)
        weight = share * math.exp(value) / whole
        return math.log(whole), weight * slope, weight * by_own, math.expm1(value) / whole
    if parts == 2:
        weight = 1.0 / math.expm1(-zero)
        value -= math.log(-math.expm1(zero))
        slope, by_own = slope + weight * zero_slope, by_own + weight * zero_by_own
    return math.log(share) + value, slope, by_own, 1.0 / share


@compiled
def prior_kernel(kinds, u, numbers):
    """The log prior density of theta's coordinates."""
    total = 0.0
    for j in range(len(u)):
        total += _coordinate(kinds[j], u[j], numbers[j, 0], numbers[j, 1], numbers[j, 2:])[2]
    return total


@compiled
def rows_kernel(which, y, m, eta, own, slope, weight):
    """The rows' log density, summed; their slopes, and minus their second derivatives, into the given arrays."""
    family, link, zeros, count = which[0], which[1], which[2], which[3]
    c, total, share = np.empty(5), 0.0, own[count - 1] if count > 0 else 1.0
    _own_numbers(family, own, c)
    for i in range(len(y)):
        for side in range(3):
            at = eta[i] + (side - 1) * _STEP
            value, found, _, _ = _row_with_zeros(family, link, zeros, share, y[i], m[i], at, c)
            if side == 0:
                weight[i] = found
            elif side == 1:
                slope[i] = found
                total += value
            else:
                weight[i] = (weight[i] - found) / (2.0 * _STEP)
    return total


@compiled
def curvature_kernel(weight, x, z, place, first, width, dense, blocks, border, middle):
    """X'WX of all columns, as far as it is kept: blocks of groups, of some groups the border, and the dense middle.

    place: shape (n, F); where the effects of the row's group begin among all coefficients.
    first, width: of each factor's columns of z.
    dense: coefficients in the middle, which come first; then those with a block.
    blocks, border: shapes (rest, widest), (rest with a border, dense); rows of effects.
    """
    n, p = x.shape
    factors = len(first)
    count = p + z.shape[1]
    values, places = np.empty(count), np.empty(count, dtype=np.int64)
    for i in range(n):
        inside = p
        for j in range(p):
            values[j], places[j] = x[i, j], j
        for f in range(factors):
            if place[i, f] < dense:
                for j in range(width[f]):
                    values[inside], places[inside] = z[i, first[f] + j], place[i, f] + j
                    inside += 1
        for j in range(inside):
            wv = weight[i] * values[j]
            for k in range(inside):
                middle[places[j], places[k]] += wv * values[k]
        for f in range(factors):
            at = place[i, f] - dense
            if at >= 0:
                for j in range(width[f]):
                    wv = weight[i] * z[i, first[f] + j]
                    for k in range(width[f]):
                        blocks[at + j, k] += wv * z[i, first[f] + k]
                    if at < len(border):
                        for k in range(inside):
                            border[at + j, places[k]] += wv * values[k]


@part_of_kernels
def _theta(ints, reals, x, value, rate, slope, root, left):
    """Theta at a point: values with their derivatives, the roots of the correlations; its log prior density.

    slope: shape (d,); of the log prior density by the coordinates.
    left: shape (correlations,); what is left of the row's unit length before each correlation.
    """
    d, own, q, pairs = ints[8], ints[3], ints[7], ints[9]
    numbers = reals[ints[22] : ints[22] + d * (2 + PRIOR_NUMBERS)].reshape(d, 2 + PRIOR_NUMBERS)
    triangle = reals[ints[24] : ints[24] + d * d].reshape(d, d)
    density = 0.0
    for j in range(d):
        u = reals[ints[23] + j]
        for k in range(d):
            u += triangle[j, k] * x[k]
        one = numbers[j]
        value[j], rate[j], prior, slope[j] = _coordinate(ints[ints[21] + j], u, one[0], one[1], one[2:])
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


@part_of_kernels
def _theta_back(ints, value, rate, lower, left, by_lower, slope):
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


@part_of_kernels
def _mixed(ints, reals, x, t):
    """(beta - its mode, a) from w: a triangle for those in the dense middle, and a block for each group besides."""
    d, p, dense, bordered, widest = ints[8], ints[5], ints[10], ints[12], ints[13]
    rest = p + ints[11] - dense
    triangle = reals[ints[31] : ints[31] + dense * dense].reshape(dense, dense)
    blocks = reals[ints[32] : ints[32] + rest * widest].reshape(rest, widest)
    border = reals[ints[33] : ints[33] + bordered * dense].reshape(bordered, dense)
    for j in range(dense):
        total = 0.0
        for k in range(dense):
            total += triangle[j, k] * x[d + k]
        t[j] = total
    at = dense
    for f in range(ints[6]):
        base = ints[27] + 4 * f
        q, groups, start = ints[base + 1], ints[base + 2], ints[base + 3]
        if start < dense:
            continue
        for _g in range(groups):
            for j in range(q):
                total = 0.0
                for k in range(q):
                    total += blocks[at + j - dense, k] * x[d + at + k]
                if at + j - dense < bordered:
                    for k in range(dense):
                        total -= border[at + j - dense, k] * x[d + k]
                t[at + j] = total
            at += q


@part_of_kernels
def _mixed_back(ints, reals, by_t, out):
    """The slopes by w from those by (beta, a)."""
    d, p, dense, bordered, widest = ints[8], ints[5], ints[10], ints[12], ints[13]
    rest = p + ints[11] - dense
    triangle = reals[ints[31] : ints[31] + dense * dense].reshape(dense, dense)
    blocks = reals[ints[32] : ints[32] + rest * widest].reshape(rest, widest)
    border = reals[ints[33] : ints[33] + bordered * dense].reshape(bordered, dense)
    for k in range(d, d + p + ints[11]):
        out[k] = 0.0
    for j in range(dense):
        for k in range(dense):
            out[d + k] += triangle[j, k] * by_t[j]
    at = dense
    for f in range(ints[6]):
        base = ints[27] + 4 * f
        q, groups, start = ints[base + 1], ints[base + 2], ints[base + 3]
        if start < dense:
            continue
        for _g in range(groups):
            for j in range(q):
                for k in range(q):
                    out[d + at + k] += blocks[at + j - dense, k] * by_t[at + j]
                if at + j - dense < bordered:
                    for k in range(dense):
                        out[d + k] -= border[at + j - dense, k] * by_t[at + j]
            at += q


@part_of_kernels
def _effects(ints, reals, lower, t, v, chol, pull, b):
    """(beta, b) from (beta - its mode, a); what `_effects_back` needs is kept. The log determinant of v by a."""
    p, widest, total = ints[5], ints[13], 0.0
    product = np.empty((widest, widest))
    for j in range(p):
        b[j] = reals[ints[34] + j] + t[j]
    for f in range(ints[6]):
        base = ints[27] + 4 * f
        c0, q, groups, at = ints[base], ints[base + 1], ints[base + 2], ints[base + 3]
        for _g in range(groups):
            for i in range(q):  # J L
                for j in range(q):
                    product[i, j] = 0.0
                    for k in range(j, q):
                        product[i, j] += reals[ints[29] + (at - p + i) * widest + k] * lower[c0 + k, c0 + j]
            for i in range(q):  # C
                for j in range(i + 1):
                    one = 1.0 if i == j else 0.0
                    for k in range(i, q):
                        one += lower[c0 + k, c0 + i] * product[k, j]
                    for k in range(j):
                        one -= chol[at + i, k] * chol[at + j, k]
                    chol[at + i, j] = math.sqrt(one) if i == j else one / chol[at + j, j]
                total -= math.log(chol[at + i, i])
            for i in range(q):  # C^-1 L' h
                one = 0.0
                for k in range(i, q):
                    one += lower[c0 + k, c0 + i] * reals[ints[30] + at - p + k]
                for k in range(i):
                    one -= chol[at + i, k] * pull[at + k]
                pull[at + i] = one / chol[at + i, i]
            for i in range(q - 1, -1, -1):
                one = t[at + i] + pull[at + i]
                for k in range(i + 1, q):
                    one -= chol[at + k, i] * v[at + k]
                v[at + i] = one / chol[at + i, i]
            for i in range(q):
                b[at + i] = 0.0
                for k in range(i + 1):
                    b[at + i] += lower[c0 + i, c0 + k] * v[at + k]
            at += q
    return total


@part_of_kernels
def _effects_back(ints, reals, lower, v, chol, pull, by_b, by_lower, by_t):
    """The slopes by a, and by L, from those by b; with those of the log determinant and of the prior of v."""
    p, widest = ints[5], ints[13]
    by_chol, product = np.empty((widest, widest)), np.empty((widest, widest))
    tail = np.empty(widest)
    for f in range(ints[6]):
        base = ints[27] + 4 * f
        c0, q, groups, at = ints[base], ints[base + 1], ints[base + 2], ints[base + 3]
        for _g in range(groups):
            for i in range(q):  # by a: C^-1 (L' by_b - v)
                one = -v[at + i]
                for k in range(i, q):
                    one += lower[c0 + k, c0 + i] * by_b[at + k]
                for k in range(i):
                    one -= chol[at + i, k] * by_t[at + k]
                by_t[at + i] = one / chol[at + i, i]
            if ints[14]:  # L is known
                at += q
                continue
            for i in range(q - 1, -1, -1):  # by L' h
                one = by_t[at + i]
                for k in range(i + 1, q):
                    one -= chol[at + k, i] * tail[k]
                tail[i] = one / chol[at + i, i]
            for i in range(q):
                for j in range(i + 1):
                    by_lower[c0 + i, c0 + j] += by_b[at + i] * v[at + j] + reals[ints[30] + at - p + i] * tail[j]
                    by_chol[i, j] = -v[at + i] * by_t[at + j] - tail[i] * pull[at + j]
                by_chol[i, i] -= 1.0 / chol[at + i, i]
            for i in range(q):  # the lower half of C' by_chol, its diagonal halved
                for j in range(i + 1):
                    one = 0.0
                    for k in range(i, q):
                        one += chol[at + k, i] * by_chol[k, j]
                    product[i, j] = 0.5 * one if i == j else one
                for j in range(i + 1, q):
                    product[i, j] = 0.0
            for j in range(q):  # C'^-1 times it
                for i in range(q - 1, -1, -1):
                    for k in range(i + 1, q):
                        product[i, j] -= chol[at + k, i] * product[k, j]
                    product[i, j] /= chol[at + i, i]
            for i in range(q):  # times C^-1
                for j in range(q - 1, -1, -1):
                    for k in range(j + 1, q):
                        product[i, j] -= product[i, k] * chol[at + k, j]
                    product[i, j] /= chol[at + j, j]
            for i in range(q):  # L (that, made symmetric)
                for j in range(q):
                    by_chol[i, j] = 0.0
                    for k in range(i + 1):
                        by_chol[i, j] += lower[c0 + i, c0 + k] * (product[k, j] + product[j, k])
            for i in range(q):
                for j in range(i + 1):
                    for k in range(q):
                        by_lower[c0 + i, c0 + j] += reals[ints[29] + (at - p + i) * widest + k] * by_chol[k, j]
            at += q


@part_of_kernels
def _rows_back(ints, reals, own, coefficients, by, by_own):
    """The log density of all rows, with its slopes by the coefficients and by the family's own parameters."""
    n, p, factors, q = ints[4], ints[5], ints[6], ints[7]
    family, link, zeros, count = ints[0], ints[1], ints[2], ints[3]
    y, m = reals[ints[15] : ints[15] + n], reals[ints[16] : ints[16] + n]
    offset = reals[ints[17] : ints[17] + n]
    x, z = reals[ints[18] : ints[18] + n * p].reshape(n, p), reals[ints[19] : ints[19] + n * q].reshape(n, q)
    place = ints[ints[28] : ints[28] + n * factors].reshape(n, factors)
    c, share = np.empty(5), own[count - 1] if count > 0 else 1.0
    _own_numbers(family, own, c)
    total, first, second, product = 0.0, 0.0, 0.0, 1.0
    plain = family == SUCCESSES and link == LOGIT and zeros == NO_ZEROS
    begin, width = np.empty(factors, dtype=np.int64), np.empty(factors, dtype=np.int64)
    for f in range(factors):
        begin[f], width[f] = ints[ints[27] + 4 * f], ints[ints[27] + 4 * f + 1]
    for i in range(n):
        eta = offset[i]
        for j in range(p):
            eta += x[i, j] * coefficients[j]
        for f in range(factors):
            for j in range(width[f]):
                eta += z[i, begin[f] + j] * coefficients[place[i, f] + j]
        if plain and m[i] == 1.0:  # what costs most in the commonest of all models: one logarithm for many rows
            e = math.exp(-abs(eta))
            share_above = 1.0 / (1.0 + e)
            slope = y[i] - (share_above if eta >= 0.0 else e * share_above)
            total += (y[i] - 1.0) * eta if eta >= 0.0 else y[i] * eta
            product *= 1.0 + e
            if i % _ROWS_OF_A_PRODUCT == 0:
                total -= math.log(product)
                product = 1.0
        else:
            value, slope, by_first, by_second = _row_with_zeros(family, link, zeros, share, y[i], m[i], eta, c)
            total, first, second = total + value, first + by_first, second + by_second
        for j in range(p):
            by[j] += x[i, j] * slope
        for f in range(factors):
            for j in range(width[f]):
                by[place[i, f] + j] += z[i, begin[f] + j] * slope
    total -= math.log(product)
    if zeros and count == 1:
        by_own[0] = second
    else:
        by_own[0], by_own[1] = first, second
    return total


@compiled
def expand_kernel(ints, reals, points, out):
    """(values of theta, beta, b) of many points."""
    d, p, q, widest = ints[8], ints[5], ints[7], ints[13]
    every = p + ints[11]
    value, rate, slope = np.empty(d), np.empty(d), np.empty(d)
    lower, left = np.empty((q, q)), np.empty(ints[9])
    t, v, pull, b = np.empty(every), np.empty(every), np.empty(every), np.empty(every)
    chol = np.empty((every, widest))
    for s in range(len(points)):
        _theta(ints, reals, points[s], value, rate, slope, lower, left)
        _mixed(ints, reals, points[s], t)
        _effects(ints, reals, lower, t, v, chol, pull, b)
        for j in range(d):
            out[s, j] = value[j]
        for j in range(every):
            out[s, d + j] = b[j]


def _called_for_densities(dimension, x_, out_, density_, block):
    """The log density at a point and its slopes; 0, or a positive number where one is not finite."""
    size = numba.carray(block, (HEADER,), np.int64)[HEADER - 1]
    ints, reals = numba.carray(block, (size,), np.int64), numba.carray(block, (size,), np.float64)
    x, out = numba.carray(x_, (dimension,)), numba.carray(out_, (dimension,))
    d, p, q, widest = ints[8], ints[5], ints[7], ints[13]
    every = p + ints[11]
    value, rate, slope = np.empty(d), np.empty(d), np.empty(d)
    lower, left = np.empty((q, q)), np.empty(ints[9])
    density = _theta(ints, reals, x, value, rate, slope, lower, left)
    t, v, pull, b = np.empty(every), np.empty(every), np.empty(every), np.empty(every)
    chol = np.empty((every, widest))
    _mixed(ints, reals, x, t)
    density += _effects(ints, reals, lower, t, v, chol, pull, b)
    own, by_own = np.ones(2), np.zeros(2)
    for j in range(ints[3]):
        own[j] = value[j]
    by_b, by_t, by_lower = np.zeros(every), np.zeros(every), np.zeros((q, q))
    density += _rows_back(ints, reals, own, b, by_b, by_own)
    for j in range(p):
        total = 0.0
        for k in range(p):
            total += reals[ints[20] + j * p + k] * b[k]
        density -= 0.5 * b[j] * total
        by_t[j] = by_b[j] - total
    for k in range(p, every):
        density -= 0.5 * v[k] * v[k]
    _effects_back(ints, reals, lower, v, chol, pull, by_b, by_lower, by_t)
    _theta_back(ints, value, rate, lower, left, by_lower, slope)
    for j in range(ints[3]):
        slope[j] += by_own[j] * rate[j]
    for k in range(d):
        out[k] = 0.0
        for j in range(d):
            out[k] += reals[ints[24] + j * d + k] * slope[j]
    _mixed_back(ints, reals, by_t, out)
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
