"""Families of counts without an upper limit."""

from __future__ import annotations

import math

import numpy as np

from hlm.model.families.auxiliary import ALPHA, PSI
from hlm.model.families.draws import draw_hurdle_negativebinomial, draw_hurdle_poisson, with_zeros
from hlm.model.families.family import Family, Values
from hlm.model.families.links import CLOGLOG, IDENTITY, LOG
from hlm.support.special_functions import expit, gammaln, log_expit


def _negativebinomial(y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, own: Values) -> np.ndarray:
    alpha = own["alpha"]
    odds = eta - np.log(alpha)  # of mu / (mu + alpha), as logarithm
    ways = gammaln(y + alpha) - gammaln(alpha) - gammaln(y + 1)
    return np.asarray(ways + alpha * log_expit(-odds) + y * log_expit(odds))


def _negativebinomial_slope(y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, own: Values) -> np.ndarray:
    alpha = own["alpha"]
    return np.asarray(y - (y + alpha) * expit(eta - np.log(alpha)))


def _negativebinomial_curvature(y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, own: Values) -> np.ndarray:
    alpha = own["alpha"]
    odds = eta - np.log(alpha)
    return np.asarray(-(y + alpha) * expit(odds) * expit(-odds))


def _negativebinomial_information(eta: np.ndarray, trials: np.ndarray | None, own: Values) -> np.ndarray:
    alpha = own["alpha"]
    return np.asarray(alpha * expit(eta - np.log(alpha)))


def _draw_poisson(
    generator: np.random.Generator, mean: np.ndarray, trials: np.ndarray | None, own: Values
) -> np.ndarray:
    return np.asarray(generator.poisson(mean))


def _draw_negativebinomial(
    generator: np.random.Generator, mean: np.ndarray, trials: np.ndarray | None, own: Values
) -> np.ndarray:
    alpha = own["alpha"]
    return np.asarray(generator.negative_binomial(alpha, alpha / (alpha + mean)))


def _present(mean: np.ndarray, own: Values) -> np.ndarray:
    return np.asarray(own["psi"] * mean)


def _mean_of_hurdle_negativebinomial(mean: np.ndarray, own: Values) -> np.ndarray:
    return np.asarray(own["psi"] * mean / -np.expm1(-own["alpha"] * np.log1p(mean / own["alpha"])))


def _up_to_10(mean: float, alpha: float) -> tuple[float, ...]:
    """Negative binomial probabilities of 0 .. 10."""
    share, heights = mean / (mean + alpha), [(alpha / (mean + alpha)) ** alpha]
    for k in range(10):
        heights.append(heights[-1] * share * (k + alpha) / (k + 1))
    return tuple(heights)


def _with_zeros(zero: float, bars: tuple[float, ...]) -> tuple[float, ...]:
    return (zero, *(0.7 * height for height in bars[1:]))


_MEAN = "the expected {y}"
_EXTRA, _HURDLE = "a count with extra zeros", "a count with a separate probability of being 0"
_POISSON_BARS = tuple(math.exp(-3.5) * 3.5**k / math.factorial(k) for k in range(11))
_NEGATIVEBINOMIAL_BARS = _up_to_10(3.5, 1.5)

COUNTS: tuple[Family, ...] = (
    Family(
        name="poisson", links=(LOG, IDENTITY), support="count",
        distribution="Poisson", arguments=("mu",), meaning="a count", describes=_MEAN, bars=_POISSON_BARS,
        pymc="pm.Poisson(mu=mu", brms="poisson()", lme4="poisson",
        log_density=lambda y, eta, trials, own: y * eta - np.exp(eta) - gammaln(y + 1),
        slope=lambda y, eta, trials, own: y - np.exp(eta), curvature=lambda y, eta, trials, own: -LOG.derivative(eta),
        draw=_draw_poisson,
        information=lambda eta, trials, own: LOG.derivative(eta),
    ),
    Family(
        name="negativebinomial", links=(LOG, IDENTITY, CLOGLOG), support="count", auxiliary={"alpha": ALPHA},
        distribution="NegativeBinomial", arguments=("mu", "alpha"), meaning="a count, more spread out than a Poisson",
        describes=_MEAN, bars=_NEGATIVEBINOMIAL_BARS,
        pymc="pm.NegativeBinomial(mu=mu, alpha=alpha", brms="negbinomial()", lme4="nb",
        log_density=_negativebinomial, slope=_negativebinomial_slope, curvature=_negativebinomial_curvature,
        draw=_draw_negativebinomial, information=_negativebinomial_information,
        links_not_in_brms=("cloglog",),
    ),
    Family(
        name="zero_inflated_poisson", links=(LOG, IDENTITY), support="count", auxiliary={"psi": PSI},
        distribution="ZeroInflatedPoisson", arguments=("psi", "mu"), meaning=_EXTRA,
        describes="the mean count, extra zeros aside", bars=_with_zeros(0.28, _POISSON_BARS),
        pymc="pm.ZeroInflatedPoisson(psi=psi, mu=mu", brms="zero_inflated_poisson()",
        draw=with_zeros(_draw_poisson),
        expected=_present,
    ),
    Family(
        name="zero_inflated_negativebinomial", links=(LOG, IDENTITY, CLOGLOG), support="count",
        auxiliary={"alpha": ALPHA, "psi": PSI},
        distribution="ZeroInflatedNegBinomial", arguments=("psi", "mu", "alpha"), meaning=_EXTRA,
        describes="the mean count, extra zeros aside", bars=_with_zeros(0.32, _NEGATIVEBINOMIAL_BARS),
        pymc="pm.ZeroInflatedNegativeBinomial(psi=psi, mu=mu, alpha=alpha", brms="zero_inflated_negbinomial()",
        links_not_in_brms=("cloglog",), expected=_present,
        draw=with_zeros(_draw_negativebinomial),
    ),
    Family(
        name="hurdle_poisson", links=(LOG, IDENTITY), support="count", auxiliary={"psi": PSI},
        distribution="HurdlePoisson", arguments=("psi", "mu"), meaning=_HURDLE,
        describes="the mean of the Poisson part", bars=_with_zeros(0.3, _POISSON_BARS),
        pymc="pm.HurdlePoisson(psi=psi, mu=mu", brms="hurdle_poisson()",
        draw=draw_hurdle_poisson, expected=lambda mean, own: own["psi"] * mean / -np.expm1(-mean),
    ),
    Family(
        name="hurdle_negativebinomial", links=(LOG, IDENTITY, CLOGLOG), support="count",
        auxiliary={"alpha": ALPHA, "psi": PSI},
        distribution="HurdleNegBinomial", arguments=("psi", "mu", "alpha"), meaning=_HURDLE,
        describes="the mean of the count part", bars=_with_zeros(0.35, _NEGATIVEBINOMIAL_BARS),
        pymc="pm.HurdleNegativeBinomial(psi=psi, mu=mu, alpha=alpha", brms="hurdle_negbinomial()",
        links_not_in_brms=("cloglog",), draw=draw_hurdle_negativebinomial,
        expected=_mean_of_hurdle_negativebinomial,
    ),
)  # fmt: skip
