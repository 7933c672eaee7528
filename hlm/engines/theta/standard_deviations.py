"""Standard deviations: priors in PyMC's parametrisations, and the coordinate in which they are sampled.

The coordinate u is a normal score: ``value = -unit log Phi(-u)``, so that an Exponential variable with mean ``unit`` is
exactly standard normal in u. Where the prior has positive density at 0, the tail of u to the left is then normal, and
importance sampling covers it well; the logarithm of the sd would have an exponential tail. Under a Uniform prior,
``value = lower + (upper - lower) Phi(u)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri, ndtri_exp

from hlm.model.prior_distributions import DISTRIBUTIONS
from hlm.model.priors import Prior


@dataclass(frozen=True, slots=True)
class Scale:
    """One standard deviation."""

    kind: str  # distribution and names of its parameters: ``HalfStudentT(nu, sigma)``
    args: Mapping[str, float]  # the parameters' values
    # about the size of the value. It decides how efficient sampling is; the posterior does not depend on it.
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
        value = _DISTRIBUTIONS[self.kind].log_density_inside(self.value(u), self.args)
        return np.asarray(value + np.log(self.unit) + log_normal_density(u) - log_ndtr(-u))

    def log_density_of(self, value: np.ndarray) -> np.ndarray:
        """Log prior density of the standard deviation itself."""
        return _DISTRIBUTIONS[self.kind].log_density(value, self.args)

    @property
    def _width(self) -> float:
        return self.args["upper"] - self.args["lower"]


def scale(prior: Prior, *, unit: float, column: int = 0) -> Scale:
    """The scale with a prior; ``column`` picks its numbers where they differ by column."""
    args = {key: value[column] if isinstance(value, tuple) else value for key, value in prior.args.items()}
    return Scale(_kind(prior.name, prior.args), args, unit)


def log_normal_density(u: np.ndarray) -> np.ndarray:
    """Log density of the standard normal."""
    return np.asarray(-0.5 * u**2 - 0.5 * np.log(2 * np.pi))


def why_not_a_scale(name: str, prior: Prior) -> str | None:
    """None if `scale` covers the prior of a standard deviation, else one sentence."""
    if prior.dist is not None:
        return f"The prior of {name!r} is a distribution of the user's own."
    kind = _kind(prior.name, prior.args)
    if kind not in SCALE_PRIORS:
        return f"The prior of {name!r} is {kind}; covered are {', '.join(SCALE_PRIORS)}."
    for key, value in prior.args.items():
        if not np.isfinite(value).all() or (np.min(value) <= 0 and key in _DISTRIBUTIONS[kind].positive):
            return f"The prior of {name!r} is {prior}: its {key} must be positive and finite."
    if kind == _UNIFORM and not 0 <= np.min(prior.args["lower"]) < np.min(prior.args["upper"]):
        return f"The prior of {name!r} is {prior}: a standard deviation lies between 0 and a larger number."
    return None


def _kind(distribution: str, parameters: Iterable[str]) -> str:
    return f"{distribution}({', '.join(sorted(parameters))})"


_UNIFORM = "Uniform(lower, upper)"
_DISTRIBUTIONS = {
    _kind(record.name, parameters): record
    for record in DISTRIBUTIONS.values()
    if record.support in ("positive", "interval")
    for parameters in record.parametrisations
}
SCALE_PRIORS = tuple(_DISTRIBUTIONS)
