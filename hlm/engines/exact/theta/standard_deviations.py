"""Standard deviations: priors in PyMC's parametrisations, and the coordinate in which they are sampled.

The coordinate u is a normal score: ``value = -unit log Phi(-u)``, so that an Exponential variable with mean ``unit`` is
exactly standard normal in u. Where the prior has positive density at 0, the tail of u to the left is then normal, and
importance sampling covers it well; the logarithm of the sd would have an exponential tail. Under a Uniform prior,
``value = lower + (upper - lower) Phi(u)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.special import gammaln, log_ndtr, ndtr, ndtri, ndtri_exp

from hlm.model.prior_distributions import Prior

_MAY_BE_NEGATIVE = MappingProxyType({"LogNormal": "mu", "Lognormal": "mu", "Uniform": "lower"})


@dataclass(frozen=True, slots=True)
class Scale:
    """One standard deviation.

    Attributes
    ----------
    kind : str
        Distribution and names of its parameters: ``HalfStudentT(nu, sigma)``.
    args : Mapping
        The parameters' values.
    unit : float
        About the size of the value. It decides how efficient sampling is; the posterior does not depend on it.
    """

    kind: str
    args: Mapping[str, float]
    unit: float

    def value(self, u: np.ndarray) -> np.ndarray:
        """Coordinates to standard deviations."""
        if self.kind == _UNIFORM:
            return np.asarray(self.args["lower"] + self._width * ndtr(u))
        return np.asarray(-self.unit * log_ndtr(-u))

    def coordinates(self, values: np.ndarray) -> np.ndarray:
        """The inverse of `value`, for points to start from: kept inside the bounds of a Uniform prior."""
        if self.kind == _UNIFORM:
            return np.asarray(ndtri(np.clip((values - self.args["lower"]) / self._width, 0.05, 0.95)))
        return -np.asarray(ndtri_exp(-values / self.unit))

    def log_density(self, u: np.ndarray) -> np.ndarray:
        """Log prior density of the coordinate: that of the value, plus log |d value / d u|."""
        if self.kind == _UNIFORM:
            return log_normal_density(u)
        value = self.log_density_of(self.value(u))
        return np.asarray(value + np.log(self.unit) + log_normal_density(u) - log_ndtr(-u))

    def log_density_of(self, value: np.ndarray) -> np.ndarray:
        """Log prior density of the standard deviation itself."""
        if self.kind == _UNIFORM:
            inside = (value >= self.args["lower"]) & (value <= self.args["upper"])
            return np.where(inside, -np.log(self._width), -np.inf)
        return _LOG_DENSITIES[self.kind](value, **self.args)

    @property
    def _width(self) -> float:
        return self.args["upper"] - self.args["lower"]


def scale(prior: Prior, *, unit: float, column: int = 0) -> Scale:
    """The scale with a prior; ``column`` picks its numbers where they differ by column."""
    args = {key: value[column] if isinstance(value, tuple) else value for key, value in prior.args.items()}
    return Scale(_kind(prior), MappingProxyType(args), unit)


def log_normal_density(u: np.ndarray) -> np.ndarray:
    """Log density of the standard normal."""
    return np.asarray(-0.5 * u**2 - 0.5 * np.log(2 * np.pi))


def why_not_a_scale(name: str, prior: Prior) -> str | None:
    """None if `scale` covers the prior of a standard deviation, else one sentence."""
    if prior.dist is not None:
        return f"The prior of {name!r} is a distribution of the user's own."
    if _kind(prior) not in SCALE_PRIORS:
        return f"The prior of {name!r} is {_kind(prior)}; covered are {', '.join(SCALE_PRIORS)}."
    for key, value in prior.args.items():
        if not np.isfinite(value).all() or (np.min(value) <= 0 and _MAY_BE_NEGATIVE.get(prior.name) != key):
            return f"The prior of {name!r} is {prior}: its {key} must be positive and finite."
    if _kind(prior) == _UNIFORM and not 0 <= np.min(prior.args["lower"]) < np.min(prior.args["upper"]):
        return f"The prior of {name!r} is {prior}: a standard deviation lies between 0 and a larger number."
    return None


def _kind(prior: Prior) -> str:
    return f"{prior.name}({', '.join(sorted(prior.args))})"


def _half_normal(x: np.ndarray, sigma: float) -> np.ndarray:
    return np.asarray(0.5 * np.log(2 / np.pi) - np.log(sigma) - 0.5 * (x / sigma) ** 2)


def _half_student(x: np.ndarray, nu: float, sigma: float) -> np.ndarray:
    constant = np.log(2) + gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * np.pi) - np.log(sigma)
    return np.asarray(constant - (nu + 1) / 2 * np.log1p((x / sigma) ** 2 / nu))


def _gamma(x: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    return np.asarray(alpha * np.log(beta) - gammaln(alpha) + (alpha - 1) * np.log(x) - beta * x)


def _inverse_gamma(x: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    return np.asarray(alpha * np.log(beta) - gammaln(alpha) - (alpha + 1) * np.log(x) - beta / x)


def _lognormal(x: np.ndarray, mu: float, sigma: float) -> np.ndarray:
    return np.asarray(log_normal_density((np.log(x) - mu) / sigma) - np.log(sigma) - np.log(x))


_UNIFORM = "Uniform(lower, upper)"
_LOG_DENSITIES: Mapping[str, Callable[..., np.ndarray]] = MappingProxyType(
    {
        "HalfNormal(sigma)": _half_normal,
        "HalfStudentT(nu, sigma)": _half_student,
        "HalfCauchy(beta)": lambda x, beta: _half_student(x, 1.0, beta),
        "Exponential(lam)": lambda x, lam: np.log(lam) - lam * x,
        "Exponential(scale)": lambda x, scale: -np.log(scale) - x / scale,
        "Gamma(alpha, beta)": _gamma,
        "Gamma(mu, sigma)": lambda x, mu, sigma: _gamma(x, (mu / sigma) ** 2, mu / sigma**2),
        "InverseGamma(alpha, beta)": _inverse_gamma,
        "InverseGamma(mu, sigma)": lambda x, mu, sigma: _inverse_gamma(
            x, 2 + (mu / sigma) ** 2, mu * (1 + (mu / sigma) ** 2)
        ),
        "LogNormal(mu, sigma)": _lognormal,
        "Lognormal(mu, sigma)": _lognormal,
    }
)
SCALE_PRIORS: tuple[str, ...] = (*_LOG_DENSITIES, _UNIFORM)
