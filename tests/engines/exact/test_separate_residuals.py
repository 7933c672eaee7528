"""No pooling with a residual sd for each group: against quadrature of the dense model, and through every table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate
from scipy.stats import multivariate_normal

from hlm.compare.compare_loo import compare_loo
from hlm.data.packaged_sets import load_data
from hlm.errors import FitError
from hlm.fits.fit import fit, fit_pooling
from hlm.fits.log_likelihood import log_density_of
from hlm.fits.predict import predict

SLEEP = "Reaction ~ Days + (Days|Subject)"


@pytest.fixture(scope="module")
def separate():
    return fit(SLEEP, load_data("sleepstudy"), pooling="none", residual="separate", seed=1, progress=False)


def test_each_group_is_a_regression_of_its_own(separate):
    """Means and sds of sigma_k and of the slope by numerical integration over sigma_k of the dense normal model."""
    posterior = separate.idata["posterior"]
    assert posterior["sigma_Subject"].dims == ("chain", "draw", "sigma_Subject_dim")
    priors = separate.priors
    for subject in ("308", "335"):
        rows = load_data("sleepstudy").query("Subject == @subject")
        x = np.column_stack([np.ones(len(rows)), rows["Days"]])
        y = rows["Reaction"].to_numpy()
        own = [priors["Subject"], priors["Subject:Days"]]
        mean = np.array([p.args["mu"] for p in own])
        spread = np.diag([float(p.args["sigma"]) ** 2 for p in own])
        nu, scale = priors["sigma"].args["nu"], priors["sigma"].args["sigma"]

        def density(sigma, x=x, y=y, mean=mean, spread=spread, nu=nu, scale=scale):
            v = x @ spread @ x.T + sigma**2 * np.eye(len(y))
            prior = -(nu + 1) / 2 * np.log1p((sigma / scale) ** 2 / nu)
            return np.exp(multivariate_normal(x @ mean, v).logpdf(y) + prior + 80)

        def slope(sigma, x=x, y=y, mean=mean, spread=spread):
            precision = x.T @ x / sigma**2 + np.linalg.inv(spread)
            return np.linalg.solve(precision, x.T @ y / sigma**2 + np.linalg.solve(spread, mean))[1]

        grid = np.linspace(5, 400, 4000)
        weights = np.array([density(s) for s in grid])
        total = integrate.trapezoid(weights, grid)
        first = integrate.trapezoid(weights * grid, grid) / total
        second = integrate.trapezoid(weights * (grid - first) ** 2, grid) / total
        expected = integrate.trapezoid(weights * np.array([slope(s) for s in grid]), grid) / total
        sigma = posterior["sigma_Subject"].sel(sigma_Subject_dim=subject).to_numpy()
        slopes = posterior["Subject:Days"].sel({"Subject:Days_dim": subject}).to_numpy()
        error = 4 / np.sqrt(4000)  # four standard errors of a mean of 4000 draws, in sds
        assert sigma.mean() == pytest.approx(first, abs=error * np.sqrt(second))
        assert sigma.std() == pytest.approx(np.sqrt(second), rel=0.1)  # a skewed tail: 4 sqrt((kurtosis 6) / 4 / 4000)
        assert slopes.mean() == pytest.approx(expected, abs=error * slopes.std())


def test_nuts_says_the_same(separate):
    nuts = fit(
        SLEEP, load_data("sleepstudy"), pooling="none", residual="separate", method="nuts", seed=1, progress=False
    )
    ours, theirs = separate.idata["posterior"], nuts.idata["posterior"]
    for name in ("sigma_Subject", "Subject", "Subject:Days"):
        sd = theirs[name].std(("chain", "draw"))
        assert theirs[name].dims == ours[name].dims
        # 4000 exact draws against an effective sample size of 1000 at least: 4 sqrt(1/4000 + 1/1000)
        assert (abs(ours[name].mean(("chain", "draw")) - theirs[name].mean(("chain", "draw"))) < 0.15 * sd).all()
    assert nuts.method == "nuts" and separate.method == "exact"


def test_bambi_reads_the_posterior(separate):
    rows = separate.resolved.rows
    theirs = separate.model.compute_log_likelihood(separate.idata, inplace=False)["log_likelihood"]["Reaction"]
    density = log_density_of(separate.resolved, separate.idata, separate.parts, lambda: separate.model)
    ours = density(slice(0, rows)).reshape(4, 1000, rows)
    np.testing.assert_allclose(theirs.to_numpy(), ours, atol=1e-8)


def test_tables_and_predictions(separate):
    fits = fit_pooling(SLEEP, load_data("sleepstudy"), residual="separate", seed=1, progress=False)
    assert [one.resolved.residual for one in fits.values()] == ["shared", "separate", "shared"]
    line = next(line for line in repr(fits).splitlines() if line.startswith("sigma "))
    assert "by Subject" in line
    assert compare_loo(fits)["elpd"].notna().all()
    new = pd.DataFrame({"Days": [0, 0], "Subject": ["309", "308"]})
    spread = predict(separate, new, kind="response", seed=1)["sd"]
    assert spread[0] < 0.6 * spread[1]  # 309 hardly varies (least squares: 6.6), 308 does (47.8)


def test_a_common_term_goes_to_nuts_and_says_why():
    data = load_data("exam").query("school in ['1', '2', '3']").astype({"school": str})
    one = fit(
        "post ~ pre + sex + (pre|school)", data, pooling="none", residual="separate", draws=50, tune=200, chains=2,
        seed=1, progress=False,
    )  # fmt: skip
    assert one.method == "nuts"
    assert "each with its own residual sd, share sex[M]" in one.notes[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "partial"}, "not for pooling='partial', family='gaussian'"),
        ({"pooling": "none", "family": "poisson"}, "not for pooling='none', family='poisson'"),
    ],
)
def test_where_it_has_no_meaning(options, message):
    with pytest.raises(FitError, match=message):
        fit(SLEEP, load_data("sleepstudy"), residual="separate", progress=False, **options)


def test_unknown_choices_and_two_factors():
    with pytest.raises(FitError, match="'shared', 'separate', not 'own'"):
        fit(SLEEP, load_data("sleepstudy"), pooling="none", residual="own", progress=False)
    with pytest.raises(FitError, match="groups of plate, sample all have coefficients of their own"):
        fit(
            "diameter ~ 1 + (1|plate) + (1|sample)", load_data("penicillin"), pooling="none", residual="separate",
            progress=False,
        )  # fmt: skip


def test_one_group_a_thousand_times_noisier_than_the_others():
    """Its sigma lies far above what the residuals of all groups together suggest, and is found all the same."""
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(400), 6)
    y = rng.normal(size=400)[g] + np.where(g == 0, 1000.0, 1.0) * rng.normal(size=len(g))
    frame = pd.DataFrame({"y": y, "g": g})
    one = fit("y ~ 1 + (1|g)", frame, pooling="none", residual="separate", seed=1, progress=False)
    sigma = one.idata["posterior"]["sigma_g"].median(("chain", "draw"))
    mean, sd = (one.priors["g"].args[key] for key in ("mu", "sigma"))
    prior, grid = one.priors["sigma"].args, np.geomspace(0.05, 50_000, 6000)
    for group in (0, 1):  # V = sd^2 1 1' + s^2 I: within the group, and its mean
        mine, whole = y[g == group], grid**2 + 6 * sd**2
        within = 5 * np.log(grid**2) + ((mine - mine.mean()) ** 2).sum() / grid**2
        log_density = -0.5 * (within + np.log(whole) + 6 * (mine.mean() - mean) ** 2 / whole)
        log_density -= (prior["nu"] + 1) / 2 * np.log1p((grid / prior["sigma"]) ** 2 / prior["nu"])
        share = integrate.cumulative_trapezoid(np.exp(log_density - log_density.max()), grid, initial=0)
        expected = np.interp(share[-1] / 2, share, grid)
        # a median of 4000 draws: 4 x 1.25 sd / sqrt(4000), and the sd is about a third of the median
        assert float(sigma.sel(sigma_g_dim=str(group))) == pytest.approx(expected, rel=0.03)
