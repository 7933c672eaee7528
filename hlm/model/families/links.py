"""Link functions: the linear predictor to the parameter that a formula describes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hlm.support.special_functions import expit, softmax

type OfPredictor = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """A link function."""

    name: str  # Bambi's name
    # inverse, derivative: the parameter at a linear predictor, and its derivative there. Of softmax, the last axis is
    # the labels.
    inverse: OfPredictor
    derivative: OfPredictor
    of: OfPredictor  # the linear predictor at a parameter
    pymc: str = ""  # the inverse of ``eta`` in PyMC


IDENTITY = Link("identity", lambda eta: eta, np.ones_like, lambda mu: mu, "eta")
LOG = Link("log", np.exp, np.exp, np.log, "pm.math.exp(eta)")
LOGIT = Link(
    "logit", expit, lambda eta: expit(eta) * expit(-eta), lambda mu: np.log(mu / (1 - mu)), "pm.math.invlogit(eta)"
)
INVERSE = Link("inverse", lambda eta: 1 / eta, lambda eta: -1 / eta**2, lambda mu: 1 / mu, "1 / eta")
INVERSE_SQUARED = Link(
    "inverse_squared", lambda eta: eta**-0.5, lambda eta: -0.5 * eta**-1.5, lambda mu: mu**-2.0, "1 / pm.math.sqrt(eta)"
)
SOFTMAX = Link("softmax", softmax, lambda eta: softmax(eta) * (1 - softmax(eta)), np.log)
