"""New responses of families that NumPy does not draw from in one call."""

from __future__ import annotations

import numpy as np

from hlm.model.families.family import Draw, Values
from hlm.support.special_functions import gammaln

_ALMOST = 1e-15  # NumPy refuses a probability of 0 or 1 as the mean of a beta distribution


def draw_probability(generator: np.random.Generator, mean: np.ndarray, concentration: np.ndarray) -> np.ndarray:
    """Beta variables with these means."""
    inside = np.clip(mean, _ALMOST, 1 - _ALMOST)
    return np.asarray(generator.beta(inside * concentration, (1 - inside) * concentration))


def draw_beta(generator: np.random.Generator, mean: np.ndarray, trials: np.ndarray | None, own: Values) -> np.ndarray:
    """By mean and concentration."""
    return draw_probability(generator, mean, own["kappa"])


def draw_t(generator: np.random.Generator, mean: np.ndarray, trials: np.ndarray | None, own: Values) -> np.ndarray:
    """Student's t around the mean."""
    return np.asarray(mean + own["sigma"] * generator.standard_t(own["nu"], mean.shape))


def draw_gamma(generator: np.random.Generator, mean: np.ndarray, trials: np.ndarray | None, own: Values) -> np.ndarray:
    """By mean and shape."""
    return np.asarray(generator.gamma(own["alpha"], mean / own["alpha"]))


def draw_lognormal(
    generator: np.random.Generator, mean: np.ndarray, trials: np.ndarray | None, own: Values
) -> np.ndarray:
    """By mean and sd of the logarithm."""
    return np.asarray(generator.lognormal(mean, own["sigma"]))


def draw_weibull(
    generator: np.random.Generator, mean: np.ndarray, trials: np.ndarray | None, own: Values
) -> np.ndarray:
    """By mean and shape."""
    return np.asarray(mean * generator.weibull(own["alpha"], mean.shape) / np.exp(gammaln(1 + 1 / own["alpha"])))


def draw_asymmetriclaplace(
    generator: np.random.Generator, mode: np.ndarray, trials: np.ndarray | None, own: Values
) -> np.ndarray:
    """PyMC's: exponential with rate ``b kappa`` above the mode, and ``b / kappa`` below."""
    above, below = generator.standard_exponential((2, *mode.shape))
    return np.asarray(mode + (above / own["kappa"] - below * own["kappa"]) / own["b"])


def draw_exgaussian(
    generator: np.random.Generator, mean: np.ndarray, trials: np.ndarray | None, own: Values
) -> np.ndarray:
    """A normal number and an exponential delay."""
    return np.asarray(generator.normal(mean, own["sigma"]) + own["nu"] * generator.standard_exponential(mean.shape))


def with_zeros(draw: Draw) -> Draw:
    """Draws of which each is 0 instead with the probability ``1 - psi``."""

    def drawn(generator: np.random.Generator, parent: np.ndarray, trials: np.ndarray | None, own: Values) -> np.ndarray:
        return present(generator, parent, own) * draw(generator, parent, trials, own)

    return drawn


def present(generator: np.random.Generator, mean: np.ndarray, own: Values) -> np.ndarray:
    """1 where a response is no extra zero, else 0, of the shape of ``mean``."""
    return np.asarray(generator.random(mean.shape) < own["psi"], dtype=np.float64)


def draw_hurdle_poisson(
    generator: np.random.Generator, mean: np.ndarray, trials: np.ndarray | None, own: Values
) -> np.ndarray:
    """A count above 0 is the first event of a Poisson process on (0, mean), and those that follow it."""
    first = -np.log1p(generator.random(mean.shape) * np.expm1(-mean))
    return np.asarray(present(generator, mean, own) * (1 + generator.poisson(np.maximum(mean - first, 0))))


def draw_hurdle_negativebinomial(
    generator: np.random.Generator, mean: np.ndarray, trials: np.ndarray | None, own: Values
) -> np.ndarray:
    """A count above 0 by the inverse of its distribution function."""
    from scipy import stats

    alpha = np.broadcast_to(own["alpha"], mean.shape)
    zero = np.exp(-alpha * np.log1p(mean / alpha))
    at = zero + generator.random(mean.shape) * (1 - zero)
    counts = np.maximum(stats.nbinom.ppf(np.minimum(at, 1 - 1e-16), alpha, alpha / (alpha + mean)), 1)
    return np.asarray(present(generator, mean, own) * counts)
