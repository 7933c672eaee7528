"""The pooling path in other families against the strategies that it joins, and the law of total expectation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import hlm
from hlm.compare.pooling_path import PoolingPath, pooling_path
from hlm.data.packaged_sets import load_data
from hlm.errors import FitError

CBPP = "p(incidence, size) ~ period + (1|herd)"


def _sums(path: PoolingPath) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The finite places, the density there, and the path averaged over it, shape (K, terms)."""
    finite = np.isfinite(path.density["sd"].to_numpy())
    sd, density = path.density["sd"].to_numpy()[finite], path.density.to_numpy()[finite]
    whole = np.trapezoid(density[:, None, None] * path.estimates.to_numpy()[finite], sd, axis=0)
    return sd, density, whole


def _apart(found: np.ndarray, draws: xr.DataArray, effective: float) -> float:
    """The largest distance of posterior means, in Monte Carlo errors of so many effective draws."""
    draws = draws.transpose("chain", "draw", ...)
    error = draws.std(("chain", "draw")).to_numpy() / np.sqrt(effective)
    return float(np.nanmax(np.abs(found - draws.mean(("chain", "draw")).to_numpy()) / error))


def counts(seed: int = 4, groups: int = 12) -> pd.DataFrame:
    r = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), r.integers(4, 10, groups))
    x, hours = r.normal(size=len(g)), r.uniform(0.5, 2, len(g))
    slopes = 0.4 + 0.3 * r.normal(size=groups)[g]
    rate = hours * np.exp(0.5 + slopes * x + 0.6 * r.normal(size=groups)[g])
    return pd.DataFrame({"g": g.astype(str), "x": x, "hours": hours, "y": r.poisson(rate * r.gamma(4, 0.25, len(g)))})


@pytest.fixture(scope="module")
def cbpp_path() -> PoolingPath:
    return pooling_path(CBPP, load_data("cbpp"), family="binomial", seed=1)


@pytest.fixture(scope="module")
def cbpp_fits() -> hlm.PoolingFits:
    return hlm.fit_pooling(CBPP, load_data("cbpp"), family="binomial", seed=1, progress=False)


def test_the_ends_are_the_strategies_and_the_average_is_partial_pooling(cbpp_path, cbpp_fits):
    draws = hlm.coefficients(cbpp_fits)
    _, _, whole = _sums(cbpp_path)
    for pooling, found in (("complete", cbpp_path.estimates[0]), ("none", cbpp_path.estimates[-1]), ("partial", whole)):
        # 4.5 Monte Carlo errors, of 60 numbers; importance samples of 60 to 90 % efficiency
        assert _apart(np.asarray(found), draws.sel(pooling=pooling), 0.6 * 4000) < 4.5
    assert cbpp_path.note == "" and (cbpp_path.at_0, cbpp_path.at_infinity) == ("complete pooling", "no pooling")
    assert np.isfinite(cbpp_path.estimates).all()


def test_the_density_is_that_of_the_draws(cbpp_path, cbpp_fits):
    sd, density, _ = _sums(cbpp_path)
    cumulated = np.concatenate([[0], np.cumsum(np.diff(sd) * (density[1:] + density[:-1]) / 2)])
    draws = np.sort(cbpp_fits["partial"].idata["posterior"]["1|herd_sigma"].to_numpy().ravel())
    gap = np.abs(np.interp(draws, sd, cumulated) - (np.arange(4000) + 0.5) / 4000).max()
    assert gap < 1.95 / np.sqrt(0.8 * 4000)  # Kolmogorov's 99.9 % point; efficiency of the draws 82 %


def test_one_sd_of_a_block_with_a_family_parameter():
    """Correlations, the other sd and alpha are averaged over; at 0 it is the model without that effect."""
    data = counts()
    formula = "y ~ x + offset(log(hours)) + (x|g)"
    path = pooling_path(formula, data, family="negativebinomial", term="x", points=40, seed=1)
    smaller = "y ~ x + offset(log(hours)) + (1|g)"
    for text, found in ((formula, _sums(path)[2]), (smaller, path.estimates[0])):
        fit = hlm.fit(text, data, family="negativebinomial", method="exact", seed=1, progress=False)
        draws = hlm.coefficients(fit).sel(pooling="partial")
        # 24 numbers: four errors of 4000 draws of 75 % efficiency; and the path's own sums, evenly spread points in
        # pairs, 20 of them effective: 0.03 posterior sds from 20,000 draws with four seeds
        assert _apart(np.asarray(found), draws, 1) < 4 / np.sqrt(0.75 * 4000) + 0.04
    assert path.at_0 == "without x|g" and path.note == ""


@pytest.mark.parametrize(("family", "link"), [("bernoulli", "probit"), ("bernoulli", "cloglog"), ("bernoulli", None)])
def test_separated_groups_go_as_far_as_the_sd_lets_them(family: str, link: str | None) -> None:
    r = np.random.default_rng(2)
    data = pd.DataFrame({"g": np.repeat(list("abcdef"), 5), "y": r.integers(0, 2, 30)})
    data.loc[data["g"] == "a", "y"] = 1
    path = pooling_path("y ~ 1 + (1|g)", data, family=family, link=link, points=20, seed=1)
    own = path.estimates.sel(g="a", term="Intercept").to_numpy()
    assert (np.diff(own[:-1]) > 0).all() and np.isfinite(own).all()
    assert np.ptp(path.estimates[0].to_numpy()) < 1e-9


def test_what_there_is_not():
    with pytest.raises(FitError, match="There is no pooling path of this model. The family is t with the identity"):
        pooling_path("Reaction ~ Days + (1|Subject)", load_data("sleepstudy"), family="t")
    crossed = "p(incidence, size) ~ 1 + (1|herd) + (1|period)"
    with pytest.raises(FitError, match="There is no pooling path of this model. There are several grouping factors"):
        pooling_path(crossed, load_data("cbpp"), family="binomial", group="herd")


def test_fits_give_the_picture(cbpp_fits):
    ax = hlm.plot_path(cbpp_fits)
    alone = hlm.plot_path({"partial": cbpp_fits["partial"]})
    assert ax.get_ylabel() == alone.get_ylabel() and "herd" in ax.alt_text  # type: ignore[attr-defined]
