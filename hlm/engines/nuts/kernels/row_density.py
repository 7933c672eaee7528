"""The log density of a row with its derivatives, for every family, compiled."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math

from hlm.engines.compiled import part_of_kernels

# families
SUCCESSES, BETA, BETA_BINOMIAL, POISSON, NEGATIVE_BINOMIAL, GAMMA, WEIBULL, WALD, GAUSSIAN, STUDENT = range(10)
IDENTITY, LOG, LOGIT, PROBIT, CLOGLOG = range(5)  # links
NO_ZEROS, EXTRA_ZEROS, HURDLE = range(3)  # what the last of the family's own parameters does

_ROOT_HALF, LOG_ROOT_2PI = math.sqrt(0.5), 0.5 * math.log(2.0 * math.pi)
_PRODUCTS = 40.0  # counts up to which a ratio of gamma functions is a product


@part_of_kernels
def log_phi(x):
    """Log of the normal distribution function."""
    if x > -30.0:
        return math.log(0.5 * math.erfc(-x * _ROOT_HALF))
    y = 1.0 / (x * x)
    return -0.5 * x * x - math.log(-x) - LOG_ROOT_2PI + math.log1p(-y * (1.0 - 3.0 * y * (1.0 - 5.0 * y)))


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
def own_numbers(family, own, c):
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
        normal, p, q = -0.5 * eta * eta - LOG_ROOT_2PI, log_phi(eta), log_phi(-eta)
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
def row_with_zeros(family, link, zeros, share, y, m, eta, c):
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
