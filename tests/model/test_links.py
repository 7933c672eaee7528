"""A family under another of its links: the same densities at the same parameter, and names that other programs know."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from scipy import stats

from hlm.errors import FitError
from hlm.model.families import FAMILIES, get_family
from hlm.model.families.family import Family

OWN = {
    "sigma": np.array([[1.3]]), "alpha": np.array([[1.7]]), "kappa": np.array([[2.5]]), "nu": np.array([[5.0]]),
    "lam": np.array([[3.0]]), "b": np.array([[0.8]]), "psi": np.array([[0.6]]),
}  # fmt: skip
TRIALS = np.array([4.0, 5.0, 3.0])
Y = np.array([0.0, 1.0, 3.0])
UNDER = [(name, link.name) for name, family in FAMILIES.items() for link in family.links]
OTHERS = [(name, link) for name, link in UNDER if link != FAMILIES[name].link]
WITH_DENSITY = [(name, link) for name, link in OTHERS if FAMILIES[name].log_density]


def predictors(family: Family) -> np.ndarray:
    """Linear predictors that give a possible parameter."""
    if family.keeps_limits and family.link != "inverse":
        return np.array([[-1.2, 0.3, 0.7]])
    return np.array([[0.2, 0.4, 0.9]])


def scipys(name: str, y: np.ndarray, mean: np.ndarray) -> np.ndarray:
    match name:
        case "gaussian":
            return stats.norm.logpdf(y, mean, OWN["sigma"])
        case "bernoulli":
            return stats.bernoulli.logpmf(np.minimum(y, 1), mean)
        case "binomial":
            return stats.binom.logpmf(y, TRIALS, mean)
        case "poisson":
            return stats.poisson.logpmf(y, mean)
        case _:
            return stats.nbinom.logpmf(y, OWN["alpha"], OWN["alpha"] / (OWN["alpha"] + mean))


@pytest.mark.parametrize(("name", "link"), WITH_DENSITY)
def test_density_is_scipys_at_the_parameter(name: str, link: str) -> None:
    family = get_family(name, link)
    eta, y = predictors(family), np.minimum(Y, 1) if name == "bernoulli" else Y
    found = family.log_density(y, eta, TRIALS, OWN)
    np.testing.assert_allclose(found, scipys(name, y, family.undo_link(eta)), rtol=1e-9)


@pytest.mark.parametrize("link", ["probit", "cloglog"])
def test_probabilities_far_out_have_all_their_digits(link: str) -> None:
    """The success and failure of a probability that is 0 or 1 to sixteen digits."""
    family, eta = get_family("bernoulli", link), np.array([-30.0, -9.0, 3.0, 9.0 if link == "probit" else 5.0])
    rate = np.exp(eta)
    with np.errstate(divide="ignore"):
        by_rate = np.where(eta > 0, np.log1p(-np.exp(-rate)), np.log(-np.expm1(-rate)))
    success = stats.norm.logcdf(eta) if link == "probit" else by_rate
    failure = stats.norm.logsf(eta) if link == "probit" else -rate
    np.testing.assert_allclose(family.log_density(np.ones(4), eta, None, {}), success, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(family.log_density(np.zeros(4), eta, None, {}), failure, rtol=1e-9)


def test_what_no_parameter_gives_has_no_density() -> None:
    for name, eta in (("poisson", -0.5), ("bernoulli", 1.2), ("bernoulli", -0.1)):
        found = get_family(name, "identity").log_density(np.ones(1), np.array([eta]), None, {})
        assert found[0] == -np.inf


@pytest.mark.parametrize(("name", "link"), WITH_DENSITY)
def test_information_is_minus_the_mean_curvature(name: str, link: str) -> None:
    family, step = get_family(name, link), 1e-4
    y = {"bernoulli": np.arange(2.0), "binomial": np.arange(6.0), "gaussian": np.linspace(-25, 25, 20_001)}.get(
        name, np.arange(3000.0)
    )
    trials = np.full(len(y), 5.0)
    for at in predictors(family)[0]:
        before, here, after = (
            family.log_density(y, np.full((1, len(y)), at + k * step), trials, OWN) for k in (-1, 0, 1)
        )
        curvature = (after - 2 * here + before) / step**2
        expected = -(np.exp(here) * (y[1] - y[0]) * curvature).sum()
        found = family.information(np.full((1, 1), at), trials[:1], OWN)
        assert found.item() == pytest.approx(expected, rel=1e-4)  # rounding of a second difference


@pytest.mark.parametrize(("name", "link"), UNDER)
def test_it_is_one_object_and_travels(name: str, link: str) -> None:
    family = get_family(name, link)
    assert family.link == link and family is get_family(name, link)
    assert pickle.loads(pickle.dumps(family)) is family is copy.deepcopy(family)
    assert {one.name for one in family.links} == {one.name for one in FAMILIES[name].links}


def test_names_in_r() -> None:
    assert get_family("gamma", "log").brms == get_family("gamma", "log").lme4 == 'Gamma(link = "log")'
    assert get_family("bernoulli", "probit").lme4 == 'binomial(link = "probit")'
    assert get_family("wald", "inverse_squared").lme4 == 'inverse.gaussian(link = "1/mu^2")'
    assert get_family("gaussian", "log").lme4 == 'gaussian(link = "log")'
    assert get_family("negativebinomial", "cloglog").brms == get_family("negativebinomial", "identity").lme4 == ""


def test_what_is_added_up() -> None:
    said = {(n, k): get_family(n, k).scale.format(y="y") for n, k in UNDER}
    assert said["gamma", "log"] == "the logarithm of the expected y"
    assert said["bernoulli", "logit"] == "the log-odds of y"
    assert said["bernoulli", "identity"] == "the probability of y"
    assert said["wald", "inverse_squared"] == "1 / the square of the expected y"
    assert said["cumulative", "probit"] == said["cumulative", "logit"] == "the position of y among its thresholds"


@pytest.mark.parametrize(
    ("family", "link", "message"),
    [
        ("gamma", "logg", "The gamma family has no link 'logg'. Did you mean 'log'? It has: 'inverse', 'log', 'identity'."),
        ("categorical", "probit", "The categorical family has no link 'probit'. It has: 'softmax'."),
        ("poisson", "sqrt", "no link 'sqrt'"),
        ("bernoulli", "Logit ", "no link 'Logit '. Did you mean 'logit'? It has"),
        (None, None, "family is the name of a family, such as 'bernoulli' or 'poisson', not None."),
        (["gamma"], None, "not ['gamma']."),
        ("poisson", True, "link is the name of a link, such as 'log', not True."),
    ],
)  # fmt: skip
def test_unknown_link_names_those_that_there_are(family: str, link: Any, message: str) -> None:
    with pytest.raises(FitError) as caught:
        get_family(family, link)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("typed", "write"),
    [
        ("logistic", "family='bernoulli'."), ("logit", "family='bernoulli'."), ("normal", "family='gaussian'."),
        ("negbin", "family='negativebinomial'."), ("nbinom2", "family='negativebinomial'."),
        ("Gamma", "family='gamma'."), ("probit", "family='bernoulli', link='probit'."), ("Student", "family='t'."),
        ("Gamma(link = \"log\")", "family='gamma', link='log'."), ("binomial(probit)", "family='binomial', link='probit'."),
        ("poisson()", "family='poisson'."), ("gaussian ", "family='gaussian'."), ("negative_binomial", "family='negativebinomial'."),
        ("Bernoulli", "family='bernoulli'."), ("inverse.gaussian(link='1/mu^2')", "family='wald'."),
        ("zinb", "family='zero_inflated_negativebinomial'."), ("ordinal", "family='cumulative'."),
        ("beta_family", "family='beta'."), ("Beta-Binomial", "family='beta_binomial'."),
        ("quasipoisson", "family='negativebinomial', which has extra variation"), ("multinomial", "family='categorical'"),
    ],
)  # fmt: skip
def test_a_family_by_another_name_says_what_to_type(typed: str, write: str) -> None:
    with pytest.raises(FitError) as caught:
        get_family(typed)
    assert f"There is no family {typed!r}. Write {write}" in str(caught.value)


@pytest.mark.parametrize("name", [n for n, family in FAMILIES.items() if family.pymc and family.draw])
@pytest.mark.filterwarnings("ignore:Numba will use object mode")
def test_draws_are_those_of_pymc(name: str) -> None:
    """Means and variances of both within their Monte Carlo error; the mean is also the record's own."""
    import pymc as pm
    import pytensor.tensor as pt

    family, size = FAMILIES[name], 40_000
    high = family.parent_limits[1]
    parent = 0.35 if high == 1 else 1.4
    numbers = {own: float(OWN[own].item()) for own in family.auxiliary} | {"mu": parent, "n": 6}
    function, _, arguments = family.pymc.partition("(")
    code = f"{function}.dist({arguments})"
    theirs = pm.draw(eval(code, {"pm": pm, "pt": pt, **numbers}), draws=size, random_seed=1).astype(float)
    given = np.full((1, size), parent)
    ours = family.draw(np.random.default_rng(2), given, np.full(size, 6), OWN)[0].astype(float)
    assert ours.shape == (size,)
    error = np.sqrt((ours.var() + theirs.var()) / size)
    assert abs(ours.mean() - theirs.mean()) < 4 * error
    expected = parent if family.expected is None else family.expected(given[:1, :1], OWN).item()
    if name != "vonmises":  # the mean direction is no mean
        times = 6 if family.has_trials else 1
        assert abs(ours.mean() - times * expected) < 4 * ours.std() / np.sqrt(size)
    spread = np.sqrt(sum(((x - x.mean()) ** 2).var() for x in (ours, theirs)) / size)
    assert abs(ours.var() - theirs.var()) < 4 * spread
