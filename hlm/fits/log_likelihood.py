"""Log predictive density of each response given each draw, for the families that the arms are compared in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.special import betaln, gammaln, log_expit, xlogy

# response (rows,), linear predictor (draws, rows), trials, and sigma or alpha of shape (draws, 1) or (draws, rows)
type Density = Callable[[np.ndarray, np.ndarray, np.ndarray | None, Mapping[str, np.ndarray]], np.ndarray]


def _gaussian(
    y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, auxiliary: Mapping[str, np.ndarray]
) -> np.ndarray:
    sigma = auxiliary["sigma"]
    return np.asarray(-0.5 * np.log(2 * np.pi) - np.log(sigma) - 0.5 * ((y - eta) / sigma) ** 2)


def _bernoulli(
    y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, auxiliary: Mapping[str, np.ndarray]
) -> np.ndarray:
    return np.asarray(log_expit(np.where(y == 1, eta, -eta)))


def _binomial(
    y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, auxiliary: Mapping[str, np.ndarray]
) -> np.ndarray:
    assert trials is not None
    ways = -betaln(trials - y + 1, y + 1) - np.log(trials + 1)
    return np.asarray(ways + y * log_expit(eta) + (trials - y) * log_expit(-eta))


def _poisson(
    y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, auxiliary: Mapping[str, np.ndarray]
) -> np.ndarray:
    return np.asarray(y * eta - np.exp(eta) - gammaln(y + 1))


def _negativebinomial(
    y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, auxiliary: Mapping[str, np.ndarray]
) -> np.ndarray:
    alpha = auxiliary["alpha"]
    mu = np.exp(eta)
    ways = gammaln(y + alpha) - gammaln(alpha) - gammaln(y + 1)
    return np.asarray(ways + alpha * np.log(alpha / (mu + alpha)) + xlogy(y, mu / (mu + alpha)))


DENSITIES: Mapping[str, Density] = {
    "gaussian": _gaussian,
    "bernoulli": _bernoulli,
    "binomial": _binomial,
    "poisson": _poisson,
    "negativebinomial": _negativebinomial,
}
