"""How much one row says about its linear predictor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hlm.fits.posterior_coefficients import linear_predictor
from hlm.model.families import get_family

if TYPE_CHECKING:
    from hlm.fits.results import Fit


def working_weights(fit: Fit) -> np.ndarray | None:
    """The weights of the working linear model at the posterior mean, shape (rows,).

    None in a family whose record has no information. They are those of iteratively reweighted least squares, where
    the posterior mean of the coefficients stands for the mode.
    """
    information = get_family(fit.family).information
    if information is None:
        return None
    parts = fit.parts
    means = tuple(replace(part, values=part.values.mean(axis=0, keepdims=True)) for part in parts.groups)
    at = replace(parts, shared=parts.shared.mean(axis=0, keepdims=True), groups=means)
    eta = linear_predictor(at, fit.data, slice(0, fit.data.rows))[0]
    name = fit.written.response.trials
    trials = None if name is None else fit.data.columns[name].to_numpy(np.float64)
    own = {own: fit.idata["posterior"][own].mean().to_numpy() for own in get_family(fit.family).auxiliary}
    return information(eta, trials, own)
