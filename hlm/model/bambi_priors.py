"""Bambi's own default priors (its ``priors/scaler.py``), for ``priors="bambi"``: they follow rstanarm's.

2.5 standard deviations of the response per standard deviation of the column, whatever stands beside it, and an
intercept as far from the response's mean as the slopes' priors allow where all predictors are 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlm.formula.formula import INTERCEPT
from hlm.model.priors import Prior

if TYPE_CHECKING:
    from hlm.model.model import Model
    from hlm.model.parameters import Parameter

_SCALED = ("gaussian", "t")  # families in which Bambi's priors follow the mean and sd of the response
_HALF_STUDENT = {"gaussian": "sigma", "t": "sigma", "vonmises": "kappa"}


def bambi_priors(model: Model) -> dict[str, Prior]:
    """By name: Bambi's number for every parameter of complete or partial pooling that has one there."""
    family = model.family
    y = model.data.columns[model.written.response.variable] if family.name in _SCALED else None
    mean, sd = (0.0, 1.0) if y is None else (float(y.mean()), float(y.std(ddof=0)))
    design, log_odds = model.design.common, family.is_binomial and family.link in ("logit", "probit")
    variance = (2.5 * sd) ** 2
    for term in dict.fromkeys(design.terms):
        if term != INTERCEPT:
            values = design.of(term)
            slope = _slope(values, sd, logit=log_odds, factors=model.is_factor(term))
            variance += float(np.dot(slope**2, values.mean(axis=0) ** 2))
    intercept = float(np.sqrt(variance))

    def sd_of(parameter: Parameter, *, logit: bool) -> float | np.ndarray:
        assert parameter.term is not None
        if parameter.term == INTERCEPT:
            return 1.5 if logit else intercept
        factors = model.is_factor(parameter.term)
        return _slope(model.columns_of(parameter), sd, logit=logit, factors=factors)

    found = {}
    for parameter in model.parameters:
        name = parameter.prior_name
        match parameter.kind:
            case "common":
                centre = mean if parameter.term == INTERCEPT else 0.0
                found[name] = Prior("Normal", mu=centre, sigma=sd_of(parameter, logit=log_odds))
            case "sd":
                found[name] = Prior("HalfNormal", sigma=sd_of(parameter, logit=False))
            case "residual" | "family" if name == _HALF_STUDENT.get(family.name):
                found[name] = Prior("HalfStudentT", nu=4.0, sigma=sd)
            case "residual" | "family":
                found[name] = family.auxiliary[name].prior
    return found


def _slope(values: np.ndarray, sd: float, *, logit: bool, factors: bool) -> np.ndarray:
    """The sd of each column's coefficient."""
    if logit:
        return np.ones(values.shape[1]) if factors else np.full(values.shape[1], 1.0 / values.sum(axis=1).std())
    return np.asarray(2.5 * sd / values.std(axis=0))
