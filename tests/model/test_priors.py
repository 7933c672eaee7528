"""The default priors are Bambi's numbers in complete and partial pooling, and 100 times as wide without pooling."""

from __future__ import annotations

from typing import Any

import bambi
import numpy as np
import pandas as pd
import pytest

from hlm.data.clean_data import clean
from hlm.data.packaged_sets import load_data
from hlm.errors import DataError, FitError, FormulaError
from hlm.formula.parser import parse
from hlm.model.families import get_family
from hlm.model.priors import Prior, replace_priors
from hlm.model.resolve import default_priors, resolve, sds_of_departures


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = 90
    return pd.DataFrame(
        {
            "y": rng.normal(3, 2, rows), "b": rng.integers(0, 2, rows), "k": rng.integers(0, 5, rows),
            "n": np.full(rows, 5), "x": rng.normal(4, 3, rows), "z": rng.normal(size=rows),
            "c": np.tile(list("pqr"), 30), "g": np.repeat(list("ABCDEF"), 15),
        }
    )  # fmt: skip


CASES = [
    ("y ~ x + (x|g)", "gaussian"),
    ("y ~ x*c + z + (x + c|g)", "gaussian"),
    ("y ~ 0 + c + (1|g)", "gaussian"),
    ("y ~ x + (x|g)", "t"),
    ("b ~ x + c + (x|g)", "bernoulli"),
    ("b ~ x*c + (1|g)", "bernoulli"),
    ("b ~ x*z + (1|g)", "bernoulli"),
    ("p(k, n) ~ x + c + (c|g)", "binomial"),
    ("k ~ x + c + (x|g)", "poisson"),
    ("k ~ x + (1|g)", "negativebinomial"),
    ("k ~ x + (1|g)", "zero_inflated_poisson"),
    ("y ~ x + (1|g)", "laplace"),
]


@pytest.mark.parametrize(("formula", "family"), CASES)
@pytest.mark.parametrize("pooling", ["partial", "complete"])
def test_the_numbers_are_bambis(formula: str, family: str, pooling: str, frame: pd.DataFrame) -> None:
    read = parse(formula)
    ours = default_priors(formula, frame, pooling=pooling, family=family)  # type: ignore[arg-type]
    text = formula if pooling == "partial" else formula[: formula.index("+ (")]
    data = clean(read, frame, family=get_family(family)).columns.reset_index(drop=True)
    theirs = _bambi_numbers(bambi.Model(text, data, family=family))
    for name, prior in theirs.items():
        assert ours[name].name == prior.name
        for key, value in prior.args.items():
            np.testing.assert_allclose(ours[name].args[key], np.squeeze(value), rtol=1e-12, atol=1e-12)
    assert {name for name in ours if "_corr" not in name} == set(theirs)


def test_a_column_without_spread_is_named(frame: pd.DataFrame) -> None:
    flat = frame.assign(x=frame["x"].where(frame["c"] != "p", 0.0))
    with pytest.raises(DataError, match="The term c:x has a column that is the same in every row"):
        default_priors("y ~ c + c:x + (1|g)", flat)


def _bambi_numbers(model: bambi.Model) -> dict[str, Any]:
    """Bambi's own priors under the names of the posterior's variables."""
    mean = model.parameters[model.family.likelihood.parent]
    found = {name: term.prior for name, term in mean.terms.items() if "|" not in name}
    found |= {f"{n}_sigma": term.prior.args["sigma"] for n, term in mean.terms.items() if "|" in n}
    return found | {name: part.prior for name, part in model.marginal_parameters.items()}


def test_the_numbers_on_exam() -> None:
    exam = load_data("exam")
    s, sd_x = exam["post"].std(ddof=0), exam["pre"].std(ddof=0)
    priors = default_priors("post ~ pre + (pre|school)", exam)
    slope = 2.5 * s / sd_x
    intercept = np.sqrt((2.5 * s) ** 2 + (slope * exam["pre"].mean()) ** 2)
    assert priors["pre"] == Prior("Normal", mu=0, sigma=slope)
    assert priors["sigma"] == Prior("HalfStudentT", nu=4, sigma=s)
    assert priors["school_corr"] == Prior("LKJ", eta=1)
    np.testing.assert_allclose(priors["1|school_sigma"].args["sigma"], intercept, rtol=1e-12)
    none = default_priors("post ~ pre + (pre|school)", exam, pooling="none")
    assert list(none) == ["school", "school:pre", "sigma"]
    np.testing.assert_allclose(none["school"].args["mu"], exam["post"].mean(), rtol=1e-12)
    np.testing.assert_allclose(none["school"].args["sigma"], 100 * intercept, rtol=1e-12)
    np.testing.assert_allclose(none["school:pre"].args["sigma"], 100 * slope, rtol=1e-12)


def test_no_pooling_of_counts_has_the_common_sd_and_says_so(frame: pd.DataFrame) -> None:
    common = default_priors("k ~ x + (x|g)", frame, pooling="complete", family="poisson")
    none = default_priors("k ~ x + (x|g)", frame, pooling="none", family="poisson")
    assert none["g"].args["sigma"] == common["Intercept"].args["sigma"]
    assert none["g:x"].args["sigma"] == common["x"].args["sigma"]
    assert "common sd" in none.notes[-1]
    assert "common sd" in repr(none)


def test_a_second_factors_own_intercepts_are_differences() -> None:
    none = default_priors("diameter ~ 1 + (1|plate) + (1|sample)", load_data("penicillin"), pooling="none")
    assert none["plate"].args["mu"] == pytest.approx(load_data("penicillin")["diameter"].mean())
    assert none["sample"].args["mu"] == 0


def test_priors_print_as_a_table(frame: pd.DataFrame) -> None:
    lines = repr(default_priors("y ~ x + (x|g)", frame, lkj_eta=2)).splitlines()
    assert lines[0].startswith("Intercept ~ Normal(mu=")
    assert lines[-1] == "g_corr    ~ LKJ(eta=2)"


MODEL = resolve("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))["partial"]
DEFAULTS, SDS = MODEL.priors, sds_of_departures(MODEL)


def test_a_users_prior_replaces_a_default_by_name() -> None:
    given = {
        "sigma": bambi.Prior("Exponential", lam=1),
        "Days": Prior("Normal", mu=5, sigma=2),
        "1|Subject": bambi.Prior("Normal", mu=0, sigma=bambi.Prior("Exponential", lam=0.1)),
    }
    chosen = replace_priors(DEFAULTS, given, SDS)
    assert chosen["sigma"] == Prior("Exponential", lam=1)
    assert chosen["Days"] == Prior("Normal", mu=5, sigma=2)
    assert chosen["1|Subject_sigma"] == Prior("Exponential", lam=0.1)
    assert chosen["Intercept"] == DEFAULTS["Intercept"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"days": Prior("Normal", mu=0, sigma=1)}, "no parameter 'days' to give a prior to. Did you mean 'Days'"),
        ({"Days": 3}, "must be a Prior"),
        ({"Days": "Normal"}, "must be a Prior"),
        ({"1|Subject": bambi.Prior("Normal", mu=1, sigma=bambi.Prior("Exponential", lam=1))}, "Normal with mean 0"),
        ({"1|Subject": bambi.Prior("StudentT", nu=3, sigma=bambi.Prior("Exponential", lam=1))}, "Normal with mean 0"),
    ],
)
def test_what_is_not_a_prior_is_said(given: dict[str, Any], message: str) -> None:
    with pytest.raises(FitError) as caught:
        replace_priors(DEFAULTS, given, SDS)
    assert message in str(caught.value)


def test_names_of_other_strategies_are_passed_over() -> None:
    given = {"Subject:Days": Prior("Normal", mu=0, sigma=1)}
    assert replace_priors(DEFAULTS, given, SDS, also_known=("Subject:Days",))["Days"] == DEFAULTS["Days"]


def test_prior_is_frozen_and_checks_its_numbers() -> None:
    prior = Prior("Normal", mu=0, sigma=[1, 2])
    assert repr(prior) == "Normal(mu=0, sigma=[1, 2])"
    assert hash(prior) == hash(Prior("Normal", mu=0, sigma=(1.0, 2.0)))
    with pytest.raises(AttributeError):
        prior.name = "Cauchy"
    with pytest.raises(FitError, match="mu must be a number, not 'a'"):
        Prior("Normal", mu="a")


def test_no_pooling_needs_a_group(frame: pd.DataFrame) -> None:
    with pytest.raises(FormulaError, match="nothing to pool"):
        default_priors("y ~ x", frame, pooling="none")
