"""Priors of standard deviations: densities in PyMC's parametrisations, and the coordinate that makes them unbounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.special import expit, gammaln, log_expit

from hlm.prior import Prior

type _LogDensity = Callable[..., np.ndarray]


@dataclass(frozen=True, slots=True)
class Scale:
    """One standard deviation: its prior and its coordinate u on the real line.

    u is the logarithm, or the logit of the place between the bounds of a Uniform prior.
    """

    prior: str
    args: Mapping[str, float]

    def value(self, u: np.ndarray) -> np.ndarray:
        if self.prior == "Uniform":
            lower, upper = self.args["lower"], self.args["upper"]
            return np.asarray(lower + (upper - lower) * expit(u))
        return np.exp(u)

    def coordinate(self, value: float) -> float:
        """The inverse of `value`, kept inside the bounds."""
        if self.prior == "Uniform":
            lower, upper = self.args["lower"], self.args["upper"]
            share = np.clip((value - lower) / (upper - lower), 0.01, 0.99)
            return float(np.log(share / (1 - share)))
        return float(np.log(value))

    def log_density(self, u: np.ndarray) -> np.ndarray:
        """Log prior density of u: of the value, plus log |d value / d u|."""
        if self.prior == "Uniform":
            return np.asarray(log_expit(u) + log_expit(-u))
        return np.asarray(_DENSITIES[_key(self.prior, self.args)](np.exp(u), **self.args) + u)


def scale(prior: Prior, column: int = 0) -> Scale:
    """The scale with a prior; ``column`` picks the number of a prior whose numbers differ by column."""
    args = {key: value[column] if isinstance(value, tuple) else value for key, value in prior.args.items()}
    return Scale(prior.name, MappingProxyType(args))
