"""How much one row says about its linear predictor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hlm.fits.posterior_coefficients import linear_predictor

if TYPE_CHECKING:
    from hlm.fits.results import Fit


def working_weights(fit: Fit) -> np.ndarray | None:
    """The weights of the working linear model at the posterior mean, shape (rows,).

    None in a family whose record has no information. They are those of iteratively reweighted least squares, where
    the posterior mean of the coefficients stands for the mode.
    """
    model, parts = fit.resolved, fit.parts
    if model.family.information is None:
        return None
    means = tuple(replace(part, values=part.values.mean(axis=0, keepdims=True)) for part in parts.groups)
    at = replace(parts, shared=parts.shared.mean(axis=0, keepdims=True), groups=means)
    eta = linear_predictor(at, model.data, slice(0, model.rows))[0]
    name = model.written.response.trials
    trials = None if name is None else model.data.columns[name].to_numpy(np.float64)
    own = {own: fit.idata["posterior"][own].mean().to_numpy() for own in model.family.auxiliary}
    return model.family.information(eta, trials, own)
