"""Every prior distribution against SciPy's density, by quadrature, and as a curve."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from hlm.model.prior_distributions import DISTRIBUTIONS, prior_shape

# every parametrisation with SciPy's distribution, and how often its density is ours: a folded one's half
CASES = [
    ("Normal", {"mu": 0.4, "sigma": 1.3}, stats.norm(0.4, 1.3), 1),
    ("HalfNormal", {"sigma": 1.3}, stats.halfnorm(scale=1.3), 1),
    ("StudentT", {"nu": 4.0, "mu": 0.4, "sigma": 1.3}, stats.t(4, 0.4, 1.3), 1),
    ("HalfStudentT", {"nu": 4.0, "sigma": 1.3}, stats.t(4, scale=1.3), 2),
    ("Cauchy", {"alpha": 0.4, "beta": 0.8}, stats.cauchy(0.4, 0.8), 1),
    ("HalfCauchy", {"beta": 0.8}, stats.halfcauchy(scale=0.8), 1),
    ("Laplace", {"mu": 0.4, "b": 0.8}, stats.laplace(0.4, 0.8), 1),
    ("Exponential", {"lam": 2.0}, stats.expon(scale=0.5), 1),
    ("Exponential", {"scale": 0.5}, stats.expon(scale=0.5), 1),
    ("Gamma", {"alpha": 2.0, "beta": 3.0}, stats.gamma(2.0, scale=1 / 3.0), 1),
    ("Gamma", {"alpha": 1.0, "beta": 3.0}, stats.expon(scale=1 / 3.0), 1),
    ("Gamma", {"mu": 1.5, "sigma": 0.5}, stats.gamma(9.0, scale=1 / 6.0), 1),
    ("InverseGamma", {"alpha": 3.0, "beta": 2.0}, stats.invgamma(3.0, scale=2.0), 1),
    ("InverseGamma", {"mu": 1.5, "sigma": 0.5}, stats.invgamma(11.0, scale=15.0), 1),
    ("LogNormal", {"mu": -0.3, "sigma": 0.7}, stats.lognorm(0.7, scale=np.exp(-0.3)), 1),
    ("Lognormal", {"mu": -0.3, "sigma": 0.7}, stats.lognorm(0.7, scale=np.exp(-0.3)), 1),
    ("Beta", {"alpha": 2.5, "beta": 4.0}, stats.beta(2.5, 4.0), 1),
    ("Beta", {"alpha": 0.5, "beta": 1.0}, stats.beta(0.5, 1.0), 1),
    ("Uniform", {"lower": -1.0, "upper": 3.0}, stats.uniform(-1, 4), 1),
    ("LKJ", {"eta": 2.0, "size": 2.0}, stats.beta(2, 2, loc=-1, scale=2), 1),
    ("LKJ", {"eta": 0.7, "size": 4.0}, stats.beta(1.7, 1.7, loc=-1, scale=2), 1),
]
by_case = pytest.mark.parametrize(
    ("name", "numbers", "theirs", "times"), CASES, ids=[f"{name}-{numbers}" for name, numbers, _, _ in CASES]
)


def test_every_parametrisation_is_here():
    here = {(name, tuple(sorted(numbers))) for name, numbers, _, _ in CASES}
    assert here == {(one.name, names) for one in DISTRIBUTIONS.values() for names in one.parametrisations}


@by_case
def test_density_is_scipys(name, numbers, theirs, times):
    low, high = theirs.ppf([0.0, 1.0]) if times == 1 else (0.0, np.inf)
    values = np.concatenate([theirs.ppf([1e-8, 0.01, 0.3, 0.5, 0.8, 0.999]), [low - 1, high + 1]])
    values = values[np.isfinite(values) & (values > low)]
    expected = theirs.logpdf(values) + np.log(times)
    assert DISTRIBUTIONS[name].log_density(values, numbers) == pytest.approx(expected, rel=1e-10, abs=1e-12)


@by_case
def test_density_integrates_to_1(name, numbers, theirs, times):
    def density(x):
        return np.exp(DISTRIBUTIONS[name].log_density(np.array([x]), numbers)[0])

    edges = theirs.ppf([0.0, 1e-3, 0.5, 0.999, 1.0])[2 if times == 2 else 0 :]  # in pieces, for the tails
    total = sum(quad(density, a, b, epsabs=1e-9, limit=200)[0] for a, b in pairwise(edges))
    assert total == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("one", DISTRIBUTIONS.values(), ids=lambda one: one.name)
def test_outside_the_support_is_impossible(one):
    outside = {"positive": [-1e-9, -3.0], "unit": [-0.1, 1.1], "correlation": [-1.1, 1.1], "interval": [-0.1, 1.1]}
    values = np.array(outside.get(one.support, []))
    assert (one.log_density(values, one.typical) == -np.inf).all()
    assert (one.log_density(np.array([0.5]), one.typical) > -np.inf).all()


@pytest.mark.parametrize(
    ("name", "numbers", "at", "expected"),
    [
        ("Gamma", {"alpha": 1.0, "beta": 3.0}, 0.0, np.log(3)),
        ("Gamma", {"alpha": 2.0, "beta": 3.0}, 0.0, -np.inf),
        ("Gamma", {"alpha": 0.5, "beta": 3.0}, 0.0, np.inf),
        ("LogNormal", {"mu": 0.0, "sigma": 1.0}, 0.0, -np.inf),
        ("InverseGamma", {"alpha": 3.0, "beta": 2.0}, 0.0, -np.inf),
        ("Beta", {"alpha": 1.0, "beta": 1.0}, 1.0, 0.0),
        ("HalfNormal", {"sigma": 2.0}, 0.0, 0.5 * np.log(2 / np.pi) - np.log(2)),
        ("Uniform", {"lower": -1.0, "upper": 3.0}, 3.0, -np.log(4)),
    ],
)
def test_edges(name, numbers, at, expected):
    assert DISTRIBUTIONS[name].log_density(np.array([at]), numbers)[0] == pytest.approx(expected)


@pytest.mark.parametrize("one", DISTRIBUTIONS.values(), ids=lambda one: one.name)
def test_record_is_whole(one):
    assert set(one.positive) <= set(one.parameters)
    assert set(one.typical) - {"size"} <= set(one.parameters)
    for names in one.conversions:
        assert set(names) <= set(one.parameters)
        assert set(one.conversions[names](**dict.fromkeys(names, 1.5))) == set(one.typical)
    assert pickle.loads(pickle.dumps(one)) is one is copy.deepcopy(one)


@pytest.mark.parametrize("one", DISTRIBUTIONS.values(), ids=lambda one: one.name)
def test_curves(one):
    shape = prior_shape(one.name, {})
    assert shape is not None and max(shape.heights) == 1 and min(shape.heights) >= 0
    assert shape.low < shape.high and all(shape.low <= mark <= shape.high for mark in shape.marks)


def test_a_curve_ends_high_at_a_pole():
    shape = prior_shape("Gamma", {"alpha": 0.5, "beta": 1.0})
    assert shape is not None and shape.heights[0] == shape.heights[1] == 1 > shape.heights[2]


def test_a_mean_and_sd_have_the_curve_of_the_same_gamma():
    assert prior_shape("Gamma", {"mu": 1.5, "sigma": 0.5}) == prior_shape("Gamma", {"alpha": 9.0, "beta": 6.0})


def test_what_stan_has():
    assert DISTRIBUTIONS["HalfStudentT"].stan_call({"nu": 4.0, "sigma": 48.8912345}) == "student_t(4, 0, 48.8912)"
    assert DISTRIBUTIONS["Gamma"].stan_call({"mu": 1.0, "sigma": 1.0}) is None
    assert DISTRIBUTIONS["Uniform"].stan_call({"lower": 0.0, "upper": 1.0}) is None
