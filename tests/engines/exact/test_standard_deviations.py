"""Priors of standard deviations against SciPy's densities and against quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from hlm.engines.theta.standard_deviations import SCALE_PRIORS, scale, why_not_a_scale
from hlm.model.priors import Prior

# every covered parametrisation with SciPy's name for it
PRIORS = {
    Prior("HalfNormal", sigma=1.3): stats.halfnorm(scale=1.3),
    Prior("HalfStudentT", nu=4, sigma=1.3): stats.t(4, scale=1.3),  # folded: twice its density
    Prior("HalfCauchy", beta=0.8): stats.halfcauchy(scale=0.8),
    Prior("Exponential", lam=2.0): stats.expon(scale=0.5),
    Prior("Exponential", scale=0.5): stats.expon(scale=0.5),
    Prior("Gamma", alpha=2.0, beta=3.0): stats.gamma(2.0, scale=1 / 3.0),
    Prior("Gamma", mu=1.5, sigma=0.5): stats.gamma(9.0, scale=1 / 6.0),
    Prior("InverseGamma", alpha=3.0, beta=2.0): stats.invgamma(3.0, scale=2.0),
    Prior("InverseGamma", mu=1.5, sigma=0.5): stats.invgamma(11.0, scale=15.0),
    Prior("LogNormal", mu=-0.3, sigma=0.7): stats.lognorm(0.7, scale=np.exp(-0.3)),
    Prior("Lognormal", mu=-0.3, sigma=0.7): stats.lognorm(0.7, scale=np.exp(-0.3)),
    Prior("Uniform", lower=0.2, upper=3.0): stats.uniform(0.2, 2.8),
}
by_prior = pytest.mark.parametrize("prior", list(PRIORS), ids=str)


def test_every_covered_prior_is_tested_here():
    kinds = {f"{prior.name}({', '.join(sorted(prior.args))})" for prior in PRIORS}
    assert kinds == set(SCALE_PRIORS)


@by_prior
def test_density_is_scipys(prior):
    one, u = scale(prior, unit=0.4), np.linspace(-2, 3, 11)
    change = (one.value(u + 1e-6) - one.value(u - 1e-6)) / 2e-6
    expected = PRIORS[prior].logpdf(one.value(u)) + np.log(change) + np.log(2) * (prior.name == "HalfStudentT")
    assert one.log_density(u) == pytest.approx(expected, abs=1e-7)  # the derivative has 8 digits


@by_prior
def test_density_integrates_to_1(prior):
    one = scale(prior, unit=0.4)
    total, _ = quad(lambda u: np.exp(one.log_density(np.array([u]))[0]), -20, 60, limit=400, points=[-3, 0, 3])
    assert total == pytest.approx(1, abs=1e-3 if prior.name == "HalfCauchy" else 1e-6)  # a Cauchy's tail beyond 60


@by_prior
def test_coordinate_undoes_value(prior):
    one = scale(prior, unit=0.4)
    for value in (0.4, 1.0, 2.5):
        assert one.value(one.coordinates(np.array([value])))[0] == pytest.approx(value, rel=1e-9)


def test_an_exponential_is_normal_in_its_coordinate():
    one, u = scale(Prior("Exponential", scale=0.7), unit=0.7), np.linspace(-5, 5, 11)
    assert one.log_density(u) == pytest.approx(stats.norm.logpdf(u), abs=1e-12)


def test_a_value_near_0_keeps_its_digits():
    one = scale(Prior("HalfNormal", sigma=1), unit=1.0)
    assert one.value(np.array([-30.0]))[0] == pytest.approx(stats.norm.cdf(-30), rel=1e-12)
    assert np.isfinite(one.log_density(np.array([-30.0])))[0]


def test_numbers_that_differ_by_column():
    prior = Prior("HalfNormal", sigma=(1.0, 3.0))
    assert [scale(prior, unit=1, column=j).args["sigma"] for j in (0, 1)] == [1.0, 3.0]


@pytest.mark.parametrize(
    ("prior", "sentence"),
    [
        (Prior("HalfFlat"), "The prior of 'sigma' is HalfFlat(); covered are HalfNormal(sigma),"),
        (Prior("HalfNormal", tau=2), "The prior of 'sigma' is HalfNormal(tau); covered are"),
        (Prior("HalfNormal", sigma=-1), "The prior of 'sigma' is HalfNormal(sigma=-1): its sigma must be positive"),
        (Prior("Gamma", mu=-1, sigma=1), "The prior of 'sigma' is Gamma(mu=-1, sigma=1): its mu must be positive"),
        (Prior("Uniform", lower=-1, upper=1), "a standard deviation lies between 0 and a larger number."),
        (Prior("Mine", dist=print), "The prior of 'sigma' is a distribution of the user's own."),
    ],
    ids=str,
)
def test_what_is_not_covered_is_said(prior, sentence):
    assert sentence in why_not_a_scale("sigma", prior)


@by_prior
def test_what_is_covered(prior):
    assert why_not_a_scale("sigma", prior) is None
