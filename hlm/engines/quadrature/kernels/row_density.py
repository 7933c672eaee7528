"""The log density of a row in the linear predictor, compiled, with its derivatives.

A row stands for all rows of its group with equal columns: ``s`` is the sum of their responses and ``c`` their number
(of trials, for successes). Its log density, less what does not depend on the linear predictor::

    logit     s eta - c log(1 + e^eta)                  probit   s log Phi(eta) + (c - s) log Phi(-eta)
    cloglog   s log(1 - exp(-e^eta)) - (c - s) e^eta    poisson  s eta - c e^eta
    negative binomial   s t - (s + c phi) log(1 + e^t),  t = eta - log phi
    gamma               -phi (c eta + s e^-eta)

All are concave in eta.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math

from hlm.engines.compiled import part_of_kernels

LOGIT, PROBIT, CLOGLOG, POISSON, NEGATIVE_BINOMIAL, GAMMA = range(6)

_ROOT_HALF, _LOG_ROOT_2PI = math.sqrt(0.5), 0.5 * math.log(2.0 * math.pi)


@part_of_kernels
def _log_phi(x):
    """Log of the normal distribution function."""
    if x > -30.0:
        return math.log(0.5 * math.erfc(-x * _ROOT_HALF))
    y = 1.0 / (x * x)
    return -0.5 * x * x - math.log(-x) - _LOG_ROOT_2PI + math.log1p(-y * (1.0 - 3.0 * y * (1.0 - 5.0 * y)))


@part_of_kernels
def row(kind, s, c, eta, phi):
    """The log density of a row, its first derivative, and minus its second."""
    if kind == LOGIT:
        e = math.exp(-abs(eta))
        p = 1.0 / (1.0 + e) if eta >= 0 else e / (1.0 + e)
        return s * eta - c * (max(eta, 0.0) + math.log1p(e)), s - c * p, c * e / ((1.0 + e) * (1.0 + e))
    if kind == POISSON:
        m = c * math.exp(eta)
        return s * eta - m, s - m, m
    if kind == NEGATIVE_BINOMIAL:
        t, whole = eta - math.log(phi), s + c * phi
        e = math.exp(-abs(t))
        p = 1.0 / (1.0 + e) if t >= 0 else e / (1.0 + e)
        return s * t - whole * (max(t, 0.0) + math.log1p(e)), s - whole * p, whole * e / ((1.0 + e) * (1.0 + e))
    if kind == GAMMA:
        m = phi * s * math.exp(-eta)
        return -phi * c * eta - m, m - phi * c, m
    value, slope, weight = 0.0, 0.0, 0.0
    if kind == PROBIT:
        if s > 0.0:
            log = _log_phi(eta)
            r = math.exp(-0.5 * eta * eta - _LOG_ROOT_2PI - log)
            value, slope, weight = s * log, s * r, s * r * (eta + r)
        if c > s:
            log = _log_phi(-eta)
            r = math.exp(-0.5 * eta * eta - _LOG_ROOT_2PI - log)
            value, slope, weight = value + (c - s) * log, slope - (c - s) * r, weight + (c - s) * r * (r - eta)
        return value, slope, weight
    rate = math.exp(min(eta, 700.0))
    if s > 0.0:
        if rate < 1e-8:
            value, slope, weight = s * (eta - 0.5 * rate), s * (1.0 - 0.5 * rate), s * 0.5 * rate
        else:
            g = rate / math.expm1(rate) if rate < 700.0 else 0.0
            value, slope, weight = s * math.log(-math.expm1(-rate)), s * g, s * g * (rate + g - 1.0)
    if c > s:
        value, slope, weight = value - (c - s) * rate, slope - (c - s) * rate, weight + (c - s) * rate
    return value, slope, weight
