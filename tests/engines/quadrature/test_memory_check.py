"""Fits that do not fit into memory are refused; many groups' effects are drawn after the weights."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hlm
from hlm.engines.quadrature import sampling
from hlm.errors import FitError


def few() -> pd.DataFrame:
    r = np.random.default_rng(1)
    return pd.DataFrame({"g": np.repeat(list("abcdefgh"), 5), "y": r.integers(0, 2, 40)})


def test_too_many_draws_are_refused_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hlm.support.memory._free", lambda: 1e5)
    with pytest.raises(FitError, match="draws of the coefficients"):
        hlm.fit("y ~ 1 + (1|g)", few(), family="bernoulli", method="exact", progress=False)


def test_effects_drawn_after_the_weights_have_the_same_posterior(monkeypatch: pytest.MonkeyPatch) -> None:
    fits = []
    for together in (sampling.TOGETHER, 0):
        monkeypatch.setattr(sampling, "TOGETHER", together)
        fits.append(hlm.fit("y ~ 1 + (1|g)", few(), family="bernoulli", seed=1, progress=False).idata["posterior"])
    first, second = (fit["1|g"].transpose("chain", "draw", ...).to_numpy().reshape(4000, -1) for fit in fits)
    np.testing.assert_array_equal(fits[0]["1|g_sigma"], fits[1]["1|g_sigma"])  # theta is the same in both
    # 4 Monte Carlo errors of the difference; efficiency above 60 %
    assert (np.abs(first.mean(axis=0) - second.mean(axis=0)) < 4 * first.std(axis=0) * np.sqrt(2 / 2400)).all()
    assert second.std(axis=0) == pytest.approx(first.std(axis=0), rel=0.1)  # 4 errors of sds, of 2400 draws each
