"""The families are Bambi's, their numbers are SciPy's, and a response that cannot come from one is named."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logit

from hlm.data.clean_data import clean
from hlm.errors import DataError, FitError
from hlm.formula.parser import parse
from hlm.model.families import FAMILIES, check_response, get_family


def test_the_table_is_bambis() -> None:
    from bambi.defaults.families import BUILTIN_FAMILIES

    multivariate = {"multinomial", "dirichlet_multinomial"}
    assert set(FAMILIES) == set(BUILTIN_FAMILIES) - multivariate
    for name, family in FAMILIES.items():
        theirs = BUILTIN_FAMILIES[name]
        assert family.parent == theirs["likelihood"]["parent"]
        assert family.link == theirs["link"][family.parent]
        assert {link.name for link in family.links} == {*theirs["family"].SUPPORTED_LINKS[family.parent]}
        if family.support != "ordered":  # thresholds are left to Bambi
            ours = {own: a.prior.name for own, a in family.auxiliary.items()}
            assert ours == theirs.get("default_priors", {}) | ({"kappa": "HalfStudentT"} if name == "vonmises" else {})


def test_unknown_family_names_the_nearest() -> None:
    with pytest.raises(FitError, match="no family 'gausian'. Did you mean 'gaussian'"):
        get_family("gausian")


@pytest.mark.parametrize(
    ("family", "formula", "column", "message"),
    [
        (
            "bernoulli",
            "y ~ (1|g)",
            [0, 1, 2, 0],
            "'y' is 2 in row 2 (counting from 0): the bernoulli family needs 0 and 1",
        ),
        ("poisson", "y ~ (1|g)", [0, 1, -2, 0], "'y' is -2 in row 2"),
        ("poisson", "y ~ (1|g)", [0, 1, 1.5, 0], "'y' is 1.5 in row 2"),
        ("gamma", "y ~ (1|g)", [0.0, 1, 2, 3], "numbers above 0"),
        ("beta", "y ~ (1|g)", [0.5, 0.2, 1.0, 0.3], "between 0 and 1"),
        ("binomial", "y ~ (1|g)", [0, 1, 1, 0], "write family='bernoulli'"),
        ("binomial", "y ~ (1|g)", [0, 1, 3, 0], "write p(y, n) ~ ..."),
        ("gaussian", "p(y, n) ~ (1|g)", [0, 1, 1, 0], "add family='binomial'"),
        ("binomial", "p(y, n) ~ (1|g)", [0, 1, 9, 0], "more successes than trials in 'n'"),
    ],
)
def test_impossible_responses(family: str, formula: str, column: list[float], message: str) -> None:
    read = parse(formula)
    data = clean(read, pd.DataFrame({"y": column, "n": [5, 5, 5, 6], "g": list("aabb")}), family=get_family(family))
    with pytest.raises(DataError) as caught:
        check_response(get_family(family), read, data)
    assert message in str(caught.value)


def test_trials_must_be_counts() -> None:
    read = parse("p(y, n) ~ (1|g)")
    data = clean(
        read, pd.DataFrame({"y": [0, 0, 1, 1], "n": [1, 0, 2, 2], "g": list("aabb")}), family=get_family("binomial")
    )
    with pytest.raises(DataError, match="'n' is 0 in row 1"):
        check_response(get_family("binomial"), read, data)


ETA = np.array([[-2.0, 0.3, 1.1], [0.0, -0.7, 25.0]])
EXTREME = np.array([[-700.0, -40.0, 0.0], [-1.0, 40.0, 700.0]])
Y = np.array([0.0, 1.0, 3.0])
TRIALS = np.array([4.0, 5.0, 3.0])
OWN = {"sigma": np.array([[0.5], [2.0]]), "alpha": np.array([[0.7], [30.0]])}
COUNTED = np.minimum(ETA, 3.0)
# family, linear predictor, response, SciPy's log density
DENSITIES = [
    ("gaussian", ETA, Y, stats.norm.logpdf(Y, ETA, OWN["sigma"])),
    ("bernoulli", ETA, np.minimum(Y, 1), stats.bernoulli.logpmf(Y > 0, expit(ETA))),
    ("binomial", ETA, Y, stats.binom.logpmf(Y, TRIALS, expit(ETA))),
    ("poisson", COUNTED, Y, stats.poisson.logpmf(Y, np.exp(COUNTED))),
    ("poisson", COUNTED, 1000 * Y, stats.poisson.logpmf(1000 * Y, np.exp(COUNTED))),
    ("negativebinomial", COUNTED, Y, stats.nbinom.logpmf(Y, OWN["alpha"], 1 / (1 + np.exp(COUNTED) / OWN["alpha"]))),
]
by_density = pytest.mark.parametrize(("family", "eta", "y", "expected"), DENSITIES)
DRAWN = [name for name, family in FAMILIES.items() if family.draw is not None]


def test_every_density_is_tested_here() -> None:
    assert {family for family, *_ in DENSITIES} == {n for n, family in FAMILIES.items() if family.log_density}
    assert set(FAMILIES) - set(DRAWN) == {"categorical", "cumulative", "sratio"}


@by_density
def test_density_is_scipys(family: str, eta: np.ndarray, y: np.ndarray, expected: np.ndarray) -> None:
    found = FAMILIES[family].log_density(y, eta, TRIALS, OWN)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("family", ["bernoulli", "binomial", "negativebinomial"])
def test_far_out_a_density_is_its_asymptote(family: str) -> None:
    """Where p is 0 or 1 to all digits, log p is eta, or 0."""
    y = np.array([1.0, 0.0, 1.0])
    low, high = np.minimum(EXTREME, 0), np.maximum(EXTREME, 0)
    trials, own = np.ones(3), {"alpha": np.ones(1)}  # geometric: the same two probabilities, p (1 - p) for 1
    expected = {"bernoulli": np.where(y == 1, low, -high), "negativebinomial": np.where(y == 1, low, 0.0) - high}
    found = FAMILIES[family].log_density(y, EXTREME, trials, own)
    correction = np.log1p(np.exp(-np.abs(EXTREME)))  # at 0 and -1, which are not far out
    times = np.where(y == 1, 2, 1) if family == "negativebinomial" else 1
    np.testing.assert_allclose(
        found, expected.get(family, expected["bernoulli"]) - times * correction, rtol=1e-12, atol=1e-12
    )


@by_density
def test_derivatives_are_those_of_the_density(
    family: str, eta: np.ndarray, y: np.ndarray, expected: np.ndarray
) -> None:
    record, step = FAMILIES[family], 1e-5

    def change(function: Any) -> np.ndarray:
        return (function(y, eta + step, TRIALS, OWN) - function(y, eta - step, TRIALS, OWN)) / (2 * step)

    slope, curvature = (f(y, eta, TRIALS, OWN) for f in (record.slope, record.curvature))
    scale = 1e-8 * (1 + np.abs(expected).max())  # rounding of the density over 2e-5, and h^2
    np.testing.assert_allclose(slope, change(record.log_density), rtol=1e-8, atol=scale)
    np.testing.assert_allclose(curvature, change(record.slope), rtol=1e-8, atol=scale)


@by_density
def test_derivatives_are_finite_far_out(family: str, eta: np.ndarray, y: np.ndarray, expected: np.ndarray) -> None:
    record = FAMILIES[family]
    for function in (record.slope, record.curvature):
        assert np.isfinite(function(y, EXTREME, TRIALS, OWN)).all()


def responses(family: str) -> np.ndarray:
    """All responses that are not too unlikely to matter, for sums over them."""
    return {"bernoulli": np.arange(2.0), "binomial": np.arange(6.0)}.get(family, np.arange(2000.0))


@pytest.mark.parametrize("family", ["bernoulli", "binomial", "poisson", "negativebinomial"])
def test_probabilities_sum_to_1_and_information_is_minus_the_mean_curvature(family: str) -> None:
    record, y, own = FAMILIES[family], responses(family), {"alpha": np.array([[1.7]])}
    for at in (-1.2, 0.4, 1.5):
        eta, trials = np.full((1, len(y)), at), np.full(len(y), 5.0)
        probabilities = np.exp(record.log_density(y, eta, trials, own))
        assert probabilities.sum() == pytest.approx(1, rel=1e-10)
        information = -(probabilities * record.curvature(y, eta, trials, own)).sum()
        assert record.information(eta[:, :1], trials[:1], own) == pytest.approx(information, rel=1e-9)
        # the other definition: the derivative of the mean squared, over the variance
        mean = (probabilities * y).sum()
        link = record.links[0].derivative(np.array(at)) * (5 if family == "binomial" else 1)
        assert link**2 / (probabilities * (y - mean) ** 2).sum() == pytest.approx(information, rel=1e-9)


def test_information_of_the_gaussian_family() -> None:
    found = FAMILIES["gaussian"].information(ETA, None, OWN)
    assert found == pytest.approx(-FAMILIES["gaussian"].curvature(Y, ETA, None, OWN)) and found.shape == ETA.shape
    assert found[0] == pytest.approx([4, 4, 4])


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("family", [name for name in DRAWN if FAMILIES[name].log_density])
def test_draws_have_the_densitys_mean_and_variance(family: str, seed: int) -> None:
    record, size, own = FAMILIES[family], 20_000, {"sigma": np.array([[1.3]]), "alpha": np.array([[1.7]])}
    y = np.linspace(-15, 15, 20_001) if family == "gaussian" else responses(family)
    eta, trials = np.full((1, len(y)), 0.4), np.full(len(y), 5.0)
    weights = np.exp(record.log_density(y, eta, trials, own)) * (y[1] - y[0])
    mean = (weights * y).sum()
    variance, fourth = ((weights * (y - mean) ** power).sum() for power in (2, 4))
    parent = record.undo_link(np.full((1, size), 0.4))
    drawn = record.draw(np.random.default_rng(seed), parent, np.full(size, 5), own)
    assert drawn.shape == (1, size)
    assert abs(drawn.mean() - mean) < 4 * np.sqrt(variance / size)
    assert abs(drawn.var(ddof=1) - variance) < 4 * np.sqrt((fourth - variance**2) / size)


LINKS = {link.name: link for family in FAMILIES.values() for link in family.links}


@pytest.mark.parametrize("name", [name for name in LINKS if name != "softmax"])
def test_links(name: str) -> None:
    from scipy.differentiate import derivative

    link, eta = LINKS[name], np.array([0.2, 0.9, 2.0])
    forward = {"identity": lambda mu: mu, "log": np.log, "logit": logit, "inverse": lambda mu: 1 / mu,
               "inverse_squared": lambda mu: mu**-2.0, "probit": stats.norm.ppf,
               "cloglog": lambda mu: np.log(-np.log(1 - mu))}[name]  # fmt: skip
    np.testing.assert_allclose(forward(link.inverse(eta)), eta, rtol=1e-12)
    np.testing.assert_allclose(link.derivative(eta), derivative(link.inverse, eta, initial_step=0.1).df, rtol=1e-9)


def test_softmax_has_one_predictor_for_every_label() -> None:
    eta, step = np.array([[0.2, 0.9, -1.0], [0.0, 0.0, 0.0]]), 1e-6
    link = LINKS["softmax"]
    np.testing.assert_allclose(link.inverse(eta).sum(axis=1), 1)
    for label in range(3):
        change = step * (np.arange(3) == label)
        slope = (link.inverse(eta + change) - link.inverse(eta - change))[:, label] / (2 * step)
        np.testing.assert_allclose(link.derivative(eta)[:, label], slope, rtol=1e-8)


@pytest.mark.parametrize("name", FAMILIES)
def test_record_is_whole(name: str) -> None:
    family = FAMILIES[name]
    assert pickle.loads(pickle.dumps(family)) is family is copy.deepcopy(family)
    assert (family.curve is None) == bool(family.bars)
    assert family.parent in family.arguments and set(family.auxiliary) <= set(family.arguments)
    assert set(family.arguments) <= {family.parent, *family.auxiliary, "n"}
    assert family.has_trials == ("n" in family.arguments) == (family.weights == "trials")
    assert {*family.in_units_of_response} <= {*family.auxiliary}
    numbers = [family.log_density, family.slope, family.curvature]
    assert all(numbers) or not any(numbers)
    assert family.information is not None or not any(numbers)
    assert family.draw is not None or not family.has_linear_predictor


def test_kinds_of_families() -> None:
    def which(kind: str) -> list[str]:
        return [name for name, family in FAMILIES.items() if getattr(family, kind)]

    assert which("is_gaussian") == ["gaussian"]
    assert which("is_of_logarithm") == ["lognormal", "hurdle_lognormal"]
    assert which("is_binomial") == ["bernoulli", "binomial"]
    assert which("is_success_or_failure") == ["bernoulli", "binomial", "beta_binomial"]
    assert which("has_predictor_per_label") == ["categorical"]
    assert which("has_thresholds") == ["cumulative", "sratio"]
    assert len(which("has_linear_predictor")) == len(FAMILIES) - 3


def test_weights_mean_something_in_few_families() -> None:
    meanings = {name: family.weights for name, family in FAMILIES.items() if family.weights}
    trials = dict.fromkeys(["binomial", "beta_binomial", "zero_inflated_binomial"], "trials")
    assert meanings == {"gaussian": "precisions", **trials}
