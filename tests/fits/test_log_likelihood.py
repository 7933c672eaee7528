"""The densities are scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from hlm.fits.log_likelihood import DENSITIES

ETA = np.array([[-2.0, 0.3, 1.1], [0.0, -0.7, 25.0]])
Y = np.array([0.0, 1.0, 3.0])
TRIALS = np.array([4, 5, 3])
AUXILIARY = {"sigma": np.array([[0.5], [2.0]]), "alpha": np.array([[0.7], [30.0]])}
SMALL = np.minimum(ETA, 3.0)

CASES = [
    ("gaussian", ETA, Y, stats.norm.logpdf(Y, ETA, AUXILIARY["sigma"])),
    ("bernoulli", ETA, (Y > 0).astype(float), stats.bernoulli.logpmf(Y > 0, expit(ETA))),
    ("binomial", ETA, Y, stats.binom.logpmf(Y, TRIALS, expit(ETA))),
    ("poisson", SMALL, Y, stats.poisson.logpmf(Y, np.exp(SMALL))),
    (
        "negativebinomial", SMALL, Y,
        stats.nbinom.logpmf(Y, AUXILIARY["alpha"], 1 / (1 + np.exp(SMALL) / AUXILIARY["alpha"])),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("family", "eta", "y", "expected"), CASES)
def test_density(family: str, eta: np.ndarray, y: np.ndarray, expected: np.ndarray) -> None:
    found = DENSITIES[family](y, eta, TRIALS, AUXILIARY)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
