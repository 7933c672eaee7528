"""Simulated data have the moments that they were asked for, and say what they are."""

from __future__ import annotations

import numpy as np
import pytest

from hlm.data.simulation import simulate
from hlm.errors import DataError


def test_moments_are_those_asked_for():
    data, truth = simulate(4000, 5, fixed=(1.0, -2.0), sd=(0.5, 0.3), corr=0.6, sigma=0.8, seed=1)
    own = truth.coefficients
    # four standard errors of 4000 groups: sd / 63, sd / 89, (1 - corr^2) / 63
    assert own.mean().to_numpy() == pytest.approx([1, -2], abs=0.032)
    assert own.std().to_numpy() == pytest.approx([0.5, 0.3], rel=0.045)
    assert own.corr().iloc[0, 1] == pytest.approx(0.6, abs=0.041)
    left = (
        data["y"] - own.loc[data["group"], "Intercept"].to_numpy() - own.loc[data["group"], "x"].to_numpy() * data["x"]
    )
    assert left.std() == pytest.approx(0.8, rel=0.02)  # of 20,000 rows
    assert (data["x"].mean(), data["x"].std()) == (pytest.approx(0, abs=0.029), pytest.approx(1, abs=0.02))


def test_truth_says_what_was_asked_for():
    data, truth = simulate(3, [1, 4, 2], fixed=(1, 2, 3), sd=(0.5, 0, 0.3), corr=-0.4, sigma=2, seed=1)
    assert list(data.columns) == ["group", "x1", "x2", "y"]
    assert data["group"].value_counts(sort=False).to_dict() == {"1": 1, "2": 4, "3": 2}
    assert truth.formula == "y ~ x1 + x2 + (1 + x2|group)" or truth.formula == "y ~ x1 + x2 + (x2|group)"
    assert list(truth.coefficients.columns) == ["Intercept", "x1", "x2"]
    assert (truth.coefficients["x1"] == 2).all()
    assert truth.corr.loc["Intercept", "x2"] == -0.4 and truth.corr.loc["x1", "x2"] == 0
    assert (truth.sigma, truth.sd["x2"], truth.fixed["x2"]) == (2.0, 0.3, 3.0)


@pytest.mark.parametrize(
    ("fixed", "sd", "formula"),
    [
        (1.0, 0.5, "y ~ 1 + (1|group)"),
        ((0, 1), (0.5, 0.3), "y ~ x + (x|group)"),
        ((0, 1), (0.5, 0), "y ~ x + (1|group)"),
        ((0, 1), (0, 0.3), "y ~ x + (0 + x|group)"),
        ((0, 1), (0, 0), "y ~ x"),
    ],
)
def test_the_formula_is_the_model(fixed, sd, formula):
    assert simulate(3, 2, fixed=fixed, sd=sd, seed=1)[1].formula == formula


def test_the_same_seed_gives_the_same_data():
    first, second, third = (simulate(5, 4, fixed=0, sd=1, seed=s)[0] for s in (3, 3, 4))
    assert first.equals(second) and not first.equals(third)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((1, 5), {}, "n_groups is a whole number of at least 2, not 1."),
        ((5, 0), {}, "group_size is a whole number of at least 1, or one for each group, not 0."),
        ((5, [3, 4]), {}, "group_size has 2 numbers for 5 groups"),
        ((5, 3), {"sd": (0.5,)}, "fixed has 2 numbers and sd 1: give an sd for the intercept and for each slope"),
        ((5, 3), {"sd": (0.5, -1)}, "sd none below 0, not"),
        ((5, 3), {"sigma": 0}, "sigma is a number above 0, not 0."),
        (
            (5, 3),
            {"corr": 1.0},
            "corr=1.0 is no correlation of 2 coefficients: it lies between -1 and 1, ends excluded.",
        ),
        ((5, 3), {"fixed": (0, 0, 0), "sd": (1, 1, 1), "corr": -0.6}, "it lies between -0.5 and 1"),
    ],
)
def test_what_no_such_model_has(arguments, options, message):
    with pytest.raises(DataError, match=message):
        simulate(*arguments, **({"fixed": (0.0, 1.0), "sd": (0.5, 0.3)} | options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "gamma"}, "family is one of 'gaussian', 'bernoulli', 'binomial', 'poisson', not 'gamma'."),
        ({"family": ["poisson"]}, "family is one of"),
        ({"family": "bernoulli", "sigma": 1}, "sigma=1: the bernoulli family has no residual sd; leave sigma out."),
        ({"family": "binomial"}, "needs the trials of each row: trials=10"),
        ({"family": "binomial", "trials": 0}, "trials is a whole number of at least 1, not 0."),
        ({"family": "poisson", "trials": 3}, "trials=3: the poisson family has no trials; leave trials out"),
        ({"family": "poisson", "fixed": (80.0, 1.0)}, "they are on the scale of logarithms"),
    ],
)
def test_what_no_such_family_has(options, message):
    with pytest.raises(DataError, match=message):
        simulate(5, 3, **({"fixed": (0.0, 1.0), "sd": (0.5, 0.3)} | options))


@pytest.mark.parametrize(
    ("family", "trials", "formula", "mean", "variance"),
    [
        ("bernoulli", None, "y ~ x + (1|group)", lambda eta: 1 / (1 + np.exp(-eta)), lambda m: m * (1 - m)),
        ("binomial", 7, "p(y, n) ~ x + (1|group)", lambda eta: 7 / (1 + np.exp(-eta)), lambda m: m * (1 - m / 7)),
        ("poisson", None, "y ~ x + (1|group)", np.exp, lambda m: m),
    ],
)
def test_other_families_have_their_means_and_variances(family, trials, formula, mean, variance):
    data, truth = simulate(2000, 20, fixed=(0.3, -0.8), sd=(0.7, 0), family=family, trials=trials, seed=2)
    assert (truth.formula, truth.family, truth.sigma) == (formula, family, None)
    assert data["y"].dtype.kind == "i" and list(data) == ["group", "x", *["n"] * (trials is not None), "y"]
    own = truth.coefficients.loc[data["group"]].to_numpy()
    expected = mean(own[:, 0] + own[:, 1] * data["x"].to_numpy())
    z = (data["y"] - expected) / np.sqrt(variance(expected))
    assert abs(z.mean()) < 4 / np.sqrt(len(z)) and abs((z * data["x"]).mean()) < 4 / np.sqrt(len(z))
    assert abs((z**2).mean() - 1) < 4 * (z**2).std() / np.sqrt(len(z))
