"""The pooling path against the strategies that it joins, closed forms, and the law of total expectation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, t

import hlm
from hlm.compare.group_least_squares import least_squares
from hlm.compare.pooling_path import PoolingPath, pooling_path
from hlm.data.packaged_sets import load_data
from hlm.engines.exact.slices import ExactSlices
from hlm.engines.exact.theta import weighted_thetas as thetas
from hlm.errors import FitError, FormulaError
from hlm.formula.formula import Term
from hlm.model.priors import Prior
from hlm.model.resolve import default_priors

EXAM = "post ~ pre + (pre|school)"
SLEEP = "Reaction ~ Days + (Days|Subject)"


@pytest.fixture(scope="module")
def exam_path() -> PoolingPath:
    return pooling_path(EXAM, load_data("exam"), seed=1)


@pytest.fixture(scope="module")
def slope_path() -> PoolingPath:
    return pooling_path(EXAM, load_data("exam"), term="pre", seed=1)


@pytest.fixture(scope="module")
def sleep_path() -> PoolingPath:
    return pooling_path(SLEEP, load_data("sleepstudy"), seed=1)


def _over_sigma(x: np.ndarray, y: np.ndarray, mean: np.ndarray, sd: np.ndarray, scale: float) -> np.ndarray:
    """Posterior means of coefficients with Normal priors, averaged over a grid of sigma: dense matrices only."""
    sigmas = np.linspace(0.85, 1.2, 200) * np.std(y - x @ np.linalg.lstsq(x, y)[0])
    means, log_weights = [], []
    for sigma in sigmas:
        precision = x.T @ x / sigma**2 + np.diag(1 / sd**2)
        means.append(np.linalg.solve(precision, x.T @ y / sigma**2 + mean / sd**2))
        v = sigma**2 * np.eye(len(y)) + (x * sd**2) @ x.T
        log_weights.append(multivariate_normal(x @ mean, v).logpdf(y) + t(4, scale=scale).logpdf(sigma))
    weights = np.exp(np.array(log_weights) - max(log_weights))
    return weights @ np.array(means) / weights.sum()


def _total(path: PoolingPath) -> np.ndarray:
    """The path averaged over its density, shape (K, terms)."""
    finite = np.isfinite(path.density["sd"].to_numpy())
    sd, density = path.density["sd"].to_numpy()[finite], path.density.to_numpy()[finite]
    return np.trapezoid(density[:, None, None] * path.estimates.to_numpy()[finite], sd, axis=0)


# ---------------------------------------------------------------- the ends


def test_at_0_it_is_complete_pooling(sleep_path):
    data = load_data("sleepstudy")
    priors = default_priors(SLEEP, data, pooling="complete")
    days = data["Days"].to_numpy(dtype=float)
    x = np.column_stack([np.ones(len(days)), days - days.mean()])  # the intercept's prior is about centred columns
    mean, sd = (np.array([priors[n].args[key] for n in ("Intercept", "Days")]) for key in ("mu", "sigma"))
    a, b = _over_sigma(x, data["Reaction"].to_numpy(), mean, sd, priors["sigma"].args["sigma"])
    found = sleep_path.estimates.isel(sd=0).to_numpy()
    # relative 1e-6: sigma enters through the weak prior alone, so its averages hardly differ
    np.testing.assert_allclose(found, np.tile([a - b * days.mean(), b], (18, 1)), rtol=1e-6)
    assert (sleep_path.at_0, sleep_path.estimates["sd"].to_numpy()[0]) == ("complete pooling", 0)


def test_at_infinity_it_is_no_pooling(sleep_path):
    data = load_data("sleepstudy")
    priors = default_priors(SLEEP, data, pooling="none")
    subjects = sorted(data["Subject"].astype(str).unique())
    dummies = np.array([[str(s) == name for name in subjects] for s in data["Subject"]], dtype=float)
    x = np.hstack([dummies, dummies * data[["Days"]].to_numpy()])
    mean, sd = (
        np.concatenate([np.full(18, priors[n].args[key]) for n in ("Subject", "Subject:Days")])
        for key in ("mu", "sigma")
    )
    own = _over_sigma(x, data["Reaction"].to_numpy(), mean, sd, priors["sigma"].args["sigma"])
    found = sleep_path.estimates.isel(sd=-1).sel(Subject=subjects).to_numpy()
    np.testing.assert_allclose(found, own.reshape(2, 18).T, rtol=1e-6)
    assert (sleep_path.at_infinity, sleep_path.estimates["sd"].to_numpy()[-1]) == ("no pooling", np.inf)


def test_the_ends_are_the_strategies_that_are_fitted(exam_path, exam):
    draws = hlm.coefficients(exam)
    for pooling, place in (("complete", 0), ("none", -1)):
        expected = draws.sel(pooling=pooling)
        mean = expected.mean(("chain", "draw")).to_numpy()
        error = expected.std(("chain", "draw")).to_numpy() / np.sqrt(4000)
        # four Monte Carlo errors of the 4000 draws at the very most: their noise cancels by construction
        assert (np.abs(exam_path.estimates.isel(sd=place).to_numpy() - mean) < 4 * error).all()
    school_48 = exam_path.estimates.isel(sd=-1).sel(school="48", term="pre")
    assert float(school_48) == pytest.approx(-6.90, abs=0.05)  # STATISTICS.md 3; the wide prior takes 0.02 of it


def test_the_last_places_before_infinity_run_into_least_squares(exam_path, exam):
    own = least_squares(exam["none"].resolved, Term(("school",)))
    near = exam_path.estimates.isel(sd=-2).to_numpy()[exam_path.n > 5]
    # 58 times the estimate: s2 / (Sxx tau^2) is 3e-3 of the distance, which is below 1, where Sxx is 3 as in school 54
    np.testing.assert_allclose(near, own[exam_path.n > 5], atol=3e-3)


def test_what_a_group_cannot_determine_has_no_end_at_infinity():
    data = load_data("sleepstudy")
    one_row = data[(data["Subject"].astype(str) != "308") | (data["Days"] == 4)]
    path = pooling_path(SLEEP, one_row, seed=1)
    last = path.estimates.isel(sd=-1)
    assert np.isnan(last.sel(Subject="308")).all()
    assert np.isfinite(path.estimates.isel(sd=slice(0, -1))).all() and np.isfinite(last.drop_sel(Subject="308")).all()


# ---------------------------------------------------------------- between them


@pytest.fixture(scope="module")
def balanced() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(9), 7)
    return pd.DataFrame({"g": g, "y": 2 + rng.normal(0, 0.5, 9)[g] + rng.normal(0, 0.7, 63)})


def test_random_intercepts_move_by_the_textbook_fraction(balanced):
    known = {"sigma": Prior("Uniform", lower=0.7, upper=0.70001)}
    path = pooling_path("y ~ 1 + (1|g)", balanced, priors=known, seed=1)
    means = balanced.groupby("g")["y"].mean().to_numpy()
    tau = path.estimates["sd"].to_numpy()[:-1]
    apart = path.estimates.sel(term="Intercept").to_numpy()[:-1]
    share = (apart - apart[:, :1])[:, 1:] / (means - means[0])[1:]  # of two groups' difference: the mean cancels
    expected = 7 * tau**2 / (7 * tau**2 + 0.7**2)
    np.testing.assert_allclose(share, np.tile(expected[:, None], 8), atol=3e-5)  # sigma is known to 1.4e-5
    assert (np.diff(share[:, 0]) > 0).all()


def test_random_intercepts_move_away_from_the_pooled_mean_all_the_way(balanced):
    path = pooling_path("y ~ 1 + (1|g)", balanced, seed=1)
    away = np.abs(path.estimates.sel(term="Intercept") - path.estimates.sel(term="Intercept").isel(sd=0)).to_numpy()
    spread = path.estimates.sel(term="Intercept").std("g").to_numpy()
    assert (np.diff(spread) > 0).all()
    assert (away[-1] > away[1]).all()


@pytest.mark.parametrize("term", ["Intercept", "pre"])
def test_averaged_over_its_density_a_path_is_partial_pooling(term, exam):
    path = pooling_path(EXAM, load_data("exam"), term=term, seed=2)
    draws = hlm.coefficients(exam).sel(pooling="partial")
    error = draws.std(("chain", "draw")).to_numpy() / np.sqrt(4000)
    # five Monte Carlo errors, of 130 numbers; the importance sums add less than one
    assert (np.abs(_total(path) - draws.mean(("chain", "draw")).to_numpy()) < 5 * error).all()


def test_one_sd_at_0_is_the_model_without_that_effect(slope_path):
    smaller = pooling_path("post ~ pre + (1|school)", load_data("exam"), seed=1)
    found = slope_path.estimates.isel(sd=0).to_numpy()
    # two importance sums of 64 points, each good to about 1 % of what sigma and the other sd still move, 0.05
    np.testing.assert_allclose(found, _total(smaller), atol=1e-3)
    assert slope_path.at_0 == "without pre|school"
    assert slope_path.at_infinity == "pre|school not pooled, all else partially"


def test_one_factor_of_several(penicillin):
    path = pooling_path("diameter ~ 1 + (1|plate) + (1|sample)", load_data("penicillin"), group="plate", seed=1)
    draws = hlm.coefficients(penicillin, "plate").sel(pooling="partial")
    error = draws.std(("chain", "draw")).to_numpy() / np.sqrt(4000)
    assert (np.abs(_total(path) - draws.mean(("chain", "draw")).to_numpy()) < 5 * error + 0.002).all()
    first = path.estimates.isel(sd=0).to_numpy()
    assert np.ptp(first) < 1e-12  # no plate differs where the sd is 0
    data = load_data("penicillin")  # balanced: each plate's own mean, whatever the samples are
    means = data.groupby(data["plate"].astype(str))["diameter"].mean()
    last = path.estimates.isel(sd=-1).sel(term="Intercept").to_series()
    assert (last - last.mean()).loc[means.index].to_numpy() == pytest.approx(
        (means - means.mean()).to_numpy(), abs=1e-4
    )


# ---------------------------------------------------------------- the density


@pytest.mark.parametrize(("term", "name"), [("Intercept", "1|school_sigma"), ("pre", "pre|school_sigma")])
def test_the_density_is_that_of_the_engines_draws(term, name, exam):
    path = pooling_path(EXAM, load_data("exam"), term=term, seed=1)
    finite = np.isfinite(path.density["sd"].to_numpy())
    sd, density = path.density["sd"].to_numpy()[finite], path.density.to_numpy()[finite]
    cumulated = np.concatenate([[0], np.cumsum(np.diff(sd) * (density[1:] + density[:-1]) / 2)])
    assert cumulated[-1] == pytest.approx(1, abs=1e-12)
    draws = np.sort(exam["partial"].idata["posterior"][name].to_numpy().ravel())
    gap = np.abs(np.interp(draws, sd, cumulated) - (np.arange(4000) + 0.5) / 4000).max()
    assert gap < 0.03  # Kolmogorov's 99.9 % point for 4000 draws, 1.95 / sqrt(4000)
    assert path.estimated == {name: pytest.approx(draws.mean(), rel=0.03)}  # 400 draws of an sd of 5 to 20 %


def test_the_density_of_the_common_factor_is_about_1(exam_path):
    sd, density = exam_path.density["sd"].to_numpy()[:-1], exam_path.density.to_numpy()[:-1]
    assert np.trapezoid(density, sd) == pytest.approx(1, abs=1e-12)
    mean = np.trapezoid(sd * density, sd)
    assert mean == pytest.approx(1, abs=0.05)  # skewness of the two sds: a few per cent
    assert list(exam_path.estimated) == ["1|school_sigma", "pre|school_sigma"]
    assert float(exam_path.efficiency.min()) > 0.5


# ---------------------------------------------------------------- options and errors


def test_places_and_names(exam_path):
    assert exam_path.estimates.dims == ("sd", "school", "term")
    sd = exam_path.estimates["sd"].to_numpy()
    assert (np.diff(sd) > 0).all() and 1.0 in sd and len(sd) == 101
    assert (exam_path.group, exam_path.response, exam_path.n.sum(), exam_path.unit) == ("school", "post", 4059, 1.0)


def test_the_seed_decides_the_estimates_alone(slope_path):
    again = pooling_path(EXAM, load_data("exam"), term="pre", seed=1)
    np.testing.assert_array_equal(again.estimates, slope_path.estimates)
    other = pooling_path(EXAM, load_data("exam"), term="pre", seed=5, points=40)
    at = np.array([0.05, 0.125, 0.2])
    interpolated = other.estimates.isel(sd=slice(0, -1)).interp(sd=at).to_numpy()
    # straight lines between 40 places
    np.testing.assert_allclose(interpolated, slope_path.estimates.isel(sd=slice(0, -1)).interp(sd=at), atol=0.01)


def test_a_prior_of_the_sd_moves_the_density_and_not_the_path():
    data = load_data("sleepstudy")
    wide, tight = (
        pooling_path(SLEEP, data, term="Days", seed=1, priors={"Days|Subject_sigma": Prior("HalfNormal", sigma=s)})
        for s in (50.0, 2.0)
    )
    assert tight.unit < 0.8 * wide.unit
    at = np.array([3.0, 5.0])
    found, expected = (p.estimates.isel(sd=slice(0, -1)).interp(sd=at).to_numpy() for p in (tight, wide))
    np.testing.assert_allclose(found, expected, rtol=0.01)  # straight lines between different places


@pytest.mark.parametrize(
    ("formula", "options", "error", "message"),
    [
        (EXAM, {"term": "Pre"}, FitError, "No effect 'Pre' varies by school. Did you mean 'pre'?"),
        (EXAM, {"group": "pupil"}, FitError, "There is no grouping factor 'pupil'"),
        (EXAM, {"points": 5}, FitError, "points is a whole number of at least 10, not 5."),
        (
            EXAM,
            {"priors": {"pre": Prior("StudentT", nu=3, mu=0, sigma=1)}},
            FitError,
            "There is no pooling path of this",
        ),
        ("post ~ pre", {}, FormulaError, "has no grouping factor, so there is nothing to pool"),
    ],
)
def test_what_there_is_not(formula, options, error, message):
    with pytest.raises(error, match=message):
        pooling_path(formula, load_data("exam"), **options)


def test_a_group_with_braces_in_its_name_is_told_like_any_other():
    frame = load_data("sleepstudy").rename(columns={"Subject": "of {0} {}"})
    with pytest.raises(FitError) as caught:
        pooling_path("Reaction ~ Days + (Days|`of {0} {}`)", frame, term="days")
    assert str(caught.value) == "No effect 'days' varies by of {0} {}. Did you mean 'Days'? There are: Intercept, Days."


# ---------------------------------------------------------------- columns far from 0, and what is not to be trusted


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_far_from_zero_the_sds_are_those_of_the_fit(seed: int, lines_about: Any) -> None:
    """At 1e4 the search ended where slopes hardly vary: an sd of 0.0001, and group 3's slope 0.70."""
    data = lines_about(1e4)
    path = pooling_path("y ~ x + (x|g)", data, seed=seed)
    fitted = hlm.fit("y ~ x + (x|g)", data, method="exact", seed=seed, progress=False)
    for name, estimate in path.estimated.items():
        draws = fitted.idata["posterior"][name]
        error = float(draws.std()) * np.sqrt(1 / 3000 + 1 / 400)  # effective draws of the fit, and of the path
        assert estimate == pytest.approx(float(draws.mean()), abs=4 * error)
    assert path.note == ""


def test_far_from_zero_the_path_does_not_depend_on_how_far(lines_about: Any) -> None:
    paths = [pooling_path("y ~ x + (x|g)", lines_about(mean), seed=1) for mean in (200, 400)]
    for sd in (0, 1, np.inf):
        slopes = [float(path.estimates.sel(sd=sd, g="3", term="x")) for path in paths]
        # sds known to 1.5 % (a posterior sd of 30 %, 400 draws); the slope moves by 0.2 for each unit of log sd, so that
        # four errors of a difference are 0.017; and 1 % more of the posterior is slopes that hardly vary
        assert slopes[0] == pytest.approx(slopes[1], abs=0.02)


def test_few_points_where_the_posterior_is_are_said_and_drawn(
    lines_about: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No model is known where few points decide: a third of the places are said to have few."""

    def poor(*arguments: Any) -> Any:
        found = slice_means(*arguments)
        return replace(found, efficiency=np.where(np.arange(len(found.efficiency)) % 3 == 0, 0.05, found.efficiency))

    slice_means = ExactSlices.means
    monkeypatch.setattr(ExactSlices, "means", poor)
    path = pooling_path("y ~ x + (x|g)", lines_about(0), term="x", seed=1)
    few = (path.efficiency < 0.1).to_numpy()[:-1]
    sd, density = path.density["sd"].to_numpy()[:-1], path.density.to_numpy()[:-1]
    share = np.trapezoid(density * few, sd) / np.trapezoid(density, sd)
    clause = f"or sds that hold {share:.0%} of the posterior the estimates rest on few points and may be wrong in the"
    assert share > 0.01 and path.note.startswith(f"f{clause}")
    ax = hlm.plot_path(path)
    assert f"F{clause}" in ax.get_xlabel().replace("\n", " ") and f"F{clause}" in ax.alt_text  # type: ignore[attr-defined]
    plt.close("all")


def test_a_bad_pareto_k_of_the_sds_is_said(monkeypatch: pytest.MonkeyPatch, sleep_path: PoolingPath) -> None:
    def broken(*arguments: Any, **options: Any) -> Any:
        return replace(sample(*arguments, **options), pareto_k=0.91)

    sample = thetas.importance_sample
    monkeypatch.setattr(thetas, "importance_sample", broken)
    path = pooling_path(SLEEP, load_data("sleepstudy"), seed=1)
    assert path.note == "the sds are estimated from importance weights of Pareto k 0.91, wanted 0.7 at most"
    assert sleep_path.note == ""
