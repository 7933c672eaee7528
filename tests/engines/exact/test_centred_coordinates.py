"""Theta about the columns' means: the same density by another road, and the posterior that far predictors have."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from hlm import fit, fit_pooling, load_data
from hlm.engines.exact.gaussian_model import gaussian_model, summed
from hlm.engines.exact.likelihood.marginal import Theta
from hlm.engines.exact.theta import starts
from hlm.engines.exact.theta.coordinates import Centred, Parameters
from hlm.engines.exact.theta.starts import make_parameters, make_parametrisations
from hlm.fits.results import Fit
from hlm.model.resolve import resolve


def space_of(formula: str, data: pd.DataFrame, eta: float) -> tuple[Parameters, Parameters | Centred]:
    model = resolve(formula, data, lkj_eta=eta)["partial"]
    gaussian = gaussian_model(model)
    sums = summed(gaussian)
    return make_parameters(gaussian, sums, model.priors)[0], make_parametrisations(gaussian, sums, model.priors)[
        0
    ].space


@pytest.mark.parametrize("eta", [1.0, 2.5])
@pytest.mark.parametrize(
    "formula", ["Reaction ~ far + (far|Subject)", "Reaction ~ far + twist + (far + twist|Subject)"]
)
def test_the_density_is_that_at_zero_times_the_jacobian(formula: str, eta: float) -> None:
    frame = load_data("sleepstudy").assign(far=lambda d: d["Days"] + 20, twist=lambda d: (d["Days"] - 3) ** 2)
    at_zero, space = space_of(formula, frame, eta)
    assert isinstance(space, Centred)
    rng = np.random.default_rng(1)
    there = []
    for u in rng.normal(size=(8, at_zero.dimension)):
        steps = 1e-5 * np.vstack([np.zeros(len(u)), np.eye(len(u)), -np.eye(len(u))])
        theta = space.theta(u + steps)
        moved = at_zero.coordinates(theta.sigma, theta.factor)
        jacobian = (moved[1 : len(u) + 1] - moved[len(u) + 1 :]) / 2e-5
        expected = at_zero.log_prior(moved[:1])[0] + np.linalg.slogdet(jacobian)[1]
        there.append(space.log_prior(u[None])[0] - expected)
    np.testing.assert_allclose(there, 0.0, atol=1e-5)  # differences of steps of 1e-5


def test_near_zero_nothing_changes() -> None:
    at_zero, space = space_of("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), 1.0)
    u = np.random.default_rng(1).normal(size=(5, at_zero.dimension))
    np.testing.assert_array_equal(space.theta(u).factor, at_zero.theta(u).factor)
    np.testing.assert_array_equal(space.log_prior(u), at_zero.log_prior(u))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_coordinates_have_the_same_posterior(
    seed: int, monkeypatch: pytest.MonkeyPatch, lines_about: Callable[[float], pd.DataFrame]
) -> None:
    """20 sds from 0 either can be sampled; 200 sds from 0 the search in those at 0 missed all of it."""
    found = []
    for far in (2.0, np.inf):
        monkeypatch.setattr(starts, "_FAR", far)
        fitted = fit("y ~ x + (x|g)", lines_about(20), method="exact", seed=seed, progress=False)
        found.append(
            [fitted.idata["posterior"][name].to_numpy().ravel() for name in ("sigma", "1|g_sigma", "x|g_sigma")]
        )
    for about_means, at_zero in zip(*found, strict=True):
        error = np.hypot(about_means.std(), at_zero.std()) / np.sqrt(2000)  # of some 4000 effective draws, to be safe
        assert abs(about_means.mean() - at_zero.mean()) < 4 * error


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_slopes_vary_far_from_zero_too(seed: int, lines_about: Callable[[float], pd.DataFrame]) -> None:
    """The search ended at a bump without varying slopes, of 1 % of the posterior: their sd was 0.0008, sigma 0.675."""
    fitted = fit("y ~ x + (x|g)", lines_about(200), method="exact", seed=seed, progress=False)
    posterior = fitted.idata["posterior"]
    assert fitted.diagnostics.ok and float((posterior["x|g_sigma"] > 0.1).mean()) > 0.98
    (note,) = fitted.notes
    assert note.startswith("x lies 233 of its standard") and note.endswith("write center(x)")
    assert float(posterior["sigma"].mean()) == pytest.approx(0.549, abs=0.01)  # as with x from its mean; its sd is 0.04


@pytest.mark.parametrize("formula", ["y ~ x + (1|g)", "y ~ x + u + (1|g)"])
def test_a_predictor_near_a_million_with_an_sd_of_a_thousandth(
    formula: str, lines_about: Callable[[float], pd.DataFrame]
) -> None:
    """Nine digits of x say nothing: slopes are those of x from its mean, in no pooling too, and u is still the groups' own."""
    frame = lines_about(0).assign(u=lambda d: 1e6 + 1e-3 * np.sqrt(d["g"]))
    both = [
        fit_pooling(formula, frame.assign(x=x), method="exact", seed=1, progress=False)
        for x in (frame["x"], 1e6 + 1e-3 * frame["x"])
    ]
    for near, far in zip(*(fits.values() for fits in both), strict=True):
        assert near.formula == far.formula and far.diagnostics.ok
        slopes = [fitted.idata["posterior"]["x"].to_numpy() for fitted in (near, far)]
        error = np.sqrt(2 / 3000) * slopes[0].std()  # two fits of 3000 effective draws or more
        assert abs(slopes[1].mean() * 1e-3 - slopes[0].mean()) < 4 * error, near.pooling


# ---------------------------------------------------------------- two parametrisations: slopes that vary, and slopes that hardly do


def hardly_vary(fitted: Fit) -> float:
    """The share of the posterior in which slopes move no line by more than intercepts do."""
    return float((fitted.idata["posterior"]["x|g_sigma"] < 0.05).mean())


def odds(data: pd.DataFrame, seed: int) -> float:
    fitted = fit("y ~ x + (x|g)", data, method="exact", seed=seed, progress=False)
    assert fitted.diagnostics.ok
    share = hardly_vary(fitted)
    return share / (1 - share)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ten_times_as_far_slopes_that_hardly_vary_are_ten_times_as_likely(
    seed: int, lines_about: Callable[[float], pd.DataFrame]
) -> None:
    """They were missed, with a Pareto k of 0.1, by two of three seeds; their share is a quarter at 1e4, 0.77 at 1e5.

    With x's mean m, slopes that vary need a correlation within 1/m^2 of -1 and intercepts at 0 within 1/m of m times
    the slopes; slopes that hardly vary need slopes and intercepts at 0 within 1/m of 0, all under priors whose
    densities there are flat (the intercept's is as wide as m): m^-3 against m^-2.
    """
    error = np.hypot(*(1 / np.sqrt(3000 * p * (1 - p)) for p in (0.25, 0.77)))  # of log odds; 3000 effective draws
    assert np.log(odds(lines_about(1e5), seed) / odds(lines_about(1e4), seed)) == pytest.approx(
        np.log(10), abs=4 * error
    )


@pytest.mark.parametrize("much", [3.0, 30.0])
def test_where_the_parametrisations_part_does_not_matter(
    much: float, monkeypatch: pytest.MonkeyPatch, lines_about: Callable[[float], pd.DataFrame]
) -> None:
    as_it_is = odds(lines_about(1e4), 1)
    monkeypatch.setattr(starts, "_MUCH", much)
    error = np.sqrt(2 / (3000 * 0.25 * 0.75))  # of log odds; 3000 effective draws each
    assert np.log(odds(lines_about(1e4), 1) / as_it_is) == pytest.approx(0.0, abs=4 * error)


def test_shares_of_the_parametrisations_add_up_to_one(lines_about: Callable[[float], pd.DataFrame]) -> None:
    frame = lines_about(2000).assign(h=lambda d: d.index % 5, far=lambda d: d["x"] ** 2)
    model = resolve("y ~ x + (x|g) + (x + far|h)", frame)["partial"]
    gaussian = gaussian_model(model)
    parametrisations = make_parametrisations(gaussian, summed(gaussian), model.priors)
    assert len(parametrisations) == 4  # each factor about the means or at 0
    scores = np.random.default_rng(1).normal(0, 2, size=(50, parametrisations[0].starts.shape[1]))
    for one in parametrisations:
        theta = one.space.theta(scores)
        shares = np.exp([one.log_share(theta) for one in parametrisations])
        assert shares.sum(axis=0) == pytest.approx(np.ones(50), abs=1e-12)
    nothing = Theta(np.ones(1), np.zeros((1, 5, 5)))  # no effect varies: the halves of what is 0 / 0
    assert np.exp([one.log_share(nothing)[0] for one in parametrisations]).sum() == pytest.approx(1, abs=1e-12)
