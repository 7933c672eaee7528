"""How much one row says about its linear predictor, in the families whose rows do not all say the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from hlm.fits.posterior_coefficients import linear_predictor

if TYPE_CHECKING:
    from hlm.fits.results import Fit

# linear predictor, trials (1 where there are none), alpha -> expected information of a row about its linear predictor
_WEIGHTS: Mapping[str, Callable[[np.ndarray, np.ndarray, float], np.ndarray]] = {
    "bernoulli": lambda eta, trials, alpha: expit(eta) * expit(-eta),
    "binomial": lambda eta, trials, alpha: trials * expit(eta) * expit(-eta),
    "poisson": lambda eta, trials, alpha: np.exp(eta),
    "negativebinomial": lambda eta, trials, alpha: np.exp(eta) / (1 + np.exp(eta) / alpha),
}


def working_weights(fit: Fit) -> np.ndarray | None:
    """The weights of the working linear model at the posterior mean, shape (rows,).

    None in a family for which they are not written down here. They are those of iteratively reweighted least squares
    (McCullagh & Nelder 1989, section 2.5): (d mu / d eta)^2 / Var(y); the posterior mean of the coefficients stands
    for the mode.
    """
    if fit.family not in _WEIGHTS:
        return None
    parts = fit.parts
    means = tuple(replace(part, values=part.values.mean(axis=0, keepdims=True)) for part in parts.groups)
    at = replace(parts, shared=parts.shared.mean(axis=0, keepdims=True), groups=means)
    eta = linear_predictor(at, fit.resolved.data, slice(0, fit.resolved.data.rows))[0]
    name = fit.resolved.written.response.trials
    trials = np.ones(1) if name is None else fit.resolved.data.columns[name].to_numpy(np.float64)
    posterior = fit.idata["posterior"]
    alpha = float(posterior["alpha"].mean()) if "alpha" in posterior else np.nan
    return np.asarray(_WEIGHTS[fit.family](eta, trials, alpha))
