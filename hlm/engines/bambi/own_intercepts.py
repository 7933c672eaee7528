"""No pooling's own intercepts with priors at the means of their groups' rows, by Bambi's public interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class OwnIntercepts:
    """In the place of a Normal prior; Bambi has built the other coefficients before."""

    means: Mapping[str, np.ndarray]  # by another coefficient's name those of its columns, (intercepts, columns)

    def __call__(self, name: str, *, mu: Any, sigma: Any, dims: tuple[str, ...]) -> Any:
        import pymc as pm

        at_means = pm.Normal(f"{name}_at_means_offset", mu, sigma, dims=dims)
        return pm.Deterministic(name, at_means - self.to_means(pm.modelcontext(None), dims), dims=dims)

    def to_means(self, model: Any, dims: tuple[str, ...]) -> Any:
        """What leads from an intercept where all columns are 0 to the predictor at their means."""
        import pytensor.tensor as pt

        labels = tuple(len(model.coords[dim]) for dim in dims[1:])  # of several linear predictors
        return sum(pt.dot(means, model[name].reshape((means.shape[1], *labels))) for name, means in self.means.items())
