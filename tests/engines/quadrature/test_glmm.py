"""`glmm` against lme4 and glmmTMB, closed forms, estimates on the boundary and beyond it, messages, and what it shows."""

from __future__ import annotations

import contextlib

import numpy as np
import pandas as pd
import polars as pl
import pytest
from glmm_cases import Answer, documented, first_levels, frame, simulated  # tests/reference
from scipy.special import expit, logsumexp
from scipy.stats import nbinom, norm, poisson

from hlm import Glmm, glmm, load_data
from hlm.errors import DataError, FitError, FormulaError, HlmError


@pytest.mark.parametrize("answer", [*documented(), *simulated()], ids=lambda answer: answer.title)
def test_agrees_with_lme4_and_glmmtmb(answer: Answer) -> None:
    found = answer.ours()
    assert found.loglik == pytest.approx(answer.loglik, abs=1e-4)
    theirs, ours = answer.sizes()
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * (answer.case.kind == "bernoulli"))
    for name, value, own, se, own_se in answer.coefficients():
        assert abs(own - value) < 1e-3 * se, name  # the search of lme4 stops at 1e-3 of an sd
        assert own_se == pytest.approx(se, rel=5e-3), name  # lme4's second differences are good to three digits
    if answer.said.get("own"):
        assert found.own["alpha"] == pytest.approx(answer.said["own"], rel=1e-4)


def test_there_are_enough_answers_of_every_kind() -> None:
    by_lme4 = [a for a in (*documented(), *simulated()) if a.by == "lme4" and a.nodes > 1]
    assert len({(a.case.name, a.case.formula) for a in by_lme4}) >= 18
    assert {a.nodes for a in by_lme4} == {9, 25}
    several = [a for a in simulated() if a.by == "glmmTMB"]
    assert {a.said["family"] for a in several} == {"negativebinomial", "gamma", "bernoulli", "poisson"}


@pytest.mark.parametrize("answer", [a for a in simulated() if a.case.name != "far"], ids=lambda answer: answer.title)
def test_effects_are_the_conditional_modes(answer: Answer) -> None:
    theirs, ours = first_levels(answer)
    if answer.case.formula.endswith("(0 + z | g)"):
        ours = ours[:, [0, 1, 2]]
    np.testing.assert_allclose(ours, theirs, atol=1e-3 * np.abs(theirs).max() + 1e-6)  # as the sds agree
    if answer.said.get("residuals"):
        np.testing.assert_allclose(answer.ours().scaled_residuals, answer.said["residuals"], rtol=2e-3)


def test_the_likelihood_of_two_effects_is_that_of_a_grid() -> None:
    """The definition, by 161 x 161 points: where quadrature differs from Laplace's approximation, and by how much."""
    data = frame("slopes").head(160)
    found = glmm("y ~ x + (x|g)", data, family="bernoulli", nagq=15)
    sds, table = found.varcorr["sdcor"].to_numpy(), found.fixef.to_numpy()
    v = np.linspace(-8, 8, 161)
    one, two = (part.ravel() for part in np.meshgrid(v, v))
    log_weight = norm.logpdf(one) + norm.logpdf(two) + 2 * np.log(v[1] - v[0])
    intercept = table[0] + sds[0] * one
    slope = table[1] + sds[1] * (sds[2] * one + np.sqrt(1 - sds[2] ** 2) * two)
    total = 0.0
    for _, rows in data.groupby("g"):
        eta = intercept + np.outer(rows["x"], slope)
        total += logsumexp(log_weight - np.logaddexp(0, np.where(rows["y"].to_numpy()[:, None] == 1, -eta, eta)).sum(0))
    assert found.loglik == pytest.approx(total, abs=1e-4)  # the trapezoidal rule is exact here; 15 nodes are not quite
    laplace = glmm("y ~ x + (x|g)", data, family="bernoulli", nagq=1)
    assert laplace.loglik < found.loglik - 0.05
    assert any("nagq=3" in note for note in laplace.notes)
    assert not any("nagq" in note for note in found.notes)


def test_laplace_puts_the_sd_too_low_in_small_groups() -> None:
    sds = [glmm("y ~ x + (1|g)", frame("small"), family="bernoulli", nagq=n).varcorr["sdcor"][0] for n in (1, 9, 25)]
    assert sds[0] < 0.87 * sds[2]
    assert sds[1] == pytest.approx(sds[2], rel=2e-3)  # glmer's: 2.412, 2.826, 2.830


def test_without_variation_it_is_the_plain_model() -> None:
    """sd 0 is exact, the fit singular, and the rest that of a regression: here group means of a factor."""
    data = frame("flat").assign(half=lambda d: np.where(d["x"] > 0, "b", "a"))
    found = glmm("y ~ half + (1|g)", data, family="bernoulli")
    assert found.varcorr["sdcor"].tolist() == [0.0] and found.singular and "Singular fit" in str(found)
    share = data.groupby("half")["y"].agg(["mean", "size"])
    p, n = share["mean"].to_numpy(), share["size"].to_numpy()
    odds = np.log(p / (1 - p))
    assert found.fixef.to_numpy() == pytest.approx([odds[0], odds[1] - odds[0]], abs=1e-6)
    variances = 1 / (n * p * (1 - p))
    assert found.fixef_se.to_numpy() == pytest.approx(np.sqrt([variances[0], variances.sum()]), rel=1e-4)
    assert found.loglik == pytest.approx((n * (p * np.log(p) + (1 - p) * np.log(1 - p))).sum(), abs=1e-8)
    assert (found.ranef["g"] == 0).all(axis=None)


def test_effects_that_are_multiples_have_a_correlation_of_one() -> None:
    r = np.random.default_rng(2)
    g = np.repeat(np.arange(20), 12)
    b, x = r.normal(size=20), r.normal(size=240)
    data = pd.DataFrame({"g": g, "x": x, "y": r.poisson(np.exp(1 + 0.5 * b[g] + (0.3 - 0.4 * b[g]) * x))})
    found = glmm("y ~ x + (x|g)", data.assign(g=data["g"].astype(str)), family="poisson")
    assert found.singular == (found.varcorr["sdcor"][2] == -1.0)
    assert found.varcorr["sdcor"][2] < -0.97


def test_counts_that_vary_as_poisson_counts_have_an_infinite_alpha() -> None:
    """Spread less than the Poisson family allows: the likelihood of the negative binomial rises with alpha."""
    r = np.random.default_rng(1)
    g = np.repeat(np.arange(15), 8)
    data = pd.DataFrame({"g": g.astype(str), "y": r.binomial(8, 0.5, 120)})
    found, plain = (glmm("y ~ 1 + (1|g)", data, family=family) for family in ("negativebinomial", "poisson"))
    assert found.own == {"alpha": np.inf} and plain.own == {}
    assert found.loglik == plain.loglik and found.fixef["Intercept"] == plain.fixef["Intercept"]
    assert found.aic == pytest.approx(plain.aic + 2)
    assert any(note.startswith("alpha is infinite") for note in found.notes)


@pytest.mark.parametrize("reference", ["a", "c"])
def test_separated_levels_have_infinite_coefficients(reference: str) -> None:
    """The rest is the model of the other rows, exactly."""
    r = np.random.default_rng(1)
    g = np.tile(np.arange(20), 9)
    f = np.repeat(["a", "b", "c"], 60)
    y = np.where(f == "c", 0, r.binomial(1, expit(0.3 + r.normal(size=20)[g])))
    data = pd.DataFrame({"g": g.astype(str), "f": f, "x": r.normal(size=180), "y": y})
    found = glmm(f'y ~ C(f, Treatment("{reference}")) + x + (1|g)', data, family="bernoulli")
    rest = glmm("y ~ f + x + (1|g)", data[data["f"] != "c"], family="bernoulli")
    assert found.loglik == pytest.approx(rest.loglik, abs=1e-7)
    assert found.varcorr["sdcor"][0] == pytest.approx(rest.varcorr["sdcor"][0], rel=1e-4)
    assert found.fixef["x"] == pytest.approx(rest.fixef["x"], rel=1e-4)
    assert found.fixef_se["x"] == pytest.approx(rest.fixef_se["x"], rel=1e-3)
    expected = [np.inf * sign for sign in ([-1] if reference == "a" else [-1, 1, 1])]
    infinite = found.fixef[~np.isfinite(found.fixef)]
    assert infinite.tolist() == expected and np.isinf(found.fixef_se[infinite.index]).all()
    (note,) = found.notes
    assert note.startswith("Infinite, since the common terms settle") and all(name in note for name in infinite.index)
    assert "inf" in str(found)


def test_a_number_that_separates_counts() -> None:
    r = np.random.default_rng(4)
    g = np.tile(np.arange(12), 8)
    x = r.integers(0, 3, 96)
    data = pd.DataFrame({"g": g.astype(str), "x": x, "y": np.where(x == 0, r.poisson(3, 96), 0)})
    found = glmm("y ~ x + (1|g)", data, family="poisson")
    rest = glmm("y ~ 1 + (1|g)", data[data["x"] == 0], family="poisson")
    assert found.fixef["x"] == -np.inf
    assert found.fixef["Intercept"] == pytest.approx(rest.fixef["Intercept"], abs=1e-6)
    assert found.loglik == pytest.approx(rest.loglik, abs=1e-7)


def test_where_no_sd_is_best_there_is_no_answer() -> None:
    r = np.random.default_rng(3)
    g = np.repeat(np.arange(30), 6)
    data = pd.DataFrame({"g": g.astype(str), "x": r.normal(size=180), "y": r.integers(0, 2, 30)[g]})
    with pytest.raises(FitError, match=r"has no maximum .*rises with the standard deviations by g.*fit\('y ~ x"):
        glmm("y ~ x + (1|g)", data, family="bernoulli")
    with pytest.raises(FitError, match="separate the responses without an exception"):
        glmm("y ~ x + (1|g)", data.assign(y=(data["x"] > 0).astype(int)), family="bernoulli")
    with pytest.raises(FitError, match="explains the response exactly"):
        glmm("y ~ x + (1|g)", data.assign(y=np.exp(data["x"])), family="gamma", link="log")


def test_of_values_that_are_equally_good_the_one_without_variation() -> None:
    """One 0 or 1 a group says nothing of the sd: only the share of successes counts."""
    data = pd.DataFrame({"g": [f"g{i}" for i in range(60)], "y": [0, 1, 1] * 20})
    found = glmm("y ~ 1 + (1|g)", data, family="bernoulli")
    assert found.loglik == pytest.approx(40 * np.log(2 / 3) + 20 * np.log(1 / 3), abs=1e-9)
    assert found.singular and found.varcorr["sdcor"].tolist() == [0.0]
    assert found.fixef_se["Intercept"] == pytest.approx(1 / np.sqrt(60 * 2 / 9), rel=1e-4)


def test_a_group_for_each_count_is_the_compound_distribution() -> None:
    data = frame("own")
    found = glmm("y ~ x + z + (1|g)", data, family="poisson", nagq=25)
    v = np.linspace(-9, 9, 2001)
    eta = found.fixef["Intercept"] + found.fixef["x"] * data["x"] + found.fixef["z"] * data["z"]
    rates = np.exp(eta.to_numpy()[:, None] + found.varcorr["sdcor"][0] * v)
    terms = poisson.logpmf(data["y"].to_numpy()[:, None], rates) + norm.logpdf(v) + np.log(v[1] - v[0])
    assert found.loglik == pytest.approx(logsumexp(terms, axis=1).sum(), abs=1e-6)


def test_the_log_likelihood_has_all_constants() -> None:
    data = frame("extra")
    found = glmm("y ~ 1 + (1|g)", data, family="negativebinomial", nagq=25)
    v, alpha = np.linspace(-9, 9, 1001), found.own["alpha"]
    means = np.exp(found.fixef["Intercept"] + found.varcorr["sdcor"][0] * v)
    total = 0.0
    for _, y in data.groupby("g")["y"]:
        terms = nbinom.logpmf(y.to_numpy()[:, None], alpha, alpha / (alpha + means)).sum(axis=0)
        total += logsumexp(terms + norm.logpdf(v) + np.log(v[1] - v[0]))
    assert found.loglik == pytest.approx(total, abs=1e-6)


def test_origin_and_unit_change_nothing() -> None:
    data = frame("slopes").assign(far=lambda d: 1e3 * d["x"] + 1e6)
    one, other = (glmm(f"y ~ {x} + ({x}|g)", data, family="bernoulli", nagq=5) for x in ("x", "far"))
    assert other.loglik == pytest.approx(one.loglik, abs=1e-6)
    assert 1e3 * other.fixef["far"] == pytest.approx(one.fixef["x"], rel=1e-4)
    assert 1e3 * other.varcorr["sdcor"][1] == pytest.approx(one.varcorr["sdcor"][1], rel=1e-3)


def test_trials_are_written_in_four_ways() -> None:
    data = frame("trials").assign(share=lambda d: d["k"] / d["n"])
    rows = data.loc[np.repeat(data.index, data["n"])].reset_index(drop=True)
    rows["y"] = np.concatenate([np.arange(n) < k for k, n in zip(data["k"], data["n"], strict=True)]).astype(int)
    found = [
        glmm("cbind(k, n - k) ~ x + (1|g)", data, family="binomial"), glmm("p(k, n) ~ x + (1|g)", data, family="binomial"),
        glmm("k/n ~ x + (1|g)", data, family="binomial", weights="n"), glmm("y ~ x + (1|g)", rows, family="bernoulli"),
    ]  # fmt: skip
    assert [one.fixef["x"] for one in found] == pytest.approx([found[0].fixef["x"]] * 4, abs=1e-6)
    assert found[1].loglik == pytest.approx(found[0].loglik, abs=1e-9)


def test_data_of_other_kinds_and_missing_values() -> None:
    data = load_data("cbpp")
    one = glmm("p(incidence, size) ~ period + (1|herd)", data, family="binomial")
    other = glmm("p(incidence, size) ~ period + (1|herd)", pl.DataFrame(data), family="binomial")
    assert other.loglik == one.loglik
    small = frame("small").assign(twice=lambda d: 2 * d["x"], word=lambda d: np.where(d["y"] == 1, "yes", "no"))
    small.loc[3, "x"] = np.nan
    found = glmm("word ~ x + twice + (1|g)", small, family="bernoulli")
    assert found.notes[0].startswith(f"1 of {len(small)} rows left out") and "twice" in found.notes[1]
    assert found.n == len(small) - 1 and list(found.fixef.index) == ["Intercept", "x"]
    assert found.coef["g"]["Intercept"].iloc[0] == found.fixef["Intercept"] + found.ranef["g"]["Intercept"].iloc[0]


def test_shows_itself_as_glmer_does() -> None:
    found = glmm("p(incidence, size) ~ period + (1|herd)", load_data("cbpp"), family="binomial")
    assert isinstance(found, Glmm) and str(found) == CBPP  # summary(glmer(..., nAGQ = 9)) has these numbers
    assert (found.n, dict(found.groups), found.parameters) == (56, {"herd": 15}, 5)
    assert '<td style="text-align:right">0.6475</td>' in found._repr_html_()


CBPP = """\
Generalised linear mixed model fit by maximum likelihood (adaptive Gauss-Hermite quadrature, nagq = 9)
Family: binomial (logit)
Formula: p(incidence, size) ~ period + (1|herd)
deviance 184.0, log-likelihood -92.0, AIC 194.0, BIC 204.1

Scaled residuals:
    Min       1Q   Median      3Q     Max
-2.3808  -0.7906  -0.2002  0.5112  2.8731

Random effects:
Groups  Name       Variance  Std.Dev.
herd    Intercept    0.4193    0.6475
Number of obs: 56, groups: herd, 15

Fixed effects:
           Estimate  Std. Error  z value  Pr(>|z|)
Intercept   -1.3992      0.2335    -5.99  2.07e-09
period[2]   -0.9914      0.3068    -3.23   0.00123
period[3]   -1.1278      0.3268    -3.45  0.000558
period[4]   -1.5795      0.4276    -3.69  0.000221

Correlation of fixed effects:
           Intercept  period[2]  period[3]
period[2]     -0.362
period[3]     -0.339      0.279
period[4]     -0.260      0.212      0.197"""

WRONG = [
    ("y ~ x + (1|g)", {}, FitError, "such as family='bernoulli', or take reml('y ~ x + (1|g)', data)"),
    ("y ~ x", {"family": "poisson"}, FormulaError, "y ~ x + (1|group)"),
    ("y ~ x + (1|g) + (1|h)", {"family": "poisson"}, FitError, "Take fit('y ~ x + (1|g) + (1|h)', data, family='poisson')"),
    ("y ~ x + (x + z + u|g)", {"family": "poisson"}, FitError, "Each group has 4 effects"),
    ("y ~ x + (1|g)", {"family": "poisson", "link": "identity"}, FitError, "Write link='log', or take fit("),
    ("v ~ x + (1|g)", {"family": "gamma"}, FitError, "Write link='log', or take fit("),
    ("y ~ x + (1|g)", {"family": "t"}, FitError, "Take fit('y ~ x + (1|g)', data, family='t')"),
    ("y ~ x + (1|g)", {"family": "poisson", "weights": "z"}, FitError, "Leave weights out"),
    ("y ~ x + (1|g)", {"family": "poisson", "nagq": 8}, FitError, "Write nagq=9."),
    ("y ~ x + (1|g)", {"family": "poisson", "nagq": 103}, FitError, "nagq is a whole number"),
    ("y ~ x + (x + z|g)", {"family": "poisson", "nagq": 29}, FitError, "Write nagq=27."),
    ("y ~ q + (1|g)", {"family": "poisson"}, DataError, "'q'"),
]  # fmt: skip


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    r = np.random.default_rng(1)
    one = {"g": np.repeat(list("abcdefgh"), 10), "h": np.tile(list("uvwxy"), 16), "y": r.poisson(2, 80)}
    return pd.DataFrame(one | {name: r.normal(size=80) for name in "xzu"} | {"v": r.gamma(2, size=80)})


@pytest.mark.parametrize(("formula", "options", "kind", "message"), WRONG)
def test_bad_input_is_told_what_to_write(
    formula: str, options: dict[str, object], kind: type[HlmError], message: str, data: pd.DataFrame
) -> None:
    with pytest.raises(kind) as caught:
        glmm(formula, data, **options)  # type: ignore[arg-type]
    assert message in str(caught.value)


@pytest.mark.parametrize("option", ["family", "link", "nagq", "weights", "functions"])
def test_no_odd_value_ends_in_a_foreign_error(option: str, data: pd.DataFrame) -> None:
    for value in (
        b"x",
        [],
        {},
        {"a"},
        object,
        len,
        1j,
        np.zeros(2),
        pd.NA,
        slice(2),
        "nonsense",
        -1,
        np.nan,
        True,
        9.0,
    ):
        options = {"family": "poisson", option: value}
        with contextlib.suppress(HlmError):
            glmm("y ~ x + (1|g)", data, **options)  # type: ignore[arg-type]
