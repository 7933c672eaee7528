"""The default priors' numbers: scaled by what other columns leave; Bambi's where nothing stands beside, or asked for."""

from __future__ import annotations

from typing import Any

import bambi
import numpy as np
import pandas as pd
import pytest

from hlm.data.clean_data import clean
from hlm.data.packaged_sets import load_data
from hlm.errors import FitError, FormulaError
from hlm.formula.parser import parse
from hlm.model.chosen_priors import sds_of_departures
from hlm.model.families import get_family
from hlm.model.priors import Prior, replace_priors
from hlm.model.resolve import default_priors, resolve


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
def test_with_priors_bambi_the_numbers_are_bambis(formula: str, family: str, pooling: str, frame: pd.DataFrame) -> None:
    read = parse(formula)
    model = resolve(formula, frame, poolings=(pooling,), family=family, priors="bambi")[pooling]  # type: ignore[index]
    ours = model.priors
    assert not model.transformations
    text = formula if pooling == "partial" else formula[: formula.index("+ (")]
    data = clean(read, frame, family=get_family(family)).columns.reset_index(drop=True)
    theirs = _bambi_numbers(bambi.Model(text, data, family=family))
    for name, prior in theirs.items():
        assert ours[name].name == prior.name
        for key, value in prior.args.items():
            np.testing.assert_allclose(ours[name].args[key], np.squeeze(value), rtol=1e-12, atol=1e-12)
    assert {name for name in ours if "_corr" not in name} == set(theirs)


def test_a_column_without_spread_has_no_prior(frame: pd.DataFrame) -> None:
    """It is left out; where it varies by groups its prior is that of a column of ones."""
    flat = frame.assign(x=frame["x"].where(frame["c"] != "p", 0.0))
    slopes = np.atleast_1d(default_priors("y ~ c + c:x + (1|g)", flat)["c:x"].args["sigma"])
    assert len(slopes) == frame["c"].nunique() - 1 and np.isfinite(slopes).all()
    own = default_priors("y ~ c + (c:x|g)", flat, pooling="none")["g:c:x"].args["sigma"]
    assert len(own) == frame["c"].nunique() and np.isfinite(own).all()


def _bambi_numbers(model: bambi.Model) -> dict[str, Any]:
    """Bambi's own priors under the names of the posterior's variables."""
    mean = model.parameters[model.family.likelihood.parent]
    found = {name: term.prior for name, term in mean.terms.items() if "|" not in name}
    found |= {f"{n}_sigma": term.prior.args["sigma"] for n, term in mean.terms.items() if "|" in n}
    return found | {name: part.prior for name, part in model.marginal_parameters.items()}


def _inverse(columns: pd.DataFrame, *, centred: bool) -> pd.Series:
    """The square roots of the diagonal of the inverse of the columns' covariance or second moment matrix."""
    x = columns.to_numpy(float) - (columns.to_numpy(float).mean(axis=0) if centred else 0.0)
    return pd.Series(np.sqrt(np.diag(np.linalg.inv(x.T @ x / len(x)))), columns.columns)


def test_the_numbers_on_exam() -> None:
    exam = load_data("exam")
    s, sd_x = exam["post"].std(ddof=0), exam["pre"].std(ddof=0)
    priors = default_priors("post ~ pre + (pre|school)", exam)
    slope = 2.5 * s / sd_x
    assert priors["pre"].args["sigma"] == pytest.approx(slope, rel=1e-12)
    assert priors["Intercept"].args["mu"] == pytest.approx(exam["post"].mean(), rel=1e-9)
    assert priors["Intercept"].args["sigma"] == pytest.approx(2.5 * s, rel=1e-12)
    assert priors["sigma"].args["sigma"] == pytest.approx(s, rel=1e-12)
    assert priors["school_corr"] == Prior("LKJ", eta=1)
    assert priors["1|school_sigma"].args["sigma"] == pytest.approx(2.5 * s, rel=1e-12)
    assert priors["pre|school_sigma"].args["sigma"] == pytest.approx(slope, rel=1e-12)
    none = default_priors("post ~ pre + (pre|school)", exam, pooling="none")
    assert list(none) == ["school", "school:pre", "sigma"]
    assert none["school"].args["mu"] == pytest.approx(exam["post"].mean(), rel=1e-9)
    at_zero = 2.5 * s * np.hypot(1, exam["pre"].mean() / sd_x)
    assert none["school"].args["sigma"] == pytest.approx(100 * at_zero, rel=1e-12)
    assert none["school:pre"].args["sigma"] == pytest.approx(100 * slope, rel=1e-12)


def test_a_coefficient_is_scaled_by_what_the_other_columns_leave(frame: pd.DataFrame) -> None:
    """Numbers in bars count, too; those of the bars' sds by the columns of the factor, orthogonalised in a block."""
    frame = frame.assign(w=frame["x"] + 0.1 * frame["k"], d=(frame["c"] == "q") * 1.0, e=(frame["c"] == "r") * 1.0)
    s = frame["y"].std(ddof=0)
    priors = default_priors("y ~ x + c + (x + w|g) + (1|b) + (0 + z|b)", frame)
    common = _inverse(frame[["x", "d", "e", "w", "z"]], centred=True)
    assert priors["x"].args["sigma"] == pytest.approx(2.5 * s * common["x"], rel=1e-9)
    assert priors["c"].args["sigma"] == pytest.approx(2.5 * s * common[["d", "e"]].to_numpy(), rel=1e-9)
    left = frame["w"] - np.polyval(np.polyfit(frame["x"], frame["w"], 1), frame["x"])
    assert priors["1|g_sigma"].args["sigma"] == pytest.approx(2.5 * s, rel=1e-9)
    assert priors["x|g_sigma"].args["sigma"] == pytest.approx(2.5 * s / frame["x"].std(ddof=0), rel=1e-9)
    assert priors["w|g_sigma"].args["sigma"] == pytest.approx(2.5 * s / left.std(ddof=0), rel=1e-9)
    own = _inverse(frame.assign(one=1.0)[["one", "z"]], centred=False)
    assert priors["1|b_sigma"].args["sigma"] == pytest.approx(2.5 * s * own["one"], rel=1e-9)
    assert priors["z|b_sigma"].args["sigma"] == pytest.approx(2.5 * s * own["z"], rel=1e-9)


def test_without_an_intercept_the_coefficients_carry_the_mean(frame: pd.DataFrame) -> None:
    """A mean of 1,000 sds is not pulled to 0: `0 + c` is `1 + c` written otherwise."""
    far = frame.assign(y=frame["y"] + 2000)
    priors = default_priors("y ~ 0 + c + (1|g)", far)
    assert np.min(priors["c"].args["sigma"]) > 2000
    assert priors["1|g_sigma"].args["sigma"] > 2000


LINKS = [
    ("b ~ x + (1|g)", "bernoulli", lambda y: (0.0, 1.0)),
    ("k ~ x + (1|g)", "poisson", lambda y: (np.log(y.mean()), 1.0)),
    ("k ~ x + (1|g)", "negativebinomial", lambda y: (np.log(y.mean()), 1.0)),
    ("e ~ x + (1|g)", "gamma", lambda y: (1 / y.mean(), y.std(ddof=0) / y.mean() ** 2)),
    ("e ~ x + (1|g)", "wald", lambda y: (y.mean() ** -2, 2 * y.std(ddof=0) / y.mean() ** 3)),
    ("y ~ x + (1|g)", "laplace", lambda y: (y.mean(), y.std(ddof=0))),
    ("e ~ x + (1|g)", "lognormal", lambda y: (np.log(y).mean(), np.log(y).std(ddof=0))),
]


@pytest.mark.parametrize(("formula", "family", "rule"), LINKS)
def test_other_families_have_the_same_rules_on_the_scale_of_the_link(
    formula: str, family: str, rule: Any, frame: pd.DataFrame
) -> None:
    frame = frame.assign(e=np.exp(frame["y"] / 2))
    priors = default_priors(formula, frame, family=family)
    centre, spread = rule(frame[formula[0]])
    assert priors["Intercept"].args["mu"] == pytest.approx(centre, rel=1e-9, abs=1e-12)
    assert priors["Intercept"].args["sigma"] == pytest.approx(2.5 * spread, rel=1e-9)
    assert priors["x"].args["sigma"] == pytest.approx(2.5 * spread / frame["x"].std(ddof=0), rel=1e-9)
    assert priors["1|g_sigma"].args["sigma"] == pytest.approx(2.5 * spread, rel=1e-9)


def test_an_offset_is_taken_off(frame: pd.DataFrame) -> None:
    frame = frame.assign(o=np.linspace(100, 200, len(frame)), t=np.log(1 + frame["k"]))
    gaussian = default_priors("y ~ x + offset(o) + (1|g)", frame.assign(y=frame["y"] + frame["o"]))
    assert gaussian["Intercept"].args["mu"] == pytest.approx(frame["y"].mean())
    counts = default_priors("k ~ x + offset(t) + (1|g)", frame, family="poisson")
    assert counts["Intercept"].args["mu"] == pytest.approx(np.log(frame["k"].sum() / (1 + frame["k"]).sum()))


def test_no_pooling_of_counts_is_four_times_as_wide_and_says_so(frame: pd.DataFrame) -> None:
    common = default_priors("k ~ x + (x|g)", frame, pooling="complete", family="poisson")
    none = default_priors("k ~ x + (x|g)", frame, pooling="none", family="poisson")
    assert none["g"].args == {**common["Intercept"].args, "sigma": 10.0}
    assert none["g:x"].args["sigma"] == pytest.approx(4 * common["x"].args["sigma"])
    assert "4 times the common sd" in none.notes[-2]
    assert none.notes[-1].startswith("the prior of g holds at the means of each group's own rows")
    assert "4 times the common sd" in repr(none)


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
