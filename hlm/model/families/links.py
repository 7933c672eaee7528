"""Link functions: the linear predictor to the parameter that a formula describes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hlm.support.special_functions import expit, log_ndtr, ndtr, ndtri, softmax

type OfPredictor = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """A link function."""

    name: str  # Bambi's name
    # inverse, derivative: the parameter at a linear predictor, and its derivative there. Of softmax, the last axis is
    # the labels.
    inverse: OfPredictor
    derivative: OfPredictor
    of: OfPredictor  # the linear predictor at a parameter
    pymc: str = ""  # the inverse of ``eta`` in PyMC
    words: str = "{}"  # what the linear predictor is, ``{}`` being the parameter
    r: str = ""  # the name in R, where it is another
    log_odds: OfPredictor | None = None  # of links of probabilities: log(p / (1 - p)) of the inverse, far out too
    # of links of probabilities: the variance of the latent response that is above 0 with this probability
    latent_variance: float = np.nan


def _cloglog_odds(eta: np.ndarray) -> np.ndarray:
    rate = np.exp(np.clip(eta, -30.0, 700.0))  # below, the odds are the rate, to all digits
    return np.asarray(np.where(eta < -30.0, eta, np.log(-np.expm1(-rate)) + rate))


IDENTITY = Link("identity", lambda eta: eta, np.ones_like, lambda mu: mu, "eta", log_odds=lambda p: np.log(p / (1 - p)))
LOG = Link("log", np.exp, np.exp, np.log, "pm.math.exp(eta)", "the logarithm of {}")
LOGIT = Link(
    "logit", expit, lambda eta: expit(eta) * expit(-eta), lambda mu: np.log(mu / (1 - mu)), "pm.math.invlogit(eta)",
    "the log-odds of {}", log_odds=lambda eta: eta, latent_variance=np.pi**2 / 3,
)  # fmt: skip
PROBIT = Link(
    "probit", ndtr, lambda eta: np.exp(-0.5 * eta**2) / np.sqrt(2 * np.pi), ndtri, "pm.math.invprobit(eta)",
    "the normal quantile (probit) of {}", log_odds=lambda eta: log_ndtr(eta) - log_ndtr(-eta), latent_variance=1.0,
)  # fmt: skip
CLOGLOG = Link(
    "cloglog", lambda eta: -np.expm1(-np.exp(eta)), lambda eta: np.exp(eta - np.exp(eta)),
    lambda mu: np.log(-np.log1p(-mu)), "1 - pm.math.exp(-pm.math.exp(eta))",
    "the complementary log-log of {}", log_odds=_cloglog_odds, latent_variance=np.pi**2 / 6,
)  # fmt: skip
INVERSE = Link("inverse", lambda eta: 1 / eta, lambda eta: -1 / eta**2, lambda mu: 1 / mu, "1 / eta", "1 / {}")
INVERSE_SQUARED = Link(
    "inverse_squared", lambda eta: eta**-0.5, lambda eta: -0.5 * eta**-1.5, lambda mu: mu**-2.0,
    "1 / pm.math.sqrt(eta)", "1 / the square of {}", "1/mu^2",
)  # fmt: skip
SOFTMAX = Link("softmax", softmax, lambda eta: softmax(eta) * (1 - softmax(eta)), np.log)
