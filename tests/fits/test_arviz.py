"""`Fit.arviz`: what ArviZ's tools read stands in ``idata``, under its names and dims, and is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import arviz as az
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from scipy import stats

from hlm.data.packaged_sets import load_data
from hlm.fits.fit import fit, fit_pooling
from hlm.fits.results import Fit, PoolingFits


@pytest.fixture(scope="module")
def lines(lines_about: Callable[[float], pd.DataFrame]) -> PoolingFits:
    return fit_pooling("y ~ x + (x|g)", lines_about(2.0), seed=4, progress=False)


@pytest.fixture
def closing() -> Iterator[None]:
    yield
    plt.close("all")


def test_log_likelihood_is_the_normal_density_given_each_draw(lines: PoolingFits) -> None:
    found, data = lines["partial"].arviz(seed=1), lines.data
    row, (posterior, y, x, g) = 17, (found["posterior"], *data.iloc[17][["y", "x", "g"]])
    mean = posterior["Intercept"] + x * posterior["x"]
    mean = mean + (posterior["1|g"] + x * posterior["x|g"]).sel(g__factor_dim=str(g))
    expected = stats.norm.logpdf(y, mean, posterior["sigma"])
    there = found["log_likelihood"]["y"]
    assert there.dims == ("chain", "draw", "__obs__")
    np.testing.assert_allclose(there.isel(__obs__=row), expected, rtol=1e-10)
    np.testing.assert_array_equal(found["observed_data"]["__obs__"], there["__obs__"])


def test_replications_have_the_mean_and_sd_of_the_model(lines: PoolingFits) -> None:
    found = lines["none"].arviz(seed=2)
    fitted = lines["none"].model.predict(lines["none"].idata, inplace=False)["posterior"]["mu"]
    noise = (found["posterior_predictive"]["y"] - fitted) / found["posterior"]["sigma"]
    assert abs(float(noise.mean())) < 4 / noise.size**0.5  # independent standard normal numbers
    assert abs(float(noise.std()) - 1) < 4 / (2 * noise.size) ** 0.5
    again = lines["none"].arviz(seed=2)["posterior_predictive"]["y"]
    np.testing.assert_array_equal(again, found["posterior_predictive"]["y"])


def test_weights_are_in_density_and_replications() -> None:
    data = load_data("sleepstudy").assign(w=np.where(np.arange(180) % 2, 1.0, 25.0))
    heavy = fit("Reaction ~ Days + (1|Subject)", data, weights="w", seed=1, progress=False)
    found = heavy.arviz(seed=1)
    mean = heavy.parts.shared @ heavy.parts.common.matrix.T
    mean += heavy.parts.groups[0].values[:, heavy.parts.groups[0].factor.codes, 0]
    sigma = found["posterior"]["sigma"].to_numpy().ravel()[:, None] / np.sqrt(data["w"].to_numpy())
    density = stats.norm.logpdf(data["Reaction"].to_numpy(), mean, sigma)
    np.testing.assert_allclose(
        found["log_likelihood"]["Reaction"].to_numpy().reshape(density.shape), density, rtol=1e-9
    )
    noise = (found["posterior_predictive"]["Reaction"].to_numpy().reshape(mean.shape) - mean) / sigma
    for rows in (noise[:, ::2], noise[:, 1::2]):
        assert abs(rows.std() - 1) < 4 / (2 * rows.size) ** 0.5


def test_arviz_and_hlm_agree_where_pareto_k_is_small(lines: PoolingFits) -> None:
    """Complete pooling: three parameters, 96 rows; both leave rows out of the same 4,000 draws."""
    ours, theirs = lines["complete"].leave_out(), az.loo(lines["complete"].arviz(seed=1), pointwise=True)
    assert theirs.pareto_k.max() < 0.4
    # sd of an elpd's Monte Carlo error is some sqrt(rows x variance of a log density / draws); 4 of them
    each = lines["complete"].idata["log_likelihood"]["y"].var(("chain", "draw")).sum()
    assert abs(theirs.elpd - ours.total) < 4 * float(each / 4000) ** 0.5 + 0.01


@pytest.mark.usefixtures("closing")
@pytest.mark.filterwarnings("ignore::UserWarning")  # ArviZ's, of Pareto k and of a picture's backend
def test_arviz_compares_and_draws_all_strategies(lines: PoolingFits) -> None:
    table = az.compare({name: one.arviz(seed=1) for name, one in lines.items()})
    assert set(table.index) == {"complete", "none", "partial"}
    assert table.index[-1] == "complete"
    assert az.plot_ppc_dist(lines["partial"].idata) is not None


def test_small_groups_are_where_the_conditional_number_is_too_high(pastes: PoolingFits) -> None:
    """Two rows a cask: given its cask's effect a row is known too well (what `Fit.arviz` says in its notes)."""
    with pytest.warns(UserWarning, match="Estimated shape parameter of Pareto"):
        theirs = az.loo(pastes["partial"].arviz(seed=1), pointwise=True)
    ours = pastes["partial"].leave_out()
    assert (theirs.pareto_k > 0.7).sum() > 5
    assert len(ours.bad) == 0
    assert theirs.elpd - ours.total > 0.5


def binomial() -> Fit:
    formula = "p(incidence, size) ~ period + (1|herd)"
    return fit(formula, load_data("cbpp"), family="binomial", seed=1, draws=100, tune=300, chains=2, progress=False)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.usefixtures("closing")
def test_counts_have_bambis_name_and_density() -> None:
    herds = binomial()
    found = herds.arviz(seed=1)
    name = "p(incidence, size)"
    theirs = herds.model.compute_log_likelihood(herds.idata, inplace=False)["log_likelihood"][name]
    np.testing.assert_allclose(found["log_likelihood"][name], theirs, rtol=1e-8)
    replicated = found["posterior_predictive"][name].to_numpy()
    assert replicated.dtype.kind == "i"
    assert (replicated <= load_data("cbpp")["size"].to_numpy()).all()
    assert list(found["observed_data"].data_vars) == [name]
    assert np.isfinite(az.loo(found).elpd)
    assert az.plot_ppc_dist(found) is not None


@pytest.mark.filterwarnings("ignore:Estimated shape:UserWarning")  # 100 draws
def test_a_family_that_only_bambi_knows() -> None:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"y": rng.gamma(3, 1, 80), "x": np.arange(80) % 7, "g": np.arange(80) // 8})
    heavy = fit("y ~ x + (1|g)", data, family="t", seed=1, draws=50, tune=200, chains=2, progress=False)
    found = heavy.arviz(seed=3)
    assert found["log_likelihood"]["y"].shape == found["posterior_predictive"]["y"].shape == (2, 50, 80)
    assert np.isfinite(az.loo(found).elpd)
    assert float(abs(found["posterior_predictive"]["y"].median() - data["y"].median())) < 1
