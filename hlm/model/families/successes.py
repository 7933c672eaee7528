"""Families of successes: 0 and 1, and numbers of successes out of trials."""

from __future__ import annotations

import math

import numpy as np

from hlm.model.families.auxiliary import KAPPA, PSI
from hlm.model.families.draws import draw_probability, with_zeros
from hlm.model.families.family import Family, Values
from hlm.model.families.links import CLOGLOG, IDENTITY, LOGIT, PROBIT
from hlm.support.special_functions import betaln, expit, log_expit


def _binomial(y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, own: Values) -> np.ndarray:
    assert trials is not None
    ways = -betaln(trials - y + 1, y + 1) - np.log(trials + 1)
    return np.asarray(ways + y * log_expit(eta) + (trials - y) * log_expit(-eta))


def _binomial_slope(y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, own: Values) -> np.ndarray:
    assert trials is not None
    return np.asarray(y - trials * expit(eta))


def _binomial_information(eta: np.ndarray, trials: np.ndarray | None, own: Values) -> np.ndarray:
    assert trials is not None
    return np.asarray(trials * LOGIT.derivative(eta))


def _draw_binomial(generator: np.random.Generator, p: np.ndarray, trials: np.ndarray | None, own: Values) -> np.ndarray:
    assert trials is not None
    return np.asarray(generator.binomial(trials, p))


def _draw_beta_binomial(
    generator: np.random.Generator, mean: np.ndarray, trials: np.ndarray | None, own: Values
) -> np.ndarray:
    return _draw_binomial(generator, draw_probability(generator, mean, own["kappa"]), trials, own)


def _out_of_10(*probabilities: float) -> tuple[float, ...]:
    """Binomial probabilities of 0 .. 10, added up."""
    return tuple(sum(math.comb(10, k) * p**k * (1 - p) ** (10 - k) for p in probabilities) for k in range(11))


_P, _TRIALS = "the probability of {y}", "a number of successes out of its trials"

SUCCESSES: tuple[Family, ...] = (
    Family(
        name="bernoulli", parent="p", links=(LOGIT, PROBIT, CLOGLOG, IDENTITY), support="binary",
        distribution="Bernoulli", arguments=("p",), meaning="0 or 1", describes=_P, bars=(0.4, 0.6),
        pymc="pm.Bernoulli(p=mu", brms="bernoulli()", lme4="binomial",
        log_density=lambda y, eta, trials, own: log_expit(np.where(y == 1, eta, -eta)),
        slope=lambda y, eta, trials, own: y - expit(eta), curvature=lambda y, eta, trials, own: -LOGIT.derivative(eta),
        draw=lambda generator, p, trials, own: generator.binomial(1, p),
        information=lambda eta, trials, own: LOGIT.derivative(eta),
    ),
    Family(
        name="binomial", parent="p", links=(LOGIT, PROBIT, CLOGLOG, IDENTITY), support="trials", weights="trials",
        distribution="Binomial", arguments=("n", "p"), meaning=_TRIALS, describes=_P, bars=_out_of_10(0.4),
        pymc="pm.Binomial(n=n, p=mu", brms="binomial()", lme4="binomial",
        log_density=_binomial, slope=_binomial_slope, draw=_draw_binomial, information=_binomial_information,
        curvature=lambda y, eta, trials, own: -_binomial_information(eta, trials, own),
    ),
    Family(
        name="beta_binomial", links=(LOGIT, PROBIT, CLOGLOG), support="trials", weights="trials",
        auxiliary={"kappa": KAPPA},
        distribution="BetaBinomial", arguments=("n", "mu", "kappa"),
        meaning=f"{_TRIALS}, more spread out than a binomial", describes=_P,
        bars=_out_of_10(0.15, 0.3, 0.4, 0.5, 0.7),
        pymc="pm.BetaBinomial(n=n, alpha=mu * kappa, beta=(1 - mu) * kappa", brms="beta_binomial()",
        draw=_draw_beta_binomial,
    ),
    Family(
        name="zero_inflated_binomial", parent="p", links=(LOGIT, PROBIT, CLOGLOG, IDENTITY), support="trials",
        weights="trials", auxiliary={"psi": PSI},
        distribution="ZeroInflatedBinomial", arguments=("psi", "n", "p"), meaning=f"{_TRIALS}, with extra zeros",
        describes=_P, bars=(0.3, *(0.7 * p for p in _out_of_10(0.4)[1:])),
        pymc="pm.ZeroInflatedBinomial(psi=psi, n=n, p=mu", brms="zero_inflated_binomial()",
        draw=with_zeros(_draw_binomial),
        expected=lambda p, own: own["psi"] * p,
    ),
)  # fmt: skip
