"""Simulation-based calibration (Talts et al. 2018, arXiv:1804.06788): data from the prior, ranks of the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hlm.engines.exact.engine import EXACT
from hlm.engines.interface import Options
from hlm.model.priors import Prior
from hlm.model.resolve import resolve

FORMULA = "y ~ x + (x|g)"
PRIORS = {
    "Intercept": Prior("Normal", mu=1, sigma=2), "x": Prior("Normal", mu=0, sigma=1),
    "sigma": Prior("Exponential", lam=1), "1|g_sigma": Prior("HalfNormal", sigma=1),
    "x|g_sigma": Prior("HalfNormal", sigma=0.7), "g_corr": Prior("LKJ", eta=1.5),
}  # fmt: skip
DATA_SETS, BINS = 300, 10
SIZES = [1, 2, 3, 4, 5, 6, 7, 8]


def _from_the_prior(frame: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, float]]:
    """Parameters and effects from their priors, data from them."""
    x, g = frame["x"].to_numpy(), frame["g"].to_numpy()
    truth = {
        "sigma": rng.exponential(), "1|g_sigma": abs(rng.normal()), "x|g_sigma": 0.7 * abs(rng.normal()),
        "correlation": 2 * rng.beta(1.5, 1.5) - 1, "x": rng.normal(),
    }  # fmt: skip
    truth["Intercept"] = 1 + 2 * rng.normal() - truth["x"] * x.mean()  # its prior is about the mean of x
    z = rng.normal(size=(2, len(SIZES)))
    root = np.sqrt(1 - truth["correlation"] ** 2)
    intercepts = truth["1|g_sigma"] * z[0]
    slopes = truth["x|g_sigma"] * (truth["correlation"] * z[0] + root * z[1])
    truth["a group's slope"] = slopes[2]
    mean = truth["Intercept"] + intercepts[g] + (truth["x"] + slopes[g]) * x
    return frame.assign(y=mean + truth["sigma"] * rng.normal(size=len(x))), truth


@pytest.fixture(scope="module")
def ranks() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(20)
    x, y = 1.5 + rng.normal(size=sum(SIZES)), rng.normal(size=sum(SIZES))
    frame = pd.DataFrame({"g": np.repeat(np.arange(len(SIZES)), SIZES), "x": x, "y": y})
    found: dict[str, list[int]] = {}
    for seed in range(DATA_SETS):
        data, truth = _from_the_prior(frame, rng)
        model = resolve(FORMULA, data, priors=PRIORS)["partial"]
        drawn = EXACT.sample(model, Options(draws=396, chains=1, seed=seed))
        posterior = (
            drawn.idata["posterior"].to_dataset().isel(chain=0, draw=slice(None, None, 4))
        )  # 99 draws: 100 ranks
        draws = {name: posterior[name] for name in truth if name in posterior}
        draws["correlation"] = posterior["g_corr"].isel(g_effect=1, g_effect_bis=0)
        draws["a group's slope"] = posterior["x|g"].sel(g__factor_dim="2")
        for name, value in truth.items():
            found.setdefault(name, []).append(int((draws[name] < value).sum()))
    return {name: np.array(values) for name, values in found.items()}


@pytest.mark.parametrize(
    "name", ["sigma", "1|g_sigma", "x|g_sigma", "correlation", "Intercept", "x", "a group's slope"]
)
def test_ranks_of_the_truth_are_uniform(name, ranks):
    counts = np.bincount(ranks[name] * BINS // 100, minlength=BINS)
    statistic = ((counts - DATA_SETS / BINS) ** 2).sum() / (DATA_SETS / BINS)
    assert statistic < stats.chi2(BINS - 1).ppf(0.999), counts  # 27.9: one right engine in a thousand fails this
